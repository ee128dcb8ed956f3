"""Looking at registered versions through MLflow's client, in a store that is not on this machine.

Importing this module takes seconds, as it imports MLflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from unipipe_tui.adapters.mlflow.client.answers import UNKNOWN, asked_in_peace, check_reachable
from unipipe_tui.adapters.mlflow.client.database_copy import verify_version
from unipipe_tui.adapters.mlflow.words import NO_STAGE, PROMPT_TAG, quoted
from unipipe_tui.domain.tracking import ModelVersion, moment

PAGE = 1_000


class ClientVersions:
    """The versions in one registry, see `domain.ports.tools.DistantVersions`. The URI must be absolute."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def of_model(self, model: str) -> tuple[ModelVersion, ...]:
        """All versions of a model, newest first; none when it is not registered."""
        with self._asked() as client:
            return _found(client, (f"name = {quoted(model)}",))

    def of_runs(self, run_ids: Sequence[str]) -> tuple[ModelVersion, ...]:
        """The versions that were made of these runs: by model, newest first."""
        with self._asked() as client:
            return _found(client, [f"run_id = {quoted(run_id)}" for run_id in run_ids])

    @contextmanager
    def _asked(self) -> Iterator[MlflowClient]:
        check_reachable(self._uri)
        with asked_in_peace(self._uri):
            verify_version(self._uri)
            yield MlflowClient(self._uri, self._uri)


def _found(client: MlflowClient, conditions: Sequence[str]) -> tuple[ModelVersion, ...]:
    told = [version for condition in conditions for version in _all_pages(client, condition)]
    models = [version for version in told if version.tags.get(PROMPT_TAG) != "true"]
    # A search tells no aliases.
    aliases = {name: _aliases(client, name) for name in sorted({str(version.name) for version in models})}
    found = (_version(version, aliases[version.name]) for version in models)
    return tuple(sorted(found, key=lambda version: (version.model, -version.version)))


def _all_pages(client: MlflowClient, condition: str) -> Iterator[Any]:
    ask, token = partial(client.search_model_versions, condition, PAGE), None
    while True:
        page = ask(page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _aliases(client: MlflowClient, model: str) -> list[tuple[str, int]]:
    try:
        told = client.get_registered_model(model).aliases
    except MlflowException as error:
        if error.error_code in UNKNOWN:
            return []  # it was deleted a moment ago
        raise
    return sorted((str(alias), int(number)) for alias, number in told.items())


def _version(told: Any, aliases: Sequence[tuple[str, int]]) -> ModelVersion:
    number = int(told.version)
    return ModelVersion(
        model=str(told.name),
        version=number,
        run_id=told.run_id or None,
        source=told.source or "",
        status=str(told.status),
        stage=None if told.current_stage in (None, "", NO_STAGE) else str(told.current_stage),
        aliases=tuple(alias for alias, borne_by in aliases if borne_by == number),
        tags=dict(told.tags),
        created=moment(told.creation_timestamp),
        description=told.description or "",
    )
