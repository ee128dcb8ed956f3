"""Bringing the prediction log of a target here, where it is read: a local one lies here anyway."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.values import frozen

MOST_NAMED = 3


@frozen
class CollectTraffic:
    """Which target."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None


@frozen
class Collected:
    """What was brought."""

    target: str
    rows: int


def plan_collection(request: CollectTraffic, world: World) -> Plan[str]:
    """Bring the prediction log of a target here, as far as it is not here yet; a drift check does so by itself."""
    target = world.target(request.target)
    effects = (plans.write(f"new rows of the prediction log of {target}, in .unipipe/predictions/{target}"),)
    return Plan(f"Collect the predictions of {target}", effects, "nothing to undo: rows are only copied", target)


def collect(plan: Plan[str], world: World, progress: Progress) -> Done[Collected]:
    """Collect."""
    with step(progress, f"bring the log of {plan.decided}", 1, 1):
        rows = world.target_of(plan.decided).collect(progress)
    return Done(Collected(plan.decided, rows), detail=f"{rows:,} new predictions of {plan.decided}")


def bring_log(world: World, target: str, progress: Progress) -> None:
    """Bring what is new, or say why it could not be brought: what is here already can be looked at all the same."""
    try:
        world.target_of(target).collect(progress)
    except UnipipeError as error:
        progress.emit(Noted(f"The newest predictions of {target} are not here: {error.message}"))
    told = damage_of(world, target)
    if told:
        progress.emit(Noted(told))


def damage_of(world: World, target: str) -> str:
    """What to say of segments of its log that cannot be read; empty when all can."""
    damaged = world.predictions.damaged(target)
    if not damaged:
        return ""
    some = ", ".join(damaged[:MOST_NAMED]) + (", ..." if len(damaged) > MOST_NAMED else "")
    segments = "1 segment" if len(damaged) == 1 else f"{len(damaged)} segments"
    were = "was" if len(damaged) == 1 else "were"
    return f"{segments} of the log of {target} {were} cut off, so that rows are missing: {some}"


COLLECT = Change(
    "traffic collect", CollectTraffic, plan_collection, collect, "unipipe traffic collect production", Danger.NONE
)
