"""How releases stand: what each target answers with, now or then, and what is on its way there.

A rollout whose job died is never left half done: asking for the status goes on with it, in a job of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done, Look
from unipipe_tui.actions.asking import ask
from unipipe_tui.actions.jobs.finding import is_running
from unipipe_tui.actions.release.driving import ON_THEIR_WAY, Driver, look
from unipipe_tui.actions.release.history import newest_until
from unipipe_tui.actions.release.starting import Released, released, told
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import UnipipeError, UsageError
from unipipe_tui.domain.moments import moment_of
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.ports.targets import LiveTarget
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.analysis import Analysis
from unipipe_tui.domain.rollouts.course import Move, Rollout, RolloutState, taken_over
from unipipe_tui.domain.rollouts.strategies import Step
from unipipe_tui.domain.rollouts.traffic import STABLE, Traffic, Variant, only
from unipipe_tui.domain.values import frozen


@frozen
class ReleaseStatus:
    """Which target, and when."""

    target: Annotated[str | None, OBJECT, "Target; all of them when left out.", Names.TARGET] = None
    at: Annotated[str | None, "What was live then: 2026-11-21, 2026-11-21T09:30, or an age as 90m, 12h, 7d."] = None


@frozen
class RolloutLine:
    """A release on its way."""

    release: str
    version: int
    strategy: str
    state: RolloutState
    step: int
    """Counted from 1."""
    steps: int
    wanted: Traffic | None
    since: datetime
    pause_seconds: float
    """How long the step lasts at least."""
    left_seconds: float
    """How much of that is still to come."""
    course: tuple[Step, ...]
    """All steps, those behind and those to come."""
    actor: str
    job: str
    interrupted: bool
    """Its job is gone and left it on its way."""
    reason: str
    analysis: Analysis | None
    """What the comparison says now; None when nothing is compared."""


@frozen
class TargetStatus:
    """One target."""

    target: str
    kind: str
    live: LiveTarget | None
    """Read from the target itself; None when it cannot be asked, or another time was asked for."""
    problem: str
    """Why it cannot be asked."""
    stood: Move | None
    """The last recorded move that changed what it answers with."""
    rollout: RolloutLine | None


@frozen
class ReleaseStatuses:
    """All targets that were asked for."""

    targets: tuple[TargetStatus, ...]
    at: datetime | None
    """The moment that was asked for; None: now."""
    resumed: tuple[str, ...] = ()
    """Jobs that go on with what was interrupted."""


def release_status(request: ReleaseStatus, world: World) -> ReleaseStatuses:
    """Say what each target answers with, read from the target itself, and how far a release on its way is."""
    names = list(world.targets) if request.target is None else [world.target(request.target)]
    at = None if request.at is None else moment_of(request.at, world.now())
    return ReleaseStatuses(tuple(target_status(name, at, world) for name in names), at)


def target_status(name: str, at: datetime | None, world: World) -> TargetStatus:
    """One target, now or as it was recorded of another time."""
    kind = world.targets[name].kind.value
    stood = world.rollouts.stood_at(name, at)
    if at is not None:
        return TargetStatus(name, kind, None, "", stood or _stood_before_rollouts(name, at, world), None)
    rollout = world.rollouts.current(name)
    asked = ask(world, name)
    way = None
    if rollout is not None:
        gone, analysis = is_interrupted(rollout, world), _analysis(rollout, world)
        way = way_of(rollout, world.now(), interrupted=gone, analysis=analysis)
    return TargetStatus(name, kind, asked.live, asked.problem, stood, way)


def _stood_before_rollouts(name: str, at: datetime, world: World) -> Move | None:
    """What stood when promotions and starts of a server were all that brought a version to a target."""
    line = newest_until(name, at, world)
    if line is None:
        return None
    answering = only(Variant(STABLE, line.model, line.version, line.digest))
    return Move(
        rollout=line.release,
        target=name,
        place=0,
        state=RolloutState.DONE,
        stands=True,
        traffic=None if line.stopped else answering,
        why="stopped" if line.stopped else "",
        evidence=None,
        actor=line.actor,
        job=line.job,
        at=line.until if line.stopped and line.until else line.at,
    )


def way_of(rollout: Rollout, now: datetime, *, interrupted: bool, analysis: Analysis | None) -> RolloutLine:
    """How far a release on its way is."""
    return RolloutLine(
        release=rollout.id,
        version=rollout.candidate.version,
        strategy=rollout.strategy.kind.value,
        state=rollout.state,
        step=rollout.place + 1,
        steps=len(rollout.steps),
        wanted=rollout.wanted,
        since=rollout.since,
        pause_seconds=rollout.step.pause_seconds,
        left_seconds=_left_seconds(rollout, now),
        course=rollout.steps,
        actor=rollout.actor,
        job=rollout.job,
        interrupted=interrupted,
        reason=rollout.reason,
        analysis=analysis,
    )


def _left_seconds(rollout: Rollout, now: datetime) -> float:
    if rollout.state is not RolloutState.WATCHING:
        return 0.0
    return max(0.0, rollout.step.pause_seconds - (now - rollout.since).total_seconds())


def _analysis(rollout: Rollout, world: World) -> Analysis | None:
    if not (rollout.stands and rollout.step.analysed):
        return None
    try:
        return look(rollout, world.target_of(rollout.target), world)
    except UnipipeError:
        return None


def is_interrupted(rollout: Rollout, world: World) -> bool:
    """Whether its job left it on its way."""
    return rollout.state in ON_THEIR_WAY and not is_running(world, rollout.job)


def _interrupted(request: ReleaseStatus, world: World) -> Iterator[Rollout]:
    names = list(world.targets) if request.target is None else [world.target(request.target)]
    for name in names:
        rollout = world.rollouts.current(name)
        if rollout is not None and is_interrupted(rollout, world):
            yield rollout


@frozen
class ResumeOrder:
    """What was decided: which rollouts go on."""

    request: ReleaseStatus
    targets: tuple[str, ...]


def answer_at_once(request: ReleaseStatus, world: World) -> ReleaseStatuses | None:
    """The status, when nothing has to be done for it."""
    if world.read_only or request.at is not None or not any(_interrupted(request, world)):
        return release_status(request, world)
    return None


def plan_status(request: ReleaseStatus, world: World) -> Plan[ResumeOrder]:
    """Say what each target answers with, read from the target itself, and how far a release on its way is.

    A release whose job died or lost the target is gone on with, in a job of its own. With --at it says what was live then.
    """
    found = tuple(_interrupted(request, world))
    # No target is named: who began the release has confirmed it already, and a protected one must not be left half way.
    effects = [plans.serve(f"{one.target}: go on with release {one.id}, which is {one.state.value}") for one in found]
    title = f"Go on with {len(found)} interrupted release{'' if len(found) == 1 else 's'}"
    order = ResumeOrder(request, tuple(one.target for one in found))
    return Plan(title, tuple(effects), "unipipe release abort TARGET", order)


def resume_and_tell(plan: Plan[ResumeOrder], world: World, progress: Progress) -> Done[ReleaseStatuses]:
    """Go on with what was interrupted, then tell how it stands."""
    jobs = tuple(
        world.processes.launch(("release", "resume", target, "--yes"), world.root, world.root)
        for target in plan.decided.targets
    )
    status = release_status(plan.decided.request, world)
    return Done(ReleaseStatuses(status.targets, status.at, jobs), detail=f"goes on: {', '.join(jobs)}")


@frozen
class ResumeRelease:
    """Which target."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None


