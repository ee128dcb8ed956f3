"""Our own methods are the formulas that their pages tell: equal to scipy where it has them, in range, and calm by themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.monitoring.cells import Cells
from unipipe_tui.monitoring.methods.counting import edges_of, in_bins
from unipipe_tui.monitoring.methods.decisions import AtLeast, BeyondChance, BeyondChunks, Found, SignificantAt
from unipipe_tui.monitoring.methods.method import Measurement, NotMeasured
from unipipe_tui.monitoring.methods.registry import METHODS, method_of
from unipipe_tui.monitoring.rows import Labels, Numbers

COUNTS = st.lists(st.tuples(st.integers(1, 5_000), st.integers(1, 5_000)), min_size=2, max_size=30)
LARGE_COUNTS = st.lists(st.tuples(st.integers(100, 5_000), st.integers(100, 5_000)), min_size=2, max_size=30)
FIGURES = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
SAMPLES = st.lists(FIGURES, min_size=2, max_size=200).map(np.array)
OF_CELLS = [method.name for method in METHODS if method.of_cells]


def cells(pairs: list[tuple[int, int]]) -> Cells:
    reference, current = zip(*pairs, strict=True)
    return Cells(tuple(str(number) for number in range(len(pairs))), reference, current)


def of_cells(name: DriftMethod, pairs: list[tuple[int, int]]) -> Measurement:
    measure = method_of(name).of_cells
    assert measure
    return measure(cells(pairs))


def of_values(name: DriftMethod, reference: object, current: object) -> Measurement:
    measure = method_of(name).of_values
    assert measure
    return measure(Numbers(np.asarray(reference)), Numbers(np.asarray(current)))


def labels(*counts: int) -> Labels:
    """So many rows of a, of b, ..."""
    names = "abcdef"[: len(counts)]
    return Labels(tuple(names), np.repeat(np.arange(len(counts)), counts))


def test_every_name_has_one_method_and_every_method_one_way_to_measure() -> None:
    assert [method.name for method in METHODS] == list(DriftMethod)
    assert [method.name for method in METHODS if (method.of_cells is None) == (method.of_values is None)] == []


@given(pairs=COUNTS)
def test_the_distances_of_counts_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    p, q = (np.array(side) / sum(side) for side in zip(*pairs, strict=True))
    assert of_cells(DriftMethod.KL, pairs).value == pytest.approx(stats.entropy(p, q), abs=1e-9)
    assert of_cells(DriftMethod.JENSEN_SHANNON, pairs).value == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)
    assert of_cells(DriftMethod.PSI, pairs).value == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), abs=1e-9)
    bhattacharyya = float(np.sum(np.sqrt(p * q)))
    assert of_cells(DriftMethod.HELLINGER, pairs).value == pytest.approx(math.sqrt(max(0, 1 - bhattacharyya)), abs=1e-7)
    assert of_cells(DriftMethod.TOTAL_VARIATION, pairs).value == pytest.approx(np.abs(p - q).sum() / 2)


@given(pairs=LARGE_COUNTS)
def test_the_chi_square_test_is_that_of_scipy_when_no_cell_is_small(pairs: list[tuple[int, int]]) -> None:
    ours, scipys = of_cells(DriftMethod.CHI2, pairs), stats.chi2_contingency(pairs, correction=False)
    if scipys.expected_freq.min() >= 5:
        assert ours.value == pytest.approx(scipys.statistic, abs=1e-6)
        assert ours.p_value == pytest.approx(scipys.pvalue, rel=1e-6, abs=1e-12)


@given(pairs=COUNTS)
@pytest.mark.parametrize("name", OF_CELLS)
def test_what_is_beyond_chance_is_at_least_nothing_and_less_than_all(
    name: DriftMethod, pairs: list[tuple[int, int]]
) -> None:
    found = of_cells(name, pairs)
    assert found.effect is not None
    assert found.effect >= 0
    if name is not DriftMethod.CHI2:
        assert found.effect <= found.value + 1e-12


@given(values=SAMPLES, rule=st.sampled_from(["sturges", "doane"]))
def test_counting_in_bins_of_equal_width_is_what_numpy_counts_between_their_edges(
    values: np.ndarray, rule: str
) -> None:
    edges = edges_of(values, rule)
    others = np.concatenate([values, edges, edges + 1e-9, values * 1.5])
    assert in_bins(others, edges).tolist() == np.histogram(others, edges)[0].tolist()
    whole = np.floor(values).astype(np.int64)
    edges = edges_of(whole, rule)
    assert in_bins(whole, edges).tolist() == np.histogram(whole, edges)[0].tolist()


@given(one=SAMPLES, other=SAMPLES)
def test_the_tests_of_values_are_those_of_scipy(one: np.ndarray, other: np.ndarray) -> None:
    ks, scipys = of_values(DriftMethod.KS, one, other), stats.ks_2samp(one, other)
    assert (ks.value, ks.p_value) == (pytest.approx(scipys.statistic), pytest.approx(scipys.pvalue))
    distance = of_values(DriftMethod.WASSERSTEIN, one, other).value
    assert distance == pytest.approx(stats.wasserstein_distance(one, other), abs=1e-9)


def test_a_z_test_of_means_is_welch_s_with_the_normal_distribution() -> None:
    one, other = np.sin(np.arange(500)) * 3, np.cos(np.arange(400)) * 2 + 0.4
    found, welch = of_values(DriftMethod.Z, one, other), stats.ttest_ind(other, one, equal_var=False)
    assert found.value == pytest.approx(welch.statistic)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(welch.statistic))


def test_a_z_test_of_two_values_is_the_test_of_two_shares_squared_a_chi_square() -> None:
    measure = method_of(DriftMethod.Z).of_values
    assert measure
    by_name = measure(labels(300, 700), labels(180, 220))
    by_number = of_values(DriftMethod.Z, np.repeat([0, 1], [300, 700]), np.repeat([0, 1], [180, 220]))
    table = stats.chi2_contingency([[300, 700], [180, 220]], correction=False)
    for found in (by_name, by_number):
        assert found.value**2 == pytest.approx(table.statistic)
        assert found.p_value == pytest.approx(table.pvalue)
        assert found.value < 0


def test_a_z_test_does_not_compare_texts_of_three_values() -> None:
    measure = method_of(DriftMethod.Z).of_values
    assert measure
    with pytest.raises(NotMeasured, match="two values"):
        measure(labels(5, 5, 5), labels(5, 5, 5))


def test_a_z_test_of_constants_counts_rows() -> None:
    assert of_values(DriftMethod.Z, [4.0] * 9, [4.0] * 9).value == 0
    assert of_values(DriftMethod.Z, [4.0] * 9, [6.0] * 9).value == pytest.approx(math.sqrt(18))


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_a_z_test_of_values_too_small_or_too_large_to_square_has_no_figure(size: float) -> None:
    values = np.arange(9) * size
    with pytest.raises(NotMeasured, match="too small or too large to square"), np.errstate(all="ignore"):
        of_values(DriftMethod.Z, values, values + size)


@pytest.mark.parametrize("name", [DriftMethod.WASSERSTEIN, DriftMethod.KS])
def test_what_chance_makes_of_a_distance_is_its_mean_over_samples_of_one_distribution(name: DriftMethod) -> None:
    random = np.random.default_rng(3)
    measured = [of_values(name, random.normal(size=400), random.normal(size=300)) for _ in range(150)]
    beyond = np.array([found.effect for found in measured])
    values = np.array([found.value for found in measured])
    # The mean is taken off: about half of the samples have nothing left, and what is left is small beside the value.
    assert 0.35 < np.mean(beyond == 0) < 0.75
    assert beyond.mean() < values.mean() / 4


FOUND = Found(value=0.1, p_value=0.05, effect=0.05, limit=0.1)


def test_each_rule_has_its_own_edge() -> None:
    assert AtLeast(0.1).drifted(FOUND)
    assert not AtLeast(0.1000001).drifted(FOUND)
    assert SignificantAt(0.05, inclusive=True).drifted(FOUND)
    assert not SignificantAt(0.05).drifted(FOUND)
    assert not BeyondChunks().drifted(FOUND)
    assert BeyondChunks().drifted(Found(0.1, None, None, 0.0999))
    assert not BeyondChunks().drifted(Found(0.1, None, None, None))
    assert BeyondChance(0.05, significance=0.05).drifted(FOUND)
    assert not BeyondChance(0.05, significance=0.049).drifted(FOUND)
    assert not BeyondChance(0.051, significance=0.05).drifted(FOUND)
