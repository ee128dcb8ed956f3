"""The thread that writes the log. Many requests share one write, and in strict mode one sync of the disk."""

from __future__ import annotations

import errno
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition, Event, Lock, Thread

from unipipe_tui.serving.segments import SegmentedLog

MOST_ROWS_WAITING = 20_000
ROWS_A_WRITE = 5_000
GATHER_SECONDS = 0.25
"""How long the mode `behind` lets rows gather that nobody waits for; with the write itself, far less than a second."""
TRY_AGAIN_SECONDS = 0.5
DRAIN_SECONDS = 8.0
"""How long the end waits for a disk that takes nothing."""
_log = logging.getLogger(__name__)


class LogFull(Exception):
    """More rows wait to be written than memory shall hold."""


@dataclass(eq=False, slots=True)
class Entry:
    """The rows of one request, as lines.

    Whoever has the values at hand makes the lines: another thread would first have to fetch all of them from memory, and
    the interpreter from it.
    """

    kind: str
    lines: Sequence[bytes]
    written: Future[None] | None = None
    """Told when they are written; None: nobody waits for it, which saves half of what taking rows costs."""
    is_done: bool = False
    """A write that failed is tried again without those that were written."""

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.lines)


class LogWriter:
    """Takes rows from any thread and writes them in order.

    With `strict` a failed write is the failure of those requests. Without, their answers are out already: the rows are
    kept and tried again, and until they are written nothing more is taken.
    """

    def __init__(self, segments: Mapping[str, SegmentedLog], strict: bool, most_rows: int = MOST_ROWS_WAITING) -> None:
        self.strict = strict
        self.failing: OSError | None = None
        """Why rows that were acknowledged cannot be written at the moment; None: they can."""
        self._segments = segments
        self._most_rows = most_rows
        self._waiting: deque[Entry] = deque()
        self._rows = 0
        self._most_rows_waited = 0
        self._lock = Lock()
        self._changed = Condition(self._lock)
        self._awaited = Event()
        """Set while somebody waits for rows."""
        self._closing = False
        self._give_up_at = float("inf")
        # No daemon: the end of the process must wait for what is acknowledged.
        self._thread = Thread(target=self._work, name="log")
        self._thread.start()

    @property
    def rows_waiting(self) -> int:
        """Rows that are not written yet."""
        return self._rows

    @property
    def most_rows(self) -> int:
        """How many may wait before no more are taken."""
        return self._most_rows

    def take_most_waited(self) -> int:
        """The most rows that waited since this was asked last."""
        with self._lock:
            most, self._most_rows_waited = self._most_rows_waited, self._rows
        return most

    def put(self, entry: Entry) -> None:
        """Take rows, to be written in their turn. Raises LogFull, or OSError while nothing can be written."""
        with self._lock:
            if self.failing is not None:
                raise self.failing
            if self._closing:
                raise OSError(errno.ESHUTDOWN, "the log is closed")
            if self._waiting and self._rows + entry.rows > self._most_rows:
                raise LogFull
            if entry.written is not None:
                # From here on nobody who stops waiting can cancel the write.
                entry.written.set_running_or_notify_cancel()
                self._awaited.set()
            self._waiting.append(entry)
            self._rows += entry.rows
            if self._rows > self._most_rows_waited:
                self._most_rows_waited = self._rows
            if len(self._waiting) == 1:
                # The thread sleeps only when nothing waits.
                self._changed.notify()

    def flush(self) -> None:
        """Wait until all that was taken before is written. Raises OSError when it cannot be."""
        written: Future[None] = Future()
        self.put(Entry(next(iter(self._segments)), (), written))
        written.result()

    def close(self) -> None:
        """Write what waits, then close the segments; rows that cannot be written are told in the server's log."""
        with self._changed:
            self._closing = True
            self._awaited.set()
            self._give_up_at = time.monotonic() + DRAIN_SECONDS
            self._changed.notify_all()
        self._thread.join()
        for segments in self._segments.values():
            segments.close()

    def _work(self) -> None:
        while entries := self._take():
            while (error := self._write(entries)) is not None:
                if self.strict:
                    break
                self.failing = error
                if time.monotonic() > self._give_up_at:
                    self._give_up(entries)
                    return
                time.sleep(TRY_AGAIN_SECONDS)
            self.failing = None
            with self._changed:
                self._rows -= sum(entry.rows for entry in entries)
            _tell(entries, error)

    def _take(self) -> list[Entry]:
        """The next entries, together about as many rows as a write should have; none when all is done."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
        if not self.strict:
            self._awaited.wait(GATHER_SECONDS)
        entries: list[Entry] = []
        rows = 0
        with self._changed:
            while self._waiting and rows < ROWS_A_WRITE:
                entries.append(self._waiting.popleft())
                rows += entries[-1].rows
            if not self._waiting and not self._closing:
                self._awaited.clear()
        return entries

    def _write(self, entries: Sequence[Entry]) -> OSError | None:
        by_kind: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry.lines and not entry.is_done:
                by_kind.setdefault(entry.kind, []).append(entry)
        for kind, of_kind in by_kind.items():
            try:
                self._segments[kind].append([line for entry in of_kind for line in entry.lines], self.strict)
            except OSError as error:
                _log.error("%d rows of %s were not written: %s", sum(one.rows for one in of_kind), kind, error)
                return error
            for entry in of_kind:
                # Written once: another kind's failure must not write it again.
                entry.is_done = True
        return None

    def _give_up(self, entries: Sequence[Entry]) -> None:
        with self._changed:
            lost = [*entries, *self._waiting]
            self._waiting.clear()
        _log.critical("%d acknowledged rows were never written: %s", sum(one.rows for one in lost), self.failing)
        _tell(lost, self.failing)


def _tell(entries: Sequence[Entry], error: OSError | None) -> None:
    for entry in entries:
        if entry.written is None:
            continue
        # In strict mode another kind of row may have been written before the one that failed.
        if error is None or entry.is_done or not entry.lines:
            entry.written.set_result(None)
        else:
            entry.written.set_exception(error)
