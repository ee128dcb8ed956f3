"""Notices that something moved in the project, by looking at files' times only: no program is started, nothing is read."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

EVERY_SECONDS = 1.0
_GIT = ("HEAD", "index", "logs/HEAD")
_OURS = ("unipipe.duckdb", "unipipe.duckdb.wal", "jobs")
_OUR_FOLDERS = ("serving", "predictions")
_HIDDEN = (".git", ".unipipe", ".dvc")
# These come and go when a database is merely read.
_PASSING = ("-wal", "-shm", "-journal")

Stamp = tuple[tuple[str, int, int], ...]


def stamp_of(root: Path) -> Stamp:
    """Name, time in nanoseconds and size of every file that the overview is made from."""
    return tuple(_entries(root))


def wait_for_change(root: Path, before: Stamp, stop: threading.Event) -> None:
    """Return when the stamp is no longer that one, or when the event is set; blocks, so not for the UI thread."""
    while stamp_of(root) == before and not stop.wait(EVERY_SECONDS):
        pass


def _entries(root: Path) -> Iterator[tuple[str, int, int]]:
    yield from _folder(root, "")
    for folder in _OUR_FOLDERS:
        yield from _folder(root / ".unipipe" / folder, folder)
    for name in (*(f".git/{name}" for name in _GIT), *(f".unipipe/{name}" for name in _OURS)):
        yield from _file(name, root / name)


def _folder(folder: Path, prefix: str) -> Iterator[tuple[str, int, int]]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if name not in _HIDDEN and not name.endswith(_PASSING):
            yield from _file(f"{prefix}/{name}", folder / name)


def _file(name: str, path: Path) -> Iterator[tuple[str, int, int]]:
    try:
        facts = path.stat()
    except OSError:
        return
    yield name, facts.st_mtime_ns, facts.st_size
