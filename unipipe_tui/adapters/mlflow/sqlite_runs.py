"""The run half of MLflow's SQLite schema, of any age, as SQL."""

# ruff: noqa: S608 - the only names put into the SQL are our own constants and probed columns; values are bound

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict

from unipipe_tui.adapters.mlflow.sqlite_readonly import Schema
from unipipe_tui.adapters.mlflow.words import RUN_NAME_TAG, moment, status_of
from unipipe_tui.domain.tracking import Dataset, Metric, Run, RunPage
from unipipe_tui.domain.values import frozen

WORKSPACE = "default"
"""MLflow's own client sees one workspace, and this one unless told otherwise."""

_FROM_RUNS = "FROM runs JOIN experiments ON experiments.experiment_id = runs.experiment_id"

_LISTED = "(SELECT value FROM json_each(?))"
"""A list of any length as one bound value: a statement takes a limited number of them."""


def in_workspace(schema: Schema, table: str) -> str:
    """SQL for the rows that MLflow's own client would see."""
    return f"{table}.workspace = '{WORKSPACE}'" if schema.has(table, "workspace") else "1"


@frozen
class RunTables:
    """Runs, and what was logged to them, in an open database."""

    connection: sqlite3.Connection
    schema: Schema

    def page(self, limit: int, experiment: str | None, ids: tuple[str, ...] | None) -> RunPage:
        """The newest living runs of a selection and how many it holds."""
        conditions, values = self._living_runs()
        if experiment is not None:
            conditions.append("experiments.name = ?")
            values.append(experiment)
        if ids is not None:
            conditions.append(f"runs.run_uuid IN {_LISTED}")
            values.append(json.dumps(ids))
        return RunPage(self._runs(conditions, values, limit), self._count(conditions, values))

    def runs_starting(self, prefix: str) -> tuple[Run, ...]:
        """The living run with exactly this id, or at most six whose ids start so."""
        conditions, values = self._living_runs()
        exact = self._runs([*conditions, "runs.run_uuid = ?"], [*values, prefix], 1)
        return exact or self._runs(
            [*conditions, "substr(runs.run_uuid, 1, length(?)) = ?"], [*values, prefix, prefix], 6
        )

    def history(self, run_id: str, key: str) -> tuple[Metric, ...]:
        """Every value of one key, oldest first."""
        if not self.schema.has("metrics"):
            return ()
        step = self.schema.column("metrics", "step", "0")
        nan = self.schema.column("metrics", "is_nan", "0")
        rows = self.connection.execute(
            f"SELECT key, value, {step}, timestamp, {nan} FROM metrics WHERE run_uuid = ? AND key = ? "
            "ORDER BY timestamp, 3, value",
            (run_id, key),
        )
        return tuple(_metric(*row) for row in rows)

    def _runs(self, conditions: list[str], values: list[object], limit: int) -> tuple[Run, ...]:
        text = self.schema.column
        rows = self.connection.execute(
            f"SELECT runs.run_uuid, {text('runs', 'name')}, experiments.name, runs.status, runs.start_time, "
            f"{text('runs', 'end_time')}, {text('runs', 'artifact_uri')} {_FROM_RUNS} WHERE {' AND '.join(conditions)} "
            "ORDER BY runs.start_time DESC, runs.run_uuid LIMIT ?",
            (*values, limit),
        ).fetchall()
        ids = tuple(str(row[0]) for row in rows)
        params, tags = self._pairs("params", ids), self._pairs("tags", ids)
        metrics, datasets = self._last_metrics(ids), self._datasets(ids)
        return tuple(
            Run(
                run_id=run_id,
                name=name or tags[run_id].get(RUN_NAME_TAG, ""),
                experiment=experiment,
                status=status_of(status),
                started=moment(started),
                ended=moment(ended),
                params=params[run_id],
                metrics=tuple(metrics[run_id].values()),
                tags=tags[run_id],
                datasets=tuple(datasets[run_id]),
                artifact_uri=artifact_uri,
            )
            for run_id, name, experiment, status, started, ended, artifact_uri in rows
        )

    def _count(self, conditions: list[str], values: list[object]) -> int:
        sql = f"SELECT count(*) {_FROM_RUNS} WHERE {' AND '.join(conditions)}"
        return int(self.connection.execute(sql, values).fetchone()[0])

    def _living_runs(self) -> tuple[list[str], list[object]]:
        """The conditions that leave out what was deleted, and the values bound in them."""
        living = [
            f"{table}.lifecycle_stage = 'active'"
            for table in ("runs", "experiments")
            if self.schema.has(table, "lifecycle_stage")
        ]
        return [*living, in_workspace(self.schema, "experiments")], []

    def _pairs(self, table: str, ids: tuple[str, ...]) -> defaultdict[str, dict[str, str]]:
        pairs: defaultdict[str, dict[str, str]] = defaultdict(dict)
        if self.schema.has(table, "key", "value", "run_uuid"):
            sql = f"SELECT run_uuid, key, value FROM {table} WHERE run_uuid IN {_LISTED} ORDER BY key"
            for run_id, key, value in self.connection.execute(sql, (json.dumps(ids),)):
                pairs[run_id][key] = "" if value is None else str(value)
        return pairs

    def _last_metrics(self, ids: tuple[str, ...]) -> defaultdict[str, dict[str, Metric]]:
        """MLflow keeps the last values in a table of their own; before 1.1 they are the last of the history."""
        table = "latest_metrics" if self.schema.has("latest_metrics") else "metrics"
        step, nan = self.schema.column(table, "step", "0"), self.schema.column(table, "is_nan", "0")
        sql = (
            f"SELECT run_uuid, key, value, {step} AS step, timestamp, {nan} FROM {table} "
            f"WHERE run_uuid IN {_LISTED} ORDER BY key, step, timestamp, value"
        )
        last: defaultdict[str, dict[str, Metric]] = defaultdict(dict)
        if self.schema.has(table):
            for run_id, *row in self.connection.execute(sql, (json.dumps(ids),)):
                last[run_id][row[0]] = _metric(*row)
        return last

    def _datasets(self, ids: tuple[str, ...]) -> defaultdict[str, list[Dataset]]:
        datasets: defaultdict[str, list[Dataset]] = defaultdict(list)
        if self.schema.has("datasets", "dataset_uuid") and self.schema.has("inputs", "source_id", "destination_id"):
            source = self.schema.column("datasets", "dataset_source")
            sql = (
                f"SELECT inputs.destination_id, datasets.name, digest, {source} "
                "FROM inputs JOIN datasets ON datasets.dataset_uuid = inputs.source_id "
                "WHERE inputs.source_type = 'DATASET' AND inputs.destination_type = 'RUN' "
                f"AND inputs.destination_id IN {_LISTED} ORDER BY datasets.name, digest"
            )
            for run_id, name, digest, source in self.connection.execute(sql, (json.dumps(ids),)):
                datasets[run_id].append(Dataset(name, digest, source))
        return datasets


def _metric(key: str, value: float, step: int, at: int | None, is_nan: int) -> Metric:
    return Metric(key, float("nan") if is_nan else float(value), int(step), moment(at))
