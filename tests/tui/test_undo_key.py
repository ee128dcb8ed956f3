"""The undo key: it takes back what an earlier launch recorded, and says why when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from tests.actions.models.made import carried_out
from tests.fakes import NOON
from tests.tui.conftest import CONFIG, looked, until
from tests.tui.shells import planned
from unipipe_tui.actions.alerts.listing import ACKNOWLEDGE, AcknowledgeAlert
from unipipe_tui.actions.world import World
from unipipe_tui.domain.records import Alert, AlertKind
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.screens.message import ProblemTold
from unipipe_tui.tui.screens.plan import PlanLine
from unipipe_tui.wiring import build_world

ALERT = Alert("drift-local", AlertKind.DRIFT, "local", "region moved", NOON, "j")


@pytest.fixture
def left(project: Path) -> Path:
    """A project where somebody acknowledged an alert, and then left the workbench."""
    (project / "unipipe.yaml").write_text(CONFIG)
    before = build_world(project)
    before.history.open_alert(ALERT)
    carried_out(before, ACKNOWLEDGE, AcknowledgeAlert("drift-local", "the new region is known"))
    return project


def asking(world: World) -> list[bool]:
    return [alert.asks for alert in world.history.alerts()]


async def test_what_was_done_before_a_restart_is_taken_back_and_that_too(left: Path) -> None:
    world = build_world(left)
    assert asking(world) == [False]
    app = Unipipe(world)
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("z")
        await until(pilot, lambda: planned(app))
        assert any("drift-local: acknowledged by nobody" in line.line for line in app.screen.query(PlanLine))
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))
        await until(pilot, lambda: "done" in str(app.screen.query_one("#job-head", Static).content), 60)
        assert asking(world) == [True]
        # Taking back is a change like any other.
        await pilot.press("z")
        await until(pilot, lambda: planned(app))
        assert any("drift-local: acknowledged by ada" in line.line for line in app.screen.query(PlanLine))


async def test_what_a_later_check_closed_cannot_be_taken_back_and_it_says_why(left: Path) -> None:
    build_world(left).history.close_alerts(AlertKind.DRIFT, "local", NOON)
    app = Unipipe(build_world(left))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("z")
        await until(pilot, lambda: isinstance(app.screen, ProblemTold))
        told = str(app.screen.query_one("#told", Static).content)

    assert "drift-local is closed: a later check found it gone." in told
    assert "unipipe alerts list --all" in told
