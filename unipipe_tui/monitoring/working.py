"""Work on an opened DuckDB in parts, two at a time, that tells how far it is and ends soon after it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TypeVar

import duckdb

from unipipe_tui.domain.errors import Stopped
from unipipe_tui.domain.progress import Progress, Silent

Found = TypeVar("Found")

AT_ONCE = 2
"""One part fetches while another one counts; more of them would hold more columns."""
LOOK_EVERY_SECONDS = 0.1


def work_through(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[Callable[[duckdb.DuckDBPyConnection], Found]],
    progress: Progress,
    hear: Callable[[Found], object] = lambda found: None,
) -> list[Found]:
    """What the parts found. Each has a connection of its own to the same tables; `hear` is told when one has ended.

    Raises:
        Stopped: somebody asked for the end. What runs then is interrupted, also by a Ctrl-C.
    """
    cursors = [connection.cursor() for _ in range(AT_ONCE)]
    free: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
    for cursor in cursors:
        free.put(cursor)

    def done_with_one(part: Callable[[duckdb.DuckDBPyConnection], Found]) -> Found:
        cursor = free.get()
        try:
            return part(cursor)
        finally:
            free.put(cursor)

    with ThreadPoolExecutor(AT_ONCE, "profile") as pool:
        begun = [pool.submit(done_with_one, part) for part in parts]
        with _ended_when_left(begun, cursors):
            waiting = set(begun)
            while waiting:
                ended, waiting = wait(waiting, LOOK_EVERY_SECONDS, FIRST_COMPLETED)
                for one in ended:
                    hear(one.result())
                if progress.stopped():
                    raise Stopped("Stopped on request.")
    return [one.result() for one in begun]


def work_out(connection: duckdb.DuckDBPyConnection, part: Callable[[duckdb.DuckDBPyConnection], Found]) -> Found:
    """What one part found. A Ctrl-C ends it, which would wait for DuckDB if it were asked on the main thread."""
    (found,) = work_through(connection, [part], Silent())
    return found


@contextmanager
def _ended_when_left(parts: Sequence[Future[Found]], cursors: Sequence[duckdb.DuckDBPyConnection]) -> Iterator[None]:
    """However the block is left, nothing runs on after it."""
    try:
        yield
    except BaseException:
        for part in parts:
            part.cancel()
        while running := [part for part in parts if not part.done()]:
            # Again and again: a part may just be between two queries.
            for cursor in cursors:
                cursor.interrupt()
            wait(running, LOOK_EVERY_SECONDS)
        raise
