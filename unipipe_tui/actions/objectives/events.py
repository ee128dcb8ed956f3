"""Which events an objective counts, and which of them were bad: from minutes of servers, and from labels that came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from unipipe_tui.actions.world import World
from unipipe_tui.config import ObjectiveConfig
from unipipe_tui.domain.moments import seconds_of
from unipipe_tui.domain.objectives import Arriving, ObjectiveKind, Outcomes, QualityShare, Tally
from unipipe_tui.domain.operations import Hour, Minute
from unipipe_tui.domain.values import frozen

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MINUTES_OF_HOUR = 60
FEW_HOURS = 48
KEPT_MINUTES = timedelta(hours=7)
"""So far back minutes are told apart; before that hours are enough for every window."""
SECONDS_TO_WRITE = 15
"""A minute that ended less than this before now may not be in the log yet."""


@frozen
class Heard:
    """What is known of a target in a stretch of time, asked once for all of its objectives."""

    since: datetime
    cut: datetime
    """Before this moment there are hours, from it on minutes."""
    until: datetime
    """To here minutes are known, whether a server was up or not."""
    hours: tuple[Hour, ...]
    minutes: tuple[Minute, ...]
    minutes_of_broken_hours: tuple[Minute, ...]
    """Of hours in which no variant was there for the whole of it; only for uptime."""
    minutes_of_all: tuple[Minute, ...]
    """Of the whole stretch; only for how old predictions are."""
    outcomes: tuple[Outcomes, ...]
    first_minute: datetime | None
    """The oldest minute that a server ever wrote; None: none."""
    last_minute: datetime | None
    """The newest one."""

    @property
    def parts(self) -> Iterator[Minute]:
        """What was asked of the target's servers; a shadow's copies are nobody's requests."""
        return (one for one in (*self.hours, *self.minutes) if not one.mirrored)


def hear(world: World, target: str, objectives: Iterable[ObjectiveConfig], brought: bool) -> Heard:
    """Ask for what these objectives count; `brought`: all that servers wrote until now is here."""
    asked = tuple(objectives)
    now = world.now()
    since = _hour_of(now - timedelta(seconds=max(one.over_seconds for one in asked)))
    cut = _hour_of(now - KEPT_MINUTES)
    coverage = world.operations.coverage(target)
    until = (now - timedelta(seconds=SECONDS_TO_WRITE)).replace(second=0, microsecond=0)
    if not brought and coverage.last_minute is not None:
        until = min(until, coverage.last_minute + MINUTE)
    kinds = {one.kind for one in asked}
    runs = bool(kinds & {ObjectiveKind.AVAILABILITY, ObjectiveKind.LATENCY, ObjectiveKind.UPTIME})
    ages = {one.of for one in asked}
    hours = world.operations.hours(target, since, cut) if runs else ()
    labels = ObjectiveKind.QUALITY in kinds or Arriving.LABELS in ages
    return Heard(
        since=since,
        cut=cut,
        until=until,
        hours=hours,
        minutes=world.operations.minutes(target, cut, now) if runs else (),
        minutes_of_broken_hours=_of_broken_hours(world, target, hours) if ObjectiveKind.UPTIME in kinds else (),
        minutes_of_all=world.operations.minutes(target, since, now) if Arriving.PREDICTIONS in ages else (),
        outcomes=world.outcomes.outcomes(target, since, now) if labels else (),
        first_minute=coverage.first_minute,
        last_minute=coverage.last_minute,
    )


def tallies(objective: ObjectiveConfig, heard: Heard) -> tuple[Tally, ...]:
    """The events of an objective, by minute or hour."""
    match objective.kind:
        case ObjectiveKind.AVAILABILITY:
            return tuple(Tally(one.at, one.requests, one.errors) for one in heard.parts)
        case ObjectiveKind.LATENCY:
            limit = objective.below_ms or 0.0
            return tuple(Tally(one.at, one.latency.total, one.latency.over(limit)) for one in heard.parts)
        case ObjectiveKind.QUALITY:
            return _decided(objective.metric or QualityShare.ACCURACY, heard.outcomes)
        case ObjectiveKind.FRESHNESS:
            return _fresh(objective, heard)
        case ObjectiveKind.UPTIME:
            return tuple(_up(heard))


