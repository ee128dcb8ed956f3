"""Every access to the store: take the outer lock, open, work in one transaction, close. Nobody keeps a connection."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

from unipipe_tui.domain.errors import Failed, Refused, UnipipeError
from unipipe_tui.store.lock import locked

FILE_NAME = "unipipe.duckdb"
LOCK_TIMEOUT_SECONDS = 30.0
MAGIC = b"DUCK"
MAGIC_OFFSET = 8
SETTINGS = {"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}


class Database:
    """The store's file. Made on the first write; a reader of a store that does not exist sees no rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self._lock = folder / "store.lock"

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
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection to an existing store, for the length of the block."""
        with locked(self._lock, alone=False, timeout_seconds=LOCK_TIMEOUT_SECONDS), _told():
            if not self._can_be_read_alone():
                raise _damaged(self.path)
            connection = self._open(read_only=True)
            try:
                if schema_version(connection) < newest_version():
                    # Reading an older store would need the tables that only a writer adds.
                    connection.close()
                    connection = self._migrated_in_memory()
                yield connection
            finally:
                connection.close()

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in one transaction: committed when the block ends, rolled back when it raises."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self._lock, alone=True, timeout_seconds=LOCK_TIMEOUT_SECONDS), _told():
            set_aside = self._set_aside_if_damaged()
            connection = self._open(read_only=False)
            try:
                _migrate(connection)
                connection.execute("BEGIN")
                if set_aside:
                    connection.execute("INSERT INTO notices VALUES (?, ?)", [_now(), set_aside])
                yield connection
                connection.execute("COMMIT")
            finally:
                connection.close()

    @contextmanager
    def alone(self) -> Iterator[Path]:
        """The store's file with everything in it, while nobody else reads or writes."""
        with locked(self._lock, alone=True, timeout_seconds=LOCK_TIMEOUT_SECONDS), _told():
            connection = self._open(read_only=False)
            connection.execute("CHECKPOINT")
            connection.close()
            yield self.path

    def _open(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        try:
            connection = duckdb.connect(str(self.path), read_only=read_only, config=dict(SETTINGS))
        except (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException) as error:
            if "newer" in str(error) or "version number" in str(error):
                raise _newer(self.path) from None
            if "space" in str(error).lower():
                raise
            raise _damaged(self.path) from error
        if schema_version(connection) > newest_version():
            connection.close()
            raise _newer(self.path)
        return connection

    def _migrated_in_memory(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(":memory:", config=dict(SETTINGS))
        connection.execute(f"ATTACH '{_quoted(self.path)}' AS old (READ_ONLY)")
        connection.execute("COPY FROM DATABASE old TO memory")
        connection.execute("DETACH old")
        _migrate(connection)
        return connection

    def _can_be_read_alone(self) -> bool:
        with self.path.open("rb") as file:
            return file.read(MAGIC_OFFSET + len(MAGIC))[MAGIC_OFFSET:] == MAGIC

    def _set_aside_if_damaged(self) -> str:
        """Move a damaged store out of the way, never over anything; answers with what to tell the user."""
        if not self.path.exists():
            return ""
        try:
            if self._can_be_read_alone():
                self._open(read_only=False).close()
                return ""
        except Failed:
            pass
        moved = self.path.with_name(f"{FILE_NAME}.damaged-{_now():%Y%m%d-%H%M%S-%f}")
        self.path.rename(moved)
        wal = self.path.with_name(FILE_NAME + ".wal")
        if wal.exists():
            wal.rename(moved.with_name(moved.name + ".wal"))
        return f"The store was damaged and has been set aside as {moved.name}; a new one was begun."


def newest_version() -> int:
    """The schema version that this program writes."""
    return len(_migrations())


def _migrations() -> list[str]:
    folder = resources.files("unipipe_tui.store") / "schema"
    return [file.read_text() for file in sorted(folder.iterdir(), key=lambda f: f.name) if file.name.endswith(".sql")]


def schema_version(connection: duckdb.DuckDBPyConnection) -> int:
    table = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'schema_version'").fetchone()
    if table is None:
        return 0
    row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _migrate(connection: duckdb.DuckDBPyConnection) -> None:
    done = schema_version(connection)
    migrations = _migrations()
    if done == len(migrations):
        return
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    for number, sql in enumerate(migrations[done:], start=done + 1):
        connection.execute(sql)
        connection.execute("INSERT INTO schema_version VALUES (?)", [number])
    connection.execute("COMMIT")


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the disk and DuckDB say into errors that a user can act on."""
    try:
        yield
    except UnipipeError:
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _disk_full() from None
        raise Failed(f"The store cannot be reached: {error}.", hint="See `unipipe doctor`.") from None
    except duckdb.IOException as error:
        if "space" in str(error).lower():
            raise _disk_full() from None
        raise Failed(f"The store cannot be used: {error}", hint="Run `unipipe store check`.") from None


def _disk_full() -> Failed:
    return Failed("The disk is full: nothing was recorded.", hint="Free some room, then run the command again.")


def _damaged(path: Path) -> Failed:
    return Failed(
        f"The store {path.name} is damaged.",
        hint="The next change sets it aside and begins a new one; a copy made by `unipipe store backup` can be put back.",
    )


def _newer(path: Path) -> Refused:
    return Refused(
        f"The store {path.name} was written by a newer Unipipe than this one.",
        hint="Upgrade this Unipipe, or work in another copy of the repository.",
    )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
