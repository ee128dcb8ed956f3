"""Setting an alert aside for a while, and closing one by hand; both can be taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.alerts.listing import OpenAlert, open_alert_named
from unipipe_tui.actions.alerts.settling import mark
from unipipe_tui.actions.request import Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.alerts import AlertMarks, Turn, awake, key_of, marks_of, marks_of_json
from unipipe_tui.domain.errors import Refused
from unipipe_tui.domain.moments import is_age, moment_ahead
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.records import Alert, Undo, UndoKind
from unipipe_tui.domain.values import frozen


@frozen
class SnoozeAlert:
    """Which one, until when, and why."""

    alert: OpenAlert
    until: Annotated[str, "How long (4h, 7d), or until when (2026-11-21T09:30, UTC unless it names its zone)."] = "1d"
    reason: Annotated[str, "Why; kept with the alert and in the audit.", Short("r")] = ""


@frozen
class CloseAlert:
    """Which one, and why."""

    alert: OpenAlert
    reason: Annotated[str, "Why it is no problem; kept with the alert and in the audit.", Short("r")] = ""


@frozen
class NewMarks:
    """What was decided."""

    alert: Alert
    marks: AlertMarks
    undo: UndoKind
    turn: Turn | None
    """What sinks hear of it."""


@frozen
class AlertChanged:
    """An alert that was snoozed, closed, or brought back."""

    alert: str
    open: bool
    asks: bool
    snoozed_until: str | None
    by: str


def plan_snooze(request: SnoozeAlert, world: World) -> Plan[NewMarks]:
    """Set an open alert aside until a moment: it does not ask for attention before.

    When the moment comes it asks again, if it is still open. It does so earlier when a check finds something new: another column,
    or that it became worse.
    """
    alert = open_alert_named(world, request.alert)
    until = moment_ahead(request.until, world.now())
    marks = AlertMarks(world.now(), world.actor, request.reason, snoozed_until=until)
    because = f", because {request.reason}" if request.reason else ""
    # As it was asked for: the plan must read the same when it is made again a minute later.
    effect = f"{alert.id}: set aside by {world.actor} {_until(request.until, until)}{because}; it stays open"
    return _plan(f"Snooze the {_what(alert)}", effect, NewMarks(alert, marks, UndoKind.ALERT_SNOOZED, None))


def plan_close(request: CloseAlert, world: World) -> Plan[NewMarks]:
    """Close an open alert by hand; sinks are told. A later check that finds the problem opens a new one."""
    alert = open_alert_named(world, request.alert)
    marks = replace(
        marks_of(alert), reason=request.reason, closed=world.now(), closed_by=world.actor, snoozed_until=None
    )
    because = f", because {request.reason}" if request.reason else ""
    effect = f"{alert.id}: closed by {world.actor}{because}; a check that finds the problem opens a new one"
    return _plan(f"Close the {_what(alert)}", effect, NewMarks(alert, marks, UndoKind.ALERT_CLOSED, Turn.CLOSED))


def change_marks(plan: Plan[NewMarks], world: World, progress: Progress) -> Done[AlertChanged]:
    """Snooze or close an alert, or take that back."""
    new = plan.decided
    mark(new.alert, new.marks, new.turn, world)
    marks = new.marks
    until = marks.snoozed_until.isoformat() if marks.snoozed_until else None
    by = marks.closed_by or marks.acknowledged_by
    changed = AlertChanged(
        new.alert.id, marks.closed is None, marks.closed is None and not marks.acknowledged, until, by
    )
    undo = Undo(
        new.undo,
        new.alert.id,
        reason=marks.reason,
        text_before=marks_of(new.alert).to_json(),
        text_after=marks.to_json(),
    )
    return Done(changed, undo, detail=plan.title)


def plan_marks_back(undo: Undo, world: World) -> Plan[NewMarks]:
    """Decide how a snooze or a closing is taken back, or done again.

    Raises:
        Refused: the alert is otherwise than that change left it, or another one about the same is open by now.
    """
    known = world.history.alerts(only_open=False)
    alert = next((one for one in known if one.id == undo.subject), None)
    if alert is None or marks_of(alert) != marks_of_json(undo.text_after or ""):
        raise Refused(
            f"{undo.subject} is not as that change left it: a check or somebody else decided about it since.",
            hint="See: unipipe alerts list --all",
        )
    marks = marks_of_json(undo.text_before or "")
    reopens = alert.closed is not None and marks.closed is None
    newer = next((one for one in known if one.closed is None and key_of(one) == key_of(alert)), None)
    if reopens and newer is not None:
        raise Refused(f"{newer.id} about the same is open by now.", hint=f"unipipe alerts show {newer.id}")
    turn = Turn.ASKS_AGAIN if reopens else Turn.CLOSED if marks.closed and alert.closed is None else None
    title = f"Bring the {_what(alert)} back to what it was"
    effect = f"{alert.id}: {'open' if marks.closed is None else 'closed'} again"
    return _plan(title, effect, NewMarks(awake((alert,), world.now())[0], marks, undo.kind, turn))


def _until(asked: str, until: datetime) -> str:
    return f"for {asked.strip()}" if is_age(asked) else f"until {until:%Y-%m-%d %H:%M} UTC"


def _plan(title: str, effect: str, new: NewMarks) -> Plan[NewMarks]:
    effects = (plans.store(effect), plans.store(f"what it says: {new.alert.message}"))
    return Plan(title, effects, "unipipe undo", new)


def _what(alert: Alert) -> str:
    about = f" about {alert.subject}" if alert.subject else ""
    return f"{alert.kind.value} alert of {alert.target or 'the project'}{about}"


SNOOZE = Change(
    "alerts snooze",
    SnoozeAlert,
    plan_snooze,
    change_marks,
    "unipipe alerts snooze drift-local --until 3d --reason 'the sale ends on Friday' --yes",
    Danger.CONFIRM,
)
CLOSE = Change(
    "alerts close",
    CloseAlert,
    plan_close,
    change_marks,
    "unipipe alerts close drift-local --reason 'the column is not used any more' --yes",
    Danger.CONFIRM,
)
