"""Notices that something moved in the project, by looking at files' times only: no program is started, nothing is read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

EVERY_SECONDS = 1.0
_GIT = ("HEAD", "index", "logs/HEAD")
_OURS = ("unipipe.duckdb", "unipipe.duckdb.wal", "jobs")
_OUR_FOLDERS = ("serving", "predictions")
# These come and go when a database is merely read.
_PASSING = ("-wal", "-shm", "-journal", ".lock")
_HIDDEN = (".git", ".unipipe", ".dvc")

Stamp = tuple[tuple[str, int, int], ...]


def stamp_of(root: Path) -> Stamp:
    """Name, time in nanoseconds and size of every file that the overview is made from."""
    return tuple(_entries(root))


def watch(root: Path, told: Callable[[], None], stop: threading.Event) -> None:
    """Call `told` whenever the stamp changes, until the event is set; runs in a thread of its own."""
    before = stamp_of(root)
    while not stop.wait(EVERY_SECONDS):
        now = stamp_of(root)
        if now != before:
            before = now
            told()


def _entries(root: Path) -> Iterator[tuple[str, int, int]]:
    yield from _folder(root, "")
    for folder in _OUR_FOLDERS:
        yield from _folder(root / ".unipipe" / folder, folder)
    names = [f".git/{name}" for name in _GIT] + [f".unipipe/{name}" for name in _OURS]
    for name in names:
        try:
            facts = os.stat(root / name)
        except OSError:
            continue
        yield name, facts.st_mtime_ns, facts.st_size


def _folder(folder: Path, prefix: str) -> Iterator[tuple[str, int, int]]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        if entry.name in _HIDDEN or entry.name.endswith(_PASSING):
            continue
        try:
            facts = entry.stat()
        except OSError:
            continue
        yield f"{prefix}/{entry.name}", facts.st_mtime_ns, facts.st_size
