"""Alerts in the store: older rows go on, and an alert and the event about it are written together."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.made import NOON
from unipipe_tui.domain.alerts import AlertEvent, AlertMarks, Turn, marks_of
from unipipe_tui.domain.deliveries import DeliveryState, failed, taken
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.store.database import Database
from unipipe_tui.store.history import History
from unipipe_tui.store.migrations import shipped_migrations

LATER = NOON + timedelta(hours=1)


def found(state: FindingState = FindingState.PROBLEM, subject: str = "", **more: object) -> Finding:
    words = ("drift in amount", '{"psi": 0.3}', "next", "look")
    finding = Finding(AlertKind.DRIFT, "local", subject, state, Severity.WARNING, *words)
    return dataclasses.replace(finding, **more)  # type: ignore[arg-type]


def both(event: AlertEvent) -> tuple[str, ...]:
    return ("hook", "bell")


def test_an_alert_of_a_store_from_before_is_renewed_and_closed_by_the_checks_of_today(tmp_path: Path) -> None:
    with Database(tmp_path, shipped_migrations()[:4]).writing() as connection:
        connection.execute(
            "INSERT INTO alerts (id, kind, target, message, opened, job, columns, acknowledged, acknowledged_by) "
            "VALUES ('a', 'drift', 'local', 'drift in amount', '2026-03-01', 'j', '[\"amount\"]', '2026-03-02', 'ada')"
        )
    history = History(Database(tmp_path))
    [before] = history.alerts()
    assert (before.severity, before.count, before.subject, history.evidence("a")) == (Severity.WARNING, 1, "", "{}")
    [turn] = history.settle([found(parts=("amount",))], NOON, "j2")
    assert (turn.turn, turn.alert.id, turn.alert.count, turn.alert.acknowledged_by) == (Turn.RENEWED, "a", 2, "ada")
    history.settle([found(FindingState.FINE)], LATER, "j3")
    [after] = history.alerts(only_open=False)
    assert (after.closed, after.renewed, after.message) == (LATER, NOON, "drift in amount")


def test_an_alert_comes_back_as_it_was_opened_with_its_evidence(database: Database) -> None:
    history = History(database)
    [turn] = history.settle([found(subject="it's", parts=("amount",))], NOON, "j1")
    assert history.alerts() == (turn.alert,)
    assert history.evidence(turn.alert.id) == '{"psi": 0.3}'


def test_finding_it_gone_keeps_the_evidence_of_the_problem(database: Database) -> None:
    history = History(database)
    [turn] = history.settle([found()], NOON, "j1")
    history.settle([found(evidence='{"psi": 0.4}')], NOON, "j2")
    history.settle([found(FindingState.FINE, evidence='{"psi": 0.0}')], LATER, "j3")
    assert history.evidence(turn.alert.id) == '{"psi": 0.4}'


def test_opening_and_closing_reach_the_outbox_of_each_sink_in_order_and_renewing_does_not(database: Database) -> None:
    history = History(database)
    for number, state in enumerate((FindingState.PROBLEM, FindingState.PROBLEM, FindingState.FINE)):
        history.settle([found(state)], NOON + timedelta(minutes=number), f"j{number}", "/w", both)
    alert = history.alerts(only_open=False)[0].id
    assert [(one.event.id, one.event.turn, one.sink) for one in history.waiting()] == [
        (f"{alert}.1", Turn.OPENED, "hook"),
        (f"{alert}.1", Turn.OPENED, "bell"),
        (f"{alert}.2", Turn.CLOSED, "hook"),
        (f"{alert}.2", Turn.CLOSED, "bell"),
    ]


def test_what_a_sink_took_waits_no_more_and_what_it_did_not_take_waits_with_its_reason(database: Database) -> None:
    history = History(database)
    history.settle([found()], NOON, "j1", "/w", both)
    hook, bell = history.waiting()
    history.note_deliveries([failed(hook, "it said 500", NOON), taken(bell, NOON)], NOON)
    [left] = history.waiting()
    assert (left.sink, left.attempts, left.problem, left.event) == ("hook", 1, "it said 500", hook.event)
    states = {state.name: state for state in history.sink_states()}
    assert (states["hook"].waiting, states["hook"].problem, states["hook"].attempts) == (1, "it said 500", 1)
    assert (states["bell"].delivered, states["bell"].last) == (1, NOON)
    history.note_deliveries([dataclasses.replace(left, state=DeliveryState.GIVEN_UP)], LATER)
    assert history.waiting() == ()


def test_an_alert_is_not_there_when_its_event_could_not_be_written(database: Database) -> None:
    def broken(event: AlertEvent) -> tuple[str, ...]:
        raise RuntimeError("no")

    history = History(database)
    with pytest.raises(RuntimeError):
        history.settle([found()], NOON, "j1", "/w", broken)
    assert history.alerts() == ()
    [turn] = history.settle([found()], NOON, "j1", "/w", both)
    assert turn.turn is Turn.OPENED


def test_closing_by_hand_is_an_event_and_setting_aside_is_none(database: Database) -> None:
    history = History(database)
    [turn] = history.settle([found()], NOON, "j1")
    aside = AlertMarks(NOON, "ada", "known", snoozed_until=LATER)
    history.mark_alert(turn.alert.id, aside, None, NOON, "j2", "/w", both)
    assert (marks_of(history.alerts()[0]), history.waiting()) == (aside, ())
    gone = AlertMarks(reason="no problem", closed=LATER, closed_by="ada")
    history.mark_alert(turn.alert.id, gone, Turn.CLOSED, LATER, "j3", "/w", both)
    assert (history.alerts(), len(history.waiting())) == ((), 2)
    assert "closed by ada" in history.waiting()[0].event.text


def test_acknowledging_one_that_is_closed_does_not_open_it_again(database: Database) -> None:
    history = History(database)
    [turn] = history.settle([found()], NOON, "j1")
    history.settle([found(FindingState.FINE)], LATER, "j2")
    history.acknowledge_alert(turn.alert.id, LATER, "ada", "")
    assert history.alerts() == ()


def test_a_hundred_subjects_are_a_hundred_alerts_also_within_one_job(database: Database) -> None:
    history = History(database)
    subjects = [f"column {'x' * 30} {number}" for number in range(50)] + [f"Spalte_{number}" for number in range(50)]
    assert len(history.settle([found(subject=name) for name in subjects], NOON, "j1")) == 100
    assert {turn.turn for turn in history.settle([found(subject=name) for name in subjects], LATER, "j1")} == {
        Turn.RENEWED
    }


def test_the_counters_that_were_judged_last_are_kept_per_target(database: Database) -> None:
    history = History(database)
    assert history.judged_measures("local") is None
    history.note_judged_measures("local", "[1]", NOON)
    history.note_judged_measures("local", "[2]", LATER)
    assert (history.judged_measures("local"), history.judged_measures("far")) == ("[2]", None)
