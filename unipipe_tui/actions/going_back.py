"""The two ways back: the previous champion and its release, and the last change, whatever it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from unipipe_tui.actions.action import Change, Danger, Done, Key
from unipipe_tui.actions.alerts import mark_alert, plan_mark_back
from unipipe_tui.actions.alias_moves import AliasMove, move_alias, plan_move
from unipipe_tui.actions.model_rejection import plan_verdict_back, write_verdict
from unipipe_tui.actions.models import plan_way
from unipipe_tui.actions.request import OBJECT, Short
from unipipe_tui.actions.runs.changes import edit_run, move_runs, plan_edit_back, plan_life_back
from unipipe_tui.actions.serve import (
    plan_server_start,
    plan_server_stop,
    start_server,
    stop_server,
)
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import CHAMPION
from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.records import How, ReversibleChange, UndoKind
from unipipe_tui.domain.values import frozen


@frozen
class RollBack:
    """Back, or forward again."""

    model: Annotated[str | None, "Registered model; the configured one when left out."] = None
    forward: Annotated[bool, "Go forward again, after a rollback."] = False
    reason: Annotated[str, "Why; kept with the version and in the audit.", Short("r")] = ""


def plan_rollback(request: RollBack, world: World) -> Plan[AliasMove]:
    """Go back to the previous champion of the model and its release, in one step; --forward undoes that."""
    return plan_way(world, request.model or world.model.name, CHAMPION, request.forward, request.reason)


@frozen
class UndoChange:
    """Which change."""

    job: Annotated[
        str | None, OBJECT, "Job whose change to undo, or `last`; the last reversible one when left out."
    ] = None


@frozen
class UndoOrder:
    """What was decided: which change is taken back, and how."""

    change: ReversibleChange
    way: Plan[Any]
    take: Callable[[Plan[Any], World, Progress], Done[Any]]
    """What goes that way."""


@frozen
class Undone:
    """What was taken back."""

    job: str
    command: str


def plan_undo(request: UndoChange, world: World) -> Plan[UndoOrder]:
    """Take back the last reversible change (or that of a job), from the state that was recorded before it."""
    change = _change(world, request.job)
    order = _order(world, change)
    effects = (*order.way.effects, plans.store(f"the change of job {change.job} is marked as undone"))
    return Plan(f"Undo: {change.command}", effects, "unipipe undo", order, order.way.warnings)


def undo(plan: Plan[UndoOrder], world: World, progress: Progress) -> Done[Undone]:
    """Undo a change."""
    order = plan.decided
    taken = order.take(order.way, world, progress)
    world.history.mark_undone(order.change.job, world.job_id)
    return Done(Undone(order.change.job, order.change.command), taken.undo, detail=f"took back: {order.change.command}")


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
        undoable = "Promotions, rollbacks, rejections, server starts, acknowledgements and what is written on runs can be undone."
        raise UsageError("There is nothing to undo yet.", hint=undoable)
    if changes[0].undone_by:
        raise UsageError("The last change was undone already.", hint="Name the job of an older one: unipipe jobs list")
    return changes[0]


def _order(world: World, change: ReversibleChange) -> UndoOrder:
    undo = change.undo
    if undo.kind is UndoKind.SERVER_STARTED:
        return UndoOrder(change, plan_server_stop(world, undo.subject), stop_server)
    if undo.kind is UndoKind.SERVER_STOPPED:
        return UndoOrder(change, plan_server_start(world, undo.subject, undo.before), start_server)
    if undo.kind is UndoKind.ALERT:
        return UndoOrder(change, plan_mark_back(undo, world), mark_alert)
    if undo.kind in (UndoKind.RUN_TAG, UndoKind.RUN_NAME):
        return UndoOrder(change, plan_edit_back(undo, world), edit_run)
    if undo.kind in (UndoKind.RUNS_DELETED, UndoKind.RUNS_RESTORED):
        return UndoOrder(change, plan_life_back(undo, world), move_runs)
    if undo.kind in (UndoKind.VERSION_REJECTED, UndoKind.VERSION_ACCEPTED):
        return UndoOrder(change, plan_verdict_back(undo, world), write_verdict)
    now = world.tracking.alias(undo.subject, undo.alias)
    if now != undo.after:
        raise Refused(
            f"{undo.subject}@{undo.alias} names {now or 'nothing'} now, not {undo.after or 'nothing'} as after that change.",
            hint=f"Somebody moved it since: unipipe models show {undo.subject}",
        )
    way = plan_move(world, undo.subject, undo.alias, undo.before, How.UNDO, f"undo of {change.job}")
    return UndoOrder(change, way, move_alias)


ROLL_BACK = Change(
    "rollback", RollBack, plan_rollback, move_alias, "unipipe rollback --yes", Danger.CONFIRM, Key("b", "Roll back")
)
UNDO = Change("undo", UndoChange, plan_undo, undo, "unipipe undo --yes", Danger.CONFIRM, Key("z", "Undo"))
