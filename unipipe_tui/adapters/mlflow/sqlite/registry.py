"""The registry half of MLflow's SQLite schema, of any age, as SQL."""

# ruff: noqa: S608 - the only names put into the SQL are our own constants and probed columns; values are bound

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator

from unipipe_tui.adapters.mlflow.sqlite.readonly import Schema
from unipipe_tui.adapters.mlflow.sqlite.rows import WORKSPACE, in_workspace
from unipipe_tui.adapters.mlflow.words import NO_STAGE, PROMPT_TAG, REMOVED_STAGE, moment, run_source
from unipipe_tui.domain.tracking import ModelVersion, RegisteredModel
from unipipe_tui.domain.values import frozen


@frozen
class RegistryTables:
    """Registered models, their versions and where these lie, in an open database."""

    connection: sqlite3.Connection
    schema: Schema

    def models(self) -> tuple[RegisteredModel, ...]:
        """All registered models by name, without prompts."""
        if not self.schema.has("registered_models", "name"):
            return ()
        aliases, latest = self._aliases(), self._latest_versions()
        description = self.schema.column("registered_models", "description")
        rows = self.connection.execute(
            f"SELECT name, {description} FROM registered_models "
            f"WHERE {self._here('registered_models')} AND {self._no_prompt('registered_models')} ORDER BY name"
        )
        return tuple(
            RegisteredModel(name, tuple(sorted(aliases[name])), latest.get(name), text or "") for name, text in rows
        )

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        """All versions of a model, newest first, without those that were deleted."""
        if not self.schema.has("model_versions", "name", "version"):
            return ()
        bearers: defaultdict[int, list[str]] = defaultdict(list)
        for alias, number in sorted(self._aliases()[model]):
            bearers[number].append(alias)
        tags = self._version_tags(model)
        text, table = self.schema.column, "model_versions"
        rows = self.connection.execute(
            f"SELECT version, {text(table, 'run_id')}, {text(table, 'source')}, {text(table, 'status')}, "
            f"{text(table, 'current_stage')}, {text(table, 'creation_time')}, {text(table, 'description')} "
            f"FROM model_versions WHERE name = ? AND {self._here(table)} AND {self._no_prompt(table)} "
            "ORDER BY version DESC",
            (model,),
        )
        return tuple(
            ModelVersion(
                model=model,
                version=number,
                run_id=run_id or self._run_of(source or ""),
                source=source or "",
                status=status or "READY",
                stage=None if stage in (None, NO_STAGE) else stage,
                aliases=tuple(bearers[number]),
                tags=tags[number],
                created=moment(created),
                description=words or "",
            )
            for number, run_id, source, status, stage, created, words in rows
            if stage != REMOVED_STAGE
        )

    def locations(self, version: ModelVersion) -> Iterator[str]:
        """The URIs under which a version's files may lie, the surest first."""
        if self.schema.has("model_versions", "storage_location"):
            yield from self._texts(
                "SELECT storage_location FROM model_versions "
                f"WHERE name = ? AND version = ? AND {self._here('model_versions')}",
                (version.model, version.version),
            )
        yield version.source
        if version.model_id and self.schema.has("logged_models", "model_id"):
            yield from self._texts(
                "SELECT artifact_location FROM logged_models WHERE model_id = ?", (version.model_id,)
            )
        if (named := run_source(version.source)) is None:
            return
        run_id, path = named
        if self.schema.has("runs", "artifact_uri"):
            for uri in self._texts("SELECT artifact_uri FROM runs WHERE run_uuid = ?", (run_id,)):
                yield f"{uri.rstrip('/')}/{path}"
        if self.schema.has("logged_models", "source_run_id", "name"):
            yield from self._texts(
                "SELECT artifact_location FROM logged_models WHERE source_run_id = ? AND name = ? "
                "ORDER BY creation_timestamp_ms DESC",
                (run_id, path),
            )

    def notes_model(self, run_id: str) -> bool:
        """Whether a run names a model among what came of it."""
        if not self.schema.has("inputs", "source_type", "source_id", "destination_type"):
            return False
        sql = (
            "SELECT 1 FROM inputs WHERE source_type = 'RUN_OUTPUT' AND source_id = ? "
            "AND destination_type = 'MODEL_OUTPUT' LIMIT 1"
        )
        return self.connection.execute(sql, (run_id,)).fetchone() is not None

    def other_workspaces(self) -> int:
        """How many registered models MLflow's client would not see from here."""
        if not self.schema.has("registered_models", "workspace"):
            return 0
        sql = "SELECT count(*) FROM registered_models WHERE workspace <> ?"
        return int(self.connection.execute(sql, (WORKSPACE,)).fetchone()[0])

    def _aliases(self) -> defaultdict[str, list[tuple[str, int]]]:
        aliases: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        table = "registered_model_aliases"
        if self.schema.has(table, "name", "alias", "version"):
            for name, alias, version in self.connection.execute(
                f"SELECT name, alias, version FROM {table} WHERE {self._here(table)}"
            ):
                aliases[name].append((alias, int(version)))
        return aliases

    def _latest_versions(self) -> dict[str, int]:
        if not self.schema.has("model_versions", "name", "version"):
            return {}
        stage = self.schema.column("model_versions", "current_stage")
        sql = (
            f"SELECT name, max(version) FROM model_versions WHERE {self._here('model_versions')} "
            f"AND coalesce({stage}, '') <> ? GROUP BY name"
        )
        return {name: int(latest) for name, latest in self.connection.execute(sql, (REMOVED_STAGE,))}

    def _version_tags(self, model: str) -> defaultdict[int, dict[str, str]]:
        tags: defaultdict[int, dict[str, str]] = defaultdict(dict)
        table = "model_version_tags"
        if self.schema.has(table, "name", "version"):
            sql = f"SELECT version, key, value FROM {table} WHERE name = ? AND {self._here(table)} ORDER BY key"
            for number, key, value in self.connection.execute(sql, (model,)):
                tags[number][key] = value or ""
        return tags

    def _run_of(self, source: str) -> str | None:
        if self.schema.has("logged_models", "source_run_id") and source.startswith("models:/m-"):
            model_id = source.removeprefix("models:/").rstrip("/")
            sql = "SELECT source_run_id FROM logged_models WHERE model_id = ?"
            return next(self._texts(sql, (model_id,)), None)
        return None

    def _here(self, table: str) -> str:
        return in_workspace(self.schema, table)

    def _no_prompt(self, table: str) -> str:
        """MLflow keeps prompts in the registry's tables and marks them with a tag."""
        if not self.schema.has("registered_model_tags", "name", "key", "value"):
            return "1"
        return (
            f"{table}.name NOT IN (SELECT name FROM registered_model_tags "
            f"WHERE key = '{PROMPT_TAG}' AND value = 'true' AND {self._here('registered_model_tags')})"
        )

    def _texts(self, sql: str, values: tuple[object, ...]) -> Iterator[str]:
        return (str(text) for (text,) in self.connection.execute(sql, values) if text)
