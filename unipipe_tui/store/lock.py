"""The outer lock of the store: shared by readers, held alone by a writer, freed by the kernel when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from unipipe_tui.store.faults import busy

POLL_SECONDS = 0.005


@contextmanager
def locked(path: Path, *, alone: bool, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock file for the length of the block.

    `flock` belongs to the open file, not to the process, so threads of one process exclude each other as well.

    Raises:
        Failed: somebody else held it for the whole timeout.
    """
    access = os.O_RDWR if alone else os.O_RDONLY
    try:
        descriptor = os.open(path, access | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        if alone:
            raise
        # Where the lock file cannot even be made, nobody writes.
        yield
        return
    try:
        _wait(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, timeout_seconds)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, kind: int, timeout_seconds: float) -> None:
    deadline = monotonic() + timeout_seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if monotonic() > deadline:
                raise busy(timeout_seconds) from None
            sleep(POLL_SECONDS)
