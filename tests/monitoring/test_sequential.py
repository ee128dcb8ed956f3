"""Intervals that hold at every look: their laws, a plain computation of the same, and simulated courses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from unipipe_tui.domain.errors import Failed
from unipipe_tui.monitoring.sequential import (
    Counted,
    Interval,
    difference_interval,
    greatest_distance_interval,
    share_interval,
)


@st.composite
def counted(draw: st.DrawFn, most: int = 20_000, least: int = 0) -> Counted:
    trials = draw(st.integers(least, most))
    return Counted(draw(st.integers(0, trials)), trials)


alphas = st.floats(1e-6, 0.5)


@given(counted(), alphas)
def test_a_share_lies_in_its_own_interval(seen: Counted, alpha: float) -> None:
    found = share_interval(seen, alpha)
    assert 0.0 <= found.low <= found.high <= 1.0
    assert seen.share is None or found.low <= seen.share <= found.high


@given(counted(), counted(), alphas)
def test_a_difference_lies_in_its_own_interval(candidate: Counted, stable: Counted, alpha: float) -> None:
    found = difference_interval(candidate, stable, alpha)
    assert -1.0 <= found.low <= found.high <= 1.0
    if candidate.share is not None and stable.share is not None:
        assert found.low <= candidate.share - stable.share + 1e-12
        assert found.high >= candidate.share - stable.share - 1e-12


@given(counted(), counted(), alphas)
def test_swapping_the_variants_turns_the_sign(candidate: Counted, stable: Counted, alpha: float) -> None:
    there, back = difference_interval(candidate, stable, alpha), difference_interval(stable, candidate, alpha)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-12)


@given(counted(least=1, most=2000), counted(least=1, most=2000), st.floats(1e-5, 0.2))
def test_more_requests_of_the_same_shares_make_it_narrower(candidate: Counted, stable: Counted, alpha: float) -> None:
    few = difference_interval(candidate, stable, alpha)
    many = difference_interval(_times(candidate, 4), _times(stable, 4), alpha)
    assert many.low >= few.low - 1e-12
    assert many.high <= few.high + 1e-12
    assert many.high - many.low < few.high - few.low


@given(counted(least=1), counted(least=1), st.floats(1e-6, 0.4))
def test_being_surer_costs_width(candidate: Counted, stable: Counted, alpha: float) -> None:
    surer, sure = difference_interval(candidate, stable, alpha / 2), difference_interval(candidate, stable, alpha)
    assert surer.low <= sure.low
    assert surer.high >= sure.high
    assert share_interval(candidate, alpha / 2).low <= share_interval(candidate, alpha).low


@pytest.mark.parametrize("trials", [0, 1, 5, 10**9])
def test_all_none_and_nothing_are_counts_too(trials: int) -> None:
    none, every = Counted(0, trials), Counted(trials, trials)
    assert share_interval(none, 0.05).low == 0.0
    assert share_interval(every, 0.05).high == 1.0
    assert difference_interval(none, every, 0.05).low == -1.0
    assert difference_interval(every, none, 0.05).high == 1.0


def test_without_requests_anything_is_possible() -> None:
    assert share_interval(Counted(0, 0), 0.05) == Interval(0.0, 1.0)
    assert difference_interval(Counted(0, 0), Counted(0, 0), 0.05) == Interval(-1.0, 1.0)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan])
def test_an_error_probability_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(Failed, match="probability"):
        share_interval(Counted(1, 2), alpha)


@pytest.mark.parametrize(("yes", "trials"), [(2, 1), (-1, 5)])
def test_counts_that_cannot_be_are_refused(yes: int, trials: int) -> None:
    with pytest.raises(Failed, match="no count"):
        Counted(yes, trials)


@pytest.mark.parametrize(("yes", "trials"), [(3, 40), (0, 25), (60, 61), (500, 1000)])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_a_share_s_interval_is_where_the_mixture_stays_below_one_over_alpha(
    yes: int, trials: int, alpha: float
) -> None:
    def log_martingale(share: float) -> float:
        mixture = special.betaln(yes + 0.5, trials - yes + 0.5) - special.betaln(0.5, 0.5)
        return float(mixture - special.xlogy(yes, share) - special.xlogy(trials - yes, 1 - share) + math.log(alpha))

    found, top = share_interval(Counted(yes, trials), alpha), yes / trials
    if yes:
        assert found.low == pytest.approx(optimize.brentq(log_martingale, 1e-300, top, xtol=1e-15), rel=1e-7)
    if yes < trials:
        assert found.high == pytest.approx(optimize.brentq(log_martingale, top, 1 - 1e-16, xtol=1e-15), rel=1e-7)


@pytest.mark.parametrize(("candidate", "stable"), [((15, 75), (3, 675)), ((0, 30), (2, 30)), ((40, 90), (41, 50))])
def test_a_difference_s_interval_is_the_extent_of_the_set_of_pairs(
    candidate: tuple[int, int], stable: tuple[int, int]
) -> None:
    (k, n), (j, m) = candidate, stable
    p, q = (axis.ravel() for axis in np.meshgrid(np.linspace(0, 1, 1501), np.linspace(0, 1, 1501)))
    mixture = special.betaln(k + 0.5, n - k + 0.5) + special.betaln(j + 0.5, m - j + 0.5) - 2 * special.betaln(0.5, 0.5)
    likelihood = special.xlogy(k, p) + special.xlogy(n - k, 1 - p) + special.xlogy(j, q) + special.xlogy(m - j, 1 - q)
    inside = (p - q)[mixture - likelihood < math.log(1 / 0.05)]
    found = difference_interval(Counted(*candidate), Counted(*stable), 0.05)
    assert (found.low, found.high) == pytest.approx((inside.min(), inside.max()), abs=0.002)
    assert found.low <= inside.min() and inside.max() <= found.high


@pytest.mark.parametrize(
    ("candidate", "stable", "tolerated"),
    [
        ((5, 25), (0, 225), 0.01),
        ((43, 860), (77, 7740), 0.01),
        ((72, 1440), (14, 1440), 0.01),
        ((132, 1320), (66, 1320), 0.0),
    ],
)
def test_two_variants_at_once_are_sure_before_half_the_error_for_each_is(
    candidate: tuple[int, int], stable: tuple[int, int], tolerated: float
) -> None:
    ours, theirs = Counted(*candidate), Counted(*stable)
    alone = share_interval(ours, 0.025 / 3).low - share_interval(theirs, 0.025 / 3).high
    assert alone < tolerated < difference_interval(ours, theirs, 0.05 / 3).low


@pytest.mark.parametrize("share", [0.002, 0.05, 0.5])
def test_looking_after_every_request_meets_a_wrong_interval_in_few_courses(share: float) -> None:
    alpha, courses, requests = 0.13, 400, 2000
    yes = (np.random.default_rng(3).random((courses, requests)) < share).cumsum(axis=1)
    trials = np.arange(1, requests + 1)
    mixture = special.betaln(yes + 0.5, trials - yes + 0.5) - special.betaln(0.5, 0.5)
    martingale = mixture - yes * math.log(share) - (trials - yes) * math.log(1 - share)
    wrong = (martingale >= math.log(1 / alpha)).any(axis=1)
    assert 0.0 < wrong.mean() <= alpha
    # The intervals are wrong at exactly the looks at which the martingale is too high.
    for course in (*np.flatnonzero(wrong)[:5], *np.flatnonzero(~wrong)[:5]):
        look = int(martingale[course].argmax())
        found = share_interval(Counted(int(yes[course, look]), look + 1), alpha)
        assert (found.low <= share <= found.high) != wrong[course]


def test_an_ordinary_interval_looked_at_as_often_is_wrong_far_more_often() -> None:
    random, alpha, wrong, naive = np.random.default_rng(5), 0.05, 0, 0
    for _ in range(30):
        ours, theirs = random.binomial(10, 0.1, 60).cumsum(), random.binomial(90, 0.1, 60).cumsum()
        looks = [
            (Counted(int(a), 10 * i), Counted(int(b), 90 * i))
            for i, (a, b) in enumerate(zip(ours, theirs, strict=True), 1)
        ]
        wrong += any(not _holds(difference_interval(*look, alpha), 0.0) for look in looks)
        naive += any(abs((a.share or 0) - (b.share or 0)) > 1.96 * _standard_error(a, b) for a, b in looks)
    assert wrong <= 30 * alpha
    assert naive > 3 * 30 * alpha


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=6), st.lists(st.integers(0, 300), min_size=6, max_size=6), alphas
)
def test_the_counted_distance_lies_in_its_interval(ours: list[int], theirs: list[int], alpha: float) -> None:
    a, b = np.cumsum(ours).tolist(), np.cumsum(theirs[: len(ours)]).tolist()
    found, back = greatest_distance_interval(a, b, alpha), greatest_distance_interval(b, a, alpha)
    assert (found.low, found.high) == pytest.approx((back.low, back.high), abs=1e-12)
    assert 0.0 <= found.low <= found.high <= 1.0
    if a[-1] and b[-1]:
        seen = max(abs(x / a[-1] - y / b[-1]) for x, y in zip(a, b, strict=True))
        assert found.low <= seen <= found.high + 1e-12


def test_a_histogram_of_one_cell_says_nothing_and_different_ones_are_refused() -> None:
    assert greatest_distance_interval([7], [9], 0.05) == Interval(0.0, 0.0)
    with pytest.raises(Failed, match="different limits"):
        greatest_distance_interval([1, 2], [1, 2, 3], 0.05)


@pytest.mark.parametrize(("ours", "theirs"), [(200, 1800), (1000, 9000), (10_000, 10_000)])
def test_the_distance_at_twenty_limits_is_surer_than_two_bands_of_howard_and_ramdas(ours: int, theirs: int) -> None:
    limits = 20
    found = greatest_distance_interval(
        [ours * i // limits for i in range(1, limits + 1)], [theirs * i // limits for i in range(1, limits + 1)], 0.05
    )
    # Their radius is 0.85 sqrt((log(1 + log(n / m)) + C) / n) from n = m on; C = 8.12 at 0.05 follows from their
    # published value 0.08204769 at n = 1000 and m = 100, and 0.025 for each sample needs a greater one.
    assert found.high < sum(0.85 * math.sqrt((math.log1p(math.log(n / 100)) + 8.12) / n) for n in (ours, theirs))


def _times(seen: Counted, factor: int) -> Counted:
    return Counted(seen.yes * factor, seen.trials * factor)


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def _standard_error(a: Counted, b: Counted) -> float:
    pooled = (a.yes + b.yes) / (a.trials + b.trials)
    return math.sqrt(pooled * (1 - pooled) * (1 / a.trials + 1 / b.trials))
