"""What leaves the workbench: copied texts, pictures, other programs, and plans that are let go."""

from __future__ import annotations

import inspect
import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from textual.command import CommandPalette
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static

from tests.fakes import FakeProcesses, FakeTerminal
from tests.tui.conftest import expect_soon, looked, until
from tests.tui.shells import around, painted, planned, told
from unipipe_tui.actions.catalog import action_named
from unipipe_tui.actions.world import World
from unipipe_tui.config import TargetColour, UserConfig
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.messages import Asked, Copied, OutsideWanted
from unipipe_tui.tui.screens.answer import AnswerScreen
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.widgets.grid import Grid


async def test_a_copied_text_goes_the_way_that_the_terminal_has(world: World, tmp_path: Path) -> None:
    terminal = FakeTerminal()
    app = Unipipe(world, around(tmp_path, terminal=terminal, TMUX="/tmp/t,1,0"))
    async with app.run_test(size=(100, 30)) as pilot:
        app.screen.post_message(Copied("unipipe models check"))
        await until(pilot, lambda: terminal.buffers)
        await until(pilot, lambda: "tmux" in told(app))

    assert terminal.buffers == ["unipipe models check"]


async def test_without_any_clipboard_the_path_of_a_file_is_told(world: World, tmp_path: Path) -> None:
    app = Unipipe(world, around(tmp_path, TERM="linux"))
    async with app.run_test(size=(100, 30)) as pilot:
        app.screen.post_message(Copied("[bold]not markup[/"))
        await expect_soon(pilot, lambda: str(tmp_path / "state" / "copied.txt") in told(app))


async def test_a_form_copies_its_command_line_as_it_stands(busy_world: World, tmp_path: Path) -> None:
    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        app.post_message(Asked(action_named("models promote")))
        await until(pilot, lambda: isinstance(app.screen, FormScreen) and app.screen.focused)
        app.screen.query_one("#entry-reason", Input).focus()
        await pilot.press("y", "ctrl+y")
        line = str(app.screen.query_one("#command-line", Static).content)
        assert (app.clipboard, "--reason=y " in line) == (line.removeprefix("$ "), True)
        app.copy_to_clipboard("")
        app.screen.query_one("#go-on", Button).focus()
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard == line.removeprefix("$ "))
        assert isinstance(app.screen, FormScreen)


def guarded(world: World, **settings: Any) -> World:
    target = replace(world.targets["local"], **settings)
    guarded_world = replace(world, config=replace(world.config, targets={"local": target}))
    return replace(guarded_world, elsewhere=lambda root: guarded_world)


async def test_a_protected_target_wants_its_name_typed(busy_world: World, tmp_path: Path) -> None:
    world = guarded(busy_world, protected=True, colour=TargetColour.RED)
    processes = world.processes
    assert isinstance(processes, FakeProcesses)
    app = Unipipe(world, around(tmp_path))
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        app.post_message(
            Asked(action_named("models promote"), {"model": "fraud-detector", "version": "3"}, complete=True)
        )
        await until(pilot, lambda: planned(app))
        plan = app.screen
        assert plan.query_one("#dialog").has_class("-red")
        assert "local" in str(plan.query_one("#dialog").border_title)
        await pilot.press("ctrl+o", *["enter"] * 5)
        await pilot.press(*"locl", "enter", "ctrl+o")
        await pilot.pause()
        assert (app.screen is plan, plan.query_one("#run-it", Button).disabled) == (True, True)
        assert processes.launched == []
        await pilot.press("backspace", *"al")
        assert not plan.query_one("#run-it", Button).disabled
        await pilot.press("ctrl+o")
        await until(pilot, lambda: processes.launched)
    # What was typed goes with the job, so that its command line can be repeated as it is.
    assert "--confirm=local" in processes.launched[0][0]


