"""When a falling figure will be too low, or a rising loss too high, said only when it surely goes there.

Formula: the figure of the windows is a line over time, y = a + b t, fitted by least squares weighted by 1 / (standard
error)², so that a window of few labels counts less. It is said to fall when both the t-test of b (n - 2 degrees of
freedom) and the Mann-Kendall test, which sees only the order and which one outlier cannot move, find it with p <
0.025, one-sided. The moment at which the line reaches the limit has the interval of Fieller: all t at which a limit of
that height is within the 95 % confidence band of the line.
Assumptions: the figure goes on as it did, in a straight line; windows are independent. A moment farther ahead than
twice the time that was seen is not told.
Sources: Mann, "Nonparametric tests against trend", Econometrica 1945; Kendall, "Rank correlation methods", 1948;
Fieller, "Some problems in interval estimation", JRSS B 1954; Draper and Smith, "Applied regression analysis", 3rd
ed., sections 3.2 and 9.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from scipy.stats import kendalltau
from scipy.stats import t as student

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import Z_95, Estimate
from unipipe_tui.monitoring.quality.figures import Floats
from unipipe_tui.monitoring.quality.results import Forecast, TrendState

FEWEST_WINDOWS = 6
SIGNIFICANCE = 0.025
"""One-sided, so that a trend is told where its 95 % interval lies all below none."""
FARTHEST = 2.0
"""How far ahead is looked, in lengths of what was seen."""
SECONDS_A_DAY = 86_400.0
LEAST_ERROR = 1e-4
"""Of a window in which nothing was wrong: its interval has a lower end, but no figure is known better than this."""


@frozen
class _Line:
    """A fitted line; times are in days from the weighted mean moment."""

    at_mean: float
    slope: float
    variance_at_mean: float
    variance_of_slope: float
    freedom: int

    @property
    def p_value(self) -> float:
        """One-sided: that a line without slope would seem to fall so."""
        if self.variance_of_slope <= 0:
            return 0.0 if self.slope < 0 else 1.0
        return float(student.cdf(self.slope / math.sqrt(self.variance_of_slope), self.freedom))


@frozen
class _Way:
    """Which way a figure goes that gets worse; what is told of one that rises is that of its mirror image, which falls."""

    sign: float
    goes: str
    going: str
    side: str
    on_the_way: TrendState
    past: TrendState


DOWN = _Way(1.0, "falls", "falling", "below", TrendState.FALLING, TrendState.ALREADY_BELOW)
UP = _Way(-1.0, "rises", "rising", "above", TrendState.RISING, TrendState.ALREADY_ABOVE)


def forecast(
    metric: str,
    limit: float | None,
    moments: Sequence[datetime],
    figures: Sequence[Estimate],
    less_is_better: bool = False,
) -> Forecast:
    """Whether a figure falls, and when it will be below its limit; `moments` and `figures` are parallel, one a window.

    Windows without a value are left out; the order of the others does not matter. Of a loss it is whether it rises, and when it
    will be above.
    """
    way = UP if less_is_better else DOWN
    known = sorted(
        (
            (at, way.sign * one.value, _error(one))
            for at, one in zip(moments, figures, strict=True)
            if one.value is not None
        ),
        key=lambda each: each[0],
    )
    if len(known) < FEWEST_WINDOWS or known[0][0] == known[-1][0]:
        said = f"too few windows to tell a trend of {metric}: {len(known)} of at least {FEWEST_WINDOWS}."
        return _without_moment(metric, limit, TrendState.TOO_FEW_WINDOWS, len(known), said)
    days = np.array([(at - known[-1][0]).total_seconds() / SECONDS_A_DAY for at, _, _ in known])
    values, errors = np.array([value for _, value, _ in known]), np.array([error for _, _, error in known])
    line, centre = _fitted(days, values, errors)
    by_order = _falls_by_order(days, values)
    if line.slope >= 0 or max(line.p_value, by_order) >= SIGNIFICANCE:
        said = f"no {way.going} trend of {metric} in {len(known)} windows ({_tests(line, by_order)})."
        return _without_moment(metric, limit, TrendState.NO_TREND, len(known), said, line, by_order, way)
    if limit is None:
        said = f"{metric} {way.goes} by {_a_day(line)} ({_tests(line, by_order)}); nothing is asked of it."
        return _without_moment(metric, limit, TrendState.FAR_OFF, len(known), said, line, by_order, way)
    return _moment(metric, limit, way, line, by_order, (float(-centre), float(-days[0])), len(known))


def _moment(
    metric: str, asked: float, way: _Way, line: _Line, by_order: float, days: tuple[float, float], windows: int
) -> Forecast:
    """`days` are those between the mean moment and the last window, and those between the first one and the last."""
    ahead_of_mean, seen = days
    limit, tests = way.sign * asked, _tests(line, by_order)
    now = line.at_mean + line.slope * ahead_of_mean
    if now < limit:
        said = (
            f"{metric} {way.goes} and is {way.side} {asked:g} already ({way.sign * now:.3f} by its trend over {windows} "
            f"windows; {tests})."
        )
        return _without_moment(metric, asked, way.past, windows, said, line, by_order, way)
    due = (limit - line.at_mean) / line.slope - ahead_of_mean
    if due > FARTHEST * seen:
        said = f"{metric} {way.goes} by {_a_day(line)}, but {asked:g} is too far off to say when ({tests})."
        return _without_moment(metric, asked, TrendState.FAR_OFF, windows, said, line, by_order, way)
    earliest, latest = (SECONDS_A_DAY * max(0.0, end - ahead_of_mean) for end in _fieller(line, limit))
    said = (
        f"at this trend {metric} {way.goes} {way.side} {asked:g} in about {duration(SECONDS_A_DAY * due)} "
        f"(95 % {duration(earliest) if earliest else 'now'} to {duration(latest)}; {tests}, {windows} windows)."
    )
    slope, then = way.sign * line.slope, way.on_the_way
    return Forecast(
        metric, asked, then, windows, slope, line.p_value, by_order, SECONDS_A_DAY * due, earliest, latest, said
    )


def _fitted(days: Floats, values: Floats, errors: Floats) -> tuple[_Line, float]:
    """Weighted least squares; how far windows scatter is taken from the line, but is never less than labels alone make it."""
    weights = 1 / errors**2
    centre = float(weights @ days / weights.sum())
    ahead = days - centre
    spread = float(weights @ ahead**2)
    at_mean, slope = float(weights @ values / weights.sum()), float(weights @ (ahead * values)) / spread
    freedom = len(days) - 2
    scatter = max(1.0, float(weights @ (values - at_mean - slope * ahead) ** 2) / freedom)
    return _Line(at_mean, slope, scatter / float(weights.sum()), scatter / spread, freedom), centre


def _fieller(line: _Line, limit: float) -> tuple[float, float]:
    """The moments between which the line meets the limit, in days from the mean moment.

    Those t with (a + b t - limit)² <= q² (Var a + t² Var b), q the t-quantile; `a` and `b` are independent at the mean moment.
    There is a first and a last of them since the slope is significant at the same level.
    """
    q = float(student.ppf(1 - SIGNIFICANCE, line.freedom)) ** 2
    above = line.at_mean - limit
    two, one, zero = (
        line.slope**2 - q * line.variance_of_slope,
        above * line.slope,
        above**2 - q * line.variance_at_mean,
    )
    root = math.sqrt(max(0.0, one**2 - two * zero))
    return (-one - root) / two, (-one + root) / two


def _falls_by_order(days: Floats, values: Floats) -> float:
    """The p-value of Mann and Kendall, one-sided; all values equal say nothing."""
    found = float(kendalltau(days, values, alternative="less").pvalue)
    return 1.0 if math.isnan(found) else found


def _error(figure: Estimate) -> float:
    """The standard error that an interval speaks of."""
    if figure.value is None or figure.low is None or figure.high is None:
        return LEAST_ERROR
    return max(LEAST_ERROR, (figure.high - figure.low) / (2 * Z_95))


def _tests(line: _Line, by_order: float) -> str:
    return f"t-test p {line.p_value:.2g}, Mann-Kendall p {by_order:.2g}"


def _a_day(line: _Line) -> str:
    return f"{-line.slope:.2g} a day"


def duration(seconds: float) -> str:
    """A length of time as one says it: `6 days`, `5 hours`, `40 seconds`."""
    for unit, length in (("days", SECONDS_A_DAY), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} seconds"


def _without_moment(
    metric: str,
    limit: float | None,
    state: TrendState,
    windows: int,
    said: str,
    line: _Line | None = None,
    by_order: float | None = None,
    way: _Way = DOWN,
) -> Forecast:
    slope, p_value = (way.sign * line.slope, line.p_value) if line is not None else (None, None)
    return Forecast(metric, limit, state, windows, slope, p_value, by_order, None, None, None, said)
