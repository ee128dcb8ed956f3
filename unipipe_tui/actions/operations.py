"""Operations: how a target ran, hour by hour or minute by minute, what of it is unusual, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.asking import what_is_unwritten
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.moments import moment_of
from unipipe_tui.domain.operations import (
    Cost,
    Expected,
    Hour,
    Measure,
    Minute,
    OperationsCoverage,
    Percentiles,
    PredictedHour,
    Rates,
    Saturation,
    ServerHour,
)
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.operations import anomalies, latency
from unipipe_tui.monitoring.operations.cost import cost_of
from unipipe_tui.monitoring.operations.rates import covered_seconds, rates
from unipipe_tui.monitoring.operations.saturation import saturation

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BY_MINUTE_UP_TO = timedelta(hours=2)
MOST_ROWS = 10_000
LOOKED_BACK = anomalies.HISTORY + anomalies.LEVEL_OVER
NO_MINUTES = (
    "No server of this target has written minutes: only what the prediction log tells is known, no errors, no load."
)


class Step(StrEnum):
    """How long a row's stretch of time is."""

    HOUR = "hour"
    MINUTE = "minute"


class Source(StrEnum):
    """What a row was told from."""

    MINUTES = "minutes"
    """What servers wrote down in each minute."""
    LOG = "log"
    """The prediction log, which knows only what was answered: of a time in which no server wrote minutes yet."""
    NOTHING = "nothing"
    """No server was up, as far as is known."""


