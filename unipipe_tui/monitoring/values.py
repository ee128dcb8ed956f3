"""The values of one column at a time, as numpy arrays in the order of the rows: what a profile does not keep."""

# The SQL here is put together from our own text and names that `quoted_name` made safe.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.distributions import Family, Profile
from unipipe_tui.monitoring.profiles import family_of, label_sql, open_source, workbench
from unipipe_tui.monitoring.sources import Files, Source, quoted_name

INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
"""What a 64-bit integer holds; wider ones become floating-point numbers, as in other tools."""
NOTHING: NDArray[Any] = np.empty(0)


@frozen
class Numbers:
    """A column of numbers, NaN where a row has none. Without gaps integers are integers (libraries bin them otherwise)."""

    values: NDArray[Any]

    @property
    def rows(self) -> int:
        """With and without a value."""
        return len(self.values)

    @property
    def present(self) -> NDArray[Any]:
        """Without the gaps; may hold infinities."""
        return _kept(self.values, ~np.isnan(self.values))

    @property
    def finite(self) -> NDArray[Any]:
        """Without gaps and infinities."""
        return _kept(self.values, np.isfinite(self.values))

    @property
    def known(self) -> int:
        """How many rows hold a finite value."""
        return int(np.isfinite(self.values).sum())

    @property
    def infinite(self) -> int:
        """How many rows hold an infinite value."""
        return int(np.isinf(self.values).sum())

    def part(self, begin: int, end: int) -> Numbers:
        """Those rows only."""
        return Numbers(self.values[begin:end])


@frozen
class Labels:
    """A column of values with names. `codes` are places in `names`, -1 where a row has no value."""

    names: tuple[str, ...]
    codes: NDArray[np.int64]

    @property
    def rows(self) -> int:
        """With and without a value."""
        return len(self.codes)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many rows hold each name."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))

    @property
    def known(self) -> int:
        """How many rows hold a value."""
        return int((self.codes >= 0).sum())

    @property
    def infinite(self) -> int:
        """None ever."""
        return 0

    def part(self, begin: int, end: int) -> Labels:
        """Those rows only."""
        return Labels(self.names, self.codes[begin:end])


Column = Numbers | Labels


class Rows:
    """An opened set of rows. Its columns are read one by one, so that one of them is in memory, not all."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None, types: dict[str, str]) -> None:
        self._connection = connection
        self._types = types

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(self._types)

    def family(self, name: str) -> Family | None:
        """What a column holds; None when it is not there or holds nothing that is compared."""
        return family_of(self._types[name]) if name in self._types else None

    def numbers(self, name: str) -> Numbers:
        """A column as numbers; one that is not there has no rows, and what is no number is missing."""
        if self._connection is None or name not in self._types:
            return Numbers(NOTHING)
        kind = self._types[name]
        cast = "BIGINT" if kind in INTEGERS else "FLOAT" if kind == "FLOAT" else "DOUBLE"
        values = self._fetched(f"SELECT TRY_CAST({quoted_name(name)} AS {cast}) AS value FROM source")
        if not np.ma.is_masked(values):
            return Numbers(np.ma.getdata(values))
        kept = values.dtype if values.dtype.kind == "f" else np.float64
        return Numbers(np.ma.filled(values.astype(kept), np.nan))

    def labels(self, name: str) -> Labels:
        """A column as values with names; one that is not there has no rows."""
        if self._connection is None or name not in self._types:
            return Labels((), NOTHING.astype(np.int64))
        label = label_sql(name, self._types[name])
        named = f"SELECT {label} AS label FROM source"
        distinct = f"SELECT DISTINCT label FROM ({named}) WHERE label IS NOT NULL ORDER BY label"
        rows, present = self._connection.execute(f"SELECT count(*), count(label) FROM ({named})").fetchall()[0]
        if not present:
            return Labels((), np.full(rows, -1))
        self._connection.execute("DROP TYPE IF EXISTS labels")
        self._connection.execute(f"CREATE TYPE labels AS ENUM ({distinct})")
        names = self._connection.execute("SELECT unnest(enum_range(NULL::labels))").fetchall()
        code = "coalesce(CAST(enum_code(CAST(label AS labels)) AS BIGINT), -1)"
        codes = self._fetched(f"SELECT {code} AS value FROM ({named})")
        return Labels(tuple(row[0] for row in names), np.ma.getdata(codes))

    def _fetched(self, sql: str) -> Any:
        assert self._connection is not None
        return self._connection.execute(sql).fetchnumpy()["value"]


def _kept(values: NDArray[Any], wanted: NDArray[np.bool_]) -> NDArray[Any]:
    # Most columns have no gap, and large ones are dear to copy.
    return values if wanted.all() else np.compress(wanted, values)


@contextmanager
def open_rows(source: Source, like: Profile | None = None) -> Iterator[Rows]:
    """The rows of files or of a query, for the length of the block; with `like`, what is text there is read as text.

    Raises `Failed` when they cannot be read.
    """
    if isinstance(source, Files):
        source = source.with_content()
        if not source.paths:
            yield Rows(None, {})
            return
    with workbench(ordered=True) as connection:
        try:
            yield Rows(connection, open_source(connection, source, like))
        except duckdb.Error as error:
            said = str(error).strip().partition("\n")[0]
            raise Failed(f"The rows cannot be read: {said}", "Check that every file is whole.") from error
