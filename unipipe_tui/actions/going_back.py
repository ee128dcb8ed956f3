"""The two ways back: the previous champion and its release, and the last change, whatever it was."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done, Key
from unipipe_tui.actions.alias_moves import AliasMove, move_alias, plan_move
from unipipe_tui.actions.gates import CHAMPION
from unipipe_tui.actions.models import plan_way
from unipipe_tui.actions.request import OBJECT
from unipipe_tui.actions.serve import (
    StartOrder,
    StopOrder,
    plan_server_start,
    plan_server_stop,
    start_server,
    stop_server,
)
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.records import How, ReversibleChange, UndoKind
from unipipe_tui.domain.values import frozen


@frozen
class RollBack:
    """Back, or forward again."""

    forward: Annotated[bool, "Go forward again, after a rollback."] = False
    reason: Annotated[str, "Why; kept with the version and in the audit."] = ""


def plan_rollback(request: RollBack, world: World) -> Plan[AliasMove]:
    """Go back to the previous champion of the configured model and its release, in one step; --forward undoes that."""
    return plan_way(world, world.model.name, CHAMPION, request.forward, request.reason)


@frozen
class UndoChange:
    """Which change."""

    job: Annotated[
        str | None, OBJECT, "Job whose change to undo, or `last`; the last reversible one when left out."
    ] = None


@frozen
class UndoOrder:
    """What was decided: which change is taken back, by which plan."""

    change: ReversibleChange
    way: Plan[AliasMove] | Plan[StartOrder] | Plan[StopOrder]


@frozen
class Undone:
    """What was taken back."""

    job: str
    command: str


def plan_undo(request: UndoChange, world: World) -> Plan[UndoOrder]:
    """Take back the last reversible change (or that of a job), from the state that was recorded before it."""
    change = _change(world, request.job)
    way = _way_back(world, change)
    effects = (*way.effects, plans.store(f"the change of job {change.job} is marked as undone"))
    return Plan(f"Undo: {change.command}", effects, "unipipe undo", UndoOrder(change, way), way.warnings)


def undo(plan: Plan[UndoOrder], world: World, progress: Progress) -> Done[Undone]:
    """Undo a change."""
    change, way = plan.decided.change, plan.decided.way
    if isinstance(way.decided, AliasMove):
        record = move_alias(Plan(way.title, way.effects, way.undo, way.decided), world, progress).undo
    elif isinstance(way.decided, StartOrder):
        record = start_server(Plan(way.title, way.effects, way.undo, way.decided), world, progress).undo
    else:
        record = stop_server(Plan(way.title, way.effects, way.undo, way.decided), world, progress).undo
    world.history.mark_undone(change.job, world.job_id)
    return Done(Undone(change.job, change.command), record, detail=f"took back: {change.command}")


def _change(world: World, job: str | None) -> ReversibleChange:
    changes = world.history.changes(1000)
    if job is not None and job != "last":
        parts = [change for change in changes if job in change.job]
        found = [change for change in parts if change.job == job] or parts
        if not found:
            raise UsageError(f"Job {job} made no change that can be undone.", hint="unipipe audit list")
        if len(found) > 1:
            raise UsageError(f"{len(found)} jobs have {job} in their id.", hint="Give more of it: `unipipe jobs list`.")
        if found[0].undone_by:
            raise UsageError(f"Job {found[0].job} was undone already, by {found[0].undone_by}.")
        return found[0]
    if not changes:
        raise UsageError("There is nothing to undo yet.", hint="Promotions, rollbacks and server starts can be undone.")
    if changes[0].undone_by:
        raise UsageError("The last change was undone already.", hint="Name the job of an older one: unipipe jobs list")
    return changes[0]


def _way_back(world: World, change: ReversibleChange) -> Plan[AliasMove] | Plan[StartOrder] | Plan[StopOrder]:
    undo = change.undo
    if undo.kind is UndoKind.SERVER_STARTED:
        return plan_server_stop(world, undo.subject)
    if undo.kind is UndoKind.SERVER_STOPPED:
        return plan_server_start(world, undo.subject, undo.before)
    now = world.tracking.alias(undo.subject, undo.alias)
    if now != undo.after:
        raise Refused(
            f"{undo.subject}@{undo.alias} names {now or 'nothing'} now, not {undo.after or 'nothing'} as after that change.",
            hint=f"Somebody moved it since: unipipe models show {undo.subject}",
        )
    return plan_move(world, undo.subject, undo.alias, undo.before, How.UNDO, f"undo of {change.job}")


ROLL_BACK = Change(
    "rollback", RollBack, plan_rollback, move_alias, "unipipe rollback --yes", Danger.CONFIRM, Key("b", "Roll back")
)
UNDO = Change("undo", UndoChange, plan_undo, undo, "unipipe undo --yes", Danger.CONFIRM, Key("z", "Undo"))
