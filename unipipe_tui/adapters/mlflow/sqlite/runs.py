"""The run half of MLflow's SQLite schema, of any age, as SQL."""

from __future__ import annotations

import json
import sqlite3

from unipipe_tui.adapters.mlflow.runs import runs_of
from unipipe_tui.adapters.mlflow.sqlite.readonly import Schema
from unipipe_tui.adapters.mlflow.sqlite.rows import LISTED, RowTables, in_workspace
from unipipe_tui.domain.tracking import Run, RunPage
from unipipe_tui.domain.values import frozen

_FROM_RUNS = "FROM runs JOIN experiments ON experiments.experiment_id = runs.experiment_id"


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
            conditions.append(f"runs.run_uuid IN {LISTED}")
            values.append(json.dumps(ids))
        return RunPage(self._runs(conditions, values, limit), self._count(conditions, values))

    def runs_starting(self, prefix: str) -> tuple[Run, ...]:
        """The living run with exactly this id, or at most six whose ids start so."""
        conditions, values = self._living_runs()
        exact = self._runs([*conditions, "runs.run_uuid = ?"], [*values, prefix], 1)
        return exact or self._runs(
            [*conditions, "substr(runs.run_uuid, 1, length(?)) = ?"], [*values, prefix, prefix], 6
        )

    def _runs(self, conditions: list[str], values: list[object], limit: int) -> tuple[Run, ...]:
        rows = self.connection.execute(
            f"SELECT runs.run_uuid, experiments.name {_FROM_RUNS} WHERE {' AND '.join(conditions)} "
            "ORDER BY runs.start_time DESC, runs.run_uuid LIMIT ?",
            (*values, limit),
        )
        experiments = dict(rows.fetchall())
        return runs_of(RowTables(self.connection, self.schema).whole(tuple(experiments)), experiments)

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
