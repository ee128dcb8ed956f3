"""How distributions are counted from files or a query: by DuckDB, column by column, rows never held in Python."""

# The SQL here is put together from our own text, names that `quoted_name` made safe, and numbers.
# ruff: noqa: S608

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from unipipe_tui.domain.errors import Failed
from unipipe_tui.monitoring.distributions import (
    CategoricalDistribution,
    ColumnProblem,
    Distribution,
    Family,
    NumericDistribution,
    ProblemKind,
    Profile,
    make_profile,
)
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

NAMED_VALUES = 200
FEW_VALUES = 20
ROWS_FOR_EXACT_EDGES = 1_000_000
MEMORY = "2GB"
SQUARABLE = 1e150
INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "BIGNUM"}
    | {"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
FRACTIONS = frozenset({"FLOAT", "DOUBLE", "DECIMAL"})
TEXTS = frozenset({"VARCHAR", "ENUM", "UUID"})


def profile(
    source: Source, columns: Sequence[str] | None = None, like: Profile | None = None, bins: int = 20
) -> Profile:
    """Count the columns of a source (all of them, or those of `like`, unless they are named).

    Numbers are counted in about `bins` bins of equal mass, between two further bins for what lies below the smallest
    and above the largest value. Whole numbers with at most 20 different values, booleans and texts are counted by
    value, of which the 200 most frequent are named. With `like`, its edges and kinds are used, so the two can be
    compared. A column that cannot be counted is a `ColumnProblem` in the result. Counts are always exact; beyond a
    million rows the edges are approximate quantiles (a t-digest), and masses only nearly equal.

    Raises `Failed` when the rows cannot be read, or when there is no row and no `like` to say what to expect.
    """
    asked = tuple(columns) if columns is not None else _known_columns(like)
    if isinstance(source, Files):
        source = source.with_content()
        if not source.paths:
            return _profile_of_nothing(asked, like)
    with workbench() as connection:
        try:
            types = open_source(connection, source, like)
            return _count(connection, types, asked, like, bins)
        except duckdb.Error as error:
            raise _unreadable(error) from error


def columns_of(files: Files) -> tuple[str, ...]:
    """The names of their columns, in order. Raises `Failed` when they cannot be read."""
    files = files.with_content()
    if not files.paths:
        return ()
    with workbench() as connection:
        try:
            return tuple(_types(connection, _reader(files)))
        except duckdb.Error as error:
            raise _unreadable(error) from error


# --- opening ---------------------------------------------------------------------------------------------------------


@contextmanager
def workbench(*, ordered: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of our own that spills to a temporary folder and never looks for extensions on the network.

    `ordered`: rows come in the order in which they lie in the files.
    """
    with TemporaryDirectory(prefix="unipipe-profile-") as spill:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": spill,
            "memory_limit": MEMORY,
            "preserve_insertion_order": ordered,
            "autoinstall_known_extensions": False,
        }
        with duckdb.connect(":memory:", config=settings) as connection:
            yield connection


def open_source(connection: duckdb.DuckDBPyConnection, source: Source, like: Profile | None = None) -> dict[str, str]:
    """Make the rows the table `source`; return the DuckDB type of each of its columns.

    Parquet is columnar: a query reads only its own column. Whatever must be read whole is read once, into a table that
    DuckDB keeps compressed and moves to disk where it is large.
    """
    if isinstance(source, Relation):
        connection.execute(f"CREATE TEMP TABLE source AS FROM {source.subquery}", list(source.parameters))
        return _types(connection, "source")
    match source.format:
        case FileFormat.PARQUET:
            connection.execute(f"CREATE TEMP VIEW source AS FROM {parquet_reader(source)}")
        case FileFormat.CSV:
            reader = csv_reader(source, _text_columns(connection, source, like))
            connection.execute(f"CREATE TEMP TABLE source AS FROM {reader}")
        case FileFormat.JSON_LINES:
            connection.execute(f"CREATE TEMP TABLE source AS FROM {json_lines_reader(source)}")
    return _types(connection, "source")


def _text_columns(connection: duckdb.DuckDBPyConnection, files: Files, like: Profile | None) -> list[str]:
    """The columns that are text in the reference: `01234` would turn into a number in a week without letters."""
    if like is None:
        return []
    texts = {name for name, distribution in like.columns if distribution.family is Family.TEXT}
    return [name for name in _types(connection, csv_header_reader(files)) if name in texts]


def _reader(files: Files) -> str:
    """What stands after FROM to see which columns there are."""
    match files.format:
        case FileFormat.PARQUET:
            return parquet_reader(files)
        case FileFormat.CSV:
            return csv_header_reader(files)
        case FileFormat.JSON_LINES:
            return json_lines_reader(files)


def _unreadable(error: duckdb.Error) -> Failed:
    said = str(error).strip().partition("\n")[0]
    return Failed(f"The rows to profile cannot be read: {said}", "Check that every file is whole.")


def _types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    return {row[0]: row[1] for row in described}


# --- counting --------------------------------------------------------------------------------------------------------


def _count(
    connection: duckdb.DuckDBPyConnection,
    types: dict[str, str],
    asked: tuple[str, ...] | None,
    like: Profile | None,
    bins: int,
) -> Profile:
    rows: int = _one(connection, "SELECT count(*) FROM source")[0]
    columns: list[tuple[str, Distribution]] = []
    problems: list[ColumnProblem] = []
    for name in asked if asked is not None else types:
        reference = like.column(name) if like else None
        if name not in types:
            counted: Distribution | ColumnProblem = _absent(name, rows, reference)
        elif reference is None:
            counted = _new_distribution(connection, name, types[name], rows, bins)
        else:
            counted = _distribution_like(connection, name, types[name], rows, reference)
        if isinstance(counted, ColumnProblem):
            problems.append(counted)
        else:
            columns.append((name, counted))
    return make_profile(rows, columns, problems)


def _new_distribution(
    connection: duckdb.DuckDBPyConnection, name: str, kind: str, rows: int, bins: int
) -> Distribution | ColumnProblem:
    """Count a column in the way that suits what it holds."""
    if kind.strip('"') == "NULL":
        return CategoricalDistribution(counts=(), missing=rows)
    family = family_of(kind)
    if family is None:
        return ColumnProblem(name, ProblemKind.NOT_COMPARABLE, f"Values of type {kind} cannot be compared.")
    if family is Family.NUMBER and not _is_few_integers(connection, name, kind):
        return _numeric(connection, name, rows, _equal_mass_edges(connection, name, rows, bins))
    return _categorical(connection, name, kind, rows, family, known=())


def _distribution_like(
    connection: duckdb.DuckDBPyConnection, name: str, kind: str, rows: int, reference: Distribution
) -> Distribution | ColumnProblem:
    """Count a column in the bins, or by the names, of a reference."""
    if family_of(kind) is reference.family:
        if isinstance(reference, NumericDistribution):
            return _numeric(connection, name, rows, reference.edges)
        known = tuple(value for value, _ in reference.counts)
        return _categorical(connection, name, kind, rows, reference.family, known)
    present: int = _one(connection, f"SELECT count({quoted_name(name)}) FROM source")[0]
    # Readers give a column without a value any type, so that alone is no change.
    if present == 0 or reference.present == 0:
        return _uncounted(reference, rows, present)
    return ColumnProblem(
        name, ProblemKind.TYPE_CHANGED, f"The reference holds {reference.family.value} here, this data holds {kind}."
    )


def _numeric(
    connection: duckdb.DuckDBPyConnection, name: str, rows: int, edges: tuple[float, ...]
) -> NumericDistribution:
    bounds = [*edges, math.inf]
    present, histogram, minimum, maximum, mean, std = _one(
        connection,
        f"""
        SELECT count(value), histogram(value, ?::DOUBLE[]), min(finite), max(finite), avg(squarable),
               stddev_samp(squarable)
        FROM (
            SELECT value, CASE WHEN isfinite(value) THEN value END AS finite,
                   CASE WHEN abs(value) < {SQUARABLE!r} THEN value END AS squarable
            FROM ({_numbers(name)})
        )
        """,
        [bounds],
    )
    return NumericDistribution(
        edges=edges,
        counts=tuple((histogram or {}).get(bound, 0) for bound in bounds),
        missing=rows - present,
        minimum=minimum,
        maximum=maximum,
        mean=_rounded(mean),
        std=0.0 if std is None and mean is not None else _rounded(std),
    )


def _rounded(moment: float | None) -> float | None:
    """Twelve digits: sums made in parallel differ after that, and equal rows must have equal digests."""
    return None if moment is None else float(f"{moment:.12g}")


def _equal_mass_edges(connection: duckdb.DuckDBPyConnection, name: str, rows: int, bins: int) -> tuple[float, ...]:
    """The quantiles i/bins between an edge just below the smallest value and one at the largest, each edge once."""
    # Exact quantiles hold a whole column in memory.
    quantile = "quantile_disc" if rows <= ROWS_FOR_EXACT_EDGES else "approx_quantile"
    positions = [index / bins for index in range(1, bins)] or [0.5]
    smallest, largest, quantiles = _one(
        connection,
        f"""
        SELECT min(value), max(value), {quantile}(value, {positions!r}) FROM ({_numbers(name)})
        WHERE isfinite(value)
        """,
    )
    if smallest is None:
        return ()
    edges = {quantile for quantile in quantiles if smallest <= quantile < largest} if bins > 1 else set()
    return tuple(sorted(edge for edge in edges | {math.nextafter(smallest, -math.inf), largest} if math.isfinite(edge)))


def _is_few_integers(connection: duckdb.DuckDBPyConnection, name: str, kind: str) -> bool:
    if kind not in INTEGERS:
        return False
    # The sketch keeps more counters than values asked for, so up to that many the list is complete.
    sketch = f"SELECT len(approx_top_k({quoted_name(name)}, {FEW_VALUES + 1})) FROM source"
    return (_one(connection, sketch)[0] or 0) <= FEW_VALUES


def _categorical(
    connection: duckdb.DuckDBPyConnection, name: str, kind: str, rows: int, family: Family, known: tuple[str, ...]
) -> CategoricalDistribution:
    """Count by value; the values in `known` are named first, then the most frequent others."""
    labels = f"SELECT {label_sql(name, kind)} AS label FROM source"
    present: int = _one(connection, f"SELECT count(label) FROM ({labels})")[0]
    found: list[tuple[str, int]] = connection.execute(
        f"""
        SELECT label, count(*) AS rows FROM ({labels}) WHERE label IS NOT NULL GROUP BY label
        ORDER BY list_contains(?::VARCHAR[], label) DESC, rows DESC, label LIMIT {len(known) + NAMED_VALUES}
        """,
        [list(known)],
    ).fetchall()
    expected = set(known)
    named = [pair for pair in found if pair[0] in expected] + [pair for pair in found if pair[0] not in expected][
        :NAMED_VALUES
    ]
    return CategoricalDistribution(
        counts=tuple(sorted(named, key=lambda pair: (-pair[1], pair[0]))),
        missing=rows - present,
        other=present - sum(count for _, count in named),
        family=family,
    )


def label_sql(name: str, kind: str) -> str:
    """The SQL that names a value: 1 and 1.0 are one name, formats disagree about whole numbers; NaN is missing."""
    column = quoted_name(name)
    if _base(kind) not in FRACTIONS:
        return f"CAST({column} AS VARCHAR)"
    number = f"CAST({column} AS DOUBLE)"
    return (
        f"CASE WHEN isnan({number}) THEN NULL WHEN abs({number}) < 1e18 AND {number} = trunc({number}) "
        f"THEN CAST(TRY_CAST({number} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
    )


def _numbers(name: str) -> str:
    as_double = f"SELECT TRY_CAST({quoted_name(name)} AS DOUBLE) AS number FROM source"
    return f"SELECT CASE WHEN isnan(number) THEN NULL ELSE number END AS value FROM ({as_double})"


def family_of(kind: str) -> Family | None:
    """What a DuckDB type holds; None for what is not compared."""
    base = _base(kind)
    if base in INTEGERS or base in FRACTIONS:
        return Family.NUMBER
    if base in TEXTS:
        return Family.TEXT
    return Family.BOOLEAN if base == "BOOLEAN" else None


def _base(kind: str) -> str:
    """`DECIMAL(9,2)` is DECIMAL and `ENUM('a', 'b')` is ENUM, but `INTEGER[]` stays what it is."""
    return kind if kind.endswith("]") else kind.partition("(")[0]


def _one(connection: duckdb.DuckDBPyConnection, sql: str, parameters: list[object] | None = None) -> tuple[Any, ...]:
    row = connection.execute(sql, parameters or []).fetchone()
    assert row is not None, "an aggregate without groups answers one row"
    return row


# --- without rows ----------------------------------------------------------------------------------------------------


def _profile_of_nothing(asked: tuple[str, ...] | None, like: Profile | None) -> Profile:
    if like is None:
        raise Failed("There is no file with rows to profile.", "Check the path or pattern of the data.")
    expected = [(name, like.column(name)) for name in asked or ()]
    return make_profile(0, [(name, _uncounted(known, 0, 0)) for name, known in expected if known is not None])


def _uncounted(reference: Distribution, rows: int, present: int) -> Distribution:
    """A distribution of the reference's shape for rows whose values, if any, could not be told apart."""
    if isinstance(reference, NumericDistribution):
        counts = (*(0 for _ in reference.edges), present)
        return NumericDistribution(reference.edges, counts, missing=rows - present)
    return replace(reference, counts=(), missing=rows - present, other=present)


def _absent(name: str, rows: int, reference: Distribution | None) -> Distribution | ColumnProblem:
    if rows == 0 and reference is not None:
        return _uncounted(reference, 0, 0)
    return ColumnProblem(name, ProblemKind.ABSENT, "The data has no such column.")


def _known_columns(like: Profile | None) -> tuple[str, ...] | None:
    return tuple(name for name, _ in like.columns) if like else None
