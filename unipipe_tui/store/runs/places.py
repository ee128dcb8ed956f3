"""Where the tables of an index of runs are: in a file that all processes share, or in this process alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import RLock
from typing import Protocol

import duckdb

from unipipe_tui.domain.errors import Failed
from unipipe_tui.store.database import Database
from unipipe_tui.store.engine import begin
from unipipe_tui.store.lock import locked
from unipipe_tui.store.migrations import migrate, shipped_migrations


class Place(Protocol):
    """Where the tables of an index are."""

    def reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection for the length of a block."""
        ...

    def writing(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection in one transaction."""
        ...

    def discard(self) -> None:
        """Lose everything."""
        ...

    def turn(self, source: str) -> AbstractContextManager[bool]:
        """Be the one who fills it from this source, for the length of the block; False when somebody else is."""
        ...


class Memory:
    """An index that ends with this process: for an answer about a small store that nobody has indexed yet."""

    def __init__(self) -> None:
        self._made: list[duckdb.DuckDBPyConnection] = []
        # Its threads take turns: a connection refuses a second question while it answers one.
        self._asking, self._filling = RLock(), RLock()

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the tables, which are made first."""
        with self._asking:
            if not self._made:
                self._made.append(begin())
                migrate(self._made[0], shipped_migrations("index_schema"))
            yield self._made[0]

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The same in one transaction."""
        with self.reading() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def discard(self) -> None:
        """Lose everything."""
        while self._made:
            self._made.pop().close()

    @contextmanager
    def turn(self, source: str) -> Iterator[bool]:
        """Nobody but another thread can fill it, and that is waited for."""
        with self._filling:
            yield True


class File:
    """An index in a file that all processes of a workspace share; one that does not exist yet is empty."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the file, read-only."""
        if not self._database.path.exists():
            with Memory().reading() as connection:
                yield connection
            return
        with self._database.reading() as connection:
            yield connection

    def writing(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection in one transaction."""
        return self._database.writing()

    def discard(self) -> None:
        """Remove the file."""
        self._database.discard()

    @contextmanager
    def turn(self, source: str) -> Iterator[bool]:
        """Be the one who fills it from this source; False when another process is. Whoever is killed has given up the turn."""
        with ExitStack() as held:
            try:
                # Not its parents: a project that somebody took away is not begun anew.
                self._database.folder.mkdir(exist_ok=True)
                held.enter_context(locked(self._database.folder / f"sync-{source}.lock", alone=True, timeout_seconds=0))
            except (Failed, FileNotFoundError):
                yield False
            else:
                yield True
