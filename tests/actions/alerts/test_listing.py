"""Taking note of an alert: it stays open, the board no longer asks, and undo takes it back."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOON
from unipipe_tui.actions.alerts.listing import (
    ACKNOWLEDGE,
    AcknowledgeAlert,
    ListAlerts,
    list_alerts,
    plan_acknowledgement,
)
from unipipe_tui.actions.going_back import UNDO, UndoChange
from unipipe_tui.actions.overview import Status, status
from unipipe_tui.actions.perform import perform
from unipipe_tui.actions.world import World
from unipipe_tui.domain.board import StepState
from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.records import Alert, AlertKind, DriftCheck
from unipipe_tui.wiring import world_at


@pytest.fixture
def world(project: Path) -> World:
    """A project with drift, and an open alert about it."""
    world = world_at(project)
    world.history.add_drift_check(DriftCheck("local", "m", 1, 9, True, ("amount",), '{"columns": []}', NOON, "j"))
    opened(world, "drift-local-1", "amount")
    folder = project / ".unipipe" / "predictions" / "local"
    folder.mkdir(parents=True)
    (folder / "predictions-1.jsonl").write_text('{"prediction_id": "p", "at": "2026-03-09T12:00:00Z"}\n')
    return world


def opened(world: World, name: str, *columns: str) -> None:
    message = f"drift in {', '.join(columns)}"
    world.history.open_alert(Alert(name, AlertKind.DRIFT, "local", message, NOON, "j", columns=columns))


def did(world: World, change: Any, request: Any, job: str) -> Any:
    """Perform a change as a job of that id."""
    return perform(change, request, dataclasses.replace(world, job_id=job), lambda _: None, lambda: False)


def monitor(world: World) -> tuple[StepState, str]:
    step = next(step for step in status(Status(), world).steps if step.name == "monitor")
    return step.state, step.headline


def test_an_acknowledged_alert_stays_open_but_no_longer_asks_on_the_board(world: World) -> None:
    assert monitor(world) == (StepState.ATTENTION, "drift in amount")
    did(world, ACKNOWLEDGE, AcknowledgeAlert("drift-local", "the sale is on"), "j1")
    found = list_alerts(ListAlerts(), world)
    assert (found.open, found.asking, found.alerts[0].reason) == (1, 0, "the sale is on")
    assert found.alerts[0].acknowledged_by == world.actor
    state, headline = monitor(world)
    assert state is StepState.OK
    assert "1 open alert, acknowledged" in headline


def test_undo_lets_it_ask_again_and_another_undo_takes_that_back_too(world: World) -> None:
    did(world, ACKNOWLEDGE, AcknowledgeAlert("drift-local", "why"), "j1")
    did(world, UNDO, UndoChange("j1"), "j2")
    assert list_alerts(ListAlerts(), world).asking == 1
    did(world, UNDO, UndoChange("j2"), "j3")
    (alert,) = list_alerts(ListAlerts(), world).alerts
    assert (alert.acknowledged_by, alert.reason) == (world.actor, "why")


def test_what_a_check_closed_or_somebody_else_decided_is_not_undone(world: World) -> None:
    did(world, ACKNOWLEDGE, AcknowledgeAlert("drift-local"), "j1")
    world.history.ask_again("drift-local-1")
    with pytest.raises(Refused, match="acknowledged by nobody now"):
        did(world, UNDO, UndoChange("j1"), "j2")
    world.history.close_alerts(AlertKind.DRIFT, "local", NOON)
    with pytest.raises(Refused, match="a later check found it gone"):
        did(world, UNDO, UndoChange("j1"), "j3")


def test_the_plan_says_who_takes_note_of_what_and_why(world: World) -> None:
    plan = plan_acknowledgement(AcknowledgeAlert("local-1", "known"), world)
    lines = "\n".join(plan.lines)
    assert f"drift-local-1: acknowledged by {world.actor}, because known; it stays open" in lines
    assert "drift in amount" in lines
    assert plan.undo == "unipipe undo"


def test_an_alert_is_named_by_a_part_of_its_id_that_only_it_has(world: World) -> None:
    world.history.open_alert(Alert("performance-local-1", AlertKind.PERFORMANCE, "local", "bad", NOON, "j"))
    with pytest.raises(UsageError, match="2 open alerts"):
        plan_acknowledgement(AcknowledgeAlert("local-1"), world)
    with pytest.raises(UsageError, match="no open alert 'x'") as error:
        plan_acknowledgement(AcknowledgeAlert("x"), world)
    assert "drift-local-1" in (error.value.hint or "")
    assert plan_acknowledgement(AcknowledgeAlert("perf"), world).decided.alert.message == "bad"


def test_one_that_was_acknowledged_is_not_acknowledged_again(world: World) -> None:
    world.history.acknowledge_alert("drift-local-1", NOON, "ada", "")
    with pytest.raises(UsageError, match="ada acknowledged drift-local-1 on 2026-03-09 12:00"):
        plan_acknowledgement(AcknowledgeAlert("drift-local-1"), world)


def test_all_lists_what_is_gone_too_and_counts_only_what_is_open(world: World) -> None:
    world.history.close_alerts(AlertKind.DRIFT, "local", NOON + timedelta(hours=1))
    assert list_alerts(ListAlerts(), world).alerts == ()
    found = list_alerts(ListAlerts(all=True), world)
    assert ([alert.id for alert in found.alerts], found.open, found.asking) == (["drift-local-1"], 0, 0)
