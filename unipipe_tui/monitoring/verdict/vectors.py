"""Columns of vectors, read: which columns hold them, and at most some thousand of theirs.

A column holds vectors when at least 99 of 100 rows that hold something hold equally many finite numbers, two or more:
lists of numbers in Parquet and JSON lines, or texts such as `[0.1, 0.2]`. Any other column of lists is not compared.
"""

# The SQL here is put together from our own text and names that `quoted_name` made safe.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.opening import open_source, unreadable, workbench
from unipipe_tui.monitoring.sources import Files, quoted_name

SEED = 20
MOST_ROWS = 5_000
LOOKED_AT = 200
"""How many rows tell whether a column holds vectors."""
ALIKE = 0.99
LARGEST = 1e15
"""Beside a greater number all others are lost in sums of squares."""
LISTS = ("FLOAT", "DOUBLE", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "JSON")

Floats = NDArray[np.float64]


@frozen
class Vectors:
    """The vectors of a column; shape (rows, length).

    Rows without one are left out, and those of another length or with a number beyond `LARGEST`.
    """

    of: int
    """How many rows the set has."""
    missing: int
    """How many rows of the set hold nothing, as far as was looked."""
    values: Floats

    @property
    def length(self) -> int:
        return int(self.values.shape[1])


def vectors_of(source: Files, names: Sequence[str]) -> dict[str, Vectors | str]:
    """The vectors of these columns, or why a column holds none. Raises `Failed` when the rows cannot be read."""
    source = source.with_content()
    if not source.paths:
        return dict.fromkeys(names, "there are no rows")
    with workbench(ordered=True) as connection:
        try:
            types = open_source(connection, source)
            return {name: _vectors(connection, name, types.get(name)) for name in names}
        except duckdb.Error as error:
            raise unreadable(error) from error


def _vectors(connection: duckdb.DuckDBPyConnection, name: str, kind: str | None) -> Vectors | str:
    if kind is None:
        return "the data has no such column"
    if not (kind.endswith("]") and kind.startswith(LISTS)) and kind not in {"VARCHAR", "JSON"}:
        return f"values of type {kind} are no lists of numbers"
    value = f"TRY_CAST({quoted_name(name)} AS DOUBLE[])"
    length = _common_length(connection, value)
    if length is None:
        return "its lists are not all of one length of two or more numbers"
    rows, present = _numbers(connection, f"SELECT count(*), count({quoted_name(name)}) FROM source")
    fits = f"len({value}) = {length} AND list_aggregate({value}, 'count') = {length}"
    usable = f"SELECT {value} AS vector, row_number() OVER () - 1 AS place FROM source WHERE {fits}"
    (count,) = _numbers(connection, f"SELECT count(*) FROM ({usable})")
    if count < ALIKE * present:
        return f"only {count:,} of {present:,} lists have {length} numbers"
    chosen = _places(count)
    wanted = "" if chosen is None else "WHERE place IN (SELECT unnest(?::BIGINT[]))"
    flat = connection.execute(
        f"SELECT unnest(vector) AS number FROM (SELECT vector FROM ({usable}) {wanted} ORDER BY place)",
        [] if chosen is None else [chosen],
    ).fetchnumpy()["number"]
    found = np.asarray(np.ma.getdata(flat), dtype=np.float64).reshape(-1, length)
    return Vectors(rows, rows - present, found[(np.abs(found) <= LARGEST).all(axis=1)])


def _common_length(connection: duckdb.DuckDBPyConnection, value: str) -> int | None:
    found = connection.execute(
        f"SELECT len(vector), count(*) FROM (SELECT {value} AS vector FROM source WHERE {value} IS NOT NULL LIMIT {LOOKED_AT}) "
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
    ).fetchone()
    return int(found[0]) if found is not None and found[0] >= 2 else None


def _places(count: int) -> list[int] | None:
    if count <= MOST_ROWS:
        return None
    places: list[int] = np.sort(np.random.default_rng(SEED).choice(count, MOST_ROWS, replace=False)).tolist()
    return places


def _numbers(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = connection.execute(sql).fetchone()
    assert row is not None, "an aggregate without groups answers one row"
    return row
