"""Alerts, and the events about them that sinks still wait for; an alert and its event are written together or not at all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import duckdb

from unipipe_tui.domain.alerts import (
    TOLD,
    AlertEvent,
    AlertMarks,
    AlertTurn,
    Turn,
    asking_again,
    event_of,
    marked,
    settled,
)
from unipipe_tui.domain.deliveries import Delivery, DeliveryState, SinkState
from unipipe_tui.domain.findings import Finding, FindingState
from unipipe_tui.domain.records import Alert, AlertKind, Severity
from unipipe_tui.store.database import Database
from unipipe_tui.store.rows import aware, aware_or_none, insert, json_text, storable

COLUMNS = (
    "id, kind, target, message, opened, job, closed, columns, acknowledged, acknowledged_by, reason, subject, severity, "
    "times, renewed, command, runbook, snoozed_until, closed_by"
)
Wants = Callable[[AlertEvent], Sequence[str]]
"""The names of the sinks that an event is for."""


class KeptAlerts:
    """The alerts of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def alerts(self, *, only_open: bool = True) -> tuple[Alert, ...]:
        """Problems, newest first."""
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM alerts WHERE closed IS NULL OR NOT ? ORDER BY opened DESC, rowid DESC",  # noqa: S608
            [only_open],
        )
        return tuple(map(_alert, rows))

    def evidence(self, alert_id: str) -> str:
        """A snapshot of the check that found a problem last, as JSON."""
        rows = self._database.rows("SELECT evidence FROM alerts WHERE id = ?", [alert_id])
        return (rows[0][0] if rows else "") or "{}"

    def settle(
        self, findings: Sequence[Finding], at: datetime, job: str, source: str = "", wants: Wants = lambda event: ()
    ) -> tuple[AlertTurn, ...]:
        """Let findings open, renew and close alerts, and write down what sinks are to hear of it: all or nothing."""
        findings = tuple(map(_storable, findings))
        if not findings:
            return ()
        with self._database.writing() as connection:
            turns = settled(findings, _open_ones(connection), at, job, lambda name: _is_there(connection, name))
            for turn in turns:
                # A check that finds it gone does not take the evidence away.
                _put(connection, turn.alert, None if turn.turn is Turn.CLOSED else turn.evidence)
                _tell(connection, turn, at, job, source, wants)
        return turns

    def mark_alert(
        self,
        alert_id: str,
        marks: AlertMarks,
        turn: Turn | None,
        at: datetime,
        job: str,
        source: str = "",
        wants: Wants = lambda event: (),
    ) -> None:
        """Write down what somebody decided about an alert; with a turn, sinks hear of it."""
        with self._database.writing() as connection:
            row = connection.execute(f"SELECT {COLUMNS} FROM alerts WHERE id = ?", [alert_id]).fetchone()  # noqa: S608
            if row is None:
                return
            alert = marked(_alert(row), marks)
            _put(connection, alert)
            if turn is not None:
                _tell(
                    connection,
                    AlertTurn(turn, alert, marks.reason, _evidence(connection, alert_id)),
                    at,
                    job,
                    source,
                    wants,
                )

    def open_alert(self, alert: Alert) -> None:
        """Record a problem; one that is open already for the same subject gets the newer message."""
        finding = Finding(
            kind=alert.kind,
            target=alert.target,
            subject=alert.subject,
            state=FindingState.PROBLEM,
            severity=alert.severity,
            sentence=alert.message,
            command=alert.command,
            runbook=alert.runbook,
            parts=alert.columns,
        )
        with self._database.writing() as connection:
            known = _open_ones(connection)
            for turn in settled([_storable(finding)], known, alert.opened, alert.job, lambda name: False):
                is_new = turn.turn is Turn.OPENED
                _put(connection, dataclasses.replace(turn.alert, id=alert.id) if is_new else turn.alert)

    def acknowledge_alert(self, alert_id: str, at: datetime, by: str, reason: str) -> None:
        """Record that somebody took note of a problem; it stays open."""
        with self._database.writing() as connection:
            for alert in _open_ones(connection):
                if alert.id == alert_id:
                    _put(connection, marked(alert, AlertMarks(at, by, reason)))

    def ask_again(self, alert_id: str) -> None:
        """Take an acknowledgement back."""
        with self._database.writing() as connection:
            for alert in _open_ones(connection):
                if alert.id == alert_id:
                    _put(connection, asking_again(alert))

    def close_alerts(self, kind: AlertKind, target: str, at: datetime) -> int:
        """Close all of a kind that are open for a target; answers with how many."""
        with self._database.writing() as connection:
            found = [alert for alert in _open_ones(connection) if (alert.kind, alert.target) == (kind, target)]
            for alert in found:
                _put(connection, dataclasses.replace(alert, closed=at))
        return len(found)

    def waiting(self) -> tuple[Delivery, ...]:
        """The deliveries that sinks still wait for, in the order in which things happened."""
        rows = self._database.rows(
            "SELECT e.id, e.alert, e.turn, e.kind, e.severity, e.text, e.document, d.sink, e.moment, d.due, d.state, d.attempts, "
            "d.problem FROM deliveries d JOIN alert_events e ON e.id = d.event WHERE d.state = ? ORDER BY d.place",
            [DeliveryState.WAITING.value],
        )
        return tuple(map(_delivery, rows))

    def note_deliveries(self, deliveries: Iterable[Delivery], at: datetime) -> None:
        """Write down how attempts ended."""
        ended = tuple(deliveries)
        if not ended:
            return
        with self._database.writing() as connection:
            for one in ended:
                connection.execute(
                    "UPDATE deliveries SET state = ?, attempts = ?, due = ?, moment = ?, problem = ? "
                    "WHERE event = ? AND sink = ?",
                    [
                        *(storable(value) for value in (one.state, one.attempts, one.due, at, one.problem)),
                        one.event.id,
                        one.sink,
                    ],
                )

    def sink_states(self) -> tuple[SinkState, ...]:
        """How each sink does that was ever given an event."""
        rows = self._database.rows(
            "SELECT sink, count(*) FILTER (state = 'waiting'), count(*) FILTER (state = 'delivered'), "
            "count(*) FILTER (state = 'given up'), max(moment) FILTER (state = 'delivered'), "
            "coalesce(arg_min(problem, place) FILTER (state = 'waiting'), ''), "
            "coalesce(arg_min(attempts, place) FILTER (state = 'waiting'), 0) FROM deliveries GROUP BY sink ORDER BY sink"
        )
        return tuple(
            SinkState(name, waiting, delivered, given_up, aware_or_none(last), problem, attempts)
            for name, waiting, delivered, given_up, last, problem, attempts in rows
        )

    def judged_measures(self, target: str) -> str | None:
        """The counters of a target when they were judged last, as JSON; None: they never were."""
        rows = self._database.rows("SELECT document FROM judged_measures WHERE target = ?", [target])
        return rows[0][0] if rows else None

    def note_judged_measures(self, target: str, document: str, at: datetime) -> None:
        """Keep the counters that were judged now."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO judged_measures VALUES (?, ?, ?)",
                [storable(target), storable(document), storable(at)],
            )


def _open_ones(connection: duckdb.DuckDBPyConnection) -> tuple[Alert, ...]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM alerts WHERE closed IS NULL").fetchall()  # noqa: S608
    return tuple(map(_alert, rows))


def _is_there(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    return bool(connection.execute("SELECT 1 FROM alerts WHERE id = ?", [name]).fetchall())


def _evidence(connection: duckdb.DuckDBPyConnection, alert_id: str) -> str:
    row = connection.execute("SELECT evidence FROM alerts WHERE id = ?", [alert_id]).fetchone()
    return (row[0] if row else "") or "{}"


def _put(connection: duckdb.DuckDBPyConnection, alert: Alert, evidence: str | None = None) -> None:
    """Write an alert; without new evidence the old one stays."""
    values: dict[str, object] = {
        "kind": alert.kind,
        "target": alert.target,
        "message": alert.message,
        "opened": alert.opened,
        "job": alert.job,
        "closed": alert.closed,
        "columns": json_text(alert.columns),
        "acknowledged": alert.acknowledged,
        "acknowledged_by": alert.acknowledged_by,
        "reason": alert.reason,
        "subject": alert.subject,
        "severity": alert.severity,
        "times": alert.count,
        "renewed": alert.renewed,
        "command": alert.command,
        "runbook": alert.runbook,
        "snoozed_until": alert.snoozed_until,
        "closed_by": alert.closed_by,
        **({} if evidence is None else {"evidence": evidence}),
    }
    if not _is_there(connection, alert.id):
        insert(connection, "alerts", id=alert.id, **values)
        return
    changes = ", ".join(f"{name} = ?" for name in values)
    connection.execute(
        f"UPDATE alerts SET {changes} WHERE id = ?",  # noqa: S608
        [*map(storable, values.values()), storable(alert.id)],
    )


def _tell(
    connection: duckdb.DuckDBPyConnection, turn: AlertTurn, at: datetime, job: str, source: str, wants: Wants
) -> None:
    """Put the event of a turn into the outbox, one row for each sink that wants it."""
    if turn.turn not in TOLD:
        return
    row = connection.execute("SELECT count(*) FROM alert_events WHERE alert = ?", [storable(turn.alert.id)]).fetchone()
    event = event_of(turn, (row[0] if row else 0) + 1, source, at)
    sinks = tuple(wants(event))
    if not sinks:
        return
    insert(
        connection,
        "alert_events",
        id=event.id,
        alert=event.alert,
        turn=event.turn,
        kind=event.kind,
        severity=event.severity,
        text=event.text,
        document=event.document,
        moment=at,
        job=job,
    )
    last = connection.execute("SELECT coalesce(max(place), 0) FROM deliveries").fetchone()
    for place, sink in enumerate(sinks, start=(last[0] if last else 0) + 1):
        start: dict[str, Any] = {"state": DeliveryState.WAITING, "attempts": 0, "due": at, "moment": at, "problem": ""}
        insert(connection, "deliveries", event=event.id, sink=sink, place=place, **start)


def _storable(finding: Finding) -> Finding:
    """As the store will give it back: a name that is no Unicode must not look new each time."""
    texts = {
        name: str(storable(getattr(finding, name)))
        for name in ("target", "subject", "sentence", "evidence", "command", "runbook")
    }
    return dataclasses.replace(finding, parts=tuple(str(storable(part)) for part in finding.parts), **texts)  # type: ignore[arg-type]


def _alert(row: Sequence[Any]) -> Alert:
    return Alert(
        id=row[0],
        kind=AlertKind(row[1]),
        target=row[2],
        message=row[3],
        opened=aware(row[4]),
        job=row[5],
        closed=aware_or_none(row[6]),
        columns=tuple(json.loads(row[7] or "[]")),
        acknowledged=aware_or_none(row[8]),
        acknowledged_by=row[9] or "",
        reason=row[10] or "",
        subject=row[11] or "",
        severity=Severity(row[12] or Severity.WARNING),
        count=row[13] or 1,
        renewed=aware_or_none(row[14]),
        command=row[15] or "",
        runbook=row[16] or "",
        snoozed_until=aware_or_none(row[17]),
        closed_by=row[18] or "",
    )


def _delivery(row: Sequence[Any]) -> Delivery:
    event = AlertEvent(row[0], row[1], Turn(row[2]), AlertKind(row[3]), Severity(row[4]), row[5], row[6])
    return Delivery(event, row[7], aware(row[8]), aware(row[9]), DeliveryState(row[10]), row[11], row[12])
