"""Whole runs out of the index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import duckdb

from unipipe_tui.domain.runs.rows import DELETED
from unipipe_tui.domain.tracking import Dataset, Metric, Run, moment, status_of


def runs_with(connection: duckdb.DuckDBPyConnection, numbers: Sequence[int]) -> tuple[Run, ...]:
    """The runs with these numbers, in this order."""
    rows = connection.execute(
        "SELECT run, runs.source, run_id, runs.name, coalesce(experiments.name, experiment_id), status, "
        "runs.lifecycle, experiments.lifecycle, user_id, start_time, end_time, artifact_uri FROM runs "
        "LEFT JOIN experiments USING (source, experiment_id) WHERE run IN (SELECT unnest(?::INTEGER[]))",
        [list(numbers)],
    ).fetchall()
    by_number = {row[0]: row for row in rows}
    params, tags = _pairs(connection, "params", numbers), _pairs(connection, "tags", numbers)
    metrics: defaultdict[int, list[Metric]] = defaultdict(list)
    for number, key, value, step, at in _of(connection, "metrics", "key, value, step, moment", numbers):
        metrics[number].append(Metric(key, value, step, moment(at)))
    datasets: defaultdict[int, list[Dataset]] = defaultdict(list)
    for number, name, digest, context, source in _of(connection, "datasets", "name, digest, context, source", numbers):
        datasets[number].append(Dataset(name, digest, source, context))
    return tuple(
        Run(
            run_id=run_id,
            name=name,
            experiment=experiment,
            status=status_of(status),
            started=moment(started),
            ended=moment(ended),
            params=params[number],
            metrics=tuple(metrics[number]),
            tags=tags[number],
            datasets=tuple(datasets[number]),
            artifact_uri=artifact_uri,
            source=source,
            user=user or "",
            deleted=DELETED in (life, group_life),
            experiment_deleted=group_life == DELETED,
        )
        for number, source, run_id, name, experiment, status, life, group_life, user, started, ended, artifact_uri in (
            by_number[number] for number in numbers
        )
    )


def _pairs(
    connection: duckdb.DuckDBPyConnection, table: str, numbers: Sequence[int]
) -> defaultdict[int, dict[str, str]]:
    pairs: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for number, key, value in _of(connection, table, "key, value", numbers):
        pairs[number][key] = value
    return pairs


def _of(
    connection: duckdb.DuckDBPyConnection, table: str, columns: str, numbers: Sequence[int]
) -> list[tuple[Any, ...]]:
    """What belongs to these runs, in the order of its first column."""
    sql = f"SELECT run, {columns} FROM {table} WHERE run IN (SELECT unnest(?::INTEGER[])) ORDER BY 2, 3"  # noqa: S608
    return connection.execute(sql, [list(numbers)]).fetchall()