@frozen
class ShowOperations:
    """Which target, from when on, in which steps, of which version."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    since: Annotated[str, "From when on: a moment, or how long ago, as 90m, 24h, 7d."] = "24h"
    until: Annotated[str | None, "Up to when; now when left out."] = None
    by: Annotated[Step | None, "Rows of an hour or of a minute; minutes for up to two hours when left out."] = None
    version: Annotated[int | None, "Only what this version of the model did.", Names.VERSION] = None
    variant: Annotated[str | None, "Only what this variant did: stable, canary, or a shadow's name."] = None


@frozen
class OperationsRow:
    """An hour or a minute."""

    at: datetime
    source: Source
    up_seconds: float
    """For how much of it a server was up, as far as servers wrote it."""
    requests: int | None
    """None: only the prediction log is known, which has no failed requests."""
    per_second: float | None
    errors: int | None
    error_share: float | None
    refused: int | None
    predictions: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    in_flight: int | None
    busy: float | None
    unusual: tuple[Measure, ...]


@frozen
class VariantOperations:
    """One variant over the whole time."""

    model: str
    version: int | None
    """None: requests that never got to a variant."""
    variant: str
    mirrored: bool
    rates: Rates
    latency: Percentiles


@frozen
class Unusual:
    """An hour that is not as such hours are."""

    at: datetime
    measure: Measure
    sentence: str


@frozen
class OperationsView:
    """How a target ran."""

    target: str
    since: datetime
    until: datetime
    by: Step
    rates: Rates
    latency: Percentiles
    rows: tuple[OperationsRow, ...]
    """Oldest first, also those in which nothing happened."""
    variants: tuple[VariantOperations, ...]
    saturation: Saturation
    expected: tuple[Expected, ...]
    """What every judged hour should look like; empty while too little is known."""
    unusual: tuple[Unusual, ...]
    cost: Cost | None
    """None: no price is configured."""
    percentile_method: str
    unusual_method: str
    notices: tuple[str, ...]


def show_operations(request: ShowOperations, world: World) -> OperationsView:
    """Show how a target ran: traffic, errors, latency (p50, p95, p99), load, what is unusual, and what predictions cost.

    Servers write these figures down minute by minute. Where they did not, the prediction log tells what was answered.
    """
    target, now = world.target(request.target), world.now()
    since, until = (
        moment_of(request.since, now),
        now if request.until is None else min(now, moment_of(request.until, now)),
    )
    if since >= until:
        raise UsageError("--since must lie before --until, and before now.")
    by = request.by or (Step.MINUTE if until - since <= BY_MINUTE_UP_TO else Step.HOUR)
    begin = since.replace(second=0, microsecond=0)
    if by is Step.HOUR:
        begin = begin.replace(minute=0)
    if (until - begin) / _width(by) > MOST_ROWS:
        raise UsageError(f"These are more than {MOST_ROWS:,} rows.", hint="Give a later --since, or --by hour.")
    seen = _Seen(request, world, target, begin, until, by)
    judged = judged_hours(world, target, begin, until)
    unusual = tuple(one for one in judged if one.unusual)
    return OperationsView(
        target=target,
        since=begin,
        until=until,
        by=by,
        rates=seen.rates(),
        latency=seen.latency(),
        rows=seen.rows(unusual),
        variants=seen.variants(),
        saturation=saturation(seen.answering),
        expected=judged,
        unusual=tuple(Unusual(one.at, one.measure, sentence_of(one)) for one in unusual),
        cost=seen.cost(),
        percentile_method=latency.METHOD,
        unusual_method=anomalies.METHOD,
        notices=seen.notices(judged),
    )


def judged_hours(world: World, target: str, since: datetime, until: datetime) -> tuple[Expected, ...]:
    """Every hour from a moment on held against those before it; empty while too little is known."""
    return anomalies.judge(hours_seen(world, target, since - LOOKED_BACK, until), since)


def hours_seen(world: World, target: str, since: datetime, until: datetime) -> tuple[anomalies.HourSeen, ...]:
    """What all variants that answer did in each hour in which a server was up."""
    hours: dict[datetime, list[Hour]] = {}
    for hour in world.operations.hours(target, since, until):
        if not hour.mirrored:
            hours.setdefault(hour.at, []).append(hour)
    up: dict[datetime, list[ServerHour]] = {}
    for one in world.operations.uptime(target, since, until):
        up.setdefault(one.at, []).append(one)
    return tuple(_hour_seen(at, hours.get(at, ()), up[at]) for at in sorted(up))


def _hour_seen(at: datetime, hours: Sequence[Hour], up: Sequence[ServerHour]) -> anomalies.HourSeen:
    told = latency.percentiles(hour.latency for hour in hours)
    return anomalies.HourSeen(
        at=at,
        minutes=covered_seconds(up) / 60,
        requests=sum(hour.requests for hour in hours),
        errors=sum(hour.errors for hour in hours),
        p95_ms=told.p95,
        timed=told.requests,
    )


def sentence_of(one: Expected) -> str:
    """`traffic 12 requests an hour, expected 1,204 (800 to 1,700)`."""
    match one.measure:
        case Measure.TRAFFIC:
            told = (
                f"{one.value:,.0f} requests an hour, expected {one.expected:,.0f} ({one.low:,.0f} to {one.high:,.0f})"
            )
        case Measure.ERRORS:
            usual = f"expected {100 * one.expected:.2f} % (at most {100 * one.high:.2f} %)"
            told = f"{100 * one.value:.2f} % of requests failed, {usual}"
        case Measure.LATENCY:
            told = f"p95 {one.value:.3g} ms, expected {one.expected:.3g} ms (at most {one.high:.3g} ms)"
    return f"{one.measure.value}: {told}"


def _width(by: Step) -> timedelta:
    return HOUR if by is Step.HOUR else MINUTE


class _Seen:
    """What is known of the stretch of time that was asked for."""

    def __init__(
        self, request: ShowOperations, world: World, target: str, since: datetime, until: datetime, by: Step
    ) -> None:
        self._target, self._world, self._since, self._until, self._by = target, world, since, until, by
        self._coverage: OperationsCoverage = world.operations.coverage(target)
        self._one_version = request.version is not None or request.variant is not None
        asked = world.operations.minutes if by is Step.MINUTE else world.operations.hours
        told: Sequence[Minute] = asked(target, since, until)
        self._told = tuple(one for one in told if _wanted(request, one.version, one.variant))
        self._up = world.operations.uptime(target, since, until)
        self._covered_by_row = self._row_seconds()
        first = self._coverage.first_minute
        logged: Sequence[PredictedHour] = ()
        if by is Step.HOUR and (first is None or first > since):
            # What happened before servers wrote minutes, the log knows in part.
            begun = until if first is None else min(until, first.replace(minute=0))
            logged = world.operations.predicted(target, since, begun)
        self._logged = tuple(one for one in logged if _wanted(request, one.version, one.variant))
        self._logged_rows = sum(one.rows for one in logged)

    @property
    def answering(self) -> tuple[Minute, ...]:
        """What callers got; with one variant asked for that one, be it a shadow."""
        return self._told if self._one_version else tuple(one for one in self._told if not one.mirrored)

    def rates(self) -> Rates:
        """All of it."""
        return rates(self.answering, self._covered(), shadows=self._one_version)

    def latency(self) -> Percentiles:
        """All of it; of predictions where there are no minutes at all."""
        return latency.percentiles(one.latency for one in (self.answering or self._logged))

    def rows(self, unusual: Sequence[Expected]) -> tuple[OperationsRow, ...]:
        """One for each hour or minute from when on something is known."""
        told: dict[datetime, list[Minute]] = {}
        for one in self.answering:
            told.setdefault(one.at, []).append(one)
        logged: dict[datetime, list[PredictedHour]] = {}
        for hour in self._logged:
            logged.setdefault(hour.at, []).append(hour)
        marked: dict[datetime, list[Measure]] = {}
        for judged in unusual:
            marked.setdefault(judged.at, []).append(judged.measure)
        first = self._coverage.first_minute
        # The log is not told by the minute.
        known_from = (first, self._coverage.first_prediction if self._by is Step.HOUR else None)
        begins = [one for one in known_from if one is not None]
        at = max(self._since, _floor(min(begins), self._by)) if begins else self._until
        rows = []
        # The minute in hand is not written yet: that it is missing says nothing.
        while at <= self._until - MINUTE:
            marks = tuple(marked.get(at.replace(minute=0), ()))
            only_log = first is None or at < _floor(first, self._by)
            rows.append(
                _row(at, told.get(at, ()), logged.get(at, ()), self._covered_by_row.get(at, 0.0), only_log, marks)
            )
            at += _width(self._by)
        return tuple(rows)

    def variants(self) -> tuple[VariantOperations, ...]:
        """Each variant over the whole time, the busiest first."""
        groups: dict[tuple[str, int | None, str, bool], list[Minute]] = {}
        for one in self._told:
            groups.setdefault(one.key, []).append(one)
        found = [
            VariantOperations(
                *key, rates(group, self._covered(), shadows=True), latency.percentiles(one.latency for one in group)
            )
            for key, group in groups.items()
        ]
        return tuple(sorted(found, key=lambda one: (one.mirrored, -one.rates.requests)))

    def cost(self) -> Cost | None:
        """What was paid in these hours, whole ones, for what all variants that answer predicted in them."""
        price = self._world.targets[self._target].cost
        if price is None:
            return None
        told = self._world.operations.hours(self._target, self._since, self._until)
        predictions = sum(one.predictions for one in told if not one.mirrored) + self._logged_rows
        if price.per_server_hour is not None:
            hours = sum(one.up_seconds for one in self._up) / 3600
            return cost_of(price.per_server_hour, price.currency, hours, predictions, "hours of its servers")
        begins = [one for one in (self._coverage.first_minute, self._coverage.first_prediction) if one is not None]
        begin = max(_floor(self._since, Step.HOUR), min(begins, default=self._until))
        end = min(_floor(self._until - timedelta.resolution, Step.HOUR) + HOUR, self._world.now())
        hours = max(0.0, (end - begin).total_seconds() / 3600)
        return cost_of(price.per_hour or 0.0, price.currency, hours, predictions, "hours")

    def notices(self, judged: Sequence[Expected]) -> tuple[str, ...]:
        """What a reader should know."""
        first = self._coverage.first_minute
        unwritten = what_is_unwritten(self._world, self._target, self._coverage.last_minute)
        said = [unwritten] if unwritten else []
        if first is None:
            said.append(NO_MINUTES)
        elif self._logged:
            said.append(f"Before {first:%Y-%m-%d %H:%M} UTC only the prediction log is known: no errors, no load.")
        if first is not None and not judged:
            days = anomalies.LEAST_HISTORY.days
            said.append(
                f"What is usual is not known yet: that takes minutes of {days} days; the first is of {first:%Y-%m-%d}."
            )
        if self._coverage.damaged:
            said.append(f"Segments that cannot be read, and are missing here: {', '.join(self._coverage.damaged)}.")
        return tuple(said)

    def _covered(self) -> float:
        return sum(self._covered_by_row.values())

    def _row_seconds(self) -> dict[datetime, float]:
        """For how much of each row's time a server was up."""
        if self._by is Step.HOUR:
            up: dict[datetime, list[ServerHour]] = {}
            for server in self._up:
                up.setdefault(server.at, []).append(server)
            return {at: covered_seconds(servers) for at, servers in up.items()}
        seconds: dict[datetime, float] = {}
        for one in self._told:
            seconds[one.at] = max(seconds.get(one.at, 60.0), one.up_seconds / max(1, one.servers))
        return seconds


