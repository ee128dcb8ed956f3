"""What is found again at the next launch, whatever stands in its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.tui.conftest import expect_soon, looked, until
from tests.tui.shells import around
from unipipe_tui.actions.world import World
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.remembered import Remembered, keep, memory_path, recall
from unipipe_tui.tui.sheets.models import version_id
from unipipe_tui.tui.widgets.grid import Grid


async def test_the_next_launch_finds_place_filter_order_and_cursor_again(busy_world: World, tmp_path: Path) -> None:
    def versions(app: Unipipe) -> Grid:
        return app.screen.query_one("#versions Grid", Grid)

    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(120, 40)) as pilot:
        await looked(pilot, app)
        await pilot.press("4")
        await until(pilot, lambda: len(versions(app).rows) == 3)
        versions(app).focus()
        await pilot.press("s", "S", "G")
        pointed, order = versions(app).pointed, versions(app).order
        await pilot.press("/", *"v", "enter")
        words = versions(app).words
        await pilot.press("q")

    again = Unipipe(busy_world, around(tmp_path))
    async with again.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: again.current_mode == "models")
        await until(pilot, lambda: versions(again).sheet.rows)
        assert (versions(again).words, versions(again).order) == (words, order)
        assert order is not None
        await pilot.press("escape")
        await until(pilot, lambda: len(versions(again).rows) == 3)
        assert pointed is not None


async def test_the_cursor_of_a_table_comes_back_to_its_row(busy_world: World, tmp_path: Path) -> None:
    oldest = version_id("fraud-detector", 1)
    kept = {"versions": {"cursor": oldest}}
    keep(memory_path(tmp_path / "state", busy_world.root), Remembered(place="models", places={"models": kept}))
    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.current_mode == "models")
        grid = app.screen.query_one("#versions Grid", Grid)
        await expect_soon(pilot, lambda: grid.pointed == oldest)


RUBBISH: Mapping[str, str | bytes] = {
    "nothing": "",
    "no JSON": "{",
    "another shape": "[1, 2]",
    "nonsense": json.dumps(
        {"theme": 3, "place": ["a"], "places": {"models": {"versions": {"cursor": {}, "order": 1}}}}
    ),
    "unknown things": json.dumps({"theme": "pink", "place": "cellar", "places": {"models": 7, "cellar": {}}}),
    "numbers": json.dumps({"places": {"models": {"versions": {"first_column": -3, "filter": None, "order": "nope"}}}}),
    "no text": b"\xff\xfe\x00",
    "very deep": "[" * 100_000,
}


@pytest.mark.parametrize("rubbish", list(RUBBISH))
async def test_rubbish_in_the_memory_is_ignored(busy_world: World, tmp_path: Path, rubbish: str) -> None:
    path = memory_path(tmp_path / "state", busy_world.root)
    path.parent.mkdir()
    content = RUBBISH[rubbish]
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    app = Unipipe(busy_world, around(tmp_path))
    async with app.run_test(size=(100, 30)) as pilot:
        await looked(pilot, app)
        assert app.current_mode == "overview"
        await pilot.press("4")
        grid = app.screen.query_one("#versions Grid", Grid)
        await until(pilot, lambda: len(grid.rows) == 3)
        app.exit()

    assert recall(path).place == "models"


def test_what_is_kept_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "state" / "x.json"
    standing = Remembered("t", "runs", {"runs": {"runs": {"filter": "metrics.f1 > 0.8"}}})

    keep(path, standing)
    assert recall(path) == standing
    assert [entry.name for entry in path.parent.iterdir()] == ["x.json"]


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")

    keep(tmp_path / "state" / "x.json", Remembered("t"))
    keep(None, Remembered("t"))

    assert recall(tmp_path / "state" / "x.json") == Remembered()
    assert recall(None) == Remembered()


def test_two_projects_have_two_memories(tmp_path: Path) -> None:
    assert memory_path(tmp_path, Path("/a")) != memory_path(tmp_path, Path("/b"))
    assert memory_path(tmp_path, Path("/a")) == memory_path(tmp_path, Path("/a"))