def _decided(share: QualityShare, outcomes: Iterable[Outcomes]) -> tuple[Tally, ...]:
    count = COUNTED[share]
    return tuple(Tally(one.at, sum(count(one)), count(one)[1]) for one in outcomes)


COUNTED: Mapping[QualityShare, Callable[[Outcomes], tuple[int, int]]] = {
    QualityShare.PRECISION: lambda one: (one.true_positive, one.false_positive),
    QualityShare.RECALL: lambda one: (one.true_positive, one.false_negative),
    QualityShare.ACCURACY: lambda one: (one.right, one.wrong),
}
"""The good events and the bad ones."""


def _fresh(objective: ObjectiveConfig, heard: Heard) -> tuple[Tally, ...]:
    """Each minute from the first arrival on; what never came cannot be late."""
    if objective.of is Arriving.LABELS:
        came = sorted({one.at for one in heard.outcomes})
    else:
        came = sorted({one.at for one in heard.minutes_of_all if one.requests and not one.mirrored})
    if not came:
        return ()
    within = timedelta(seconds=seconds_of(objective.within or "1h"))
    return tuple(_by_hour(_ages(came, within, heard.until), heard.cut))


def _ages(came: Sequence[datetime], within: timedelta, until: datetime) -> Iterator[tuple[datetime, bool]]:
    """Every minute from the first arrival on, and whether the newest arrival was too old by then."""
    newest = minute = came[0]
    others = iter(came[1:])
    following = next(others, None)
    while minute < until:
        if following is not None and following <= minute:
            newest, following = following, next(others, None)
        yield minute, minute - newest >= within
        minute += MINUTE


def _by_hour(minutes: Iterable[tuple[datetime, bool]], kept_from: datetime) -> Iterator[Tally]:
    """Old minutes added up by hour."""
    hour: Tally | None = None
    for at, is_bad in minutes:
        begins = at if at >= kept_from else _hour_of(at)
        if hour is not None and hour.at != begins:
            yield hour
            hour = None
        hour = Tally(begins, (hour.events if hour else 0) + 1, (hour.bad if hour else 0) + is_bad)
    if hour is not None:
        yield hour


def _up(heard: Heard) -> Iterator[Tally]:
    """Each minute from the first that a server wrote; one that none wrote is one that none was up in."""
    if heard.first_minute is None:
        return
    full = {one.at for one in heard.hours if one.minutes == MINUTES_OF_HOUR}
    there = {one.at for one in (*heard.minutes, *heard.minutes_of_broken_hours)}
    # What is told of the oldest minute may be only its hour.
    begin = heard.since if heard.first_minute < heard.since else min((*full, *there), default=heard.until)
    yield from _by_hour(_flags(begin, heard.until, lambda at: at in there or _hour_of(at) in full), heard.cut)


def _flags(begin: datetime, until: datetime, is_there: Callable[[datetime], bool]) -> Iterator[tuple[datetime, bool]]:
    minute = begin
    while minute < until:
        yield minute, not is_there(minute)
        minute += MINUTE


def _of_broken_hours(world: World, target: str, hours: Iterable[Hour]) -> tuple[Minute, ...]:
    """The minutes of hours in which a server was up for a part; there are few, and all minutes take seconds to read."""
    full = {one.at for one in hours if one.minutes == MINUTES_OF_HOUR}
    broken = sorted({one.at for one in hours} - full)
    if len(broken) > FEW_HOURS:
        return world.operations.minutes(target, broken[0], broken[-1] + HOUR)
    return tuple(minute for hour in broken for minute in world.operations.minutes(target, hour, hour + HOUR))


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