def _wanted(request: ShowOperations, version: int | None, variant: str) -> bool:
    return request.version in (None, version) and request.variant in (None, variant)


def _floor(moment: datetime, by: Step) -> datetime:
    whole = moment.replace(second=0, microsecond=0)
    return whole.replace(minute=0) if by is Step.HOUR else whole


def _row(
    at: datetime,
    told: Sequence[Minute],
    logged: Sequence[PredictedHour],
    seconds: float,
    only_log: bool,
    unusual: tuple[Measure, ...],
) -> OperationsRow:
    times = latency.percentiles(one.latency for one in (told or logged))
    known = bool(told) or seconds > 0
    counted = rates(told, seconds, shadows=True)
    return OperationsRow(
        at=at,
        source=Source.MINUTES if known else Source.LOG if logged or only_log else Source.NOTHING,
        up_seconds=round(seconds, 1),
        requests=counted.requests if known else None,
        per_second=counted.per_second if known else None,
        errors=counted.errors if known else None,
        error_share=counted.error_share,
        refused=counted.refused if known else None,
        predictions=counted.predictions if known else sum(one.rows for one in logged),
        p50_ms=times.p50,
        p95_ms=times.p95,
        p99_ms=times.p99,
        in_flight=max((one.in_flight for one in told), default=None),
        busy=max((one.busy for one in told if one.busy is not None), default=None),
        unusual=unusual,
    )


SHOW = Look("operations show", ShowOperations, show_operations, "unipipe operations show --since 7d")
