"""The right to watch over a workspace: a locked file, freed by the kernel when its holder dies, with the holder's pid in it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = "monitor.lock"


@contextmanager
def monitor_turn(folder: Path) -> Iterator[int | None]:
    """Hold the lock for the length of the block: None when we do, else the pid of whoever holds it (0: unknown)."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield _pid(descriptor)
            return
        # It is the lock that counts: on a full disk nobody is told who holds it, and that is all.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield None
    finally:
        os.close(descriptor)


def _pid(descriptor: int) -> int:
    said = os.pread(descriptor, 32, 0).strip()
    return int(said) if said.isdigit() else 0
