"""Rows into the index: what was known of a run goes, what is known now comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb

from unipipe_tui.domain.runs.rows import RunBatch
from unipipe_tui.domain.unicode import unicode_text

COLUMNS = {
    "params": ("key VARCHAR", "value VARCHAR"),
    "metrics": ("key VARCHAR", "value DOUBLE", "step BIGINT", "moment BIGINT"),
    "tags": ("key VARCHAR", "value VARCHAR"),
    "datasets": ("name VARCHAR", "digest VARCHAR", "context VARCHAR", "source VARCHAR"),
}
"""What is kept of each thing that belongs to a run, beside the run's number."""

RUN_COLUMNS = (
    "run_id VARCHAR",
    "name VARCHAR",
    "experiment_id VARCHAR",
    "status VARCHAR",
    "lifecycle VARCHAR",
    "user_id VARCHAR",
    "start_time BIGINT",
    "end_time BIGINT",
    "artifact_uri VARCHAR",
)


def replace_runs(connection: duckdb.DuckDBPyConnection, source: str, batch: RunBatch) -> None:
    """Put the runs of a batch in the place of what was known of them, and drop those that are gone."""
    ids = [*(run.run_id for run in batch.runs), *batch.gone]
    known = dict(
        connection.execute(
            "SELECT run_id, run FROM runs WHERE source = ? AND run_id IN (SELECT unnest(?::VARCHAR[]))", [source, ids]
        ).fetchall()
    )
    # Asked before the known ones go: a number that one of them gets back must not be given to a new run.
    (highest,) = connection.execute("SELECT coalesce(max(run), 0) FROM runs").fetchone() or (0,)
    drop(connection, list(known.values()))
    numbers: dict[str, int] = {}
    for run in batch.runs:
        numbers[run.run_id] = known.get(run.run_id) or highest + len(numbers) + 1
    fill(connection, "runs", ("run INTEGER", *RUN_COLUMNS), _numbered(batch.runs, numbers, keep_id=True), source=source)
    for table, columns in COLUMNS.items():
        fill(connection, table, ("run INTEGER", *columns), _numbered(getattr(batch, table), numbers))


def _numbered(
    rows: Iterable[tuple[Any, ...]], numbers: Mapping[str, int], *, keep_id: bool = False
) -> list[tuple[Any, ...]]:
    """The rows with the run's number before them, instead of its id unless that is kept."""
    return [(numbers[row[0]], *(row if keep_id else row[1:])) for row in rows]


def drop(connection: duckdb.DuckDBPyConnection, numbers: Sequence[int]) -> None:
    """Lose the runs with these numbers, and all that belongs to them."""
    if not numbers:
        return
    for table in (*COLUMNS, "runs"):
        connection.execute(f"DELETE FROM {table} WHERE run IN (SELECT unnest(?::INTEGER[]))", [numbers])  # noqa: S608


def fill(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    **constant: str,
) -> None:
    """Add rows, column by column: a hundred times as fast as row by row. Columns are `name TYPE`."""
    if not rows:
        return
    names = [*constant, *(column.partition(" ")[0] for column in columns)]
    texts = [column.endswith("VARCHAR") for column in columns]
    values = [
        [unicode_text(cell) if cell is not None else None for cell in cells] if is_text else list(cells)
        for is_text, cells in zip(texts, zip(*rows, strict=True), strict=True)
    ]
    unnested = [f"unnest(?::{column.partition(' ')[2]}[])" for column in columns]
    connection.execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join([*('?' for _ in constant), *unnested])}",
        [*constant.values(), *values],
    )
