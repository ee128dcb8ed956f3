"""The two ways back: the previous champion and its release, and the last change, whatever it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any

from unipipe_tui.actions.action import Change, Danger, Done, Key
from unipipe_tui.actions.alerts.listing import mark_alert, plan_mark_back
from unipipe_tui.actions.alerts.marks import change_marks, plan_marks_back
from unipipe_tui.actions.models.alias_moves import Moved, move_alias, plan_move
from unipipe_tui.actions.models.registry import plan_way
from unipipe_tui.actions.models.rejection import plan_verdict_back, write_verdict
from unipipe_tui.actions.release.back import plan_abort_of, plan_target_back
from unipipe_tui.actions.release.moving import move_release
from unipipe_tui.actions.release.starting import Released, plan_rollout, start_release
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.runs.changes import edit_run, move_runs, plan_edit_back, plan_life_back
from unipipe_tui.actions.serve import (
    plan_server_start,
    plan_server_stop,
    start_server,
    stop_server,
)
from unipipe_tui.actions.world import World
from unipipe_tui.config import TargetKind
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import CHAMPION
from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.records import How, ReversibleChange, UndoKind
from unipipe_tui.domain.rollouts.strategies import Strategy
from unipipe_tui.domain.values import frozen


@frozen
class RollBack:
    """Back, or forward again."""

    target: Annotated[
        str | None,
        OBJECT,
        "Target to go back on; where the champion is followed the alias goes back too.",
        Names.TARGET,
    ] = None
    to: Annotated[str | None, "Release to go back to, or a version; the one before when left out.", Names.RELEASE] = (
        None
    )
    model: Annotated[str | None, "Registered model; the configured one when left out.", Names.MODEL] = None
    forward: Annotated[bool, "Go forward again, after a rollback of the champion."] = False
    reason: Annotated[str, "Why; kept with the version and in the audit.", Short("r")] = ""


@frozen
class WayBack:
    """What was decided, and what goes that way."""

    way: Plan[Any]
    take: Callable[[Plan[Any], World, Progress], Done[Any]]


@frozen
class WentBack:
    """Where it went back to: the champion and its targets, or one target."""

    moved: Moved | None
    released: Released | None


def plan_rollback(request: RollBack, world: World) -> Plan[WayBack]:
    """Go back in one step: to the previous champion and its releases, or on a target to the release before.

    A target that follows the champion goes back with it; on any other one the previous bundle is put back and asked for
    real, and a release that is on its way there is aborted. --forward undoes a rollback of the champion.
    """
    way, take = _way_back(request, world)
    return dataclasses.replace(way, decided=WayBack(way, take))


def _way_back(request: RollBack, world: World) -> tuple[Plan[Any], Callable[[Plan[Any], World, Progress], Done[Any]]]:
    target = None if request.target is None else world.target(request.target)
    follows = target is None or world.targets[target].alias == CHAMPION
    in_hand = target is not None and world.rollouts.current(target) is not None
    if request.to is None and follows and not in_hand:
        model = request.model or world.model.name
        return plan_way(world, model, CHAMPION, request.forward, request.reason), move_alias
    if request.forward:
        raise UsageError("Only a rollback of the champion can be gone forward from.", hint="Release the version again.")
    chosen = world.target(target)
    if in_hand and request.to is None:
        return plan_abort_of(world, chosen, request.reason), move_release
    return plan_target_back(world, chosen, request.to, request.reason), start_release


def roll_back(plan: Plan[WayBack], world: World, progress: Progress) -> Done[WentBack]:
    """Roll back."""
    decided = plan.decided
    done = decided.take(decided.way, world, progress)
    moved = done.result if isinstance(done.result, Moved) else None
    released = done.result if isinstance(done.result, Released) else None
    return Done(WentBack(moved, released), done.undo, done.detail)


@frozen
class UndoChange:
    """Which change."""

    job: Annotated[
        str | None, OBJECT, "Job whose change to undo, or `last`; the last reversible one when left out.", Names.JOB
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
        return _stop_back(world, change)
    if undo.kind is UndoKind.RELEASE:
        return _release_back(world, change)
    if undo.kind is UndoKind.ALERT:
        return UndoOrder(change, plan_mark_back(undo, world), mark_alert)
    if undo.kind in (UndoKind.ALERT_SNOOZED, UndoKind.ALERT_CLOSED):
        return UndoOrder(change, plan_marks_back(undo, world), change_marks)
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


def _stop_back(world: World, change: ReversibleChange) -> UndoOrder:
    target, version = change.undo.subject, change.undo.before
    if version is None or world.targets[world.target(target)].kind is TargetKind.LOCAL:
        return UndoOrder(change, plan_server_start(world, target, version), start_server)
    return UndoOrder(change, plan_rollout(world, target, version, Strategy(), f"undo of {change.job}"), start_release)


def _release_back(world: World, change: ReversibleChange) -> UndoOrder:
    undo = change.undo
    live = world.target_of(undo.subject).live()
    answering = None if live.traffic is None else live.traffic.main.version
    if answering != undo.after:
        raise Refused(
            f"{undo.subject} answers with {'nothing' if answering is None else f'version {answering}'} now, "
            f"not version {undo.after} as after that change.",
            hint=f"Somebody released since: unipipe release history {undo.subject}",
        )
    if undo.before is None:
        return UndoOrder(change, plan_server_stop(world, undo.subject), stop_server)
    way = plan_target_back(world, undo.subject, str(undo.before), f"undo of {change.job}")
    return UndoOrder(change, way, start_release)


ROLL_BACK = Change(
    "rollback", RollBack, plan_rollback, roll_back, "unipipe rollback --yes", Danger.CONFIRM, Key("b", "Roll back")
)
UNDO = Change("undo", UndoChange, plan_undo, undo, "unipipe undo --yes", Danger.CONFIRM, Key("z", "Undo"))
