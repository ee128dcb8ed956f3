"""Tables in files, read and written by DuckDB."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.serving import Record, Value
from unipipe_tui.domain.table_text import Cell, parquet_names
from unipipe_tui.domain.unicode import unicode_text
from unipipe_tui.store.engine import Engine, identifier, literal, with_zones_as_text
from unipipe_tui.store.reachable import reachable

READERS = {
    ".parquet": "read_parquet(?)",
    ".csv": "read_csv(?, sample_size = -1)",
    ".json": "read_json(?)",
    ".jsonl": "read_json(?, format = 'newline_delimited')",
}

TYPES = {"number": "DOUBLE", "time": "TIMESTAMP WITH TIME ZONE", "text": "VARCHAR"}
"""What a column can hold, as DuckDB calls it."""
ROWS_AT_ONCE = 5_000


class TableFiles:
    """Parquet, CSV, JSON and JSON-lines files."""

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine or Engine()

    def records(self, path: Path, columns: Sequence[str] | None = None) -> tuple[Record, ...]:
        """All rows, of these columns if given; NaN becomes None.

        Raises:
            UsageError: the file is missing, of another kind, not readable, or lacks a column.
        """
        names, rows = self._read(path, "*" if columns is None else ", ".join(map(identifier, columns)))
        return tuple(dict(zip(names, row, strict=True)) for row in plain_rows(rows))

    def rows(self, path: Path) -> int:
        """How many rows a file has."""
        return int(self._read(path, "count(*)")[1][0][0])

    def columns(self, path: Path) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(self._read(path, "*", limit=" LIMIT 0")[0])

    def newest(self, path: Path, column: str) -> datetime | None:
        """The newest moment in a column, in UTC unless it has a zone; None when it holds none.

        Raises:
            UsageError: the file cannot be read, lacks the column, or the column holds no moments.
        """
        if column not in self.columns(path):
            raise UsageError(f"{path} has no column {column!r}.", hint=f"It has: {', '.join(self.columns(path))}.")
        zoned = f"max(TRY_CAST({identifier(column)} AS TIMESTAMPTZ))"
        found = self._read(path, f"epoch({zoned}), count({identifier(column)})")[1][0]
        if found[0] is None and found[1]:
            raise UsageError(f"{column!r} of {path} holds no moments.", hint="As 2026-11-21T09:30:00Z.")
        return None if found[0] is None else datetime.fromtimestamp(found[0], UTC)

    def write(self, path: Path, columns: Mapping[str, str], rows: Sequence[Sequence[Cell]]) -> None:
        """Write a Parquet file; each column holds numbers (`number`), moments in UTC (`time`) or texts (`text`).

        The columns are called as `parquet_names` says.

        Raises:
            Failed: it cannot be written.
        """
        types = [TYPES[kind] for kind in columns.values()]
        made = ", ".join(f"c{number} {kind}" for number, kind in enumerate(types))
        filled = ", ".join(f"unnest(?::{kind}[])" for kind in types)
        named = ", ".join(f"c{number} AS {identifier(name)}" for number, name in enumerate(parquet_names(columns)))
        try:
            with reachable(path) as reached, self._engine.scratch() as connection:
                connection.execute(f"CREATE TEMP TABLE written ({made})")
                for begin in range(0, len(rows), ROWS_AT_ONCE):
                    values = [_column(cells) for cells in zip(*rows[begin : begin + ROWS_AT_ONCE], strict=True)]
                    connection.execute(f"INSERT INTO written SELECT {filled}", values)
                chosen = f"SELECT {named} FROM written"  # noqa: S608
                connection.execute(f"COPY ({chosen}) TO {literal(reached)} (FORMAT parquet)")
                connection.execute("DROP TABLE written")
        except duckdb.Error as error:
            raise Failed(f"{path} cannot be written: {str(error).splitlines()[0]}") from None

    def _read(self, path: Path, what: str, limit: str = "") -> tuple[list[str], list[tuple[Any, ...]]]:
        reader = READERS.get(path.suffix.lower())
        if reader is None:
            raise UsageError(f"{path} is not a table that can be read.", hint=f"Allowed: {', '.join(READERS)}.")
        if not path.is_file():
            raise UsageError(f"There is no file {path}.", hint="Give a path from the folder that you are in.")
        try:
            with reachable(path) as reached, self._engine.scratch() as connection:
                asked = f"SELECT {what} FROM {reader}{limit}"  # noqa: S608
                only = [_only(reached)]
                answer = connection.execute(with_zones_as_text(connection, asked, only), only)
                return [column[0] for column in answer.description or ()], answer.fetchall()
        except duckdb.Error as error:
            raise UsageError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def plain_rows(rows: Iterable[Sequence[Any]]) -> tuple[tuple[Value, ...], ...]:
    """Rows of plain values: NaN becomes None, dates and times become text in ISO 8601, all else its text."""
    return tuple(tuple(_plain(value) for value in row) for row in rows)


def _plain(value: Any) -> Value:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def _column(cells: Sequence[Cell]) -> list[Cell]:
    return [unicode_text(cell) if isinstance(cell, str) else cell for cell in cells]


def _only(path: Path) -> str:
    """This very file: DuckDB would take `*`, `?` and `[` in a name as a pattern of names."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))
