"""Which way a column is counted: sorted here, by its names, or where it lies; and what there is to say without any value."""

# The SQL here is put together from our own text, names that `quoted_name` made safe, and numbers.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.counting.large import count_where_they_lie, has_few_values
from unipipe_tui.monitoring.counting.names import count_names, named_first
from unipipe_tui.monitoring.counting.numbers import count_sorted, different, in_order
from unipipe_tui.monitoring.distributions import (
    CategoricalDistribution,
    ColumnProblem,
    Distribution,
    Family,
    NumericDistribution,
    ProblemKind,
)
from unipipe_tui.monitoring.opening import INTEGERS, family_of
from unipipe_tui.monitoring.sources import quoted_name

FEW_VALUES = 20
ROWS_HELD = 20_000_000
"""Of longer sets no column is held."""
HELD_AS_THEY_ARE = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE"}
)
"""Types that NumPy has; other numbers are fetched as floating-point numbers."""

Counted = Distribution | ColumnProblem


@frozen
class Wanted:
    """A column to count: its DuckDB type, and its distribution in the reference if there is one."""

    name: str
    kind: str
    reference: Distribution | None

    @property
    def number_sql(self) -> str:
        """The SQL that fetches it as numbers."""
        column = quoted_name(self.name)
        return column if self.kind in HELD_AS_THEY_ARE else f"TRY_CAST({column} AS DOUBLE)"

    def is_sorted_here(self, rows: int) -> bool:
        """Whether it is fetched as numbers and counted by `sorted_and_counted`."""
        if rows > ROWS_HELD or family_of(self.kind) is not Family.NUMBER:
            return False
        if self.reference is not None:
            return isinstance(self.reference, NumericDistribution)
        # Whether a wider one has few values cannot be seen in numbers of 64 bits.
        return self.kind not in INTEGERS or self.kind in HELD_AS_THEY_ARE


def sorted_and_counted(wanted: Wanted, fetched: NDArray[Any], bins: int) -> Distribution:
    """Count a column that was fetched as numbers; what was fetched is used up."""
    rows = len(fetched)
    values = in_order(fetched)
    missing = rows - len(values)
    if isinstance(wanted.reference, NumericDistribution):
        return count_sorted(values.astype(np.float64, copy=False), missing, wanted.reference.edges, bins)
    few = different(values, FEW_VALUES) if wanted.kind in INTEGERS else None
    if few is not None:
        counts = sorted(((str(value), count) for value, count in few), key=lambda pair: (-pair[1], pair[0]))
        return named_first(counts, len(values), rows, Family.NUMBER)
    return count_sorted(values.astype(np.float64, copy=False), missing, None, bins)


def counted_in_place(connection: duckdb.DuckDBPyConnection, wanted: Wanted, rows: int, bins: int) -> Counted:
    """Count a column of the table `source` without fetching it."""
    if wanted.reference is not None:
        return _like(connection, wanted, wanted.reference, rows, bins)
    if wanted.kind.strip('"') == "NULL":
        return CategoricalDistribution(counts=(), missing=rows)
    family = family_of(wanted.kind)
    if family is None:
        sentence = f"Values of type {wanted.kind} cannot be compared."
        return ColumnProblem(wanted.name, ProblemKind.NOT_COMPARABLE, sentence)
    whole = wanted.kind in INTEGERS
    if family is Family.NUMBER and not (whole and has_few_values(connection, wanted.name, FEW_VALUES)):
        return count_where_they_lie(connection, wanted.name, rows, None, bins)
    return count_names(connection, wanted.name, wanted.kind, rows, family)


def _like(
    connection: duckdb.DuckDBPyConnection, wanted: Wanted, reference: Distribution, rows: int, bins: int
) -> Counted:
    """Count a column in the bins, or by the names, of a reference."""
    if family_of(wanted.kind) is reference.family:
        if isinstance(reference, NumericDistribution):
            return count_where_they_lie(connection, wanted.name, rows, reference.edges, bins)
        known = [value for value, _ in reference.counts]
        return count_names(connection, wanted.name, wanted.kind, rows, reference.family, known)
    present: int = connection.execute(f"SELECT count({quoted_name(wanted.name)}) FROM source").fetchall()[0][0]
    # Readers give a column without a value any type, so that alone is no change.
    if present == 0 or reference.present == 0:
        return uncounted(reference, rows, present)
    sentence = f"The reference holds {reference.family.value} here, this data holds {wanted.kind}."
    return ColumnProblem(wanted.name, ProblemKind.TYPE_CHANGED, sentence)


def uncounted(reference: Distribution, rows: int, present: int) -> Distribution:
    """A distribution of the reference's shape for rows whose values, if any, could not be told apart."""
    if isinstance(reference, NumericDistribution):
        counts = (*(0 for _ in reference.edges), present)
        return NumericDistribution(reference.edges, counts, missing=rows - present)
    return replace(reference, counts=(), missing=rows - present, other=present)


def absent(name: str, rows: int, reference: Distribution | None) -> Counted:
    """What is told of a column that is not there."""
    if rows == 0 and reference is not None:
        return uncounted(reference, 0, 0)
    return ColumnProblem(name, ProblemKind.ABSENT, "The data has no such column.")