async def test_a_target_has_its_colour_wherever_it_is_named(busy_world: World, tmp_path: Path) -> None:
    app = Unipipe(guarded(busy_world, colour=TargetColour.RED), around(tmp_path))
    async with app.run_test(size=(160, 45)) as pilot:
        await looked(pilot, app)
        live = app.screen.query_one("#live", Static).content
        assert isinstance(live, Content)
        assert any("$error" in str(span.style) and live.plain[span.start : span.end] == "local" for span in live.spans)
        await pilot.press("5")
        await until(pilot, lambda: app.current_mode == "releases")
        targets = app.screen.query_one("#targets Grid", Grid)
        await until(pilot, lambda: targets.rows)
        assert "$error" in targets.rows[0].cells[0].style


async def test_an_unprotected_target_asks_for_nothing(busy_world: World, tmp_path: Path) -> None:
    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(100, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("p")
        await until(pilot, lambda: planned(app))
        assert not app.screen.query_one("#typed").display
        assert all(label in painted(app).replace("&#160;", " ") for label in ("Cancel", "Run it"))
        assert not app.screen.query_one("#run-it", Button).disabled


async def test_a_picture_of_the_screen_is_a_file_whose_path_is_told(busy_world: World, tmp_path: Path) -> None:
    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(100, 30)) as pilot:
        await looked(pilot, app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: list((tmp_path / "state").glob("*.svg")))
        (picture,) = (tmp_path / "state").glob("*.svg")
        await until(pilot, lambda: str(picture) in told(app))

    assert "ingest" in picture.read_text()


class Lent(Unipipe):
    """An app whose terminal can be lent, as a real one can."""

    CSS_PATH: ClassVar = [Path(str(inspect.getfile(Unipipe))).parent / name for name in Unipipe.CSS_PATH]

    def suspend(self) -> Any:
        return nullcontext()


@pytest.mark.parametrize(
    ("environment", "key", "argv"),
    [
        ({}, "V", ["less"]),
        ({"PAGER": "less -R"}, "V", ["less", "-R"]),
        ({"PAGER": "'unclosed"}, "V", ["less"]),
        ({}, "E", ["vi"]),
        ({"EDITOR": "vi -u NONE"}, "E", ["vi", "-u", "NONE"]),
        ({"EDITOR": "ed", "VISUAL": "vi"}, "E", ["vi"]),
    ],
    ids=str,
)
async def test_an_answer_is_read_in_the_users_own_program(
    busy_world: World, tmp_path: Path, environment: dict[str, str], key: str, argv: list[str]
) -> None:
    terminal = FakeTerminal()
    app = Lent(busy_world, around(tmp_path, terminal=terminal, **environment))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        app.post_message(Asked(action_named("models list")))
        await until(pilot, lambda: isinstance(app.screen, AnswerScreen) and "fraud" in painted(app))
        await pilot.press(key)
        await until(pilot, lambda: terminal.ran)

    assert list(terminal.ran[0][:-1]) == argv
    assert "fraud-detector" in terminal.read[0]
    assert not os.path.exists(terminal.ran[0][-1])


async def test_the_palette_opens_the_users_configuration_in_the_editor(busy_world: World, tmp_path: Path) -> None:
    terminal, path = FakeTerminal(), tmp_path / "config" / "unipipe" / "config.yaml"
    app = Lent(busy_world, around(tmp_path, user=UserConfig(path=path), terminal=terminal))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"edit my conf")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: terminal.ran)

    assert terminal.ran == [("vi", str(path))]
    assert path.parent.is_dir()


async def test_a_program_that_is_not_there_and_a_terminal_that_cannot_be_lent_are_told(
    busy_world: World, tmp_path: Path
) -> None:
    missing = Lent(busy_world, around(tmp_path, EDITOR="no-such-editor"))
    async with missing.run_test(size=(100, 30)) as pilot:
        missing.post_message(OutsideWanted("x", editor=True))
        await expect_soon(pilot, lambda: "no-such-editor" in told(missing))
    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(100, 30)) as pilot:
        app.post_message(OutsideWanted("x"))
        await expect_soon(pilot, lambda: "no terminal" in told(app))
