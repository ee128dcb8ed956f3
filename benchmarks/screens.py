"""How fast the workbench paints: when it opens, at every key, with a hundred thousand runs, and until a change is done."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import many_runs
import psutil
from figures import Figure, said
from terminals import workbench
from textual.widgets import Input

from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.screens.plan import PlanLine, PlanScreen
from unipipe_tui.tui.screens.runs import RunsScreen
from unipipe_tui.tui.widgets.runs import RunsPane
from unipipe_tui.wiring import build_world

UNIPIPE = Path(sys.executable).with_name("unipipe")
OPENINGS = 5
KEYS = 200
WIDE = (200, 50)
OPEN_FOR_SECONDS = 10.0
GIVEN_UP_SECONDS = 30.0
TYPED = ("r", "ru", "run", "run-", "run-9", "run-99", "run-991", "run-9911", "run-991", "run-99")


def first_paint(workspace: Path) -> Figure:
    """From the command to the board with its evidence."""
    seconds = []
    for _ in range(OPENINGS):
        begun = time.perf_counter()
        with workbench(workspace) as opened:
            seconds.append(opened.seconds_until(b"up to date", begun))
    return Figure("the workbench, until the board is painted", "<= 1 s", OPENINGS, statistics.median(seconds))


def key_to_paint(workspace: Path) -> Figure:
    """From a key to what it paints on the terminal, while the pipeline runs as a job and the index is read anew."""
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        copy = Path(shutil.copytree(workspace, Path(place) / "workspace", symlinks=True))
        _change_a_param(copy)
        with workbench(copy) as opened:
            opened.seconds_until(b"up to date", time.perf_counter())
            opened.press("3")
            time.sleep(3.0)
            said([UNIPIPE, "pipeline", "run", "--yes", "--detach"], copy)
            reading = build_world(copy).processes.background(("runs", "sync", "--again"), copy)
            for number in range(KEYS):
                time.sleep(0.05)
                written, begun = len(opened.shown), time.perf_counter()
                opened.press("j" if number % 4 < 2 else "k")
                while len(opened.shown) == written and time.perf_counter() - begun < 1.0:
                    time.sleep(0.0005)
                seconds.append(time.perf_counter() - begun)
            world = build_world(copy)
            for pid in (reading, *(job.pid for job in world.jobs.latest(1))):
                world.processes.stop_tree(pid)
    seconds.sort()
    counted = {"p95_seconds": round(seconds[int(KEYS * 0.95)], 4)}
    name = "a key, until it is painted, with a job and a sync"
    return Figure(name, "p95 <= 0.05 s", KEYS, statistics.median(seconds), counted=counted)


def many_runs_shown(workspace: Path) -> Figure:
    """The place of runs with 100,000 of them: first rows, filtering as one types, sorting, memory."""
    folder = many_runs.stored_beside(workspace)
    said([UNIPIPE, "runs", "sync"], folder)
    return asyncio.run(_runs(folder))


async def _runs(folder: Path) -> Figure:
    app = Unipipe(build_world(folder))
    own = psutil.Process()
    async with app.run_test(size=WIDE) as pilot:
        while app.snapshot.picture is None:
            await pilot.pause(0.05)
        await pilot.pause(1.0)
        memory = own.memory_info().rss
        begun = time.perf_counter()
        await pilot.press("3")
        while not (isinstance(app.screen, RunsScreen) and app.screen.query_one(RunsPane).grid.rows):
            await asyncio.sleep(0.005)
        await _flushed(app)
        first = time.perf_counter() - begun
        pane = app.screen.query_one(RunsPane)
        await pilot.press("slash")
        line = pane.query_one(".filter", Input)
        filtered = [await _answered(app, pane, lambda text=text: _typed(line, text)) for text in TYPED]
        await _answered(app, pane, lambda: _typed(line, ""))
        await pilot.press("enter")
        sorted_in = [await _answered(app, pane, lambda: _done(pane.grid.action_next_order)) for _ in range(5)]
        growth = (own.memory_info().rss - memory) / 2**20
    counted = {
        "keystroke_median_seconds": round(statistics.median(filtered), 3),
        "sort_median_seconds": round(statistics.median(sorted_in), 3),
        "memory_growth_mib": round(growth),
    }
    wanted = "first rows <= 1 s, keystroke <= 0.15 s, sort <= 1 s, growth <= 150 MiB"
    return Figure("the place of runs, 100,000 of them", wanted, 1, first, counted=counted)


def promotion(workspace: Path) -> Figure:
    """From confirming a change of the champion to its end, once the workbench has been open for a while."""
    seconds = []
    with tempfile.TemporaryDirectory() as place:
        copy = Path(shutil.copytree(workspace, Path(place) / "workspace", symlinks=True))
        # Two versions: one to go back to.
        _change_a_param(copy)
        said([UNIPIPE, "pipeline", "run", "--commit", "--yes"], copy)
        model = json.loads(said([UNIPIPE, "models", "show", "--json"], copy))
        newest = str(model["versions"][0]["version"])
        said([UNIPIPE, "models", "check", model["model"], newest, "--yes"], copy)
        said([UNIPIPE, "models", "promote", model["model"], newest, "--yes"], copy)
        for _ in range(3):
            seconds.append(asyncio.run(_rolled_back(copy)))
            said([UNIPIPE, "models", "rollback", model["model"], "--forward", "--yes"], copy)
    return Figure(
        "a rollback of the champion, from confirming to done", "<= 1.5 s", len(seconds), statistics.median(seconds)
    )


async def _rolled_back(workspace: Path) -> float:
    app = Unipipe(build_world(workspace))
    async with app.run_test(size=WIDE) as pilot:
        app.world.processes.stand_by()
        await pilot.pause(OPEN_FOR_SECONDS)
        await pilot.press("b")
        ends = time.monotonic() + GIVEN_UP_SECONDS
        while not (isinstance(app.screen, PlanScreen) and app.screen.query(PlanLine)):
            if time.monotonic() > ends:
                raise SystemExit(f"no plan was shown but {app.screen}")
            await pilot.pause(0.02)
        begun = time.perf_counter()
        await pilot.press("ctrl+o")
        while not (isinstance(app.screen, JobsScreen) and app.followed):
            await asyncio.sleep(0.005)
        job = app.followed.job_id
        while not ((found := app.world.jobs.find(job)) and found.state.ended):
            await asyncio.sleep(0.01)
        took = time.perf_counter() - begun
    app.world.processes.stand_down()
    return took


def _change_a_param(workspace: Path) -> None:
    """So that the training stage has something to do."""
    params = workspace / "params.yaml"
    text = params.read_text()
    params.write_text(re.sub(r"max_leaf_nodes: (\d+)", lambda found: f"max_leaf_nodes: {int(found[1]) + 1}", text))


async def _answered(app: Unipipe, pane: RunsPane, act: Callable[[], Awaitable[object]]) -> float:
    await asyncio.sleep(0.6)
    before, begun = pane.answer, time.perf_counter()
    await act()
    while pane.answer is before:
        await asyncio.sleep(0.002)
    await _flushed(app)
    return time.perf_counter() - begun


async def _flushed(app: Unipipe) -> None:
    painted = asyncio.Event()
    app.screen.call_after_refresh(painted.set)
    await painted.wait()


async def _typed(line: Input, text: str) -> None:
    line.value = text


async def _done(act: Callable[[], None]) -> None:
    act()
