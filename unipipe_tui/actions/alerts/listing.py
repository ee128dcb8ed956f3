"""Alerts: the problems that checks found, and taking note of one without closing it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from unipipe_tui.actions.action import Change, Danger, Done, Look
from unipipe_tui.actions.alerts.settling import open_alerts
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.alerts import awake
from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.records import Alert, Undo, UndoKind
from unipipe_tui.domain.values import frozen

MOST_NAMED = 20
OpenAlert = Annotated[str, OBJECT, "Id of an open alert, or a part of it that no other one has.", Names.ALERT]
"""The field of a request that names one."""


@frozen
class ListAlerts:
    """Which."""

    all: Annotated[bool, "Also those that a later check found gone."] = False


@frozen
class AlertList:
    """The newest first."""

    alerts: tuple[Alert, ...]
    open: int
    asking: int
    """Those open ones that nobody has acknowledged."""


def list_alerts(request: ListAlerts, world: World) -> AlertList:
    """List the open problems that checks found, and who took note of them."""
    alerts = awake(world.history.alerts(only_open=not request.all), world.now())
    still_open = [alert for alert in alerts if alert.closed is None]
    return AlertList(alerts, len(still_open), sum(alert.asks for alert in still_open))


@frozen
class AcknowledgeAlert:
    """Which one, and why."""

    alert: OpenAlert
    reason: Annotated[str, "Why it is left as it is; kept with the alert and in the audit.", Short("r")] = ""


@frozen
class AlertMark:
    """What was decided: whose name stands on the alert from now on."""

    alert: Alert
    by: str | None
    """None: nobody's, it asks for attention again."""
    reason: str


@frozen
class AlertMarked:
    """An alert that was acknowledged, or whose acknowledgement was taken back."""

    alert: str
    acknowledged_by: str | None
    """None: nobody, it asks for attention again."""
    reason: str


@frozen
class ShowAlert:
    """Which one."""

    alert: Annotated[str, OBJECT, "Id of an alert, or a part of it that no other one has.", Names.ALERT]


@frozen
class AlertView:
    """One alert with what it rests on."""

    alert: Alert
    evidence: Mapping[str, Any]
    """What the check that found it last saw."""


def show_alert(request: ShowAlert, world: World) -> AlertView:
    """Show one alert, open or gone: its evidence, the runbook, the next command, and what became of it."""
    known = awake(world.history.alerts(only_open=False), world.now())
    alert = _named(known, request.alert, "alert", "There are")
    return AlertView(alert, json.loads(world.history.evidence(alert.id)))


def plan_acknowledgement(request: AcknowledgeAlert, world: World) -> Plan[AlertMark]:
    """Take note of an open alert: it stays open, but no longer asks for attention on the board.

    The check that finds the problem gone closes it as ever. A check that finds drift in a column which the alert did
    not name lets it ask again; other numbers about the same columns do not.
    """
    alert = open_alert_named(world, request.alert)
    if alert.acknowledged is not None:
        since = f"{alert.acknowledged:%Y-%m-%d %H:%M}"
        raise UsageError(
            f"{alert.acknowledged_by} acknowledged {alert.id} on {since}.", hint="See: unipipe alerts list"
        )
    return _plan_mark(alert, world.actor, request.reason)


def mark_alert(plan: Plan[AlertMark], world: World, progress: Progress) -> Done[AlertMarked]:
    """Acknowledge an alert, or take that back."""
    mark = plan.decided
    if mark.by is None:
        world.history.ask_again(mark.alert.id)
    else:
        world.history.acknowledge_alert(mark.alert.id, world.now(), mark.by, mark.reason)
    before = mark.alert.acknowledged_by if mark.alert.acknowledged else None
    # Whichever way it goes back, the words stay with it.
    reason = mark.reason if mark.by is not None else mark.alert.reason
    undo = Undo(UndoKind.ALERT, mark.alert.id, reason=reason, text_before=before, text_after=mark.by)
    return Done(AlertMarked(mark.alert.id, mark.by, mark.reason), undo, detail=plan.title)


def plan_mark_back(undo: Undo, world: World) -> Plan[AlertMark]:
    """Decide how an acknowledgement is taken back, or given again.

    Raises:
        Refused: the alert is closed, or somebody else decided about it since.
    """
    alert = next((one for one in open_alerts(world) if one.id == undo.subject), None)
    if alert is None:
        raise Refused(f"{undo.subject} is closed: a later check found it gone.", hint="unipipe alerts list --all")
    now = alert.acknowledged_by if alert.acknowledged else None
    if now != undo.text_after:
        raise Refused(
            f"{alert.id} is acknowledged by {now or 'nobody'} now, not by {undo.text_after or 'nobody'} as after that "
            "change.",
            hint="See: unipipe alerts list",
        )
    return _plan_mark(alert, undo.text_before, undo.reason if undo.text_before is not None else "")


def _plan_mark(alert: Alert, by: str | None, reason: str) -> Plan[AlertMark]:
    what = f"{alert.kind.value} alert of {alert.target}"
    if by is None:
        title, effect = f"Let the {what} ask for attention again", f"{alert.id}: acknowledged by nobody"
    else:
        words = f", because {reason}" if reason else ""
        title, effect = f"Acknowledge the {what}", f"{alert.id}: acknowledged by {by}{words}; it stays open"
    effects = (plans.store(effect), plans.store(f"what it says: {alert.message}"))
    return Plan(title, effects, "unipipe undo", AlertMark(alert, by, reason))


def open_alert_named(world: World, name: str) -> Alert:
    """The open alert of that id, or with that part of one.

    Raises:
        UsageError: there is none, or several.
    """
    return _named(open_alerts(world), name, "open alert", "Open")


def _named(alerts: Sequence[Alert], name: str, what: str, said: str) -> Alert:
    parts = [alert for alert in alerts if name in alert.id]
    found = [alert for alert in parts if alert.id == name] or [one for one in parts if one.closed is None] or parts
    if len(found) == 1:
        return found[0]
    if found:
        some = ", ".join(alert.id for alert in found[:MOST_NAMED])
        raise UsageError(f"{len(found)} {what}s have {name!r} in their id.", hint=f"{said}: {some}.")
    known = ", ".join(alert.id for alert in alerts[:MOST_NAMED])
    raise UsageError(f"There is no {what} {name!r}.", hint=f"{said}: {known}." if known else f"No {what} is there.")


SHOW = Look("alerts show", ShowAlert, show_alert, "unipipe alerts show drift-local")
LIST = Look("alerts list", ListAlerts, list_alerts, "unipipe alerts list --all")
ACKNOWLEDGE = Change(
    "alerts acknowledge",
    AcknowledgeAlert,
    plan_acknowledgement,
    mark_alert,
    "unipipe alerts acknowledge drift-local --reason 'the new region is known' --yes",
    Danger.CONFIRM,
)
