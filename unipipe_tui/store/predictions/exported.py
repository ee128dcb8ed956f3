"""Logged predictions written to Parquet files: inputs of a window, and labelled rows to train on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.store.engine import identifier, literal
from unipipe_tui.store.faults import told
from unipipe_tui.store.predictions.answered import INPUT
from unipipe_tui.store.predictions.segment_summaries import listed
from unipipe_tui.store.reachable import reachable

NUMBER_OF_LABEL = r"""
    CASE WHEN lower(label) IN ('true', 'false') THEN CAST(lower(label) = 'true' AS BIGINT)
    WHEN regexp_full_match(label, '[+-]?\d+(\.0*)?') THEN TRY_CAST(label AS BIGINT) END"""
"""A label is a whole number, or true or false; any other text has no number (a cast would round it)."""


def write_labelled(
    connection: duckdb.DuckDBPyConnection, to: Path, id_column: str, label_column: str, known: Sequence[Path]
) -> int:
    """Write inputs and labels of the labelled rows of the view `logged` whose id is in none of the known Parquet files.

    Raises:
        UsageError: a known file has no such id column, or a label is neither a whole number nor true or false.
    """
    new = "label IS NOT NULL"
    if known:
        _must_have(connection, id_column, known)
        files = f"read_parquet({listed(known)}, union_by_name = true)"
        ids = f"SELECT CAST({identifier(id_column)} AS VARCHAR) AS id FROM {files}"  # noqa: S608
        new += f" AND prediction_id NOT IN (FROM ({ids}) WHERE id IS NOT NULL)"
    _must_be_numbers(connection, new)
    chosen = f"prediction_id AS {identifier(id_column)}, {inputs_in(connection)}, "
    chosen += f"{NUMBER_OF_LABEL} AS {identifier(label_column)}"
    return write(connection, f'SELECT {chosen} FROM logged WHERE {new} ORDER BY "at", prediction_id', to)  # noqa: S608


def inputs_in(connection: duckdb.DuckDBPyConnection) -> str:
    """The inputs of the view `logged` under their own names, as SQL writes what it selects."""
    columns = connection.execute("SELECT column_name FROM (DESCRIBE logged)").fetchall()
    names = [name for (name,) in columns if name.startswith(INPUT)]
    return ", ".join(f"{identifier(name)} AS {identifier(name[len(INPUT) :])}" for name in names)


def _must_have(connection: duckdb.DuckDBPyConnection, column: str, files: Sequence[Path]) -> None:
    for file in files:
        described = connection.execute(f"DESCRIBE FROM read_parquet({literal(file)})").fetchall()
        if column.lower() not in {name.lower() for name, *_ in described}:
            raise UsageError(
                f"{file} has no column {column!r}, so nobody can tell which predictions it holds already.",
                hint="Name the column of the ids in unipipe.yaml:  data: {id: ...}",
            )


def _must_be_numbers(connection: duckdb.DuckDBPyConnection, chosen: str) -> None:
    strange = connection.execute(
        f'SELECT label, prediction_id FROM logged WHERE {chosen} AND ({NUMBER_OF_LABEL}) IS NULL ORDER BY "at" LIMIT 1'  # noqa: S608
    ).fetchone()
    if strange:
        label, prediction = strange
        raise UsageError(
            f"The label {label!r} of the prediction {prediction!r} is neither a whole number nor true or false.",
            hint="Such labels are not trained on; `unipipe retrain --no-collect` leaves the traffic out.",
        )


def write(connection: duckdb.DuckDBPyConnection, query: str, to: Path) -> int:
    """Write what is selected to a Parquet file, in one piece; answers with how many rows."""
    with told(to):
        to.parent.mkdir(parents=True, exist_ok=True)
        partial = to.with_name(to.name + ".partial")
        with reachable(partial) as reached:
            answer = connection.execute(f"COPY ({query}) TO {literal(reached)} (FORMAT parquet)").fetchone()
        partial.replace(to)
    return int(answer[0]) if answer else 0
