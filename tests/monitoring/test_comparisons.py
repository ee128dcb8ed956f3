"""The formulas of change, held against SciPy's and against their own laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from unipipe_tui.monitoring.comparisons import (
    adjusted_p_values,
    beyond_p_value,
    chi_square_survival,
    exact_share_test,
    expected_psi,
    jensen_shannon_distance,
    named_cells_test,
    pooled,
    population_stability_index,
    two_sample_test,
)

counts = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=40)


def split(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


@given(st.floats(0, 3000), st.integers(1, 450))
def test_the_chi_square_tail_is_that_of_scipy(statistic: float, degrees: int) -> None:
    assert chi_square_survival(statistic, degrees) == pytest.approx(
        stats.chi2.sf(statistic, degrees), rel=1e-9, abs=1e-290
    )


def test_a_far_tail_keeps_its_digits() -> None:
    assert chi_square_survival(300.0, 19) == pytest.approx(stats.chi2.sf(300.0, 19), rel=1e-9)
    assert 0.0 < chi_square_survival(300.0, 19) < 1e-50


@given(st.lists(st.tuples(st.integers(60, 10_000), st.integers(60, 10_000)), min_size=2, max_size=30))
def test_the_two_sample_test_is_that_of_scipy_when_no_cell_is_small(pairs: list[tuple[int, int]]) -> None:
    reference, current = split(pairs)
    if min(pooled_sizes(reference, current)) < 5:
        return
    ours, theirs = two_sample_test(reference, current), stats.chi2_contingency([reference, current], correction=False)
    assert ours.degrees_of_freedom == theirs.dof
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-250)


def pooled_sizes(reference: list[int], current: list[int]) -> list[float]:
    smaller = min(sum(reference), sum(current)) / (sum(reference) + sum(current))
    return [(p + q) * smaller for p, q in zip(reference, current, strict=True)]


@given(counts)
def test_pooling_loses_no_row(pairs: list[tuple[int, int]]) -> None:
    reference, current = split(pairs)
    cells = pooled(reference, current)
    if cells:
        assert (sum(p for p, _ in cells), sum(q for _, q in cells)) == (sum(reference), sum(current))


def test_rare_cells_are_pooled_until_they_can_be_tested() -> None:
    assert pooled([100, 1, 1, 1, 100], [100, 9, 9, 9, 100]) == ((100, 100), (2, 18), (101, 109))


def test_a_p_value_under_no_change_is_uniform() -> None:
    chance = np.random.default_rng(7)
    share = np.full(15, 1 / 15)
    p_values = [
        two_sample_test(chance.multinomial(4000, share).tolist(), chance.multinomial(700, share).tolist()).p_value
        for _ in range(500)
    ]
    assert stats.kstest(p_values, "uniform").pvalue > 0.001


@given(counts)
def test_psi_and_the_js_distance_are_never_negative_and_know_no_direction(pairs: list[tuple[int, int]]) -> None:
    reference, current = split(pairs)
    psi = population_stability_index(reference, current)
    assert psi >= 0.0
    assert psi == pytest.approx(population_stability_index(current, reference))
    assert 0.0 <= jensen_shannon_distance(reference, current) <= 1.0


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.integers(1, 50))
def test_equal_shares_are_no_distance_whatever_the_sizes(reference: list[int], times: int) -> None:
    larger = [count * times for count in reference]
    assert population_stability_index(reference, larger) == pytest.approx(0.0, abs=1e-12)
    assert jensen_shannon_distance(reference, larger) == pytest.approx(0.0, abs=1e-6)
    assert two_sample_test(reference, larger).p_value == pytest.approx(1.0)


def test_psi_is_the_sum_of_both_kullback_leibler_divergences() -> None:
    p, q = [50, 30, 20], [20, 30, 50]
    assert population_stability_index(p, q) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), rel=1e-12)


def test_the_js_distance_is_that_of_scipy() -> None:
    p, q = [50, 30, 20, 0], [0, 30, 50, 5]
    assert jensen_shannon_distance(p, q) == pytest.approx(jensenshannon(p, q, base=2), rel=1e-9)
    assert jensen_shannon_distance([1, 0], [0, 7]) == pytest.approx(1.0)


def test_an_empty_cell_of_a_small_sample_adds_nothing_by_itself() -> None:
    assert population_stability_index([100_000, 3], [100, 0]) < 1e-6


def test_an_empty_cell_that_others_fill_counts() -> None:
    assert population_stability_index([1000, 0], [900, 100]) > 0.3


def test_chance_makes_the_psi_that_is_expected_of_it() -> None:
    chance = np.random.default_rng(11)
    share = np.full(20, 0.05)
    pairs = [(chance.multinomial(24_000, share).tolist(), chance.multinomial(3000, share).tolist()) for _ in range(300)]
    mean = np.mean([population_stability_index(*pair) for pair in pairs])
    assert mean == pytest.approx(expected_psi(*pairs[0]), rel=0.1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_the_adjustment_for_many_tests_is_that_of_scipy(p_values: list[float]) -> None:
    assert adjusted_p_values(p_values) == pytest.approx(tuple(stats.false_discovery_control(p_values)), rel=1e-9)


@pytest.mark.parametrize(("reference", "current"), [([], []), ([0, 0], [0, 0]), ([5, 5], [0, 0]), ([0, 0], [5, 5])])
def test_an_empty_sample_says_nothing(reference: list[int], current: list[int]) -> None:
    assert two_sample_test(reference, current).p_value == 1.0
    assert expected_psi(reference, current) == 0.0
    assert jensen_shannon_distance(reference, current) == 0.0
    assert math.isfinite(population_stability_index(reference, current))


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_so_many_values_beyond_all_of_the_reference_are_as_probable_as_the_orders_in_which_they_are(
    reference: int, current: int, data: st.DataObject
) -> None:
    beyond = data.draw(st.integers(0, current))
    orders = math.comb(reference + current - beyond, reference) / math.comb(reference + current, reference)
    assert beyond_p_value(reference, current, beyond) == pytest.approx(orders, rel=1e-9)


def test_values_beyond_a_reference_are_counted_for_any_size() -> None:
    assert beyond_p_value(10_000_000, 10_000_000, 1) == pytest.approx(0.5, rel=1e-6)
    assert beyond_p_value(10_000_000, 10_000_000, 10_000_000) == 0.0
    assert beyond_p_value(200, 3_000, 30) > 0.1


@given(*[st.tuples(st.integers(0, 200), st.integers(0, 200)).filter(any)] * 2)
def test_the_exact_test_of_a_share_is_that_of_scipy(reference: tuple[int, int], current: tuple[int, int]) -> None:
    theirs = stats.fisher_exact([reference, current])[1]
    assert exact_share_test(reference, current) == pytest.approx(theirs, rel=1e-6, abs=1e-12)


@given(st.lists(st.tuples(st.integers(200, 10_000), st.integers(200, 10_000)), min_size=2, max_size=10))
def test_values_that_are_all_frequent_are_tested_together(pairs: list[tuple[int, int]]) -> None:
    reference, current = split(pairs)
    if min(pooled_sizes(reference, current)) >= 5:
        assert named_cells_test(reference, current) == two_sample_test(reference, current).p_value


def test_a_value_that_came_ten_times_in_two_hundred_rows_and_never_before_is_no_chance() -> None:
    reference, current = (10_000, 10_000, 0), (95, 95, 10)
    assert named_cells_test(reference, current) < 1e-15
    assert two_sample_test(reference, current).p_value > 0.4


def test_rare_values_that_differ_by_chance_are_chance() -> None:
    chance = np.random.default_rng(5)
    shares = np.array([0.6, 0.39, *[0.0005] * 20])
    draws = [
        (chance.multinomial(20_000, shares).tolist(), chance.multinomial(300, shares).tolist()) for _ in range(400)
    ]
    assert np.mean([named_cells_test(*draw) <= 0.05 for draw in draws]) <= 0.05
