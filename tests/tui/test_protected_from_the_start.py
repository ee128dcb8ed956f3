"""A protected target is protected from the first moment, not from the moment at which its plan is painted."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fakes import FakeProcesses
from tests.tui.conftest import looked
from tests.tui.shells import around
from tests.tui.test_shell_outside import guarded
from unipipe_tui.actions.catalog import action_named
from unipipe_tui.actions.world import World
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.screens.plan import PlanScreen


async def test_whoever_presses_the_run_key_all_the_while_runs_nothing_on_a_protected_target(
    busy_world: World, tmp_path: Path
) -> None:
    world = guarded(busy_world, protected=True)
    processes = world.processes
    assert isinstance(processes, FakeProcesses)
    app = Unipipe(world, around(tmp_path))
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        known = {"model": "fraud-detector", "version": "3"}
        app.post_message(Asked(action_named("models promote"), known, complete=True))
        while not (isinstance(app.screen, PlanScreen) and any(line.display for line in app.screen.query("#typed"))):
            if isinstance(app.screen, PlanScreen):
                app.screen.action_run_plan()
            await asyncio.sleep(0)
        app.screen.action_run_plan()
        await pilot.pause()

        assert isinstance(app.screen, PlanScreen)
        assert processes.launched == []
