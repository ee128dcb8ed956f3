"""A MLflow database in a SQLite file that is asked many questions, each in a short transaction of its own."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from unipipe_tui.adapters.mlflow.sqlite.readonly import Schema, probe, read_only
from unipipe_tui.adapters.mlflow.sqlite.rows import RowTables
from unipipe_tui.adapters.mlflow.sqlite.watched_tables import Watch
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.runs.rows import stop_if_asked
from unipipe_tui.domain.values import frozen

Answer = TypeVar("Answer")

NEEDED = {
    "runs": ("run_uuid", "status", "start_time", "experiment_id"),
    "experiments": ("experiment_id", "name"),
    "params": ("run_uuid", "key", "value"),
    "metrics": ("run_uuid", "key", "value", "timestamp"),
    "tags": ("run_uuid", "key", "value"),
}
READ = (*NEEDED, "latest_metrics", "inputs", "input_tags", "datasets")
"""All tables that are read; the others may change their form as they like."""


@frozen
class Database:
    """The file, of which every question is answered in a short transaction of its own."""

    path: Path
    shown: Path
    """Where the user knows it to be."""
    patience_seconds: float
    progress: Progress

    def ask(self, question: Callable[[sqlite3.Connection, Schema], Answer]) -> Answer:
        """The answer as of one moment."""
        stop_if_asked(self.progress)
        return read_only(self.path, lambda connection: self._checked(connection, question), self.patience_seconds)

    def rows(self, question: Callable[[RowTables], Answer]) -> Answer:
        """The same about rows."""
        return self.ask(lambda connection, schema: question(RowTables(connection, schema)))

    def watch(self, question: Callable[[Watch], Answer]) -> Answer:
        """The same about what is remembered of tables."""
        return self.ask(lambda connection, schema: question(Watch(connection, schema)))

    def form(self) -> str:
        """What stands for the form of all tables that are read."""
        return self.ask(lambda _, schema: _fingerprint(schema))

    def _checked(
        self, connection: sqlite3.Connection, question: Callable[[sqlite3.Connection, Schema], Answer]
    ) -> Answer:
        schema = probe(connection, READ)
        if reason := unreadable(connection, schema):
            raise UsageError(f"{self.shown} cannot be read: {reason}.", "Check the tracking URI.")
        return question(connection, schema)


def unreadable(connection: sqlite3.Connection, schema: Schema) -> str | None:
    """Why the tables cannot be read as they are; None when they can."""
    lacking = [table for table, columns in NEEDED.items() if not schema.has(table, *columns)]
    if lacking:
        return f"its tables {' and '.join(lacking)} are not as expected"
    without_numbers = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN (SELECT value FROM json_each(?)) "
        "AND sql LIKE '%WITHOUT ROWID%' ORDER BY name",
        (json.dumps(READ),),
    )
    numberless = [str(name) for (name,) in without_numbers]
    return f"the rows of its tables {' and '.join(numberless)} have no numbers" if numberless else None


def _fingerprint(schema: Schema) -> str:
    columns = repr([(table, sorted(schema.tables.get(table, ()))) for table in READ])
    return blake2b(columns.encode(), digest_size=9).hexdigest()
