"""What is broken when the workbench opens takes down its own part of every place, and no more."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from textual.widgets import Static

from tests.fakes import FakeGit, staying
from tests.tui.conftest import JOBS, looked, until
from unipipe_tui.actions.world import World
from unipipe_tui.domain.ports.tools import WorkTree
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.background import Problem, begin
from unipipe_tui.tui.snapshot import Snapshot
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import TablePane
from unipipe_tui.wiring import build_world


async def test_a_damaged_store_is_told_and_the_board_stands(world: World) -> None:
    (world.root / ".unipipe" / "unipipe.duckdb").write_bytes(b"rubbish" * 2000)
    app = Unipipe(build_world(world.root))
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        assert app.snapshot.picture is not None
        assert not app.snapshot.is_stale
        assert "damaged" in str(app.screen.query_one("#problem", Static).content)
        await pilot.press("7")
        await until(pilot, lambda: app.current_mode == "jobs")
        pane = app.screen.query_one(TablePane)
        await until(pilot, lambda: pane.problem)
        assert "damaged" in str(pane.border_title)


async def test_a_place_that_needs_no_picture_shows_what_it_has_while_git_hangs(busy_world: World) -> None:
    release = threading.Event()

    class HangingGit(FakeGit):
        def work_tree(self) -> WorkTree | None:
            release.wait(60)
            return super().work_tree()

    world = staying(busy_world, git=HangingGit())
    app = Unipipe(world)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("7")
        await until(pilot, lambda: app.current_mode == "jobs")
        app.snapshot = Snapshot(problem=Problem("No answer within 15 seconds."), opened=world)
        await until(pilot, lambda: app.screen.query_one(Grid).rows)
        assert len(app.screen.query_one(Grid).rows) == len(JOBS)
        release.set()


async def test_a_project_that_was_taken_away_is_not_begun_anew(world: World, tmp_path: Path) -> None:
    app = Unipipe(world)
    kept = tmp_path / "kept"
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        picture = app.snapshot.picture
        world.root.rename(kept)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.snapshot.problem)
        assert (app.snapshot.picture, app.snapshot.is_stale) == (picture, True)
        assert "is not there any more" in str(app.screen.query_one("#problem", Static).content)
        await pilot.press("3")
        await until(pilot, lambda: app.current_mode == "runs")
        await pilot.pause(0.3)
    assert not world.root.exists()
    kept.rename(world.root)


async def test_what_the_machine_refuses_is_called_no_bug() -> None:
    def full() -> None:
        raise OSError(28, "No space left on device", "/project/.unipipe/jobs")

    assert await begin(full) == Problem("/project/.unipipe/jobs: No space left on device")


def test_a_picture_without_its_jobs_is_as_new_as_any(world: World) -> None:
    told = Problem("The store is damaged.")
    snapshot = Snapshot(problem=told)

    assert snapshot.is_stale
    assert replace(snapshot, problem=None).is_stale is False
