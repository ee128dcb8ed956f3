"""Notices that something moved in the project, by files' times and sizes only: no program is started, nothing is read.

What the pipeline depends on may lie anywhere, so whoever looks asks first which paths count. Their number is bounded:
a project of any size must cost an idle screen next to nothing.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePosixPath

from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.pipelines import Pipeline, Stage

EVERY_SECONDS = 1.0
MOST_ENTRIES_OF_A_FOLDER = 200
MOST_ENTRIES = 1000
_CONFIGURED = ("unipipe.yaml", "dvc.yaml", "dvc.lock", ".dvc/config", ".dvc/config.local")
_STORE = (".unipipe/unipipe.duckdb", ".unipipe/unipipe.duckdb.wal")
_RUNS = ".unipipe/runs.duckdb"
_GIT = ("HEAD", "index", "logs/HEAD")
_SKIPPED = frozenset({".git", ".unipipe", ".dvc", "__pycache__"})
# These come and go when a database is merely read.
_PASSING = ("-wal", "-shm", "-journal")

Stamp = tuple[tuple[str, int, int], ...]
"""Name, time in nanoseconds and size."""


def watched_paths(world: World) -> tuple[Path, ...]:
    """All files and folders that the overview is made from, what matters most first; reads the pipeline's files."""
    root = world.root
    found = [root / name for name in (*_CONFIGURED, *_STORE)]
    found += [folder / name for folder in _git_folder(root) for name in _GIT]
    for target in world.targets:
        traffic = root / ".unipipe" / "predictions" / target
        # A folder of very many closed segments is known by its own time, and that does not move when the open one grows.
        found += [root / ".unipipe" / "serving" / target, traffic, *islice(traffic.glob("*.jsonl"), 10)]
    if world.tracking_place.path is not None:
        found += [world.tracking_place.path, world.tracking_place.path / "models"]
    found.append(root)
    with suppress(UnipipeError, OSError):
        found += [root / path for path in _paths_of(world.pipeline.read())]
    return tuple(dict.fromkeys(found))


def recorded_in(root: Path) -> Stamp:
    """How the store stands: it moves with checks, alerts, releases and jobs, and not with traffic."""
    return stamp_of(tuple(root / name for name in _STORE))


def index_of_runs(world: World) -> tuple[Path, ...]:
    """The file that a synchronisation writes to, batch by batch: what shows runs watches it beside all else."""
    return (world.root / _RUNS,)


def stamp_of(paths: tuple[Path, ...]) -> Stamp:
    """Name, time and size of every file, and of everything that lies directly in a folder."""
    return tuple(islice(_entries(paths), MOST_ENTRIES))


def wait_for_change(
    paths: tuple[Path, ...], before: Stamp, stop: threading.Event, over: Callable[[], bool] = lambda: False
) -> None:
    """Return when the stamp is no longer that one, when something is over, or when the event is set.

    Blocks, so not for the UI thread.
    """
    while stamp_of(paths) == before and not over() and not stop.wait(EVERY_SECONDS):
        pass


def _paths_of(pipeline: Pipeline) -> Iterator[str]:
    for stage in pipeline.stages:
        yield from _declarations(stage)
    yield from pipeline.metrics
    for stage in pipeline.stages:
        yield from (found.path for found in stage.dependencies if not found.external)
    for stage in pipeline.stages:
        yield from (found.path for found in stage.outputs if not found.external)


def _declarations(stage: Stage) -> Iterator[str]:
    yield stage.file
    yield str(PurePosixPath(stage.file).with_name("dvc.lock"))
    yield from (reference.file for reference in stage.params)


def _git_folder(root: Path) -> tuple[Path, ...]:
    """Where Git keeps its files, if it is here or above; a linked work tree has a file that names the place."""
    mark = next((folder / ".git" for folder in (root, *root.parents) if (folder / ".git").exists()), None)
    if mark is None or mark.is_dir():
        return (mark,) if mark else ()
    try:
        named = mark.read_text(encoding="utf-8", errors="replace").removeprefix("gitdir:").strip()
    except OSError:
        return ()
    return (mark.parent / named,)


def _entries(paths: tuple[Path, ...]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        try:
            facts = path.stat()
        except (OSError, ValueError):
            continue
        if stat.S_ISDIR(facts.st_mode):
            yield from _entries_of_folder(path, facts)
        else:
            yield str(path), facts.st_mtime_ns, facts.st_size


def _entries_of_folder(folder: Path, facts: os.stat_result) -> Iterator[tuple[str, int, int]]:
    try:
        with os.scandir(folder) as found:
            entries = list(islice(found, MOST_ENTRIES_OF_A_FOLDER + 1))
    except OSError:
        return
    if len(entries) > MOST_ENTRIES_OF_A_FOLDER:
        yield str(folder), facts.st_mtime_ns, len(entries)
        return
    for entry in sorted(entries, key=lambda entry: entry.name):
        if entry.name in _SKIPPED or entry.name.endswith(_PASSING):
            continue
        with suppress(OSError):
            facts = entry.stat()
            yield entry.path, facts.st_mtime_ns, facts.st_size
