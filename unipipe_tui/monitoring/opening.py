"""How rows are opened to be counted or read: a DuckDB of our own in which they are the table `source`."""

# The SQL here is put together from our own text, names that `quoted_name` made safe, and numbers.
# ruff: noqa: S608

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from unipipe_tui.domain.errors import Failed
from unipipe_tui.monitoring.distributions import Family, Profile
from unipipe_tui.monitoring.sources import (
    FileFormat,
    Files,
    Relation,
    Source,
    csv_header_reader,
    csv_reader,
    json_lines_reader,
    parquet_reader,
    quoted_name,
)
from unipipe_tui.monitoring.torn_lines import torn_line
from unipipe_tui.monitoring.working import work_out

MEMORY = "1GB"
MOST_THREADS = 4
"""Every thread decodes a stretch of rows of its own: more of them take more memory."""
INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "BIGNUM"}
    | {"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
FRACTIONS = frozenset({"FLOAT", "DOUBLE", "DECIMAL"})
TEXTS = frozenset({"VARCHAR", "ENUM", "UUID"})
UNNAMED = "json"
"""What DuckDB calls the one column of JSON lines that are lists or single values."""
INFINITE = frozenset({"inf", "infinity"})


@contextmanager
def workbench(*, ordered: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of our own that spills to a temporary folder and never looks for extensions on the network.

    `ordered`: rows come in the order in which they lie in the files.
    """
    with TemporaryDirectory(prefix="unipipe-profile-") as spill:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": spill,
            "memory_limit": MEMORY,
            "threads": min(MOST_THREADS, os.cpu_count() or 1),
            "preserve_insertion_order": ordered,
            "autoinstall_known_extensions": False,
        }
        with duckdb.connect(":memory:", config=settings) as connection:
            yield connection


def open_source(connection: duckdb.DuckDBPyConnection, source: Source, like: Profile | None = None) -> dict[str, str]:
    """Make the rows the table `source`; return the DuckDB type of each of its columns.

    Parquet is columnar: a query reads only its own columns. Whatever must be read whole is read once, into a table
    that DuckDB moves to disk where it is large.
    """
    if isinstance(source, Relation):
        connection.execute(f"CREATE TABLE source AS FROM {source.subquery}", list(source.parameters))
        return _types(connection, "source")
    match source.format:
        case FileFormat.PARQUET:
            connection.execute(f"CREATE VIEW source AS FROM {parquet_reader(source)}")
        case FileFormat.CSV:
            texts = _text_columns(connection, source, like)
            connection.execute(f"CREATE TABLE source AS FROM {csv_reader(source, texts)}")
            _refuse_torn_lines(source, _types(connection, "source"))
            _mend_numbers(connection, texts)
        case FileFormat.JSON_LINES:
            connection.execute(f"CREATE TABLE source AS FROM {json_lines_reader(source)}")
            _refuse_lines_without_names(connection, source, _types(connection, "source"))
    return _types(connection, "source")


def columns_of(files: Files) -> tuple[str, ...]:
    """The names of their columns, in order. Raises `Failed` when they cannot be read."""
    files = files.with_content()
    if not files.paths:
        return ()
    with workbench() as connection:
        try:
            reader = _reader(files)
            found = work_out(connection, lambda cursor: _types(cursor, reader))
            if files.format is FileFormat.JSON_LINES:
                _refuse_lines_without_names(connection, files, found)
        except duckdb.Error as error:
            raise unreadable(error) from error
    if files.format is FileFormat.CSV:
        _refuse_torn_lines(files, found)
    return tuple(found)


def _refuse_torn_lines(files: Files, columns: Collection[str]) -> None:
    torn = torn_line(files.paths, columns)
    if torn:
        raise Failed(f"The rows cannot be read: {torn}.", "Mend the line, or write the file anew.")


def _refuse_lines_without_names(connection: duckdb.DuckDBPyConnection, files: Files, columns: Collection[str]) -> None:
    """Lines that are lists or single values, which the reader puts into one column of its own naming."""
    if tuple(columns) != (UNNAMED,) or _are_objects(connection, files):
        return
    other = f"json_type(to_json({UNNAMED})) NOT IN ('OBJECT', 'NULL')"
    if connection.execute(f"SELECT 1 FROM {json_lines_reader(files)} WHERE {other} LIMIT 1").fetchone():
        raise Failed(
            "The rows cannot be read: a line is no JSON object.", 'Write one object a line, as {"amount": 12.5}.'
        )


def _are_objects(connection: duckdb.DuckDBPyConnection, files: Files) -> bool:
    """Whether the column is one that the lines themselves name so."""
    try:
        _types(connection, json_lines_reader(files, "true"))
    except duckdb.BinderException:
        return False
    return True


def unreadable(error: duckdb.Error) -> Failed:
    """What DuckDB said about files, for people."""
    # The line itself is data, and what follows are settings of the reader.
    lines = [line.strip() for line in str(error).strip().split("\n") if not line.startswith("Original Line")]
    file = next((line.removeprefix("file = ") for line in lines if line.startswith("file = ")), "")
    said = " ".join([*lines[:2], *([f"({Path(file).name})"] if file else [])]).strip()
    if isinstance(error, duckdb.ConversionException):
        return Failed(f"The rows cannot be read: {said}", "Name files whose columns hold the same kinds of values.")
    return Failed(f"The rows cannot be read: {said}", "Check that every file is whole.")


def _text_columns(connection: duckdb.DuckDBPyConnection, files: Files, like: Profile | None) -> list[str]:
    """The columns that are text in the reference: `01234` would turn into a number in a week without letters."""
    if like is None:
        return []
    texts = {name for name, distribution in like.columns if distribution.family is Family.TEXT}
    return [name for name in _types(connection, csv_header_reader(files)) if name in texts]


def _mend_numbers(connection: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> None:
    """Make numbers of the columns that the reader takes for texts because the first of their numbers is infinite."""
    for name, kind in _types(connection, "source").items():
        if kind != "VARCHAR" or name in texts:
            continue
        column = quoted_name(name)
        first = connection.execute(f"SELECT {column} FROM source WHERE {column} IS NOT NULL LIMIT 1").fetchone()
        if first is None or first[0].strip().lower().lstrip("+-") not in INFINITE:
            continue
        numbers = f"count({column}) = count(TRY_CAST({column} AS DOUBLE))"
        if connection.execute(f"SELECT {numbers} FROM source").fetchall()[0][0]:
            connection.execute(f"ALTER TABLE source ALTER {column} TYPE DOUBLE")


def _reader(files: Files) -> str:
    """What stands after FROM to see which columns there are."""
    match files.format:
        case FileFormat.PARQUET:
            return parquet_reader(files)
        case FileFormat.CSV:
            return csv_header_reader(files)
        case FileFormat.JSON_LINES:
            return json_lines_reader(files)


def _types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    # Not by DESCRIBE, which tells more than two thousand columns in any order.
    found = connection.sql(f"SELECT * FROM {table}")
    return dict(zip(found.columns, map(str, found.types), strict=True))


# --- what a column holds ---------------------------------------------------------------------------------------------


def family_of(kind: str) -> Family | None:
    """What a DuckDB type holds; None for what is not compared."""
    base = _base(kind)
    if base in INTEGERS or base in FRACTIONS:
        return Family.NUMBER
    if base in TEXTS:
        return Family.TEXT
    return Family.BOOLEAN if base == "BOOLEAN" else None


def label_sql(column: str, kind: str) -> str:
    """The SQL that names a value: 1 and 1.0 are one name, formats disagree about whole numbers; NaN is missing.

    `column` is SQL as well.
    """
    if _base(kind) not in FRACTIONS:
        return f"CAST({column} AS VARCHAR)"
    number = f"CAST({column} AS DOUBLE)"
    return (
        f"CASE WHEN isnan({number}) THEN NULL WHEN abs({number}) < 1e18 AND {number} = trunc({number}) "
        f"THEN CAST(TRY_CAST({number} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
    )


def _base(kind: str) -> str:
    """`DECIMAL(9,2)` is DECIMAL and `ENUM('a', 'b')` is ENUM, but `INTEGER[]` stays what it is."""
    return kind if kind.endswith("]") else kind.partition("(")[0]
