"""Noticing that something moved: whatever the screen is made from counts, reading does not, and it stays cheap."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import git
from tests.fakes import FakeTarget, staying
from tests.tui.conftest import CONFIG
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.ports.targets import LiveTarget
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.tui.background import begin
from unipipe_tui.tui.lookout import LEAST_REST_SECONDS, MOST_REST_SECONDS, Lookout, rest_after
from unipipe_tui.tui.snapshot import Snapshot
from unipipe_tui.tui.watching import (
    EVERY_SECONDS,
    MOST_ENTRIES,
    MOST_ENTRIES_OF_A_FOLDER,
    Stamp,
    stamp_of,
    wait_for_change,
    watched_paths,
)
from unipipe_tui.wiring import build_world

PIPELINE = """\
stages:
  train:
    cmd: python src/train.py
    deps: [src/train.py, data/raw]
    params: [conf/model/params.yaml: [depth]]
    outs: [out/model.bin]
"""
PATHS = (
    "src/train.py",
    "data/raw/x.csv",
    "conf/model/params.yaml",
    "out/model.bin",
    "lib/dvc.yaml",
    "lib/dvc.lock",
    ".unipipe/predictions/local/predictions-1.jsonl",
    ".unipipe/serving/local/desired.json",
    ".dvc/config",
)
NESTED = (*PATHS, "unipipe.yaml", "dvc.yaml")


@pytest.fixture
def piped(project: Path) -> Path:
    """A project whose pipeline reads and writes files in folders of folders."""
    for name in PATHS:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("{}\n")
    (project / "dvc.yaml").write_text(PIPELINE)
    (project / "lib/dvc.yaml").write_text("stages:\n  other: {cmd: 'true', outs: [other.txt]}\n")
    (project / "unipipe.yaml").write_text(CONFIG)
    return project


def stamp(project: Path) -> Stamp:
    return stamp_of(watched_paths(build_world(project)))


def grow(path: Path) -> None:
    """Write more into a file without its folder noticing."""
    with path.open("a") as file:
        file.write("# more\n")


@pytest.mark.parametrize("name", NESTED)
def test_a_file_that_grows_where_the_pipeline_or_a_target_keeps_it_is_noticed(piped: Path, name: str) -> None:
    paths = watched_paths(build_world(piped))
    before = stamp_of(paths)

    grow(piped / name)

    assert stamp_of(paths) != before


def test_a_file_that_is_only_read_is_no_change(piped: Path) -> None:
    before = stamp(piped)
    for name in NESTED:
        (piped / name).read_text()

    assert stamp(piped) == before


def test_databases_that_are_only_read_do_not_count_as_change(project: Path) -> None:
    before = stamp(project)
    (project / "mlflow.db-wal").touch()
    (project / "mlflow.db-shm").touch()

    assert stamp(project) == before


def test_a_commit_in_a_linked_work_tree_is_noticed(project: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git("worktree", "add", "--quiet", str(linked), cwd=project)
    before = stamp(linked)

    git("commit", "--quiet", "--allow-empty", "-m", "More", cwd=linked)

    assert stamp(linked) != before


def test_a_folder_of_very_many_files_costs_no_more_than_its_limit_and_still_tells_of_a_new_one(piped: Path) -> None:
    for number in range(MOST_ENTRIES_OF_A_FOLDER * 2):
        (piped / f"data/raw/{number}.csv").touch()
    paths = watched_paths(build_world(piped))
    before = stamp_of(paths)
    os.utime(piped / "data/raw", ns=(1, 1))

    assert len(before) < MOST_ENTRIES_OF_A_FOLDER
    assert stamp_of(paths) != before


def test_the_open_segment_of_traffic_is_watched_beside_very_many_closed_ones(piped: Path) -> None:
    traffic = piped / ".unipipe/predictions/local"
    for number in range(MOST_ENTRIES_OF_A_FOLDER + 1):
        (traffic / f"closed-{number}.parquet").touch()
    paths = watched_paths(build_world(piped))
    before = stamp_of(paths)

    grow(traffic / "predictions-1.jsonl")

    assert stamp_of(paths) != before


def test_a_pipeline_of_thousands_of_files_is_watched_within_the_limit(project: Path) -> None:
    names = [f"file-{number}.csv" for number in range(3 * MOST_ENTRIES)]
    (project / "many").mkdir()
    for name in names:
        (project / "many" / name).touch()
    deps = ", ".join(f"many/{name}" for name in names)
    (project / "dvc.yaml").write_text(f"stages:\n  train: {{cmd: 'true', deps: [{deps}]}}\n")

    assert len(stamp(project)) == MOST_ENTRIES


def test_a_pipeline_that_cannot_be_read_is_watched_until_it_can(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages: [")
    before = stamp(project)

    (project / "dvc.yaml").write_text(PIPELINE)

    assert stamp(project) != before


async def test_waiting_ends_with_a_change_or_on_request(project: Path) -> None:
    stop = threading.Event()
    paths = (project,)
    waiting = begin(lambda: wait_for_change(paths, stamp_of(paths), stop))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    os.utime(project / "README.md", (1, 1))
    await asyncio.wait_for(waiting, EVERY_SECONDS * 3)

    again = begin(lambda: wait_for_change(paths, stamp_of(paths), stop))
    stop.set()
    await asyncio.wait_for(again, 0.5)


@pytest.fixture
def server() -> Iterator[subprocess.Popen[bytes]]:
    """A process that a target names as its server."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


