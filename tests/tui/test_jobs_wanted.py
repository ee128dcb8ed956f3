"""The job that somebody wants to read is the one that is shown, whatever the list was left like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Static

from tests.tui.conftest import JOBS, expect_soon, looked, until
from tests.tui.shells import around
from unipipe_tui.actions.world import World
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.messages import JobWanted
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.widgets.grid import Grid

OLDEST, WANTED = JOBS[0], JOBS[2]


def pointed(app: Unipipe) -> str | None:
    return app.screen.query_one("#jobs Grid", Grid).pointed


def head(app: Unipipe) -> str:
    return str(app.screen.query_one("#job-head", Static).content)


async def jobs_listed(pilot: Pilot[Any], app: Unipipe) -> None:
    await until(pilot, lambda: isinstance(app.screen, JobsScreen) and app.screen.query_one("#jobs Grid", Grid).rows)


async def test_a_wanted_job_is_shown_where_another_was_left_at_the_last_launch(
    busy_world: World, tmp_path: Path
) -> None:
    first = Unipipe(busy_world, around(tmp_path))
    async with first.run_test(size=(100, 40)) as pilot:
        await pilot.press("7")
        await jobs_listed(pilot, first)
        await pilot.press("G")
        await until(pilot, lambda: OLDEST.message in head(first))
        await pilot.press("/", *"pipeline", "enter", "1")
    first.exit()

    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        app.post_message(JobWanted(WANTED.id))
        await jobs_listed(pilot, app)
        await until(pilot, lambda: WANTED.message in head(app))
        await until(pilot, lambda: pointed(app) == WANTED.id)
        await pilot.pause(0.2)

        assert WANTED.message in head(app)


async def test_a_filter_that_would_hide_the_wanted_job_is_taken_away(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("7")
        await jobs_listed(pilot, app)
        await pilot.press("/", *"pipeline", "enter", "1")
        await until(pilot, lambda: not isinstance(app.screen, JobsScreen))
        app.post_message(JobWanted(WANTED.id))
        await until(pilot, lambda: isinstance(app.screen, JobsScreen) and pointed(app) == WANTED.id)

        assert WANTED.message in head(app)


async def test_who_filters_reads_the_log_of_the_job_that_is_left(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("7")
        await jobs_listed(pilot, app)
        app.post_message(JobWanted(WANTED.id))
        await until(pilot, lambda: WANTED.message in head(app))
        await pilot.press("/", *"pipeline")
        await until(pilot, lambda: pointed(app) == OLDEST.id)
        await until(pilot, lambda: OLDEST.message in head(app))

        assert WANTED.message not in head(app)


async def test_the_cursor_leads_on_from_a_wanted_job_that_the_list_does_not_hold(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("7")
        await jobs_listed(pilot, app)
        app.post_message(JobWanted("20200101-000000-000000"))
        await until(pilot, lambda: app.followed is not None)
        await pilot.press("ctrl+r")
        await pilot.pause(0.3)
        await pilot.press("G")
        await expect_soon(pilot, lambda: OLDEST.message in head(app))
