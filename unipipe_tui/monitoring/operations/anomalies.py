"""What is unusual for the hour of the week: traffic that dips or spikes, answers that became slow, requests that fail.

Traffic and latency are looked at as logarithms, less their running level (the median of the 7 days before), so that growth is no
anomaly. What is usual for an hour of the week is the median of that hour over up to 28 days, drawn to the median of the hour of
the day by as much as few weeks tell little (weights by the variance within and between). How far a normal hour is off is measured
on the history itself, each hour predicted from the others: the larger of 1.4826 * MAD and the 98th percentile / 2.33, never less
than what counting alone makes of it (Poisson) and 5 %. An hour is unusual beyond 5 of these, and when the change is worth a word.
Failed requests are held against the Poisson limit of the usual share.

The idea of median and MAD by season: Hochenbaum, Vallis and Kejariwal, "Automatic Anomaly Detection in the Cloud via
Statistical Learning" (2017); shrinkage: Efron and Morris (1975).
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median

from unipipe_tui.domain.operations import Expected, Measure
from unipipe_tui.domain.values import frozen

HISTORY = timedelta(days=28)
LEAST_HISTORY = timedelta(days=7)
"""Before, nobody knows what a weekend looks like."""
LEAST_HOURS = 84
"""Of those days, so many hours must be known."""
LEVEL_OVER = timedelta(days=7)
LIMIT = 5.0
NOISE = 0.05
"""What traffic and latency vary by from hour to hour, whatever else; on the scale of the logarithm."""
MAD_TO_SIGMA = 1.4826
TAIL, TAIL_TO_SIGMA = 0.98, 2.33
LEAST_MINUTES = 10.0
"""Of an hour that is not over, or in which no server was up for a part."""
LEAST_TIMED = 30
"""With fewer requests in an hour its p95 says nothing."""
LEAST_ERRORS = 5
WORTH = {Measure.TRAFFIC: math.log(1.3), Measure.LATENCY: math.log(1.2)}
"""A smaller change is not worth a word, however sure."""
WORTH_ERRORS = 0.005
BY_CHANCE = 1e-6
MANY = 200
"""Counts above are as good as continuous."""
REBASE, REBASE_ERRORS = timedelta(days=7), timedelta(days=1)
"""How long what is usual is told from the same history."""
METHOD = (
    f"median and MAD by hour of the week over {HISTORY.days} days, drawn to the hour of the day, less the running median of "
    f"{LEVEL_OVER.days} days; unusual beyond {LIMIT:g} sigma and a change of 30 % (traffic), 20 % (p95), 0.5 points (errors)"
)


@frozen
class HourSeen:
    """What is judged of an hour."""

    at: datetime
    minutes: float
    """How much of it is known; more than 60 when a clock was set back meanwhile."""
    requests: int
    errors: int
    p95_ms: float | None
    timed: int
    """How many requests the percentile is of."""


@frozen
class _Point:
    """An hour of one measure, ready to be compared."""

    at: datetime
    y: float
    spread: float
    """What counting alone makes it vary by, on the same scale."""
    value: float


def judge(hours: Sequence[HourSeen], since: datetime) -> tuple[Expected, ...]:
    """Every hour from a moment on held against those before it, by time and measure; none before a week is known.

    `hours` are in the order of time.
    """
    known = [hour for hour in hours if hour.minutes >= LEAST_MINUTES]
    found = [
        *_seasonal(Measure.TRAFFIC, [_traffic(hour) for hour in known], since),
        *_seasonal(Measure.LATENCY, [point for hour in known if (point := _latency(hour)) is not None], since),
        *_failed(known, since),
    ]
    return tuple(sorted(found, key=lambda one: (one.at, one.measure)))


def _enough(moments: Sequence[datetime], since: datetime) -> bool:
    before = [at for at in moments if since - HISTORY <= at < since]
    # An hour less, since the first one is seldom whole.
    return len(before) >= LEAST_HOURS and before[0] <= since - LEAST_HISTORY + timedelta(hours=1)


def _traffic(hour: HourSeen) -> _Point:
    scale = 60.0 / hour.minutes
    rate = hour.requests * scale
    return _Point(hour.at, math.log(rate + 1.0), scale, rate)


def _latency(hour: HourSeen) -> _Point | None:
    if hour.p95_ms is None or hour.p95_ms <= 0 or hour.timed < LEAST_TIMED:
        return None
    return _Point(hour.at, math.log(hour.p95_ms), 4.0 / hour.timed, hour.p95_ms)


def _seasonal(measure: Measure, points: Sequence[_Point], since: datetime) -> Iterator[Expected]:
    levels, moments = _levels(points), [point.at for point in points]
    baseline: _Baseline | None = None
    made_at = since
    for number in range(bisect_left(moments, since), len(points)):
        point = points[number]
        if baseline is None or point.at >= made_at + REBASE:
            before = slice(bisect_left(moments, point.at - HISTORY), number)
            # What is too early to judge now may not be later.
            known = _enough(moments[before], point.at)
            baseline = _Baseline(measure, points[before], levels[before]) if known else None
            made_at = point.at
        if baseline is not None:
            yield baseline.expected(point, levels[number])


def _levels(points: Sequence[_Point]) -> list[float]:
    """For each point the median of the week before it; in the first week, of that week."""
    if not points:
        return []
    window: list[float] = []
    levels: list[float] = []
    oldest = 0
    end_of_first = bisect_left([point.at for point in points], points[0].at + LEVEL_OVER)
    at_first = median(point.y for point in points[:end_of_first])
    for number, point in enumerate(points):
        while points[oldest].at < point.at - LEVEL_OVER:
            window.pop(bisect_left(window, points[oldest].y))
            oldest += 1
        # Its own value is not among what it is held against.
        levels.append(at_first if number < end_of_first or not window else _middle(window))
        insort(window, point.y)
    return levels


def _middle(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


class _Baseline:
    """What is usual for each hour of the week, and how far normal hours are off."""

    def __init__(self, measure: Measure, points: Sequence[_Point], levels: Sequence[float]) -> None:
        self._measure = measure
        self._of_week: dict[int, list[float]] = {}
        self._of_day: dict[int, list[float]] = {}
        ys = [point.y - level for point, level in zip(points, levels, strict=True)]
        for point, y in zip(points, ys, strict=True):
            insort(self._of_week.setdefault(_hour_of_week(point.at), []), y)
            insort(self._of_day.setdefault(point.at.hour, []), y)
        self._all = sorted(ys)
        self._within, self._between = self._variances()
        off = sorted(
            abs(y - self._usual(point.at, but=y)) / self._noise(self._usual(point.at, but=y) + level, point.spread)
            for point, y, level in zip(points, ys, levels, strict=True)
        )
        self._scale = max(1.0, MAD_TO_SIGMA * _middle(off), off[int(TAIL * (len(off) - 1))] / TAIL_TO_SIGMA)

    def expected(self, point: _Point, level: float) -> Expected:
        """The range in which this hour should lie, and whether it does."""
        middle = self._usual(point.at) + level
        sigma = self._scale * self._noise(middle, point.spread)
        off = abs(point.y - middle)
        low, high = middle - LIMIT * sigma, middle + LIMIT * sigma
        faster = self._measure is Measure.LATENCY and point.y < middle
        return Expected(
            at=point.at,
            measure=self._measure,
            value=point.value,
            expected=self._told(middle),
            low=self._told(min(low, middle - WORTH[self._measure])),
            high=self._told(max(high, middle + WORTH[self._measure])),
            unusual=off > LIMIT * sigma
            and off > WORTH[self._measure]
            and not faster
            and (self._measure is Measure.LATENCY or self._no_chance(point, middle)),
        )

    def _no_chance(self, point: _Point, middle: float) -> bool:
        """Few requests an hour scatter too unevenly for a logarithm: a count by chance must be out of the question as well."""
        return _by_chance(point.value / point.spread, self._told(middle) / point.spread) < BY_CHANCE

    def _told(self, y: float) -> float:
        return max(0.0, math.exp(y) - 1.0) if self._measure is Measure.TRAFFIC else math.exp(y)

    def _noise(self, y: float, spread: float) -> float:
        if self._measure is Measure.TRAFFIC:
            # A count of n varies by 1/sqrt(n) of itself; less was counted in a part of an hour.
            spread = spread / math.exp(max(0.0, y))
        return math.sqrt(spread + NOISE * NOISE)

    def _usual(self, at: datetime, but: float | None = None) -> float:
        """The median of the hour of the week, drawn to that of the hour of the day; `but`: without this one value."""
        day = _without(self._of_day.get(at.hour, ()), but)
        of_day = _middle(day) if day else _middle(self._all)
        week = _without(self._of_week.get(_hour_of_week(at), ()), but)
        if not week or self._between <= 0:
            return of_day
        tells = len(week) * self._between
        return (tells * _middle(week) + self._within * of_day) / (tells + self._within)

    def _variances(self) -> tuple[float, float]:
        """Of values around the median of their hour of the week, and of these around their hour of the day."""
        inside: list[float] = []
        apart: list[float] = []
        counts: list[int] = []
        for hour, values in self._of_week.items():
            middle = _middle(values)
            apart.append(middle - _middle(self._of_day[hour % 24]))
            counts.append(len(values))
            if len(values) > 1:
                inside += [abs(value - middle) * math.sqrt(len(values) / (len(values) - 1)) for value in values]
        if not inside:
            return 1.0, 0.0
        within = max((MAD_TO_SIGMA * median(inside)) ** 2, 1e-12)
        mean_count = sum(counts) / len(counts)
        return within, max(0.0, sum(one * one for one in apart) / len(apart) - within / mean_count)


def _without(ordered: Sequence[float], one: float | None) -> Sequence[float]:
    if one is None:
        return ordered
    place = bisect_left(ordered, one)
    return [*ordered[:place], *ordered[place + 1 :]]


def _hour_of_week(at: datetime) -> int:
    return at.weekday() * 24 + at.hour


def _failed(hours: Sequence[HourSeen], since: datetime) -> Iterator[Expected]:
    moments = [hour.at for hour in hours]
    known: tuple[float, float] | None = None
    known_at = since
    for number in range(bisect_left(moments, since), len(hours)):
        hour = hours[number]
        if not hour.requests:
            continue
        if known is None or hour.at >= known_at + REBASE_ERRORS:
            begin = bisect_left(moments, hour.at - HISTORY)
            if not _enough(moments[begin:number], hour.at):
                continue
            known, known_at = _usual_share(hours[begin:number]), hour.at
        usual, often = known
        share = hour.errors / hour.requests
        limit = max(_poisson_limit(usual * hour.requests) / hour.requests, often, usual + WORTH_ERRORS)
        unusual = share > limit and hour.errors >= LEAST_ERRORS
        yield Expected(hour.at, Measure.ERRORS, share, usual, 0.0, min(1.0, limit), unusual)


def _usual_share(hours: Sequence[HourSeen]) -> tuple[float, float]:
    """The share that fails in all but the worst twentieth of hours, and the one that is exceeded in a fiftieth."""
    ordered = sorted((hour for hour in hours if hour.requests), key=lambda hour: hour.errors / hour.requests)
    if not ordered:
        return 0.0, 0.0
    kept = ordered[: max(1, math.ceil(0.95 * len(ordered)))]
    often = ordered[int(TAIL * (len(ordered) - 1))]
    return sum(hour.errors for hour in kept) / sum(hour.requests for hour in kept), often.errors / often.requests


def _by_chance(count: float, mean: float) -> float:
    """How likely a Poisson count is to be this far from its mean on this side; 0 for many, where others judge."""
    if min(count, mean) > MANY:
        return 0.0
    if mean <= 0:
        return 0.0 if count > 0 else 1.0
    below = sum(
        math.exp(number * math.log(mean) - mean - math.lgamma(number + 1))
        for number in range(min(round(count) + (count < mean), 10 * MANY))
    )
    return below if count < mean else max(0.0, 1.0 - below)


def _poisson_limit(mean: float) -> float:
    """So many are exceeded about once in a million hours: the upper end of a Poisson count, by Wilson and Hilferty."""
    z, least = 4.75, mean + 1.0
    return float(least * (1.0 - 1.0 / (9.0 * least) + z / (3.0 * math.sqrt(least))) ** 3)