def plan_resume(request: ResumeRelease, world: World) -> Plan[Rollout]:
    """Go on with a release whose job died, from the move that it had recorded last.

    `release status` does so by itself.
    """
    name = world.target(request.target)
    rollout = world.rollouts.current(name)
    if rollout is None or not is_interrupted(rollout, world):
        raise UsageError(f"No release was interrupted on {name}.", hint=f"unipipe release status {name}")
    wanted = rollout.wanted
    # As above: it was confirmed when it began.
    effects = (plans.serve(f"{name}: {'nothing answers' if wanted is None else wanted.told}"),)
    title = f"Go on with release {rollout.id} of version {rollout.candidate.version} on {name}"
    return Plan(title, effects, f"unipipe release abort {name}", rollout)


def resume_release(plan: Plan[Rollout], world: World, progress: Progress) -> Done[Released]:
    """Resume a release."""
    found = plan.decided
    rollout = taken_over(found, found, world.job_id, world.actor, world.now())
    world.rollouts.record(rollout, "its job was gone; another one goes on")
    rollout = Driver(rollout, world, progress).drive()
    return Done(released(rollout), detail=told(rollout))


TARGETS = Look("release targets", ReleaseStatus, release_status, "unipipe release targets production")
STATUS = Change(
    "release status",
    ReleaseStatus,
    plan_status,
    resume_and_tell,
    "unipipe release status",
    Danger.NONE,
    answer=answer_at_once,
)
RESUME = Change(
    "release resume", ResumeRelease, plan_resume, resume_release, "unipipe release resume production", Danger.NONE
)
