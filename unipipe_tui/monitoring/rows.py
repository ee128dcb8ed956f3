"""The values of one column at a time, as numpy arrays in the order of the rows: what a profile does not keep."""

# The SQL here is put together from our own text and names that `quoted_name` made safe.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.counting.column import Counted, Wanted, absent, counted_in_place
from unipipe_tui.monitoring.counting.names import named_first
from unipipe_tui.monitoring.counting.numbers import count_sorted, in_order
from unipipe_tui.monitoring.distributions import (
    CategoricalDistribution,
    Distribution,
    Family,
    NumericDistribution,
    Profile,
)
from unipipe_tui.monitoring.opening import family_of, label_sql, open_source, unreadable, workbench
from unipipe_tui.monitoring.sources import Files, Source, quoted_name
from unipipe_tui.monitoring.working import work_out

INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
"""What a 64-bit integer holds; wider ones become floating-point numbers, as in other tools."""
NOTHING: NDArray[Any] = np.empty(0)
BINS = 20


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


def distribution_of(column: Column, family: Family, like: Distribution | None = None) -> Distribution:
    """Its distribution: in bins of equal mass, or by the most frequent names; or else in those of a reference."""
    if isinstance(column, Numbers):
        values = in_order(column.values.copy()).astype(np.float64, copy=False)
        edges = like.edges if isinstance(like, NumericDistribution) else None
        return count_sorted(values, column.rows - len(values), edges, BINS)
    found = column.counts
    counts = [(column.names[place], int(found[place])) for place in np.flatnonzero(found).tolist()]
    frequent_first = sorted(counts, key=lambda pair: (-pair[1], pair[0]))
    known = [name for name, _ in like.counts] if isinstance(like, CategoricalDistribution) else []
    return named_first(frequent_first, column.known, column.rows, family, known)


class Rows:
    """An opened set of rows. Its columns are read one by one, so that one of them is in memory, not all."""

    def __init__(self, connection: duckdb.DuckDBPyConnection | None, types: dict[str, str]) -> None:
        self._connection = connection
        self._types = types
        self._counted: tuple[str, Column] | None = None
        """The column that was counted last."""

    @cached_property
    def rows(self) -> int:
        """How many there are."""
        return self._connection.execute("SELECT count(*) FROM source").fetchall()[0][0] if self._connection else 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(self._types)

    def family(self, name: str) -> Family | None:
        """What a column holds; None when it is not there or holds nothing that is compared."""
        return family_of(self._types[name]) if name in self._types else None

    def counted_like(self, name: str, reference: Distribution) -> Counted:
        """A column's distribution in the bins, or by the names, of a reference.

        The values that were read for it are those that `numbers` or `labels` answers with next, without reading again.
        """
        self._counted = None
        if self._connection is None or name not in self._types:
            return absent(name, self.rows, reference)
        kind = self._types[name]
        if family_of(kind) is not reference.family:
            wanted, rows = Wanted(name, kind, reference), self.rows
            return work_out(self._connection, lambda cursor: counted_in_place(cursor, wanted, rows, BINS))
        column = self.numbers(name) if isinstance(reference, NumericDistribution) else self.labels(name)
        self._counted = (name, column)
        return distribution_of(column, reference.family, reference)

    def numbers(self, name: str) -> Numbers:
        """A column as numbers; one that is not there has no rows, and what is no number is missing."""
        if self._connection is None or name not in self._types:
            return Numbers(NOTHING)
        if self._counted and self._counted[0] == name and isinstance(self._counted[1], Numbers):
            return self._counted[1]
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
        if self._counted and self._counted[0] == name and isinstance(self._counted[1], Labels):
            return self._counted[1]
        label = label_sql(quoted_name(name), self._types[name])
        return work_out(self._connection, lambda cursor: _labels(cursor, label))

    def _fetched(self, sql: str) -> Any:
        assert self._connection is not None
        return work_out(self._connection, lambda cursor: cursor.execute(sql).fetchnumpy()["value"])


def _labels(connection: duckdb.DuckDBPyConnection, label: str) -> Labels:
    # Read once; asked three times.
    connection.execute(f"CREATE TEMP TABLE labelled AS SELECT {label} AS label FROM source")
    rows, present = connection.execute("SELECT count(*), count(label) FROM labelled").fetchall()[0]
    if not present:
        return Labels((), np.full(rows, -1))
    connection.execute(
        "CREATE TEMP TYPE labels AS ENUM (SELECT DISTINCT label FROM labelled WHERE label IS NOT NULL ORDER BY label)"
    )
    names = connection.execute("SELECT unnest(enum_range(NULL::labels))").fetchall()
    code = "coalesce(CAST(enum_code(CAST(label AS labels)) AS BIGINT), -1)"
    codes = connection.execute(f"SELECT {code} AS value FROM labelled").fetchnumpy()["value"]
    return Labels(tuple(row[0] for row in names), np.ma.getdata(codes))


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
            yield Rows(connection, work_out(connection, lambda cursor: open_source(cursor, source, like)))
        except duckdb.Error as error:
            raise unreadable(error) from error
