"""Tables in files, read by DuckDB."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.serving import Record, Value
from unipipe_tui.store.engine import Engine, identifier, with_zones_as_text

READERS = {
    ".parquet": "read_parquet(?)",
    ".csv": "read_csv(?, sample_size = -1)",
    ".json": "read_json(?)",
    ".jsonl": "read_json(?, format = 'newline_delimited')",
}


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

    def _read(self, path: Path, what: str, limit: str = "") -> tuple[list[str], list[tuple[Any, ...]]]:
        reader = READERS.get(path.suffix.lower())
        if reader is None:
            raise UsageError(f"{path} is not a table that can be read.", hint=f"Allowed: {', '.join(READERS)}.")
        if not path.is_file():
            raise UsageError(f"There is no file {path}.", hint="Give a path from the folder that you are in.")
        try:
            with self._engine.scratch() as connection:
                asked = f"SELECT {what} FROM {reader}{limit}"  # noqa: S608
                answer = connection.execute(with_zones_as_text(connection, asked, [_only(path)]), [_only(path)])
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


def _only(path: Path) -> str:
    """This very file: DuckDB would take `*`, `?` and `[` in a name as a pattern of names."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))
