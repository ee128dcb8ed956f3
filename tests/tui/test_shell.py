"""Tiny terminals, read-only, and the ways from place to place."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Static

from tests.fakes import FakeProcesses
from tests.tui.conftest import expect_soon, looked, until
from tests.tui.shells import around, closed, footer_of, planned
from unipipe_tui.actions.world import World
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.jumps import fitting
from unipipe_tui.tui.screens.answer import AnswerScreen
from unipipe_tui.tui.screens.message import ProblemTold
from unipipe_tui.tui.too_small import TooSmallScreen
from unipipe_tui.tui.widgets.title import Title


async def test_a_tiny_terminal_says_so_and_swallows_every_key(busy_world: World, tmp_path: Path) -> None:
    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        for size in ((59, 24), (80, 14)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: isinstance(app.screen, TooSmallScreen))
            assert f"{size[0]}x{size[1]}" in str(app.screen.query_one(Static).content)
            await pilot.press("p", "q", "7", "question_mark", "enter", "escape", "colon")
            await pilot.pause()
            assert isinstance(app.screen, TooSmallScreen)
            assert (app.is_running, app.current_mode) == (True, "overview")
            await pilot.resize_terminal(60, 15)
            await until(pilot, lambda: not isinstance(app.screen, TooSmallScreen))
        assert len(app.screen_stack) == 1


async def test_a_dialog_is_still_there_when_the_terminal_grows_again(busy_world: World, tmp_path: Path) -> None:
    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: planned(app))
        await pilot.resize_terminal(30, 8)
        await until(pilot, lambda: isinstance(app.screen, TooSmallScreen))
        await pilot.press("ctrl+o")
        await pilot.resize_terminal(90, 30)
        await until(pilot, lambda: planned(app))

    assert isinstance(busy_world.processes, FakeProcesses)
    assert busy_world.processes.launched == []


async def test_it_may_begin_too_small(world: World, tmp_path: Path) -> None:
    app = Unipipe(world, around(tmp_path))
    async with app.run_test(size=(40, 10)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, TooSmallScreen))
        await pilot.resize_terminal(80, 24)
        await expect_soon(pilot, lambda: not isinstance(app.screen, TooSmallScreen))


async def test_where_nothing_may_be_changed_keys_are_dimmed_and_say_why(busy_world: World, tmp_path: Path) -> None:
    app = Unipipe(closed(busy_world), around(tmp_path))
    async with app.run_test(size=(200, 40)) as pilot:
        await looked(pilot, app)
        keys = footer_of(app)
        assert {key: keys[key] for key in "rpbz"} == dict.fromkeys("rpbz", False)
        assert keys["question_mark"]
        assert "the disk is a museum" in str(app.screen.query_one(Title).content)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, ProblemTold))
        assert "the disk is a museum" in str(app.screen.query_one("#told", Static).content)
        await pilot.press("escape", "4")
        await until(pilot, lambda: app.current_mode == "models")
        assert footer_of(app)["c"] is False
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ProblemTold))

    assert isinstance(busy_world.processes, FakeProcesses)
    assert busy_world.processes.launched == []


def test_a_jump_means_places_first_and_then_capabilities() -> None:
    assert fitting("")[:2] == ("overview", "pipeline")
    assert fitting("mo")[:2] == ("models", "monitoring")
    assert fitting("mo pr") == ("models promote",)
    assert fitting("prom") == ("models promote", "export prometheus")
    assert fitting("doctor") == ("doctor",)
    assert fitting("nothing like it") == ()


def test_a_jump_finds_the_users_own_commands_before_capabilities_whatever_their_case() -> None:
    own = ("Model notes", "deploy")
    assert fitting("model", own)[:3] == ("models", "Model notes", "models list")
    assert fitting("mo no", own) == ("Model notes",)
    assert fitting("dep", own) == ("deploy",)
    assert "deploy" not in fitting("", own)


async def test_a_jump_asks_for_a_capability_by_its_name(busy_world: World, tmp_path: Path) -> None:
    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("colon", *"models l", "enter")
        await until(pilot, lambda: isinstance(app.screen, AnswerScreen))
        await until(pilot, lambda: "› models list" in str(app.screen_stack[0].query_one(Title).content))
        await pilot.press("escape")
        await expect_soon(pilot, lambda: "›" not in str(app.screen.query_one(Title).content))


async def test_the_title_tells_the_way_to_a_plan_and_to_the_help_above_a_place(
    busy_world: World, tmp_path: Path
) -> None:
    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        title = app.screen.query_one(Title)
        await pilot.press("p")
        await until(pilot, lambda: planned(app))
        await expect_soon(pilot, lambda: "› Plan: models promote" in str(title.content))
