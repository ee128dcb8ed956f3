"""Keys that somebody chose, colours and glyphs, as they are at work."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.color import Color

from tests.tui.conftest import looked, until
from tests.tui.shells import around, closed, footer_of, painted, told
from unipipe_tui.actions.world import World
from unipipe_tui.config import KeyChoice, UserConfig
from unipipe_tui.config.user import ThemeName
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.remembered import Remembered, keep, memory_path, recall
from unipipe_tui.tui.screens.help import HelpScreen
from unipipe_tui.tui.themes import THEMES
from unipipe_tui.tui.widgets.board import Board
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.title import Title

DEFAULT = Color.default()


async def test_a_chosen_key_works_and_is_named_everywhere(world: World, tmp_path: Path) -> None:
    choices = (
        KeyChoice("everywhere.help", ("f5",), "c, line 1"),
        KeyChoice("everywhere.jobs", ("J",), "c, line 2"),
        KeyChoice("dialogs.close", ("X",), "c, line 3"),
    )
    app = Unipipe(world, around(tmp_path, user=UserConfig(choices)))
    async with app.run_test(size=(160, 40)) as pilot:
        await looked(pilot, app)
        assert {"f5", "J"} <= set(app.screen.active_bindings)
        assert not {"question_mark", "7"} & set(app.screen.active_bindings)
        assert "f5" in footer_of(app)
        assert " J Jobs" in str(app.screen.query_one(Title).content)
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await until(pilot, lambda: "  f5  " in painted(app).replace("&#160;", " "))
        assert "X close" in str(app.screen.query_one("#dialog").border_subtitle)
        await pilot.press("X")
        await until(pilot, lambda: not isinstance(app.screen, HelpScreen))
        await pilot.press("J")
        assert app.current_mode == "jobs"


async def test_a_table_moves_with_the_chosen_keys_and_no_longer_with_the_old_ones(
    busy_world: World, tmp_path: Path
) -> None:
    choices = (KeyChoice("tables.down", ("f9", "down"), "c, line 1"),)
    app = Unipipe(busy_world, around(tmp_path, user=UserConfig(choices)))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("4")
        grid = app.screen.query_one("#versions Grid", Grid)
        await until(pilot, lambda: len(grid.rows) == 3)
        ids = [row.id for row in grid.rows]
        grid.focus()
        await pilot.press("home", "j")
        assert grid.pointed == ids[0]
        await pilot.press("f9")
        assert grid.pointed == ids[1]
        await pilot.press("down")
        assert grid.pointed == ids[2]


async def test_a_faulty_configuration_is_told_and_the_defaults_hold(world: World, tmp_path: Path) -> None:
    user = UserConfig(
        (KeyChoice("everywhere.help", ("ctrl+h",), "c, line 7"),), problems=("c, line 2: no such theme.",)
    )
    app = Unipipe(world, around(tmp_path, user=user))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert "c, line 2" in told(app)
        assert "c, line 7" in told(app)
        await pilot.press("?")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))


@pytest.mark.parametrize(
    ("user", "environment", "kept", "first"),
    [
        (None, {}, "", ThemeName.DARK),
        (ThemeName.LIGHT, {}, "", ThemeName.LIGHT),
        (ThemeName.LIGHT, {}, "unipipe-ansi", ThemeName.LIGHT),
        (None, {}, "unipipe-ansi", ThemeName.ANSI),
        (None, {}, "no-such-theme", ThemeName.DARK),
        (ThemeName.LIGHT, {"NO_COLOR": "1"}, "unipipe-ansi", ThemeName.MONOCHROME),
    ],
    ids=str,
)
def test_the_first_colours_are_those_of_environment_then_configuration_then_the_last_time(
    world: World,
    tmp_path: Path,
    user: ThemeName | None,
    environment: dict[str, str],
    kept: str,
    first: ThemeName,
) -> None:
    keep(memory_path(tmp_path / "state", world.root), Remembered(theme=kept))

    app = Unipipe(world, around(tmp_path, user=UserConfig(theme=user), **environment))

    assert app.theme == THEMES[first].name
    offered = [ThemeName.MONOCHROME] if environment else list(ThemeName)
    assert set(app.available_themes) == {THEMES[name].name for name in offered}


async def test_every_theme_is_painted_and_the_last_one_is_kept(
    busy_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(100, 30)) as pilot:
        await looked(pilot, app)
        pictures = []
        for _ in ThemeName:
            pictures.append(painted(app))
            await pilot.press("ctrl+t")
            await pilot.pause()
        assert len(set(pictures)) == len(ThemeName)
        await pilot.press("ctrl+t")
        app.exit()

    assert recall(memory_path(tmp_path / "state", busy_world.root)).theme == THEMES[ThemeName.LIGHT].name


async def test_with_sixteen_colours_nothing_hangs_on_the_background_of_the_terminal(
    busy_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    app = Unipipe(busy_world, around(tmp_path, user=UserConfig(theme=ThemeName.ANSI)))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        bare: set[str] = set()
        for key in ("1", "3", "4", "5", "7", "question_mark"):
            await pilot.press(key)
            await pilot.pause()
            for strip in app.screen._compositor.render_strips(app.screen.size):
                bare |= {s.text.strip() for s in strip if s.style is None or s.style.bgcolor in (None, DEFAULT)}
    assert bare <= {""}


@pytest.mark.parametrize("theme", [ThemeName.ANSI, ThemeName.MONOCHROME])
async def test_where_colours_are_few_the_cursor_turns_its_line_around_and_the_line_is_one_piece(
    busy_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theme: ThemeName
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    app = Unipipe(busy_world, around(tmp_path, user=UserConfig(theme=theme)))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        board = app.screen.query_one(Board)
        other, pointed = board.render_line(1), board.render_line(0)
        await pilot.press("7")
        await until(pilot, lambda: isinstance(app.focused, Grid) and app.focused.rows)
        grid = app.screen.query_one(Grid)
        row = grid.render_line(1)

    for line in (pointed, row):
        assert len({(s.style.color, s.style.bgcolor) for s in line if s.style and s.text}) == 1
        assert all(s.style.reverse for s in line if s.style and s.text)
    assert not any(s.style.reverse for s in other if s.style)


async def test_read_only_is_said_on_a_narrow_terminal_too(busy_world: World, tmp_path: Path) -> None:
    app = Unipipe(closed(busy_world), around(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        assert "read-only" in str(app.screen.query_one(Title).content)


async def test_in_ascii_nothing_else_is_painted(busy_world: World, tmp_path: Path) -> None:
    app = Unipipe(busy_world, around(tmp_path, UNIPIPE_ASCII="1"))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        for place in "123456789":
            await pilot.press(place)
            await pilot.pause()
            strips = app.screen._compositor.render_strips(app.screen.size)
            text = "\n".join(strip.text for strip in strips)
            assert text.isascii(), sorted({letter for letter in text if not letter.isascii()})
    assert "ingest" in text or len(text) > 1000
