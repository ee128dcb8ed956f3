"""Predictions as they were answered, with their inputs, the probabilities of classes, and the labels that have come."""

from __future__ import annotations

import duckdb

from unipipe_tui.domain.serving import AnsweredRows
from unipipe_tui.store.engine import identifier
from unipipe_tui.store.rows import aware, aware_or_none

INPUT = "input."
PROBABILITY = "probability."


def read_answered(connection: duckdb.DuckDBPyConnection, rows: int, version: int | None) -> AnsweredRows:
    """The latest rows of the view `logged`, of one version if given, oldest first; as far as labels came, half have theirs."""
    columns = [name for (name,) in connection.execute("SELECT column_name FROM (DESCRIBE logged)").fetchall()]
    inputs = [name for name in columns if name.startswith(INPUT)]
    classes = [name for name in columns if name.startswith(PROBABILITY)]
    asked = "".join(f", {identifier(name)}" for name in inputs)
    asked += "".join(f", TRY_CAST({identifier(name)} AS DOUBLE)" for name in classes)
    where = "" if version is None else f"WHERE version = {int(version)}"
    found = connection.execute(
        f"""
        WITH placed AS (
            SELECT *, label IS NOT NULL AND row_number() OVER (
                PARTITION BY label IS NOT NULL ORDER BY "at" DESC, prediction_id DESC) <= {int(rows) // 2} AS first
            FROM logged {where}
        ),
        chosen AS (FROM placed ORDER BY first DESC, "at" DESC, prediction_id DESC LIMIT {int(rows)})
        SELECT "at", TRY_CAST(score AS DOUBLE), decision, label, label_at{asked}
        FROM chosen ORDER BY "at", prediction_id"""  # noqa: S608
    ).fetchall()
    if not found:
        return AnsweredRows()
    at, scores, decisions, labels, label_at, *others = zip(*found, strict=True)
    return AnsweredRows(
        at=tuple(aware(moment) for moment in at),
        scores=scores,
        decisions=decisions,
        labels=labels,
        label_at=tuple(aware_or_none(moment) for moment in label_at),
        inputs={name.removeprefix(INPUT): column for name, column in zip(inputs, others[: len(inputs)], strict=True)},
        probabilities={
            name.removeprefix(PROBABILITY): column
            for name, column in zip(classes, others[len(inputs) :], strict=True)
            # Other versions may have had other classes.
            if any(one is not None for one in column)
        },
    )
