"""Whole runs of MLflow's SQLite schema, of any age, as the rows that the index takes."""

# ruff: noqa: S608 - the only names put into the SQL are our own constants and probed columns; values are bound

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

from unipipe_tui.adapters.mlflow.sqlite.readonly import Schema
from unipipe_tui.adapters.mlflow.words import CONTEXT_TAG
from unipipe_tui.domain.runs.rows import DatasetRow, ExperimentRow, MetricRow, ParamRow, RunBatch, RunRow, TagRow
from unipipe_tui.domain.runs.tags import NAME_TAG
from unipipe_tui.domain.values import frozen

NAN = float("nan")

WORKSPACE = "default"
"""MLflow's own client sees one workspace, and this one unless told otherwise."""

LISTED = "(SELECT value FROM json_each(?))"
"""A list of any length as one bound value: a statement takes a limited number of them."""


def in_workspace(schema: Schema, table: str) -> str:
    """SQL for the rows that MLflow's own client would see."""
    return f"{table}.workspace = '{WORKSPACE}'" if schema.has(table, "workspace") else "1"


@frozen
class RowTables:
    """The rows of runs in an open database; only those that MLflow's own client would see, deleted ones too."""

    connection: sqlite3.Connection
    schema: Schema

    def count(self, upto: int | None = None) -> int:
        """How many runs there are, up to this row; those of other workspaces too."""
        where, values = ("", ()) if upto is None else (" WHERE rowid <= ?", (upto,))
        return int(self.connection.execute(f"SELECT count(*) FROM runs{where}", values).fetchone()[0])

    def ids(self) -> frozenset[str]:
        """The ids of all runs."""
        visible = f"SELECT run_uuid FROM runs WHERE {self._visible()}"
        return frozenset(run_id for (run_id,) in self.connection.execute(visible))

    def tags_per_run(self) -> dict[str, int]:
        """How many tags every run has that has any."""
        return dict(self.connection.execute("SELECT run_uuid, count(*) FROM tags GROUP BY run_uuid"))

    def ids_after(self, rowid: int, limit: int) -> tuple[int, tuple[str, ...]]:
        """The ids of the next runs in the order of the table, and where to go on; no ids when there are no more."""
        found = self.connection.execute(
            "SELECT rowid, run_uuid FROM runs WHERE rowid > ? ORDER BY rowid LIMIT ?", (rowid, limit)
        ).fetchall()
        return (found[-1][0] if found else rowid), tuple(run_id for _, run_id in found)

    def experiments(self) -> tuple[ExperimentRow, ...]:
        """All experiments, deleted ones too."""
        lifecycle = self.schema.column("experiments", "lifecycle_stage", "'active'")
        rows = self.connection.execute(
            f"SELECT CAST(experiment_id AS TEXT), coalesce(name, ''), coalesce({lifecycle}, 'active') "
            f"FROM experiments WHERE {in_workspace(self.schema, 'experiments')} ORDER BY experiment_id"
        )
        return tuple(ExperimentRow(*row) for row in rows)

    def whole(self, ids: Sequence[str]) -> RunBatch:
        """Those of these runs that are there, with everything that is kept of them, in a batch that has no cursor yet."""
        runs = self._runs(ids)
        there = json.dumps([run.run_id for run in runs])
        tags = [TagRow(*row) for row in self._pairs("tags", there)]
        names = {tag.run_id: tag.value for tag in tags if tag.key == NAME_TAG}
        return RunBatch(
            cursor="",
            runs=[run if run.name else run._replace(name=names.get(run.run_id, "")) for run in runs],
            params=[ParamRow(*row) for row in self._pairs("params", there)],
            metrics=self._last_metrics(there),
            tags=tags,
            datasets=self._datasets(there),
        )

    def _visible(self) -> str:
        return (
            f"experiment_id IN (SELECT experiment_id FROM experiments WHERE {in_workspace(self.schema, 'experiments')})"
        )

    def _runs(self, ids: Sequence[str]) -> list[RunRow]:
        column = self.schema.column
        sql = (
            f"SELECT run_uuid, coalesce({column('runs', 'name')}, ''), CAST(experiment_id AS TEXT), "
            f"coalesce(status, ''), coalesce({column('runs', 'lifecycle_stage')}, 'active'), "
            f"{column('runs', 'user_id')}, CAST(start_time AS INTEGER), "
            f"CAST({column('runs', 'end_time')} AS INTEGER), {column('runs', 'artifact_uri')} "
            f"FROM runs WHERE run_uuid IN {LISTED} AND {self._visible()}"
        )
        return [RunRow(*row) for row in self.connection.execute(sql, (json.dumps(ids),))]

    def _pairs(self, table: str, ids: str) -> Iterable[tuple[str, str, str]]:
        if not self.schema.has(table, "run_uuid", "key", "value"):
            return ()
        sql = f"SELECT run_uuid, key, coalesce(CAST(value AS TEXT), '') FROM {table} WHERE run_uuid IN {LISTED}"
        return self.connection.execute(sql, (ids,))

    def _last_metrics(self, ids: str) -> list[MetricRow]:
        if self.schema.has("latest_metrics", "run_uuid", "key", "value"):
            return self._metrics("latest_metrics", ids)
        if not self.schema.has("metrics", "run_uuid", "key", "value"):
            return []
        # Before MLflow 1.1 there was only the history; sorted like this, its last values come last.
        history = sorted(self._metrics("metrics", ids), key=lambda row: (row.step, row.at or 0, row.value))
        return list({(row.run_id, row.key): row for row in history}.values())

    def _metrics(self, table: str, ids: str) -> list[MetricRow]:
        step, nan = self.schema.column(table, "step", "0"), self.schema.column(table, "is_nan", "0")
        sql = (
            f"SELECT run_uuid, key, CAST(value AS REAL), coalesce(CAST({step} AS INTEGER), 0), "
            f"CAST(timestamp AS INTEGER), value IS NULL OR {nan} FROM {table} WHERE run_uuid IN {LISTED}"
        )
        return [
            MetricRow(run_id, key, NAN if is_nan else value, step, at)
            for run_id, key, value, step, at, is_nan in self.connection.execute(sql, (ids,))
        ]

    def _datasets(self, ids: str) -> list[DatasetRow]:
        if not self.schema.has("datasets", "dataset_uuid", "name", "digest") or not self.schema.has(*INPUTS):
            return []
        sql = (
            "SELECT inputs.input_uuid, inputs.destination_id, datasets.name, datasets.digest, "
            f"{self.schema.column('datasets', 'dataset_source')} "
            "FROM inputs JOIN datasets ON datasets.dataset_uuid = inputs.source_id "
            "WHERE inputs.source_type = 'DATASET' AND inputs.destination_type = 'RUN' "
            f"AND inputs.destination_id IN {LISTED} ORDER BY inputs.rowid"
        )
        rows = self.connection.execute(sql, (ids,)).fetchall()
        contexts = self._contexts([row[0] for row in rows])
        return [DatasetRow(run, name, digest, contexts[uuid], source) for uuid, run, name, digest, source in rows]

    def _contexts(self, inputs: Sequence[str]) -> defaultdict[str, str]:
        contexts: defaultdict[str, str] = defaultdict(str)
        if inputs and self.schema.has("input_tags", "input_uuid", "name", "value"):
            sql = f"SELECT input_uuid, coalesce(value, '') FROM input_tags WHERE input_uuid IN {LISTED} AND name = ?"
            contexts.update(self.connection.execute(sql, (json.dumps(inputs), CONTEXT_TAG)))
        return contexts


INPUTS = ("inputs", "input_uuid", "source_type", "source_id", "destination_type", "destination_id")
"""The table that says which data sets a run read, since MLflow 2.4, and the columns that are needed of it."""
