"""An append-only log in segment files: a line that was appended survives the death of the process.

The live segment is JSON lines. It is closed when it is full or when a new UTC day begins, and then folded into
Parquet in the background. A loss of power is survived by what was appended with `sync`.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count
from pathlib import Path

from unipipe_tui.serving.folding import fold, sync_folder

ROWS_PER_SEGMENT = 20_000
_log = logging.getLogger(__name__)


@dataclass
class LiveSegment:
    """The open file that lines go to; its lock tells other processes that it is not a left-over."""

    path: Path
    descriptor: int
    day: date
    rows: int = 0


class SegmentedLog:
    """One kind of rows in one folder. Calls of `append` must not overlap: the caller holds a lock."""

    def __init__(
        self,
        folder: Path,
        kind: str,
        clock: Callable[[], datetime],
        rows_per_segment: int = ROWS_PER_SEGMENT,
    ) -> None:
        self._folder = folder
        self._kind = kind
        self._clock = clock
        self._rows_per_segment = rows_per_segment
        self._live: LiveSegment | None = None
        self._folding = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"fold-{kind}")

    def append(self, lines: Sequence[bytes], sync: bool = False) -> None:
        """Write lines (each ending in a newline) with one call, all or none. Raises OSError when there is no room.

        With `sync` they also survive a loss of power when this returns.
        """
        live = self._segment_for_today(sync)
        _write_whole(live.descriptor, b"".join(lines), sync)
        live.rows += len(lines)
        if live.rows >= self._rows_per_segment:
            self._close_live()

    def fold_leftovers(self) -> None:
        """Fold, in the background, what processes that are gone left behind."""
        for path in sorted(self._folder.glob(f"{self._kind}-*.jsonl")):
            self._folding.submit(_fold_leftover, path)

    def close(self) -> None:
        """Sync the live segment, and wait for folding in hand. The next start folds what is left."""
        if self._live is not None:
            os.fsync(self._live.descriptor)
            os.close(self._live.descriptor)
            self._live = None
        self._folding.shutdown(wait=True)

    def _segment_for_today(self, sync: bool) -> LiveSegment:
        today = self._clock().date()
        if self._live is not None and self._live.day != today:
            self._close_live()
        if self._live is None:
            self._live = self._open_segment(today)
            if sync:
                sync_folder(self._folder)
        return self._live

    def _open_segment(self, day: date) -> LiveSegment:
        for number in count():
            path = self._folder / f"{self._kind}-{day.isoformat()}-{os.getpid()}-{number}.jsonl"
            if path.with_suffix(".parquet").exists():
                continue
            try:
                descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_RDWR | os.O_CLOEXEC, 0o600)
            except FileExistsError:
                continue
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return LiveSegment(path, descriptor, day)
        raise AssertionError("count() does not end")

    def _close_live(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            self._folding.submit(_fold_and_close, live.path, live.descriptor)


def _write_whole(descriptor: int, data: bytes, sync: bool) -> None:
    """One write; a disk that takes only a part of it gets that part cut off again, so nothing is half there."""
    before = os.fstat(descriptor).st_size
    written = os.write(descriptor, data)
    if written != len(data):
        os.ftruncate(descriptor, before)
        raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes fitted")
    if sync:
        os.fsync(descriptor)


def _fold_and_close(path: Path, descriptor: int) -> None:
    """Fold a segment that this process holds the lock of; on failure it stays as it is, still readable."""
    try:
        fold(path)
    except Exception:  # a full disk or a damaged file must not end the thread that folds the others
        _log.exception("%s stays unfolded", path.name)
    finally:
        os.close(descriptor)


def _fold_leftover(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another process may have folded and removed it between the opening and the lock.
        still_there = path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino
    except OSError:
        still_there = False
    if still_there:
        _fold_and_close(path, descriptor)
    else:
        os.close(descriptor)
