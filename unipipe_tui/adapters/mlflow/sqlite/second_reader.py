"""Read a SQLite file on two connections at once that see the same moment of it, since SQLite reads outside of Python's lock."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

Part = TypeVar("Part")
Answer = TypeVar("Answer")

PATIENCE_SECONDS = 5.0


@contextmanager
def second_reader(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection | None]:
    """Another connection that sees what this one sees in its read transaction; None where there can be none.

    The connection may begin a new transaction: what was read before belongs to an older moment. Nothing is written,
    created or waited for.

    Why both see the same: without a log the first one's lock keeps everybody from changing the file, so the second
    reads it as it lies and needs no lock of its own. Where the first one has no lock, since the file counts as
    unchanging, whoever opened it so must see after the answer whether it changed; that covers both. With a log (WAL)
    writers go on, and each connection sees the moment at which it began. So the second begins, and then the first
    begins anew: when nobody wrote from its first beginning to that, all three moments are one.
    """
    other = _opened(connection)
    if other is None:
        yield None
        return
    with closing(other):
        yield other if _is_at_the_same_moment(connection, other) else None


def answers(
    connections: Sequence[sqlite3.Connection],
    question: Callable[[sqlite3.Connection, Part], Answer],
    parts: Sequence[Part],
) -> list[Answer]:
    """The question's answers for all parts, in their order; each connection takes the next part when it is free."""
    left = deque(enumerate(parts))

    def take(connection: sqlite3.Connection) -> list[tuple[int, Answer]]:
        taken: list[tuple[int, Answer]] = []
        while True:
            try:
                number, part = left.popleft()
            except IndexError:
                return taken
            taken.append((number, question(connection, part)))

    first, *others = connections
    if not others:
        return [answer for _, answer in take(first)]
    with ThreadPoolExecutor(len(others), "second-reader") as threads:
        waiting = [threads.submit(take, other) for other in others]
        try:
            found = dict(take(first))
        finally:
            left.clear()  # where one fails the others need not go on
        for one in waiting:
            found.update(one.result())
    return [found[number] for number in range(len(parts))]


def _opened(connection: sqlite3.Connection) -> sqlite3.Connection | None:
    """The second connection; opened through SQLite, as a plain `open` and `close` of the file would drop our locks on it."""
    (file,) = (str(row[2]) for row in connection.execute("PRAGMA database_list") if row[1] == "main")
    if not file:
        return None
    # A file with a log that was opened as unchanging is not said to have one: rightly so, its log is not to be opened.
    has_log = _has_log(connection)
    mode = "readonly_shm=1" if has_log else "immutable=1"
    try:
        return sqlite3.connect(
            f"{Path(file).as_uri()}?mode=ro&{mode}",
            uri=True,
            timeout=PATIENCE_SECONDS if has_log else 0,
            isolation_level=None,
            check_same_thread=False,
        )
    except (sqlite3.Error, ValueError):
        return None


def _is_at_the_same_moment(first: sqlite3.Connection, other: sqlite3.Connection) -> bool:
    try:
        other.execute("BEGIN")
        seen = _marks(other)
    except sqlite3.Error:
        return False
    if _has_log(first):
        version = _version(first)
        first.execute("COMMIT")
        first.execute("BEGIN")
        if _version(first) != version:
            return False
    # The path may lead to another file by now.
    return seen == _marks(first)


def _has_log(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def _version(connection: sqlite3.Connection) -> int:
    """Changes, for one and the same connection, whenever somebody else has written."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _marks(connection: sqlite3.Connection) -> tuple[int, ...]:
    """What differs between any two databases of some size."""
    asked = ("PRAGMA schema_version", "PRAGMA page_count", "PRAGMA freelist_count", "SELECT max(rowid) FROM metrics")
    return tuple(connection.execute(sql).fetchone()[0] for sql in asked)
