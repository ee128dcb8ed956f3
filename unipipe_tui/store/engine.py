"""DuckDB itself: how it is begun, and how a file is opened in it for the length of a block."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread

import duckdb

from unipipe_tui.store.faults import busy
from unipipe_tui.store.reachable import reachable

PATIENCE_SECONDS = 30.0


def begin() -> duckdb.DuckDBPyConnection:
    """A database in memory that is empty, asks the network for nothing, takes one core and thinks in UTC."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # A query must not be able to read this program's variables by their names.
        "python_enable_replacements": False,
    }
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


class Engine:
    """A DuckDB that is kept, while the file that it opens is not: beginning takes 20 ms, opening in it 1 ms."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._turn = Lock()
        self._beginning = Lock()
        self._running: list[duckdb.DuckDBPyConnection] = []
        # Whoever still holds the engine when the program ends: DuckDB's bindings complain of connections that are left.
        weakref.finalize(self, self._running.clear)

    def begin_early(self) -> None:
        """Begin on another core, for a program that will ask soon and has other things to do first."""
        Thread(target=self._begin_quietly, name="engine").start()

    @contextmanager
    def scratch(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for temporary views and tables, which nobody else sees and which end with the block."""
        with self._begun().cursor() as connection:
            yield connection

    @contextmanager
    def opened(self, path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection whose current database is `store`, this file; it is written out and closed when the block ends.

        Threads take turns.

        Raises:
            Failed: another thread had its turn for the whole of the patience.
            UsageError: its path is none that DuckDB takes.
            duckdb.Error: the file cannot be opened.
        """
        # The path must lead to the file until the connection has let go of it, also after a failure.
        with reachable(path) as reached, self._in_turn():
            try:
                connection = self._begun()
                how = "READ_ONLY" if read_only else "READ_WRITE"
                connection.execute(f"ATTACH {literal(reached)} AS store (TYPE duckdb, {how})")
                connection.execute("USE store")
                yield connection
                connection.execute("USE memory")
                connection.execute("DETACH store")
            except BaseException:
                self._stop()
                raise

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=self._patience_seconds):
            raise busy(self._patience_seconds)
        try:
            yield
        finally:
            self._turn.release()

    def _begun(self) -> duckdb.DuckDBPyConnection:
        with self._beginning:
            if not self._running:
                self._running.append(begin())
            return self._running[0]

    def _begin_quietly(self) -> None:
        # Whoever asks will begin it, and say what is wrong.
        with suppress(duckdb.Error):
            self._begun()

    def _stop(self) -> None:
        """Roll back what was begun and let go of the file, whatever state it is in; the next access begins anew."""
        with self._beginning:
            while self._running:
                connection = self._running.pop()
                # A scratch connection that is still in use would keep the file open with it.
                for word in ("ROLLBACK", "USE memory", "DETACH store"):
                    with suppress(duckdb.Error):
                        connection.execute(word)
                connection.close()


def with_zones_as_text(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> str:
    """The query with its zoned times as text in ISO 8601, in UTC: DuckDB cannot hand them to Python without pytz."""
    columns = connection.execute(f"DESCRIBE {query}", parameters).fetchall()
    zoned = [identifier(name) for name, kind, *_ in columns if kind == "TIMESTAMP WITH TIME ZONE"]
    texts = [f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%f+00:00') AS {name}" for name in zoned]
    return f"SELECT * REPLACE ({', '.join(texts)}) FROM (\n{query}\n)" if texts else query  # noqa: S608


def literal(text: object) -> str:
    """Text as SQL writes it, for where a parameter is not allowed."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
