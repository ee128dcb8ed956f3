"""The life of an alert: opened by a finding, renewed by the next ones, set aside by a person, closed by a check or by hand.

Pure functions from an alert and what happened to the alert after it. The store carries them out, each in one transaction.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from unipipe_tui.domain.findings import Finding, FindingState
from unipipe_tui.domain.records import Alert, AlertKind, Severity
from unipipe_tui.domain.values import frozen

Key = tuple[AlertKind, str, str]
ORDER = (Severity.WARNING, Severity.CRITICAL)


class Turn(StrEnum):
    """What became of an alert."""

    OPENED = "opened"
    RENEWED = "renewed"
    """A check found the same again: nobody is told."""
    ASKS_AGAIN = "asks again"
    """Something new was found, it became worse, or its snooze is over."""
    CLOSED = "closed"


TOLD = (Turn.OPENED, Turn.ASKS_AGAIN, Turn.CLOSED)
"""The turns that sinks hear of."""


@frozen
class AlertTurn:
    """One step in the life of an alert."""

    turn: Turn
    alert: Alert
    """As it is after it."""
    why: str = ""
    evidence: str = "{}"
    """A snapshot of the check that said so, as JSON."""


@frozen
class AlertMarks:
    """What people said of an alert."""

    acknowledged: datetime | None = None
    acknowledged_by: str = ""
    reason: str = ""
    snoozed_until: datetime | None = None
    closed: datetime | None = None
    closed_by: str = ""

    def to_json(self) -> str:
        """As text, for `marks_of_json`."""
        moments = (self.acknowledged, self.snoozed_until, self.closed)
        said = [moment and moment.astimezone(UTC).isoformat() for moment in moments]
        return json.dumps([*said, self.acknowledged_by, self.reason, self.closed_by])


def marks_of_json(text: str) -> AlertMarks:
    """What a text of `to_json` says."""
    acknowledged, until, closed, by, reason, closed_by = json.loads(text)
    at = [datetime.fromisoformat(moment) if moment else None for moment in (acknowledged, until, closed)]
    return AlertMarks(at[0], by, reason, at[1], at[2], closed_by)


def marks_of(alert: Alert) -> AlertMarks:
    """What people said of this one."""
    return AlertMarks(
        acknowledged=alert.acknowledged,
        acknowledged_by=alert.acknowledged_by if alert.acknowledged else "",
        reason=alert.reason,
        snoozed_until=alert.snoozed_until,
        closed=alert.closed,
        closed_by=alert.closed_by,
    )


def marked(alert: Alert, marks: AlertMarks) -> Alert:
    """The alert as these marks leave it."""
    return replace(
        alert,
        acknowledged=marks.acknowledged,
        acknowledged_by=marks.acknowledged_by,
        reason=marks.reason,
        snoozed_until=marks.snoozed_until,
        closed=marks.closed,
        closed_by=marks.closed_by,
    )


def key_of(one: Alert | Finding) -> Key:
    """What there is at most one open alert of."""
    return one.kind, one.target, one.subject


def settled(
    findings: Iterable[Finding], known: Iterable[Alert], at: datetime, job: str, taken: Callable[[str], bool]
) -> tuple[AlertTurn, ...]:
    """What findings do to the alerts that are open; `taken` tells whether an id is another alert's.

    Several findings about one subject count as one: a problem weighs more than that nothing is known, and that more than fine.
    """
    open_ones = {key_of(alert): alert for alert in known if alert.closed is None}
    turns = []
    for finding in _weightiest(findings):
        turn = _turn(finding, open_ones.get(key_of(finding)), at, job, taken)
        if turn is not None:
            turns.append(turn)
    return tuple(turns)


def _weightiest(findings: Iterable[Finding]) -> Sequence[Finding]:
    weights = {FindingState.FINE: 0, FindingState.UNKNOWN: 1, FindingState.PROBLEM: 2}
    found: dict[Key, Finding] = {}
    for finding in findings:
        key = key_of(finding)
        weight = (weights[finding.state], ORDER.index(finding.severity))
        if key not in found or weight > (weights[found[key].state], ORDER.index(found[key].severity)):
            found[key] = finding
    return tuple(found.values())


def _turn(
    finding: Finding, known: Alert | None, at: datetime, job: str, taken: Callable[[str], bool]
) -> AlertTurn | None:
    match finding.state:
        case FindingState.PROBLEM if known is None:
            return AlertTurn(Turn.OPENED, opened(finding, at, job, taken), finding.sentence, finding.evidence)
        case FindingState.PROBLEM:
            return renewed(known, finding, at) if known else None
        case FindingState.FINE if known is not None:
            closed = replace(known, closed=max(at, known.opened), snoozed_until=None)
            return AlertTurn(Turn.CLOSED, closed, finding.sentence, finding.evidence)
        case _:
            return None


def opened(finding: Finding, at: datetime, job: str, taken: Callable[[str], bool] = lambda name: False) -> Alert:
    """A new alert about a problem."""
    first = _name(finding, job)
    names = (first, *(f"{first}-{number}" for number in range(2, 10_000)))
    return Alert(
        id=next(name for name in names if not taken(name)),
        kind=finding.kind,
        target=finding.target,
        message=finding.sentence,
        opened=at,
        job=job,
        columns=finding.parts,
        subject=finding.subject,
        severity=finding.severity,
        command=finding.command,
        runbook=finding.runbook,
    )


def _name(finding: Finding, job: str) -> str:
    """`drift-local-20261121-084501-3f9a2c`; a subject is told in letters that can be typed, and by a part of its hash."""
    subject = ""
    if finding.subject:
        word = re.sub(r"[^a-z0-9]+", "_", finding.subject.lower()).strip("_")[:24]
        mark = hashlib.sha256(finding.subject.encode(errors="backslashreplace")).hexdigest()[:4]
        subject = f"{word}_{mark}" if word != finding.subject else word
    return "-".join(part for part in (finding.kind.value, finding.target, subject, job) if part)


def renewed(alert: Alert, finding: Finding, at: datetime) -> AlertTurn:
    """The alert with the newer finding. One that was set aside asks again only when there is something new about it."""
    newer = replace(
        alert,
        message=finding.sentence,
        columns=finding.parts,
        severity=finding.severity,
        count=alert.count + 1,
        # A clock that jumped back must not make the newest finding older than the first.
        renewed=max(at, alert.renewed or alert.opened),
        command=finding.command,
        runbook=finding.runbook,
    )
    why = _news(alert, finding, at)
    if not why or (alert.asks and not _is_worse(alert, finding)):
        return AlertTurn(Turn.RENEWED, newer, evidence=finding.evidence)
    return AlertTurn(Turn.ASKS_AGAIN, asking_again(newer), why, finding.evidence)


def _news(alert: Alert, finding: Finding, at: datetime) -> str:
    if _is_worse(alert, finding):
        return f"it is {finding.severity.value} now"
    new = [part for part in finding.parts if part not in alert.columns]
    if new:
        return f"new: {', '.join(new)}"
    return "its snooze is over" if is_over(alert, at) else ""


def _is_worse(alert: Alert, finding: Finding) -> bool:
    return ORDER.index(finding.severity) > ORDER.index(alert.severity)


def asking_again(alert: Alert) -> Alert:
    """The alert without an acknowledgement."""
    return replace(alert, acknowledged=None, acknowledged_by="", reason="", snoozed_until=None)


def is_over(alert: Alert, now: datetime) -> bool:
    """Whether it was set aside until a moment that has come."""
    return alert.snoozed_until is not None and alert.closed is None and alert.snoozed_until <= now


def awake(alerts: Iterable[Alert], now: datetime) -> tuple[Alert, ...]:
    """The alerts as they are now: those whose snooze is over ask again, whether a check has run since or not."""
    return tuple(asking_again(alert) if is_over(alert, now) else alert for alert in alerts)


@frozen
class AlertEvent:
    """A turn of an alert on its way to sinks: the same id and the same bytes however often it is sent."""

    id: str
    alert: str
    turn: Turn
    kind: AlertKind
    severity: Severity
    text: str
    """One line for people."""
    document: str
    """CloudEvents 1.0, structured JSON."""


def event_of(turn: AlertTurn, number: int, source: str, at: datetime) -> AlertEvent:
    """What sinks are told of a turn; `number` counts the events of the alert from 1."""
    return _event(f"{turn.alert.id}.{number}", turn, source, at)


def trial_event(sink: str, job: str, source: str, at: datetime) -> AlertEvent:
    """An event that says it is only a test."""
    alert = Alert(
        id=f"test-{job}",
        kind=AlertKind.OPERATIONS,
        target="",
        message=f"This is a test of the sink {sink}; nothing is wrong.",
        opened=at,
        job=job,
        subject="test",
        command="unipipe alerts list",
    )
    return _event(f"test-{job}", AlertTurn(Turn.OPENED, alert), source, at, kind="test")


def _event(name: str, turn: AlertTurn, source: str, at: datetime, kind: str = "alert") -> AlertEvent:
    alert = turn.alert
    document = {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": f"unipipe.{kind}.{turn.turn.value.replace(' ', '_')}",
        "subject": "/".join(part for part in (alert.target, alert.kind.value, alert.subject) if part),
        "time": _moment(at),
        "datacontenttype": "application/json",
        "data": {
            "alert": alert.id,
            "turn": turn.turn.value,
            "why": turn.why,
            "kind": alert.kind.value,
            "severity": alert.severity.value,
            "target": alert.target,
            "subject": alert.subject,
            "message": alert.message,
            "columns": list(alert.columns),
            "count": alert.count,
            "opened": _moment(alert.opened),
            "closed": alert.closed and _moment(alert.closed),
            "closed_by": alert.closed_by,
            "job": alert.job,
            "command": alert.command,
            "runbook": alert.runbook,
            "evidence": _evidence(turn.evidence),
        },
    }
    text = json.dumps(document, separators=(",", ":"))
    return AlertEvent(name, alert.id, turn.turn, alert.kind, alert.severity, sentence(turn), text)


def sentence(turn: AlertTurn) -> str:
    """`critical: local: drift in amount (opened)`: a turn in one line."""
    alert = turn.alert
    where = f"{alert.target}: " if alert.target else ""
    if turn.turn is Turn.CLOSED:
        by = f" by {alert.closed_by}" if alert.closed_by else ""
        return f"closed{by}: {where}{alert.message}"
    again = " (asks again)" if turn.turn is Turn.ASKS_AGAIN else ""
    return f"{alert.severity.value}: {where}{alert.message}{again}"


def _evidence(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
