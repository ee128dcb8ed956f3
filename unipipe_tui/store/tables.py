"""Tables in files, read by DuckDB."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.serving import Record, Value

READERS = {
    ".parquet": "read_parquet(?)",
    ".csv": "read_csv(?, sample_size = -1)",
    ".json": "read_json(?)",
    ".jsonl": "read_json(?, format = 'newline_delimited')",
}


class TableFiles:
    """Parquet, CSV, JSON and JSON-lines files."""

    def records(self, path: Path, columns: Sequence[str] | None = None) -> tuple[Record, ...]:
        """All rows, of these columns if given; NaN becomes None.

        Raises:
            UsageError: the file is missing, of another kind, not readable, or lacks a column.
        """
        names, rows = self._read(path, "*" if columns is None else ", ".join(_quoted(c) for c in columns))
        return tuple({name: _value(v) for name, v in zip(names, row, strict=True)} for row in rows)

    def rows(self, path: Path) -> int:
        """How many rows a file has."""
        return int(self._read(path, "count(*)")[1][0][0])

    def columns(self, path: Path) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(self._read(path, "*", limit=" LIMIT 0")[0])

    def _read(self, path: Path, what: str, limit: str = "") -> tuple[list[str], list[tuple[Any, ...]]]:
        reader = READERS.get(path.suffix)
        if reader is None:
            raise UsageError(f"{path} is not a table that can be read.", hint=f"Allowed: {', '.join(READERS)}.")
        if not path.is_file():
            raise UsageError(f"There is no file {path}.", hint="Give a path from the folder that you are in.")
        try:
            with duckdb.connect(":memory:") as connection:
                answer = connection.execute(f"SELECT {what} FROM {reader}{limit}", [str(path)])  # noqa: S608
                return [column[0] for column in answer.description or ()], answer.fetchall()
        except duckdb.Error as error:
            raise UsageError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def query(
    connection: duckdb.DuckDBPyConnection, sql: str, limit: int
) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]:
    """Columns and at most `limit` rows of a query, in plain values.

    Raises:
        UsageError: the query is wrong.
    """
    try:
        answer = connection.execute(sql)
        names = tuple(column[0] for column in answer.description or ())
        return names, tuple(tuple(_value(v) for v in row) for row in answer.fetchmany(limit))
    except duckdb.Error as error:
        raise UsageError(f"The query failed: {str(error).splitlines()[0]}", hint="Tables: `SHOW TABLES`.") from None


def _value(value: Any) -> Value:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
