"""How numbers are counted where a column is too long to be held: by DuckDB, in one pass for edges and one for counts."""

# The SQL here is put together from our own text, names that `quoted_name` made safe, and numbers.
# ruff: noqa: S608

from __future__ import annotations

import math

import duckdb

from unipipe_tui.monitoring.counting.numbers import ENDS, SQUARABLE, edges_between, rounded
from unipipe_tui.monitoring.distributions import NumericDistribution
from unipipe_tui.monitoring.sources import quoted_name


def count_where_they_lie(
    connection: duckdb.DuckDBPyConnection, name: str, rows: int, edges: tuple[float, ...] | None, bins: int
) -> NumericDistribution:
    """Count a column: in bins with these edges, or else in new ones of nearly equal mass (a t-digest finds them)."""
    if edges is None:
        edges = _nearly_equal_mass_edges(connection, name, bins)
    bounds = [*edges, math.inf]
    found = connection.execute(
        f"""
        SELECT count(value), histogram(value, ?::DOUBLE[]), min(value) FILTER (isfinite(value)),
               max(value) FILTER (isfinite(value)), avg(value) FILTER (abs(value) < {SQUARABLE!r}),
               stddev_samp(value) FILTER (abs(value) < {SQUARABLE!r})
        FROM ({_numbers(name)})
        """,
        [bounds],
    ).fetchone()
    assert found is not None, "an aggregate without groups answers one row"
    present, histogram, minimum, maximum, mean, std = found
    return NumericDistribution(
        edges=edges,
        counts=tuple((histogram or {}).get(bound, 0) for bound in bounds),
        missing=rows - present,
        minimum=minimum,
        maximum=maximum,
        mean=rounded(mean),
        std=0.0 if std is None and mean is not None else rounded(std),
    )


def has_few_values(connection: duckdb.DuckDBPyConnection, name: str, few: int) -> bool:
    """Whether there are at most so many different ones."""
    # The sketch keeps more counters than values asked for, so up to that many the list is complete.
    found = connection.execute(f"SELECT len(approx_top_k({quoted_name(name)}, {few + 1})) FROM source").fetchone()
    assert found is not None, "an aggregate without groups answers one row"
    return (found[0] or 0) <= few


def _nearly_equal_mass_edges(connection: duckdb.DuckDBPyConnection, name: str, bins: int) -> tuple[float, ...]:
    positions = [index / bins for index in range(1, bins)] or [0.5]
    found = connection.execute(
        f"SELECT min(value), max(value), approx_quantile(value, {positions!r}) FROM ({_numbers(name)}) "
        "WHERE isfinite(value)"
    ).fetchone()
    assert found is not None, "an aggregate without groups answers one row"
    smallest, largest, quantiles = found
    if smallest is None:
        present = connection.execute(f"SELECT count(value) FROM ({_numbers(name)})").fetchall()[0][0]
        return ENDS if present else ()
    return edges_between(smallest, largest, quantiles if bins > 1 else [])


def _numbers(name: str) -> str:
    as_double = f"SELECT TRY_CAST({quoted_name(name)} AS DOUBLE) AS number FROM source"
    return f"SELECT CASE WHEN isnan(number) THEN NULL ELSE number END AS value FROM ({as_double})"
