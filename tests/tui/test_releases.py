"""The releases place: targets, their history, how they do, and what its keys ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.widgets import Input, Static

from tests.fakes import NOON, FakeServer, FakeTracking, staying
from tests.tui.conftest import JOBS, MODEL, looked, until, version_of
from unipipe_tui.actions.world import World
from unipipe_tui.domain.model_signatures import Signature
from unipipe_tui.domain.records import Release
from unipipe_tui.domain.tracking import RegisteredModel
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.screens.plan import PlanScreen
from unipipe_tui.tui.screens.releases import HistoryPane, ReleasesScreen, TargetPane


@pytest.fixture
def live_world(busy_world: World) -> World:
    """Version 2 is live since an hour, version 1 was before."""
    for version, hours in ((1, 2), (2, 1)):
        at, job = NOON - timedelta(hours=hours), JOBS[1].id
        busy_world.history.add_release(
            Release(
                "local", MODEL, version, "ab" * 32, "c" * 40, "dd" * 16, "r", "ada", at, f"{job}{'x' * (2 - version)}"
            )
        )
    signed = FakeTracking(
        (),
        (RegisteredModel(MODEL, (("champion", 2),), 3),),
        tuple(version_of(number) for number in (3, 2, 1)),
        {2: Signature((), (), {"amount": 2.5})},
    )
    return staying(busy_world, tracking=signed)


def read(app: Unipipe) -> str:
    return str(app.screen.query_one("Reading Static", Static).content)


async def shown(pilot: Any, app: Unipipe) -> None:
    await looked(pilot, app)
    await pilot.press("5")
    await until(pilot, lambda: isinstance(app.screen, ReleasesScreen) and app.screen.query_one(TargetPane).answer)
    await until(pilot, lambda: app.screen.query_one(HistoryPane).answer)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_target_shows_what_it_serves_how_it_does_and_what_it_served_before(
    live_world: World, size: tuple[int, int]
) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=size) as pilot:
        await shown(pilot, app)
        history = app.screen.query_one(HistoryPane).grid.rows

        assert [cell.text for row in history for cell in row.cells if MODEL in cell.text] == [
            f"● {MODEL} 2",
            f"· {MODEL} 1",
        ]
        assert f"answers with    {MODEL} version 2" in read(app)
        assert "requests        10,432 since it started" in read(app)
        assert str(app.screen.query_one(TargetPane).border_title).startswith("Target local")


async def test_the_cursor_in_the_history_chooses_the_version_that_is_started(live_world: World) -> None:
    app = Unipipe(staying(live_world, server_of=lambda target: FakeServer()))
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        assert app.screen.selection() == {"target": "local"}  # type: ignore[attr-defined]
        await pilot.press("enter", "j")
        assert app.screen.selection() == {"target": "local", "model": MODEL, "version": "1"}  # type: ignore[attr-defined]
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("PlanLine"))

        assert f"Start local with {MODEL} version 1" in str(app.screen.query_one("#title", Static).content)


async def test_x_plans_to_stop_the_target_under_the_cursor(live_world: World) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("PlanLine"))

        assert "Stop local on http://127.0.0.1:8765" in str(app.screen.query_one("#title", Static).content)


async def test_t_asks_for_a_prediction_with_the_example_of_the_model(live_world: World) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await shown(pilot, app)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))

        assert app.screen.query_one("#entry-record", Input).value == '{"amount": 2.5}'
        assert app.screen.query_one("#entry-target", Input).value == "local"


async def test_enter_in_the_history_goes_to_the_job_that_released_it(live_world: World) -> None:
    app = Unipipe(live_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, app)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, JobsScreen))

        assert app.followed is not None
        assert app.followed.job_id == JOBS[1].id


async def test_without_a_release_it_says_how_to_begin(busy_world: World) -> None:
    stopped = replace(FakeServer().now)
    app = Unipipe(staying(busy_world, server_of=lambda target: FakeServer(stopped)))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, app)

        assert "unipipe serve start local" in read(app)
        assert app.screen.query_one(HistoryPane).grid.rows == ()
