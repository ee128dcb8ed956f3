"""The last problem of a target as a story: its first sign, what else was found, what was done about it, its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.drift.recorded import RecordedPerformance, read_check
from unipipe_tui.actions.jobs.finding import as_it_is
from unipipe_tui.actions.jobs.listing import progress_of
from unipipe_tui.actions.overview import TRAININGS
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.records import Alert, AlertKind, DriftCheck, Release
from unipipe_tui.domain.timelines import MarkKind
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import PerformanceState

MOST_CHECKS = 200
MOST_JOBS = 200


@frozen
class ShowStory:
    """Of which target."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None


@frozen
class StoryPart:
    """One thing that happened."""

    at: datetime
    """When it was over; of what is under way, when it began."""
    kind: MarkKind
    short: str
    """In two or three words."""
    text: str
    job: str
    under_way: bool = False


@frozen
class Story:
    """The last time from which on something was wrong with a target, until nothing was any more."""

    target: str
    began: datetime | None
    """When the first alert of it opened; None: there never was one."""
    ended: datetime | None
    """When the last of them closed; None: one is open still, or there never was one."""
    parts: tuple[StoryPart, ...]
    """Oldest first."""
    command: str
    """What to run next: that of the newest open alert, after a release a check; empty when nothing is to be done."""
    checks: int
    """How many drift checks are recorded, of the newest two hundred."""
    checked: datetime | None
    """When the last of them was made."""


def show_story(request: ShowStory, world: World) -> Story:
    """Show the last problem of a target from its first sign to its end: alerts, trainings, releases, recovery.

    It begins with an alert that opens while no other is open, and ends when none is open any more.
    """
    target = world.target(request.target)
    with world.store.together():
        alerts = [alert for alert in world.history.alerts(only_open=False) if alert.target == target]
        checks = world.history.drift_checks(target, MOST_CHECKS)
        releases = world.history.releases(target)
        jobs = [job for job in world.jobs.latest(MOST_JOBS) if job.action in TRAININGS]
    episode = last_episode(alerts)
    began = min((alert.opened for alert in episode), default=None)
    is_open = any(alert.closed is None for alert in episode)
    ended = None if is_open else max((alert.closed for alert in episode if alert.closed), default=None)
    found = [
        *(StoryPart(one.opened, MarkKind.ALERT, _sign(one, checks), one.message, one.job) for one in episode),
        *(part for job in jobs for part in _training(as_it_is(job, world), world)),
        *map(_release, releases),
    ]
    within = [part for part in found if began and began <= part.at and (ended is None or part.at <= ended)]
    parts = sorted(within, key=lambda part: (part.under_way, part.at))
    if ended is not None:
        parts.append(_end(episode, ended, checks))
    return Story(
        target=target,
        began=began,
        ended=ended,
        parts=tuple(parts),
        command=_following(target, episode, parts) if is_open else "",
        checks=len(checks),
        checked=checks[0].at if checks else None,
    )


def last_episode(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """The alerts of the last stretch of time in which always one was open."""
    found: list[Alert] = []
    for alert in sorted(alerts, key=lambda alert: alert.opened):
        if all(one.closed is not None and one.closed < alert.opened for one in found):
            found = []
        found.append(alert)
    return tuple(found)


def _sign(alert: Alert, checks: Sequence[DriftCheck]) -> str:
    if alert.kind is AlertKind.DRIFT and alert.columns:
        return f"drift in {len(alert.columns)} column{'s' if len(alert.columns) > 1 else ''}"
    if alert.kind is AlertKind.PERFORMANCE:
        found = _performance(checks, alert.opened)
        if found is not None and found.state == PerformanceState.BELOW.value:
            return f"{found.metric} {found.value:.3f}"
    return f"{alert.kind.value} of {alert.subject}" if alert.subject else alert.kind.value


def _performance(checks: Sequence[DriftCheck], until: datetime) -> RecordedPerformance | None:
    """As the last check up to then judged it."""
    last = next((check for check in checks if check.at <= until), None)
    found = read_check(last).performance if last else None
    return found if found is not None and found.value is not None else None


def _training(job: Job, world: World) -> Iterator[StoryPart]:
    if job.state is JobState.RUNNING:
        progress = progress_of(event for _, event in world.job_folders.steps(job.id))
        yield StoryPart(job.started, MarkKind.TRAINING, "training", progress or job.command, job.id, under_way=True)
    elif job.ended is not None and job.state in (JobState.DONE, JobState.SAID_NO):
        yield StoryPart(job.ended, MarkKind.TRAINING, "trained", job.message or job.command, job.id)


def _release(release: Release) -> StoryPart:
    kind = MarkKind.ROLLBACK if release.goes_back else MarkKind.RELEASE
    text = f"{release.target} serves version {release.version}"
    return StoryPart(release.at, kind, f"version {release.version} live", text, release.job)


def _following(target: str, episode: Sequence[Alert], parts: Sequence[StoryPart]) -> str:
    if parts and parts[-1].under_way:
        return ""
    if parts and parts[-1].kind in (MarkKind.RELEASE, MarkKind.ROLLBACK):
        return f"unipipe drift check {target}"
    newest = max((alert for alert in episode if alert.closed is None), key=lambda alert: alert.opened)
    return newest.command


def _end(episode: Sequence[Alert], ended: datetime, checks: Sequence[DriftCheck]) -> StoryPart:
    last = next(alert for alert in episode if alert.closed == ended)
    if last.closed_by:
        return StoryPart(ended, MarkKind.ALERT_CLOSED, "closed by hand", f"by {last.closed_by}", last.job)
    found = _performance(checks, ended)
    figure = f", {found.metric} {found.value:.3f}" if found and found.state == PerformanceState.OK.value else ""
    return StoryPart(ended, MarkKind.ALERT_CLOSED, "well again", f"no problem is found any more{figure}", last.job)


SHOW = Look("monitor story", ShowStory, show_story, "unipipe monitor story", repeatable=True)
