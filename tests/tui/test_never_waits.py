"""Tools that give no answer: keys work all the same, and what was known stays in sight."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import psutil
import pytest
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.content import Content

from tests.tui.conftest import PIPELINE, looked, until
from unipipe_tui.actions.action import Look
from unipipe_tui.actions.jobs import listing
from unipipe_tui.actions.jobs.listing import JobList, ListJobs
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import ToolMissing
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.places import PLACES
from unipipe_tui.tui.screens.help import HelpScreen
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.jobs import jobs_sheet
from unipipe_tui.tui.themes import DARK
from unipipe_tui.tui.widgets.output import Output
from unipipe_tui.tui.widgets.pane import TablePane

AT_ONCE_SECONDS = 0.5
"""Some 40 ms when the machine is free; whoever waited for a tool that sleeps would wait for 30 s."""
TRIES = 5
"""On a busy machine any one of them may be late by no fault of ours."""
ASLEEP = ("git", "dvc", "kubectl", "docker", "tmux")


@pytest.fixture
def asleep(tmp_path: Path) -> Iterator[Path]:
    """A folder of programs that sleep for 30 seconds whatever is asked of them."""
    folder = tmp_path / "asleep"
    folder.mkdir()
    for name in ASLEEP:
        (folder / name).write_text("#!/bin/sh\nexec sleep 30\n")
        (folder / name).chmod(0o755)
    yield folder
    for child in psutil.Process().children(recursive=True):
        if child.name() == "sleep":
            child.kill()


def put_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


async def seconds_to_help(app: Unipipe) -> float:
    """From the key to the help with its text."""
    begun = perf_counter()
    app.simulate_key("question_mark")
    while not (isinstance(app.screen, HelpScreen) and app.screen.query(Output) and app.screen.query_one(Output).lines):
        await asyncio.sleep(0.002)
        assert perf_counter() - begun < 10
    took = perf_counter() - begun
    app.simulate_key("escape")
    while isinstance(app.screen, HelpScreen):
        await asyncio.sleep(0.002)
    return took


async def best_of(app: Unipipe) -> float:
    """The help's best time, tried until it is good."""
    best = 10.0
    for _ in range(TRIES):
        best = min(best, await seconds_to_help(app))
        if best < AT_ONCE_SECONDS:
            break
    return best


async def test_with_tools_that_sleep_from_the_beginning_the_help_opens_and_one_can_leave(
    world: World, asleep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_first(asleep, monkeypatch)
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("7")
        await until(pilot, lambda: app.current_mode == "jobs")
        took = await best_of(app)
        left = perf_counter()
        app.simulate_key("q")
    seconds = perf_counter() - left

    assert app.snapshot.picture is None
    assert took < AT_ONCE_SECONDS
    assert seconds < 2.0


async def test_tools_that_fall_asleep_hold_up_no_key_in_any_place(
    world: World, asleep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.root / "dvc.yaml").write_text(PIPELINE)
    app = Unipipe(world)
    times: dict[str, float] = {}
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        put_first(asleep, monkeypatch)
        before = app.snapshot
        (world.root / "README.md").write_text("# Changed\n")
        await until(pilot, lambda: any(child.name() == "sleep" for child in psutil.Process().children(recursive=True)))
        for place in PLACES[1:]:
            app.simulate_key(place.key)
            await until(pilot, lambda: app.current_mode == place.name)  # noqa: B023
            times[place.name] = await best_of(app)
        assert app.snapshot is before
        left = perf_counter()
        app.simulate_key("q")
    seconds = perf_counter() - left

    assert {name: round(took, 3) for name, took in times.items() if took >= AT_ONCE_SECONDS} == {}
    assert seconds < 2.0


@pytest.mark.parametrize("pause", [0.0, 0.02])
async def test_a_quit_key_that_is_held_leaves_once(world: World, pause: float) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        for _ in range(30):
            app.simulate_key("q")
        await asyncio.sleep(pause)

    assert app.return_code == 0


class Patient(TablePane[JobList]):
    """The jobs, from a source that may be away."""

    TITLE = "Jobs"
    EMPTY = "No job yet: unipipe retrain"
    WITHIN_SECONDS = 0.2

    def sheet_of(self, answer: JobList) -> Sheet:
        return jobs_sheet(answer.jobs, answer.total)


class Alone(App[None]):
    """A pane and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
        self.pane = Patient()

    def compose(self) -> ComposeResult:
        yield Container(self.pane)

    @property
    def beside(self) -> str:
        return Content.from_markup(str(self.pane.border_subtitle)).plain


async def test_a_pane_whose_look_hangs_or_fails_keeps_its_rows_and_says_how_old_they_are_and_why(
    busy_world: World,
) -> None:
    waking = threading.Event()

    def hang(request: ListJobs, world: World) -> JobList:
        waking.wait(30)
        return listing.list_jobs(request, world)

    def fail(request: ListJobs, world: World) -> JobList:
        raise ToolMissing("The store is [b]away[/b].")

    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.ask(listing.LIST, ListJobs(), busy_world)
        await until(pilot, lambda: len(app.pane.grid.rows) == 4)
        app.pane.grid.action_last()
        rows, pointed = app.pane.grid.rows, app.pane.grid.pointed

        app.pane.ask(Look("jobs list", ListJobs, fail, ""), ListJobs(), busy_world)
        await until(pilot, lambda: app.beside.startswith("stale "))
        assert app.beside.endswith(" s · The store is [b]away[/b].")
        app.pane.ask(Look("jobs list", ListJobs, hang, ""), ListJobs(), busy_world)
        await until(pilot, lambda: app.beside.endswith(" s · No answer within 0.2 seconds."))
        assert (app.pane.grid.rows, app.pane.grid.pointed) == (rows, pointed)
        assert app.pane.has_class("-stale")
        said = app.beside
        await until(pilot, lambda: app.beside not in (said, ""))
        waking.set()
        await until(pilot, lambda: app.beside == "4")
        assert not app.pane.has_class("-stale")


async def test_a_pane_that_never_had_an_answer_says_why(busy_world: World) -> None:
    def fail(request: ListJobs, world: World) -> JobList:
        raise ToolMissing("The store is away.", hint="Look for it.")

    app = Alone()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.ask(Look("jobs list", ListJobs, fail, ""), ListJobs(), busy_world)
        await until(pilot, lambda: app.beside == "no answer · The store is away.")
        assert "The store is away.  Look for it." in app.pane.grid.render_line(1).text
