"""When rows are on the disk, in both modes; what happens when they cannot be."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from unipipe_tui.serving.log_writer import Entry, LogFull, LogWriter
from unipipe_tui.serving.segments import SegmentedLog

from .servers import logged


class Disk(SegmentedLog):
    """A real segment behind a door that tests shut."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "predictions", lambda: datetime.now(UTC))
        self.is_open = Event()
        self.is_open.set()
        self.is_full = False
        self.writes: list[int] = []
        self.synced: list[bool] = []

    def append(self, lines: Sequence[bytes], sync: bool = False) -> None:
        self.is_open.wait(10)
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.writes.append(len(lines))
        self.synced.append(sync)
        super().append(lines, sync)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@pytest.fixture
def strict(disk: Disk) -> Iterator[LogWriter]:
    writer = LogWriter({"predictions": disk}, strict=True)
    yield writer
    writer.close()


def rows(*names: str) -> Entry:
    lines = [f'{{"prediction_id":"{name}"}}\n'.encode() for name in names]
    return Entry("predictions", lines)


def put(writer: LogWriter, *names: str) -> Future[None]:
    """Rows that somebody waits for."""
    entry = rows(*names)
    entry.written = Future()
    writer.put(entry)
    return entry.written


def ids(folder: Path) -> set[object]:
    return {row["prediction_id"] for row in logged(folder)}


def test_requests_that_wait_together_share_one_sync(strict: LogWriter, disk: Disk, tmp_path: Path) -> None:
    disk.is_open.clear()
    written = [put(strict, f"p{number}") for number in range(20)]
    disk.is_open.set()
    for one in written:
        one.result(10)
    assert len(ids(tmp_path)) == 20
    assert len(disk.writes) <= 2
    assert all(disk.synced)


def test_a_strict_write_that_fails_is_the_failure_of_those_who_wait_and_room_mends_it(
    strict: LogWriter, disk: Disk, tmp_path: Path
) -> None:
    disk.is_full = True
    with pytest.raises(OSError, match="No space"):
        put(strict, "lost").result(10)
    disk.is_full = False
    put(strict, "kept").result(10)
    assert ids(tmp_path) == {"kept"}


def test_behind_takes_rows_at_once_and_writes_them_within_a_second(disk: Disk, tmp_path: Path) -> None:
    writer = LogWriter({"predictions": disk}, strict=False)
    begun = time.monotonic()
    written = put(writer, "a", "b")
    assert not written.done()
    written.result(10)
    assert time.monotonic() - begun < 1
    assert ids(tmp_path) == {"a", "b"}
    writer.close()


def test_behind_never_forgets_what_a_full_disk_did_not_take_and_takes_nothing_more_meanwhile(
    disk: Disk, tmp_path: Path
) -> None:
    writer = LogWriter({"predictions": disk}, strict=False)
    disk.is_full = True
    kept = put(writer, "acknowledged")
    deadline = time.monotonic() + 10
    while writer.failing is None and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(OSError, match="No space"):
        writer.put(rows("refused"))
    assert writer.rows_waiting == 1
    disk.is_full = False
    kept.result(10)
    writer.close()
    assert ids(tmp_path) == {"acknowledged"}


def test_more_rows_than_memory_shall_hold_are_not_taken(disk: Disk, tmp_path: Path) -> None:
    writer = LogWriter({"predictions": disk}, strict=False, most_rows=3)
    disk.is_open.clear()
    writer.put(rows("a", "b"))
    with pytest.raises(LogFull):
        writer.put(rows("c", "d"))
    disk.is_open.set()
    writer.close()
    assert ids(tmp_path) == {"a", "b"}


def test_the_end_writes_all_that_waits(disk: Disk, tmp_path: Path) -> None:
    writer = LogWriter({"predictions": disk}, strict=False)
    for number in range(500):
        writer.put(rows(f"p{number}"))
    writer.close()
    assert len(ids(tmp_path)) == 500
