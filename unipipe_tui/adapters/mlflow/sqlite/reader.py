"""Read runs and models from MLflow's SQLite database, of any age, without MLflow and without writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from unipipe_tui.adapters.mlflow.sqlite.outline import outline
from unipipe_tui.adapters.mlflow.sqlite.readonly import Schema, probe, read_only
from unipipe_tui.adapters.mlflow.sqlite.registry import RegistryTables
from unipipe_tui.adapters.mlflow.sqlite.runs import RunTables
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.outlines import MetricOutline, outline_of
from unipipe_tui.domain.tracking import ModelVersion, RegisteredModel, Run, RunPage

Answer = TypeVar("Answer")

NEEDED = {"runs": ("run_uuid", "status", "start_time", "experiment_id"), "experiments": ("experiment_id", "name")}
LATER_TABLES = {
    "registered_models": "it has no model registry (before MLflow 1.4)",
    "registered_model_aliases": "it has no aliases (before MLflow 2.3)",
    "datasets": "its runs name no data sets (before MLflow 2.4)",
    "logged_models": "it has no logged models (before MLflow 3.0)",
}


class SqliteReader:
    """Every answer is one read transaction on the file; nothing is kept open.

    The schema is probed, not its version: a database of a newer MLflow is read as long as the columns are there, and
    one of an older MLflow answers with what it has.
    """

    def __init__(self, path: Path, patience_seconds: float = 2.0) -> None:
        self._path = path
        self._patience_seconds = patience_seconds

    def page(self, limit: int, experiment: str | None, ids: tuple[str, ...] | None) -> RunPage:
        """The newest living runs of a selection."""
        empty = RunPage((), 0)
        return self._ask(lambda open_, schema: RunTables(open_, schema).page(limit, experiment, ids), empty)

    def runs_starting(self, prefix: str) -> tuple[Run, ...]:
        """Some of the living runs whose id starts so: the one with exactly this id, or at most six."""
        return self._ask(lambda open_, schema: RunTables(open_, schema).runs_starting(prefix), ())

    def outline(self, run_id: str, key: str, cells: int) -> MetricOutline:
        """The history of one key in at most so many cells."""
        return self._ask(lambda open_, schema: outline(open_, schema, run_id, key, cells), outline_of(key, (), cells))

    def models(self) -> tuple[RegisteredModel, ...]:
        """All registered models by name, without prompts."""
        return self._ask(lambda open_, schema: RegistryTables(open_, schema).models(), ())

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        """All versions of a model, newest first; empty for an unknown one."""
        return self._ask(lambda open_, schema: RegistryTables(open_, schema).versions(model), ())

    def locations(self, version: ModelVersion) -> tuple[str, ...]:
        """The URIs under which a version's files may lie, the surest first."""
        return self._ask(lambda open_, schema: tuple(RegistryTables(open_, schema).locations(version)), ())

    def notes_model(self, run_id: str) -> bool:
        """Whether a run names a model among what came of it, as MLflow does since 3.0."""
        return self._ask(lambda open_, schema: RegistryTables(open_, schema).notes_model(run_id), False)

    def problems(self) -> tuple[str, ...]:
        """What this database cannot tell, and why."""
        return self._ask(self._shortcomings, (f"{self._path} holds nothing yet.",))

    def _ask(self, question: Callable[[sqlite3.Connection, Schema], Answer], without_file: Answer) -> Answer:
        # An empty file is what SQLite leaves where a program asked for a database and then did nothing.
        if not self._path.exists() or self._path.stat().st_size == 0:
            return without_file
        return read_only(self._path, lambda open_: question(open_, self._probed(open_)), self._patience_seconds)

    def _probed(self, connection: sqlite3.Connection) -> Schema:
        schema = probe(connection)
        lacking = [table for table, columns in NEEDED.items() if not schema.has(table, *columns)]
        if lacking:
            raise UsageError(
                f"{self._path} is no MLflow database: its tables {' and '.join(lacking)} are not as expected.",
                "Check the tracking URI.",
            )
        return schema

    def _shortcomings(self, connection: sqlite3.Connection, schema: Schema) -> tuple[str, ...]:
        told = [f"{self._path.name}: {lack}." for table, lack in LATER_TABLES.items() if not schema.has(table)]
        if hidden := RegistryTables(connection, schema).other_workspaces():
            told.append(f"{self._path.name}: {hidden} registered models are in other workspaces and are not shown.")
        return tuple(told)
