"""The store as a file: checked, copied, queried."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Timer

import duckdb

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.serving import Value
from unipipe_tui.store.database import Database, tables
from unipipe_tui.store.engine import PATIENCE_SECONDS, identifier, with_zones_as_text
from unipipe_tui.store.migrations import schema_version
from unipipe_tui.store.tables import plain_rows

QUERY_SECONDS = PATIENCE_SECONDS / 2
"""A query that took longer would make writers, who wait for readers, give up."""
QUESTIONS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


class StoreFile:
    """What can be done with the store as a whole."""

    def __init__(self, database: Database, query_seconds: float = QUERY_SECONDS) -> None:
        self._database = database
        self._query_seconds = query_seconds

    def together(self) -> AbstractContextManager[None]:
        """Let all reads of this thread in the block see one moment of the store; nothing may be written in it."""
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
                total += len(connection.execute(f"SELECT * FROM {identifier(table)}").fetchall())  # noqa: S608
            return str(schema_version(connection)), total

    def backup(self, to: Path) -> int:
        """Copy the store while nobody writes; returns the copy's size in bytes.

        Raises:
            UsageError: there is no store yet, or something is at that place already.
            Failed: the copy cannot be written.
        """
        self._must_exist()
        if to.exists():
            raise UsageError(f"{to} exists already.", hint="Name a file that does not exist yet.")
        partial = to.with_name(to.name + ".partial")
        with self._database.alone() as path:
            to.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(path, partial)
                partial.replace(to)
            finally:
                partial.unlink(missing_ok=True)
        return to.stat().st_size

    def query(self, sql: str, limit: int) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]:
        """Columns and rows of a query that can neither write nor reach another file.

        Raises:
            UsageError: the query is wrong, is no question, or takes too long; or there is no store yet.
        """
        self._must_exist()
        # In an engine of its own, for what is locked there stays locked.
        with Database(self._database.folder).reading() as connection:
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            timer = Timer(self._query_seconds, connection.interrupt)
            timer.start()
            try:
                return _answered(connection, sql, limit)
            except duckdb.InterruptException:
                raise UsageError(
                    f"The query took longer than {self._query_seconds:g} seconds.",
                    hint="Ask for less, or ask a copy: unipipe store backup copy.duckdb",
                ) from None
            except duckdb.Error as error:
                raise UsageError(
                    f"The query failed: {str(error).splitlines()[0]}", hint="Tables: SHOW TABLES"
                ) from None
            finally:
                timer.cancel()

    def _must_exist(self) -> None:
        if not self._database.path.exists():
            raise UsageError("There is no store yet.", hint="The first change makes it, for example `unipipe init`.")


def _answered(
    connection: duckdb.DuckDBPyConnection, sql: str, limit: int
) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]:
    statements = connection.extract_statements(sql)
    # COPY and ATTACH could reach the store's own files although they reach no others, so questions are all there is.
    if len(statements) != 1 or statements[0].type not in QUESTIONS:
        raise UsageError("Only one question can be asked, and nothing changed.", hint="One SELECT, SHOW or EXPLAIN.")
    question = statements[0].query.strip().rstrip(";")
    if statements[0].type is duckdb.StatementType.SELECT:
        question = with_zones_as_text(connection, question)
    answer = connection.execute(question)
    return tuple(column[0] for column in answer.description or ()), plain_rows(answer.fetchmany(max(limit, 0)))
