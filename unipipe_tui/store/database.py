"""Every access to the store: take the outer lock, open, work in one transaction, close. Nobody keeps the file open."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from unipipe_tui.domain.values import frozen
from unipipe_tui.store.engine import PATIENCE_SECONDS, Engine, identifier
from unipipe_tui.store.faults import is_damage, newer, told
from unipipe_tui.store.lock import locked
from unipipe_tui.store.migrations import migrate, schema_version, shipped_migrations


@frozen
class Kind:
    """Which of our files a database is."""

    file: str
    lock: str
    schema: str
    """The folder with its migrations."""
    precious: bool
    """Whether it holds what no tool keeps: before the first write it is read through, and set aside when damaged."""


STORE = Kind("unipipe.duckdb", "store.lock", "schema", precious=True)
INDEX = Kind("runs.duckdb", "runs.lock", "index_schema", precious=False)
"""The index of runs: a file of its own, so that a long pass over a source keeps nobody from writing to the store."""


class Database:
    """One of our files. Made on the first write; a reader of one that does not exist sees no rows."""

    def __init__(
        self,
        folder: Path,
        migrations: Sequence[str] | None = None,
        engine: Engine | None = None,
        kind: Kind = STORE,
    ) -> None:
        """The one in this folder; the migrations are the program's own and the engine its own unless given."""
        self.folder = folder
        self.path = folder / kind.file
        self._lock = folder / kind.lock
        self._migrations = shipped_migrations(kind.schema) if migrations is None else tuple(migrations)
        self._engine = engine or Engine()
        self._shared = threading.local()
        self._is_sound = not kind.precious
        self._begins_projects = kind.precious
        """A cache is written by looks, which must not make a project anew that somebody took away."""

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows that a query answers with; none when there is no store yet.

        Raises:
            Refused: the store was written by a newer program.
            Failed: the store is damaged or stayed busy.
        """
        if not self.path.exists():
            return []
        with self.reading() as connection:
            return connection.execute(sql, parameters).fetchall()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let all reads of this thread in the block see one moment of the store, for the price of one opening.

        Nothing may be written in the block: writers wait for its end.
        """
        if not self.path.exists():
            yield
            return
        with self.reading() as connection:
            outer, self._shared.connection = self._connection_of_this_thread(), connection
            try:
                yield
            finally:
                self._shared.connection = outer

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to an existing store, read-only, for the length of the block."""
        shared = self._connection_of_this_thread()
        with told(self.path):
            if shared is not None:
                yield shared
                return
            with self._locked(alone=False), self._opened(read_only=True) as connection, self._newest(connection):
                yield connection

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in one transaction: committed when the block ends, rolled back when it raises."""
        with told(self.path), self._locked(alone=True):
            notice = self._set_aside_if_damaged()
            with self._opened(read_only=False) as connection:
                migrate(connection, self._migrations)
                connection.execute("BEGIN")
                if notice:
                    connection.execute("INSERT INTO notices (moment, text) VALUES (?, ?)", [_now(), notice])
                yield connection
                connection.execute("COMMIT")

    @contextmanager
    def alone(self) -> Iterator[Path]:
        """The store's file with everything in it, while nobody else reads or writes."""
        with told(self.path), self._locked(alone=True):
            with self._opened(read_only=False) as connection:
                connection.execute("CHECKPOINT")
            yield self.path

    def discard(self) -> None:
        """Remove the file, while nobody else reads or writes: for one that can be made again."""
        with told(self.path), self._locked(alone=True):
            self.path.unlink(missing_ok=True)
            self.path.with_name(self.path.name + ".wal").unlink(missing_ok=True)

    def _connection_of_this_thread(self) -> duckdb.DuckDBPyConnection | None:
        return getattr(self._shared, "connection", None)

    @contextmanager
    def _locked(self, *, alone: bool) -> Iterator[None]:
        if alone:
            self.folder.mkdir(parents=self._begins_projects, exist_ok=True)
        with locked(self._lock, alone=alone, timeout_seconds=PATIENCE_SECONDS):
            yield

    @contextmanager
    def _opened(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._engine.opened(self.path, read_only=read_only) as connection:
            if schema_version(connection) > len(self._migrations):
                raise newer(self.path)
            yield connection

    @contextmanager
    def _newest(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Let the connection see an older store as the newest would be; the store's own file stays as it is."""
        if schema_version(connection) == len(self._migrations):
            yield
            return
        connection.execute("ATTACH ':memory:' AS newest")
        connection.execute("COPY FROM DATABASE store TO newest")
        connection.execute("USE newest")
        migrate(connection, self._migrations)
        yield
        connection.execute("USE memory")
        connection.execute("DETACH newest")

    def _set_aside_if_damaged(self) -> str:
        """Move a damaged store out of the way, never over anything; answers with what to tell the user.

        The first write of a process reads the store through, since damage shows only where it is read.
        """
        if self._is_sound or not self.path.exists() or self._can_be_read_through():
            self._is_sound = True
            return ""
        moved = self.path.with_name(f"{self.path.name}.damaged-{_now():%Y%m%d-%H%M%S-%f}")
        self.path.rename(moved)
        wal = self.path.with_name(self.path.name + ".wal")
        if wal.exists():
            wal.rename(moved.with_name(moved.name + ".wal"))
        return f"The store was damaged and has been set aside as {moved.name}; a new one was begun."

    def _can_be_read_through(self) -> bool:
        try:
            with self._opened(read_only=True) as connection:
                for table in tables(connection):
                    connection.execute(f"SELECT max(hash(t)) FROM {identifier(table)} t").fetchall()  # noqa: S608
        except duckdb.Error as error:
            if is_damage(error):
                return False
            raise
        return True


def tables(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The names of the tables in the connection's current database."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal"
    )
    return tuple(name for (name,) in rows.fetchall())


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
