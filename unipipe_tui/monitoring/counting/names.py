"""How values are counted by their names: by DuckDB, which holds the different ones and no row."""

# The SQL here is put together from our own text, names that `quoted_name` made safe, and numbers.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from unipipe_tui.monitoring.distributions import CategoricalDistribution, Family
from unipipe_tui.monitoring.opening import label_sql
from unipipe_tui.monitoring.sources import quoted_name

NAMED_VALUES = 200


def count_names(
    connection: duckdb.DuckDBPyConnection, name: str, kind: str, rows: int, family: Family, known: Sequence[str] = ()
) -> CategoricalDistribution:
    """Count a column by value; the values in `known` are named first, then the most frequent others."""
    expected = "(label IN (SELECT unnest(?::VARCHAR[]))) DESC," if known else ""
    # Grouped as what they are, and named then: a number is hashed sooner than its name.
    found: list[tuple[str, int, int]] = connection.execute(
        f"""
        WITH
        grouped AS (SELECT {quoted_name(name)} AS value, count(*) AS times FROM source GROUP BY 1),
        named AS (
            SELECT {label_sql("value", kind)} AS label, CAST(sum(times) AS BIGINT) AS times FROM grouped GROUP BY 1
        )
        SELECT label, times, CAST(sum(times) OVER () AS BIGINT) FROM named WHERE label IS NOT NULL
        ORDER BY {expected} times DESC, label LIMIT {len(known) + NAMED_VALUES}
        """,
        [list(known)] if known else [],
    ).fetchall()
    present = found[0][2] if found else 0
    return named_first([(label, count) for label, count, _ in found], present, rows, family, known)


def named_first(
    found: Sequence[tuple[str, int]], present: int, rows: int, family: Family, known: Sequence[str] = ()
) -> CategoricalDistribution:
    """The distribution in which those of `known` are named, and two hundred others; `found` has the frequent first."""
    expected = set(known)
    named = [pair for pair in found if pair[0] in expected]
    named += [pair for pair in found if pair[0] not in expected][:NAMED_VALUES]
    return CategoricalDistribution(
        counts=tuple(sorted(named, key=lambda pair: (-pair[1], pair[0]))),
        missing=rows - present,
        other=present - sum(count for _, count in named),
        family=family,
    )
