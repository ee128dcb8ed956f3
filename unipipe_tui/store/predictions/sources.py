"""The rows of a kind of segment as something that DuckDB reads: lines that still grow, and folded ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from unipipe_tui.domain.errors import Failed
from unipipe_tui.store.engine import identifier, literal
from unipipe_tui.store.predictions.damaged import whole
from unipipe_tui.store.predictions.segment_list import Segments, names
from unipipe_tui.store.predictions.segment_summaries import listed

AT_IN_UTC = 'CAST("at" AS TIMESTAMP) AS "at"'
NUMBERS = ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE", "BOOLEAN")
"""What DuckDB may guess for JSON; it would also take text that looks like a date or a UUID for one, and change it."""
ATTEMPTS = 10


def count_rows(connection: duckdb.DuckDBPyConnection, segments: Segments, counted: Mapping[str, int]) -> int:
    """How many rows these segments of one kind have: the server gives no id and takes no label twice, so none is counted twice.

    A segment that lies there both as lines and as Parquet was being folded; its lines count. `counted`: how many rows folded
    ones have, by name, as far as that is known.
    """
    new = [one.path for one in segments.folded if one.path.name not in counted]
    known = sum(counted.get(one.path.name, 0) for one in segments.folded)
    return known + sum(_lines_in(connection, one.path) for one in segments.lines) + _rows_of(connection, new)


def _lines_in(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    except FileNotFoundError:
        # Folded since it was listed.
        return _rows_of(connection, [path.with_suffix(".parquet")])


def _rows_of(connection: duckdb.DuckDBPyConnection, parquet: Sequence[Path]) -> int:
    parquet = whole(parquet)
    if not parquet:
        return 0
    row = connection.execute(f"SELECT sum(num_rows) FROM parquet_file_metadata({listed(parquet)})").fetchone()  # noqa: S608
    return int(row[0] or 0) if row else 0


def segments_of(
    connection: duckdb.DuckDBPyConnection, folder: Path, kind: str, but: frozenset[str] = frozenset()
) -> str | None:
    """All rows of one kind as a relation, but those of segments of these names; `at` in UTC. None when there are none.

    The lines come first: a segment that is folded into Parquet meanwhile is then found twice, never missed.
    """
    chosen = f"SELECT * REPLACE ({AT_IN_UTC}) FROM"
    parts = [f"{chosen} {kind}"] if _has_lines(connection, folder, kind, but) else []
    parquet = whole(names(folder, kind, "parquet", but))
    if parquet:
        parts.append(f"{chosen} read_parquet({listed(parquet)}, union_by_name = true)")
    return f"({' UNION ALL BY NAME '.join(parts)})" if parts else None


def _has_lines(connection: duckdb.DuckDBPyConnection, folder: Path, kind: str, but: frozenset[str]) -> bool:
    """Copy the rows that are still JSON lines into a table named after their kind; whether there are any."""
    for _ in range(ATTEMPTS):
        try:
            segments = [path for path in names(folder, kind, "jsonl", but) if path.stat().st_size]
            return bool(segments) and _copied(connection, kind, segments)
        except (OSError, duckdb.IOException):
            # One was folded and removed since it was listed.
            continue
    raise Failed(f"The {kind} in {folder} cannot be read.", hint="Try again; see `unipipe doctor`.")


def _copied(connection: duckdb.DuckDBPyConnection, kind: str, segments: Sequence[Path]) -> bool:
    # A line that was torn by a kill was never acknowledged: it is ignored.
    lines = f"{listed(segments)}, format = 'newline_delimited', ignore_errors = true, union_by_name = true"
    types = _guessed(connection, lines)
    if "prediction_id" not in types:
        return False
    columns = ", ".join(f"{identifier(name)}: {literal(type_)}" for name, type_ in types.items())
    # Whoever wrote a line may have named a zone; a folded segment holds UTC already.
    moment = 'REPLACE (CAST("at" AS TIMESTAMPTZ) AS "at")' if "at" in types else ""
    known = f"SELECT * {moment} FROM read_json({lines}, columns = {{{columns}}}) WHERE prediction_id IS NOT NULL"  # noqa: S608
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {kind} AS {known}")
    return True


def _guessed(connection: duckdb.DuckDBPyConnection, lines: str) -> dict[str, str]:
    guesses = connection.execute(f"DESCRIBE FROM read_json({lines}, sample_size = -1)").fetchall()
    return {name: guess if guess in NUMBERS else "VARCHAR" for name, guess, *_ in guesses}
