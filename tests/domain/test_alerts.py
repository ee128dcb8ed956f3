"""The life of an alert: findings open, renew and close it; people set it aside, and something new lets it ask again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from unipipe_tui.domain.alerts import (
    AlertMarks,
    AlertTurn,
    Turn,
    awake,
    event_of,
    key_of,
    marked,
    marks_of,
    marks_of_json,
    opened,
    settled,
)
from unipipe_tui.domain.deliveries import GIVE_UP_AFTER, LONGEST_PAUSE, Delivery, DeliveryState, failed, is_due, taken
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.domain.moments import moment_ahead, seconds_of
from unipipe_tui.domain.records import Alert
from unipipe_tui.domain.schedules import next_due

NOON = datetime(2026, 3, 9, 12, 0, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def found(state: FindingState = FindingState.PROBLEM, *parts: str, **more: object) -> Finding:
    values: dict[str, object] = {
        "kind": AlertKind.DRIFT,
        "target": "local",
        "subject": "",
        "state": state,
        "severity": Severity.WARNING,
        "sentence": f"drift in {', '.join(parts)}",
        "evidence": '{"check": "drift"}',
        "parts": parts,
    }
    return Finding(**{**values, **more})  # type: ignore[arg-type]


def turns(finding: Finding, *known: Alert, at: datetime = LATER) -> tuple[AlertTurn, ...]:
    return settled([finding], known, at, "j2", lambda name: False)


@pytest.fixture
def alert() -> Alert:
    return opened(found(FindingState.PROBLEM, "amount"), NOON, "j1")


def test_a_problem_opens_an_alert_with_all_that_was_found() -> None:
    finding = found(FindingState.PROBLEM, "amount", command="unipipe drift show", runbook="look", subject="amount €")
    [turn] = turns(finding)
    assert (turn.turn, turn.alert.count, turn.alert.columns, turn.evidence) == (
        Turn.OPENED,
        1,
        ("amount",),
        '{"check": "drift"}',
    )
    assert (turn.alert.command, turn.alert.runbook, turn.alert.subject) == ("unipipe drift show", "look", "amount €")
    assert turn.alert.id.startswith("drift-local-amount_")


def test_the_same_problem_again_is_the_same_alert_counted_and_nobody_is_told(alert: Alert) -> None:
    [turn] = turns(found(FindingState.PROBLEM, "amount"), alert)
    assert (turn.turn, turn.alert.id, turn.alert.count, turn.alert.renewed) == (Turn.RENEWED, alert.id, 2, LATER)


def test_fine_closes_it_and_unknown_leaves_it_as_it_is(alert: Alert) -> None:
    assert turns(found(FindingState.UNKNOWN), alert) == ()
    [turn] = turns(found(FindingState.FINE), alert)
    assert (turn.turn, turn.alert.closed) == (Turn.CLOSED, LATER)
    assert turns(found(FindingState.FINE)) == ()


def test_another_subject_target_or_kind_is_another_alert(alert: Alert) -> None:
    others = [
        found(FindingState.PROBLEM, subject="amount"),
        found(FindingState.PROBLEM, target="far"),
        found(FindingState.PROBLEM, kind=AlertKind.SLO),
    ]
    for other in others:
        assert [turn.turn for turn in turns(other, alert)] == [Turn.OPENED]


def test_several_findings_about_one_subject_count_as_the_worst_of_them(alert: Alert) -> None:
    both = [found(FindingState.FINE), found(FindingState.PROBLEM, "amount"), found(FindingState.UNKNOWN)]
    [turn] = settled(both, [alert], LATER, "j2", lambda name: False)
    assert turn.turn is Turn.RENEWED


@pytest.mark.parametrize(
    ("finding", "why"),
    [
        (found(FindingState.PROBLEM, "amount", "hour"), "new: hour"),
        (found(FindingState.PROBLEM, "amount", severity=Severity.CRITICAL), "it is critical now"),
    ],
)
def test_one_that_was_acknowledged_asks_again_about_something_new_only(
    alert: Alert, finding: Finding, why: str
) -> None:
    set_aside = marked(alert, AlertMarks(NOON, "ada", "known"))
    [turn] = turns(finding, set_aside)
    assert (turn.turn, turn.why, turn.alert.asks) == (Turn.ASKS_AGAIN, why, True)
    [same] = turns(found(FindingState.PROBLEM, "amount"), set_aside)
    assert (same.turn, same.alert.acknowledged_by) == (Turn.RENEWED, "ada")


def test_a_snooze_ends_when_its_moment_comes_with_or_without_a_check(alert: Alert) -> None:
    snoozed = marked(alert, AlertMarks(NOON, "ada", "", snoozed_until=LATER))
    early = LATER - timedelta(seconds=1)
    assert [one.asks for one in awake([snoozed], early)] == [False]
    assert [one.asks for one in awake([snoozed], LATER)] == [True]
    assert turns(found(FindingState.PROBLEM, "amount"), snoozed, at=early)[0].turn is Turn.RENEWED
    [turn] = turns(found(FindingState.PROBLEM, "amount"), snoozed)
    assert (turn.turn, turn.why, turn.alert.snoozed_until) == (Turn.ASKS_AGAIN, "its snooze is over", None)


def test_a_clock_that_jumps_back_makes_nothing_older_than_its_beginning(alert: Alert) -> None:
    before = NOON - timedelta(days=3)
    [turn] = turns(found(FindingState.PROBLEM, "amount"), alert, at=before)
    assert turn.alert.renewed == NOON
    [closed] = turns(found(FindingState.FINE), alert, at=before)
    assert closed.alert.closed == NOON


def test_what_people_said_goes_through_text_and_back(alert: Alert) -> None:
    marks = AlertMarks(NOON, "ada", 'it\'s "fine"', LATER, None, "")
    assert marks_of_json(marks.to_json()) == marks
    assert marks_of(marked(alert, marks)) == marks


@given(some.lists(some.sampled_from(list(FindingState)), max_size=30))
def test_however_checks_follow_each_other_at_most_one_alert_is_open(states: list[FindingState]) -> None:
    known: dict[str, Alert] = {}
    for number, state in enumerate(states):
        at = NOON + timedelta(minutes=number)
        for turn in settled([found(state, "amount")], known.values(), at, "j", lambda name: name in known):
            known[turn.alert.id] = turn.alert
    still_open = [alert for alert in known.values() if alert.closed is None]
    last = next((state for state in reversed(states) if state is not FindingState.UNKNOWN), FindingState.FINE)
    assert len(still_open) == (last is FindingState.PROBLEM)
    assert len({(key_of(alert), alert.id) for alert in known.values()}) == len(known)


def test_an_event_is_a_cloud_event_whose_bytes_depend_on_nothing_but_the_turn(alert: Alert) -> None:
    turn = AlertTurn(Turn.OPENED, alert, evidence='{"psi": 0.3}')
    event = event_of(turn, 1, "/unipipe/fraud", NOON)
    said = json.loads(event.document)
    assert {name: said[name] for name in ("specversion", "id", "source", "type", "subject", "time")} == {
        "specversion": "1.0",
        "id": f"{alert.id}.1",
        "source": "/unipipe/fraud",
        "type": "unipipe.alert.opened",
        "subject": "local/drift",
        "time": "2026-03-09T12:00:00Z",
    }
    assert said["data"]["evidence"] == {"psi": 0.3}
    assert event == event_of(turn, 1, "/unipipe/fraud", NOON)


def delivery() -> Delivery:
    alert = opened(found(FindingState.PROBLEM, "amount"), NOON, "j1")
    return Delivery(event_of(AlertTurn(Turn.OPENED, alert), 1, "/", NOON), "hook", NOON, NOON)


def test_a_sink_that_fails_is_tried_after_pauses_that_double_up_to_an_hour() -> None:
    one, now, pauses = delivery(), NOON, []
    for _ in range(10):
        one = failed(one, "500", now)
        pauses.append((one.due - now).total_seconds())
        now = one.due
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert (taken(one, now).state, taken(one, now).attempts, taken(one, now).problem) == (
        DeliveryState.DELIVERED,
        11,
        "",
    )


def test_after_a_week_of_failures_nobody_tries_any_more() -> None:
    assert failed(delivery(), "500", NOON + GIVE_UP_AFTER).state is DeliveryState.WAITING
    assert failed(delivery(), "500", NOON + GIVE_UP_AFTER + timedelta(seconds=1)).state is DeliveryState.GIVEN_UP


def test_a_clock_that_jumped_back_keeps_nothing_waiting() -> None:
    one = failed(delivery(), "500", NOON)
    assert not is_due(one, NOON)
    assert is_due(one, one.due)
    assert is_due(replace(one, due=NOON + LONGEST_PAUSE + timedelta(days=30)), NOON)


@given(some.floats(0.1, 1e4), some.floats(0, 1e6))
def test_rounds_begin_on_a_grid_that_does_not_drift(every: float, passed: float) -> None:
    due = next_due(5.0, every, 5.0 + passed)
    assert due > 5.0 + passed or due == pytest.approx(5.0 + passed)
    assert due - (5.0 + passed) <= every * (1 + 1e-6)
    assert (due - 5.0) / every == pytest.approx(round((due - 5.0) / every), abs=1e-6)


def test_a_moment_ahead_is_an_age_or_a_time_that_has_not_passed() -> None:
    assert moment_ahead("4h", NOON) == NOON + timedelta(hours=4)
    assert moment_ahead("2026-03-10", NOON) == datetime(2026, 3, 10, tzinfo=UTC)
    for wrong in ("2026-03-09", "0h", "soon", "999999999w", "-4h"):
        with pytest.raises(UsageError):
            moment_ahead(wrong, NOON)
    with pytest.raises(UsageError, match="no length of time"):
        seconds_of("5")