async def test_a_server_that_is_killed_is_looked_at_again_though_no_file_moved(
    piped: Path, server: subprocess.Popen[bytes]
) -> None:
    class Observed(FakeTarget):
        def live(self) -> LiveTarget:
            state = ServerState.READY if server.poll() is None else ServerState.DIED
            return LiveTarget("local", state, "http://127.0.0.1:8765", pid=server.pid)

    world = staying(build_world(piped), target_of=lambda name: Observed())
    async with aclosing(Lookout(world).snapshots()) as snapshots:
        assert states(await anext(snapshots)) == [ServerState.READY]
        server.kill()
        server.wait()
        assert states(await asyncio.wait_for(anext(snapshots), 15)) == [ServerState.DIED]


async def test_what_could_not_be_looked_at_is_tried_again_though_no_file_moved(piped: Path) -> None:
    begun = build_world(piped)
    worlds = iter([begun])

    def elsewhere(root: Path) -> World:
        if found := next(worlds, None):
            raise Failed(f"{found.root} is busy.")
        return begun

    lookout = Lookout(replace(begun, elsewhere=elsewhere), after_a_problem_seconds=0.1)
    async with aclosing(lookout.snapshots()) as snapshots:
        first = await anext(snapshots)
        second = await asyncio.wait_for(anext(snapshots), 15)
    assert (first.picture, first.is_stale) == (None, True)
    assert second.picture and not second.is_stale


async def test_nothing_is_looked_at_twice_while_nothing_moves(piped: Path) -> None:
    world = build_world(piped)
    async with aclosing(Lookout(world).snapshots()) as snapshots:
        await anext(snapshots)
        next_one = asyncio.ensure_future(anext(snapshots))
        await asyncio.wait({next_one}, timeout=2 * EVERY_SECONDS + LEAST_REST_SECONDS)
        idle = not next_one.done()
        grow(piped / "src/train.py")
        await asyncio.wait_for(next_one, 15)

    assert idle


def test_what_moves_all_the_time_is_not_looked_at_all_the_time_and_news_are_not_two_seconds_old() -> None:
    assert rest_after(0.0) == LEAST_REST_SECONDS
    assert rest_after(0.4) == pytest.approx(1.2)
    assert rest_after(60.0) == MOST_REST_SECONDS
    for look in (0.05, 0.2, 0.39):
        # Worst: it moved when a look had just begun, or right after the watching slept.
        assert max(look + rest_after(look), EVERY_SECONDS) + look < 2.0


def states(snapshot: Snapshot) -> list[ServerState]:
    assert snapshot.picture, snapshot.problem
    return [server.state for server in snapshot.picture.overview.live]
