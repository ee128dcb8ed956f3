"""When a falling figure will be too low: said when it surely falls, with an interval that holds, and not otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from unipipe_tui.monitoring.performance import UNKNOWN, Estimate, wilson_interval
from unipipe_tui.monitoring.quality.forecasts import FEWEST_WINDOWS, duration, forecast
from unipipe_tui.monitoring.quality.results import Forecast, TrendState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROWS = 2000


def days(count: int) -> list[datetime]:
    return [NOON + timedelta(days=number) for number in range(count)]


def windows(true: list[float], seed: int, rows: int = ROWS) -> list[Estimate]:
    generator = np.random.default_rng(seed)
    return [wilson_interval(int(generator.binomial(rows, share)), rows) for share in true]


def told(true: list[float], seed: int, limit: float = 0.95) -> Forecast:
    return forecast("precision", limit, days(len(true)), windows(true, seed))


def test_a_figure_that_falls_slowly_is_told_with_the_day_and_an_interval() -> None:
    found = told([0.99 - 0.002 * day for day in range(14)], 1)
    assert found.state is TrendState.FALLING
    assert found.below_in_seconds is not None and found.earliest_seconds is not None
    assert found.below_in_seconds == pytest.approx(7 * 86_400, rel=0.35)
    assert found.earliest_seconds < found.below_in_seconds < (found.latest_seconds or 0.0)
    assert found.sentence.startswith("at this trend precision falls below 0.95 in about ")
    assert "Mann-Kendall" in found.sentence


def test_the_interval_holds_the_true_day_in_nine_of_ten_cases_or_more() -> None:
    found = [told([0.985 - 0.0025 * day for day in range(10)], seed) for seed in range(150)]
    falling = [one for one in found if one.state is TrendState.FALLING]
    assert len(falling) > 120
    true = (0.985 - 0.95) / 0.0025 * 86_400 - 9 * 86_400
    held = [(one.earliest_seconds or 0.0) <= true <= (one.latest_seconds or 0.0) for one in falling]
    assert np.mean(held) >= 0.9


def test_an_interval_that_begins_at_once_says_so() -> None:
    found = [told([0.985 - 0.0024 * day for day in range(14)], seed) for seed in range(20)]
    at_once = [one.sentence for one in found if one.earliest_seconds == 0.0]
    assert at_once and all("(95 % now to " in sentence for sentence in at_once)


def test_a_figure_without_a_trend_is_hardly_ever_said_to_fall() -> None:
    states = [told([0.97] * 12, seed).state for seed in range(200)]
    assert states.count(TrendState.NO_TREND) >= 195


def test_one_bad_window_makes_no_trend() -> None:
    figures = windows([0.985] * 11, 3)
    spoilt = [*figures, wilson_interval(1400, ROWS)]
    assert forecast("precision", 0.95, days(12), spoilt).state is TrendState.NO_TREND


def test_a_figure_that_rises_one_that_is_too_low_already_and_one_far_off_are_told_apart() -> None:
    assert told([0.96 + 0.002 * day for day in range(12)], 4).state is TrendState.NO_TREND
    assert told([0.98 - 0.004 * day for day in range(14)], 5).state is TrendState.ALREADY_BELOW
    far = told([0.99 - 0.002 * day for day in range(12)], 6, limit=0.2)
    assert (far.state, far.below_in_seconds) == (TrendState.FAR_OFF, None)
    assert "too far off" in far.sentence


def test_few_windows_unknown_figures_and_a_single_moment_say_nothing() -> None:
    few = told([0.99, 0.9, 0.8], 7)
    assert few.state is TrendState.TOO_FEW_WINDOWS
    assert f"3 of at least {FEWEST_WINDOWS}" in few.sentence
    unknown = forecast("precision", 0.9, days(9), [UNKNOWN] * 9)
    assert unknown.windows == 0
    at_once = forecast("precision", 0.9, [NOON] * 9, windows([0.9] * 9, 1))
    assert at_once.state is TrendState.TOO_FEW_WINDOWS


def test_figures_that_never_vary_are_no_trend() -> None:
    assert forecast("precision", 0.9, days(8), [wilson_interval(100, 100)] * 8).state is TrendState.NO_TREND


def test_the_order_of_the_windows_does_not_matter() -> None:
    moments, figures = days(10), windows([0.99 - 0.003 * day for day in range(10)], 8)
    assert forecast("p", 0.95, moments[::-1], figures[::-1]) == forecast("p", 0.95, moments, figures)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(6 * 86_400, "6 days"), (5 * 3600, "5 hours"), (300, "5 minutes"), (40, "40 seconds"), (-3, "0 seconds")],
)
def test_a_length_of_time_is_said_in_one_unit(seconds: float, said: str) -> None:
    assert duration(seconds) == said
