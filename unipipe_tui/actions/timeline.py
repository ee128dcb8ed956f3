"""The timeline: what the store and the prediction log know of a target over time, joined on one axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.drift.recorded import RecordedCheck, read_check
from unipipe_tui.actions.measured_stretches import measured_series
from unipipe_tui.actions.overview import TRAININGS
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.domain.records import How, Release
from unipipe_tui.domain.serving import TrafficWindow
from unipipe_tui.domain.timelines import Better, Mark, MarkKind, Series, TimePoint
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.drift import DEFAULT
from unipipe_tui.monitoring.performance import PerformanceState

MOST_CHECKS = 200
MOST_DAYS = 36_500
MOST_JOBS = 500
STRETCHES = 60


@frozen
class ShowTimeline:
    """Which target, how far back."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    days: Annotated[int | None, "Only the last so many days; all that is known when left out."] = None


@frozen
class Timeline:
    """A target over time."""

    target: str
    first: datetime | None
    """The oldest moment in it; None when nothing is known."""
    last: datetime | None
    series: tuple[Series, ...]
    """The figure that live performance is judged by, drift, latency; those of which something is known."""
    marks: tuple[Mark, ...]
    """Oldest first."""
    notices: tuple[str, ...]


def show_timeline(request: ShowTimeline, world: World) -> Timeline:
    """Show performance, drift and latency of a target over time, with promotions, releases, trainings, data and alerts.

    Performance and drift are those of the recorded checks; without a check that had labels enough, performance is
    measured on the log itself. Drift is the effect of the column that moved farthest. Latency is the log's p95.
    """
    if request.days is not None and not 1 <= request.days <= MOST_DAYS:
        raise UsageError(f"--days must be 1 to {MOST_DAYS:,}.")
    target = world.target(request.target)
    since = world.now() - timedelta(days=request.days) if request.days is not None else None
    with world.store.together():
        recorded = reversed(world.history.drift_checks(target, MOST_CHECKS))
        checks = [read_check(check) for check in recorded if _counts(check.at, since)]
        marks = sorted(_marks(target, since, world), key=lambda mark: mark.at)
    stretches = world.predictions.stretches(target, STRETCHES, since)
    series = tuple(one for one in _series(target, checks, stretches, world) if one.points)
    moments = [*(point.at for one in series for point in one.points), *(mark.at for mark in marks)]
    return Timeline(
        target=target,
        first=min(moments, default=None),
        last=max(moments, default=None),
        series=series,
        marks=tuple(marks),
        notices=() if checks else (f"No check is recorded: unipipe drift check {target}",),
    )


def _counts(at: datetime, since: datetime | None) -> bool:
    return since is None or at >= since


def _series(
    target: str, checks: Sequence[RecordedCheck], stretches: Sequence[TrafficWindow], world: World
) -> Iterator[Series]:
    wanted = world.config.monitoring.performance
    judged = tuple(_judged(checks, wanted.metric.value))
    if judged:
        yield Series(wanted.metric.value, "", Better.HIGHER, wanted.at_least, judged)
    else:
        yield measured_series(target, stretches, world)
    yield Series("drift", "PSI beyond chance", Better.LOWER, DEFAULT.effect, tuple(_drift(checks)))
    latency = (
        TimePoint(window.last, window.p95_ms, f"{window.rows:,} predictions of version {window.version}")
        for window in stretches
        if window.last is not None and window.p95_ms is not None
    )
    yield Series("latency p95", "ms", Better.LOWER, None, tuple(latency))


def _judged(checks: Sequence[RecordedCheck], metric: str) -> Iterator[TimePoint]:
    """Checks that judged another figure, or had too few labels, say nothing about this one."""
    for check in checks:
        found = check.performance
        if found is None or found.value is None or found.metric != metric:
            continue
        if found.state != PerformanceState.TOO_FEW_LABELS.value:
            below = found.state == PerformanceState.BELOW.value
            note = f"{found.labels:,} labels of version {check.version}"
            yield TimePoint(check.at, found.value, note, below, found.low, found.high)


def _drift(checks: Sequence[RecordedCheck]) -> Iterator[TimePoint]:
    for check in checks:
        compared = [column for column in check.columns if column.effect is not None]
        if compared:
            farthest = max(compared, key=lambda column: column.effect or 0.0)
            yield TimePoint(check.at, farthest.effect or 0.0, farthest.column, check.drifted)


def _marks(target: str, since: datetime | None, world: World) -> Iterator[Mark]:
    found = (*_promotions(world), *_releases(target, world), *_trainings(world), *_alerts(target, world))
    return (mark for mark in found if _counts(mark.at, since))


def _promotions(world: World) -> Iterator[Mark]:
    model = world.config.model.name if world.config.model else ""
    for move in world.history.promotions(model) if model else ():
        kind = MarkKind.ROLLBACK if move.how in (How.BACK, How.UNDO) else MarkKind.PROMOTION
        names = "nothing" if move.version is None else f"version {move.version}"
        was = "" if move.previous is None else f", was version {move.previous}"
        yield Mark(move.at, kind, f"{move.alias} names {names}{was}", move.job)


def _releases(target: str, world: World) -> Iterator[Mark]:
    releases = tuple(reversed(world.history.releases(target)))
    for release in releases:
        yield Mark(release.at, MarkKind.RELEASE, f"{target} serves version {release.version}", release.job)
    for before, after in pairwise(releases):
        if after.data != before.data:
            yield Mark(after.at, MarkKind.DATA, f"trained on data {_data(after)}, before on {_data(before)}", after.job)


def _data(release: Release) -> str:
    return release.data[:8] if release.data else "of which nothing is known"


def _trainings(world: World) -> Iterator[Mark]:
    for job in world.jobs.latest(MOST_JOBS):
        if job.action in TRAININGS and job.ended is not None and job.state in (JobState.DONE, JobState.SAID_NO):
            yield Mark(job.ended, MarkKind.TRAINING, job.message or job.command, job.id)


def _alerts(target: str, world: World) -> Iterator[Mark]:
    for alert in world.history.alerts(only_open=False):
        if alert.target != target:
            continue
        yield Mark(alert.opened, MarkKind.ALERT, alert.message, alert.job)
        if alert.closed is not None:
            how = f"{alert.closed_by} closed it" if alert.closed_by else "a check found it gone"
            yield Mark(alert.closed, MarkKind.ALERT_CLOSED, f"{alert.kind.value}: {how}", alert.job)


SHOW = Look("timeline show", ShowTimeline, show_timeline, "unipipe timeline show --days 7")
