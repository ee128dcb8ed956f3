"""The store as a file: checked, copied, queried."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.serving import Value
from unipipe_tui.store.database import Database, schema_version, tables
from unipipe_tui.store.tables import query


class StoreFile:
    """What can be done with the store as a whole."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def together(self) -> AbstractContextManager[None]:
        """Read in the block over one connection."""
        return self._database.together()

    def check(self) -> tuple[str, int]:
        """Read every row of every table: the schema version and how many rows there are.

        Raises:
            Failed: the store is damaged.
            UsageError: there is no store yet.
        """
        self._must_exist()
        with self._database.reading() as connection:
            total = 0
            for table in tables(connection):
                total += len(connection.execute(f'SELECT * FROM "{table}"').fetchall())  # noqa: S608
            return str(schema_version(connection)), total

    def backup(self, to: Path) -> int:
        """Copy the store while nobody writes; returns the copy's size in bytes.

        Raises:
            UsageError: there is no store yet, or something is at that place already.
        """
        self._must_exist()
        if to.exists():
            raise UsageError(f"{to} exists already.", hint="Name a file that does not exist yet.")
        with self._database.alone() as path:
            to.parent.mkdir(parents=True, exist_ok=True)
            partial = to.with_name(to.name + ".partial")
            partial.write_bytes(path.read_bytes())
            partial.replace(to)
        return to.stat().st_size

    def query(self, sql: str, limit: int) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]:
        """Columns and rows of a query that can neither write nor reach another file.

        Raises:
            UsageError: the query is wrong, or there is no store yet.
        """
        self._must_exist()
        with self._database.reading() as connection:
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            return query(connection, sql, limit)

    def _must_exist(self) -> None:
        if not self._database.path.exists():
            raise UsageError("There is no store yet.", hint="The first change makes it, for example `unipipe init`.")
