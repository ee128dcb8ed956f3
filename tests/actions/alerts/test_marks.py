"""Snoozing and closing by hand: what the plan says, what becomes of the alert, and undo."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.actions.release.made import Clock
from tests.fakes import NOON
from unipipe_tui.actions.alerts.listing import ListAlerts, ShowAlert, list_alerts, show_alert
from unipipe_tui.actions.alerts.marks import CLOSE, SNOOZE, CloseAlert, SnoozeAlert
from unipipe_tui.actions.alerts.settling import settle
from unipipe_tui.actions.going_back import UNDO, UndoChange
from unipipe_tui.actions.overview import Status, status
from unipipe_tui.actions.perform import perform
from unipipe_tui.actions.world import World
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.alerts import Turn
from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.domain.records import Alert
from unipipe_tui.wiring import world_at

DRIFT = Finding(
    AlertKind.DRIFT,
    "local",
    "amount",
    FindingState.PROBLEM,
    Severity.WARNING,
    "drift in amount",
    '{"psi": 0.31}',
    "unipipe drift show local",
    "look at the columns",
)
CONFIG = "project: fraud\nalerts: {sinks: {log: {kind: command, run: ['true']}}}\n"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(project: Path, clock: Clock) -> World:
    """A project with an open alert about one column."""
    (project / "unipipe.yaml").write_text(CONFIG)
    world = dataclasses.replace(world_at(project), now=clock, actor="ada")
    settle([DRIFT], world)
    return world


def did(world: World, change: Any, request: Any, job: str) -> Any:
    return perform(change, request, dataclasses.replace(world, job_id=job), lambda _: None, lambda: False)


def only(world: World) -> Alert:
    [alert] = list_alerts(ListAlerts(all=True), world).alerts
    return alert


def test_a_snoozed_alert_asks_again_when_its_time_has_come_on_every_board(world: World, clock: Clock) -> None:
    answer = did(world, SNOOZE, SnoozeAlert("drift-local", "4h", "the sale is on"), "j1")
    assert (answer.open, answer.asks, answer.by) == (True, False, "ada")
    assert (only(world).reason, list_alerts(ListAlerts(), world).asking) == ("the sale is on", 0)
    clock.wait(4 * 3600)
    assert list_alerts(ListAlerts(), world).asking == 1
    assert [alert.asks for alert in status(Status(), world).alerts] == [True]


def test_the_plan_of_a_snooze_says_until_when_and_refuses_what_has_passed(world: World) -> None:
    lines = "\n".join(SNOOZE.plan(SnoozeAlert("drift-local", "3d"), world).lines)
    assert "set aside by ada for 3d; it stays open" in lines
    at_noon = SNOOZE.plan(SnoozeAlert("drift-local", "2026-03-12T12:00"), world)
    assert any("until 2026-03-12 12:00 UTC" in line for line in at_noon.lines)
    assert "drift alert of local about amount" in lines
    with pytest.raises(UsageError, match="has passed"):
        SNOOZE.plan(SnoozeAlert("drift-local", "2026-03-01"), world)


def test_closing_by_hand_tells_the_sinks_and_the_next_finding_opens_a_new_one(world: World) -> None:
    waiting = len(world.history.waiting())
    did(world, CLOSE, CloseAlert("drift-local", "not used any more"), "j1")
    assert (only(world).closed_by, only(world).reason) == ("ada", "not used any more")
    assert [one.event.turn for one in world.history.waiting()[waiting:]] == [Turn.CLOSED]
    settle([DRIFT], dataclasses.replace(world, job_id="j2"))
    assert list_alerts(ListAlerts(), world).open == 1
    assert len(list_alerts(ListAlerts(all=True), world).alerts) == 2


@pytest.mark.parametrize(("change", "request_"), [(SNOOZE, SnoozeAlert("drift")), (CLOSE, CloseAlert("drift", "no"))])
def test_undo_brings_it_back_and_another_undo_does_it_again(world: World, change: Any, request_: Any) -> None:
    before = only(world)
    did(world, change, request_, "j1")
    after = only(world)
    did(world, UNDO, UndoChange("j1"), "j2")
    assert only(world) == before
    did(world, UNDO, UndoChange("j2"), "j3")
    assert only(world) == after


def test_what_a_check_or_somebody_else_decided_since_is_not_undone(world: World) -> None:
    did(world, SNOOZE, SnoozeAlert("drift", "4h"), "j1")
    settle([dataclasses.replace(DRIFT, state=FindingState.FINE)], world)
    with pytest.raises(Refused, match="not as that change left it"):
        did(world, UNDO, UndoChange("j1"), "j2")


def test_a_closing_is_not_undone_when_the_same_is_open_again(world: World) -> None:
    did(world, CLOSE, CloseAlert("drift"), "j1")
    settle([DRIFT], dataclasses.replace(world, job_id="j2"))
    with pytest.raises(Refused, match="about the same is open by now"):
        did(world, UNDO, UndoChange("j1"), "j3")


def test_one_alert_is_shown_with_evidence_runbook_and_the_next_command(world: World, clock: Clock) -> None:
    clock.wait(60)
    settle([DRIFT], world)
    view = show_alert(ShowAlert("amount"), world)
    assert (view.evidence, view.alert.count, view.alert.renewed) == ({"psi": 0.31}, 2, NOON + timedelta(minutes=1))
    text = "\n".join(line.plain for line in lines_of(view))
    for words in ("unipipe drift show local", "look at the columns", '"psi": 0.31', "found 2 times"):
        assert words in text
    did(world, CLOSE, CloseAlert("drift"), "j1")
    settle([DRIFT], dataclasses.replace(world, job_id="j2"))
    assert show_alert(ShowAlert("amount"), world).alert.closed is None
    with pytest.raises(UsageError, match="no alert 'x'"):
        show_alert(ShowAlert("x"), world)
