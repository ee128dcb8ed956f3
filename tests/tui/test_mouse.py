"""The mouse: places, keys of the footer, rows and heads of tables can be clicked."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets._footer import FooterKey

from tests.tui.conftest import expect_soon, looked, until
from tests.tui.lively import lively
from tests.tui.shells import around
from unipipe_tui.actions.world import World
from unipipe_tui.config import KeyChoice, UserConfig
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.help import HelpScreen
from unipipe_tui.tui.screens.models import VersionsPane
from unipipe_tui.tui.screens.plan import PlanScreen
from unipipe_tui.tui.screens.reading import ReadingScreen
from unipipe_tui.tui.widgets.footer import FittingFooter
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.title import Title


def footer_key(app: Unipipe, key: str) -> FooterKey:
    return next(found for found in app.screen.query_one(FittingFooter).query(FooterKey) if found.key == key)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_place_is_gone_to_by_a_click_on_its_number_or_name_in_the_title(
    world: World, tmp_path: Path, size: tuple[int, int]
) -> None:
    chosen = UserConfig(keys=(KeyChoice("everywhere.runs", ("f3",), "c, line 1"),))
    app = Unipipe(world, around(tmp_path, user=chosen))
    async with app.run_test(size=size) as pilot:
        await looked(pilot, app)
        for name, mark in (("runs", "f3"), ("lineage", "8"), ("overview", "1"), ("jobs", "7")):
            title = app.screen.query_one(Title)
            at = str(title.content).index(f" {mark} " if size[0] > 80 else f" {mark}") + 1
            await pilot.click(title, offset=(at, 0))
            await until(pilot, lambda: app.current_mode == name)  # noqa: B023
        title = app.screen.query_one(Title)
        await pilot.click(title, offset=(str(title.content).index("unipipe"), 0))
        await pilot.click(title, offset=(size[0] - 3, 0))
        await pilot.pause()
        assert app.current_mode == "jobs"


async def test_a_key_of_the_footer_does_by_a_click_what_it_does_when_it_is_pressed(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(100, 30)) as pilot:
        await looked(pilot, app)
        await pilot.click(footer_key(app, "question_mark"))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await pilot.click(footer_key(app, "p"))
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        await until(pilot, lambda: app.screen.query("PlanLine"))
        await pilot.click("#cancel")
        await expect_soon(pilot, lambda: len(app.screen_stack) == 1)


async def test_a_row_gets_the_cursor_by_a_click_is_opened_by_two_and_a_head_sorts(busy_world: World) -> None:
    app = Unipipe(lively(busy_world))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("4")
        await until(pilot, lambda: app.screen.query(VersionsPane) and app.screen.query_one(VersionsPane).grid.rows)
        grid = app.screen.query_one(VersionsPane).query_one(Grid)
        await pilot.click(grid, offset=(6, 3))
        await until(pilot, lambda: grid.pointed == "fraud-detector/1")
        await pilot.click(grid, offset=(3, 0))
        assert [row.id for row in grid.rows] == [f"fraud-detector/{number}" for number in (1, 2, 3)]
        assert grid.pointed == "fraud-detector/1"
        await pilot.double_click(grid, offset=(6, 2))
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen))
        assert grid.pointed == "fraud-detector/2"
