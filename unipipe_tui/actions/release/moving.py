"""Moving a rollout by hand: on to the next step, staying where it is, or back to what answered before."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.release.driving import Driver, told_step
from unipipe_tui.actions.release.starting import Released, released, told
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.course import Rollout, aborted, advanced, held, taken_over
from unipipe_tui.domain.values import frozen


@frozen
class AdvanceRelease:
    """Which target."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    reason: Annotated[str, "Why; kept with the release and in the audit.", Short("r")] = ""


@frozen
class HoldRelease:
    """Which target."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    reason: Annotated[str, "Why; kept with the release and in the audit.", Short("r")] = ""


@frozen
class AbortRelease:
    """Which target."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    reason: Annotated[str, "Why; kept with the release and in the audit.", Short("r")] = ""


@frozen
class MoveOrder:
    """What was decided: the rollout as it was found, and as it will be."""

    found: Rollout
    wanted: Rollout
    reason: str


def plan_advance(request: AdvanceRelease, world: World) -> Plan[MoveOrder]:
    """Go on to the next step of the release in hand, without waiting for its pause or its analysis."""
    found = in_hand(world, request.target)
    wanted = advanced(found, world.now())
    text = told_step(wanted.place + 1, len(wanted.steps), wanted.step)
    undo = f"unipipe release abort {found.target}, or rollback when it is done"
    return _plan(f"Advance {_what(found)}", text, undo, MoveOrder(found, wanted, request.reason))


def plan_hold(request: HoldRelease, world: World) -> Plan[MoveOrder]:
    """Let the release in hand stay at its step until somebody advances or aborts it."""
    found = in_hand(world, request.target)
    wanted = held(found, world.now(), request.reason or f"held by {world.actor}")
    text = f"it stays at {found.step.traffic.told}"
    undo = f"unipipe release advance {found.target}"
    return _plan(f"Hold {_what(found)}", text, undo, MoveOrder(found, wanted, request.reason))


def plan_abort(request: AbortRelease, world: World) -> Plan[MoveOrder]:
    """Take the release in hand back: what answered before gets everything again."""
    return plan_way_back(world, in_hand(world, request.target), request.reason)


def plan_way_back(world: World, found: Rollout, reason: str) -> Plan[MoveOrder]:
    """Decide what taking back a release that is on its way entails."""
    wanted = aborted(found, world.now(), reason or f"aborted by {world.actor}")
    back = "nothing answers, as before" if wanted.wanted is None else f"back to {wanted.wanted.told}"
    undo = f"unipipe release start {found.target} --version {found.candidate.version}"
    return _plan(f"Abort {_what(found)}", back, undo, MoveOrder(found, wanted, reason))


def move_release(plan: Plan[MoveOrder], world: World, progress: Progress) -> Done[Released]:
    """Move a release.

    Raises:
        Refused: somebody else moved it since the plan was made.
    """
    order = plan.decided
    wanted = taken_over(order.found, order.wanted, world.job_id, world.actor, world.now())
    world.rollouts.record(wanted, order.reason)
    rollout = Driver(wanted, world, progress).drive()
    return Done(released(rollout), detail=told(rollout))


def in_hand(world: World, target: str | None) -> Rollout:
    """The release on its way to a target.

    Raises:
        UsageError: there is none.
    """
    name = world.target(target)
    current = world.rollouts.current(name)
    if current is None:
        raise UsageError(f"No release is on its way to {name}.", hint=f"unipipe release start {name}")
    return current


def _what(rollout: Rollout) -> str:
    return f"release {rollout.id} of version {rollout.candidate.version} on {rollout.target}"


def _plan(title: str, text: str, undo: str, order: MoveOrder) -> Plan[MoveOrder]:
    effects = (plans.serve(text, order.found.target), plans.store("the move of the release, audit entry"))
    return Plan(title, effects, undo, order)


ADVANCE = Change(
    "release advance", AdvanceRelease, plan_advance, move_release, "unipipe release advance production --yes"
)
HOLD = Change("release hold", HoldRelease, plan_hold, move_release, "unipipe release hold production", Danger.NONE)
ABORT = Change("release abort", AbortRelease, plan_abort, move_release, "unipipe release abort production --yes")
