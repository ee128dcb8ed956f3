"""Write to MLflow through its own client: register, point aliases, tag, score and copy models.

Importing this module takes seconds, and opening a store may migrate it: only a process that changes something does.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LifecycleStage
from mlflow.exceptions import MlflowException

from unipipe_tui.adapters.mlflow.client.answers import UNKNOWN, asked_in_peace, check_reachable
from unipipe_tui.adapters.mlflow.client.scoring import score_rows
from unipipe_tui.adapters.mlflow.model import model_contents, model_threshold
from unipipe_tui.adapters.mlflow.places import local_path
from unipipe_tui.adapters.mlflow.words import quoted
from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.model_files import WRITTEN_BY_MLFLOW, ModelContents, tags_of
from unipipe_tui.domain.runs.tags import RunMarks
from unipipe_tui.domain.tracking import (
    Scored,
    check_alias_name,
    check_model_name,
    no_such_model,
    no_such_run,
    no_such_version,
)

REGISTRATION_SECONDS = 300


class MlflowRegistry:
    """One tracking store and its registry, opened for writing. The URI must be absolute.

    Errors are ours: UsageError for what does not exist, ToolMissing for a server or database that does not answer,
    Failed for the rest. What MLflow says on stderr is not shown.
    """

    def __init__(self, tracking_uri: str) -> None:
        check_reachable(tracking_uri)
        self._uri = tracking_uri
        with asked_in_peace(tracking_uri):
            # Parts of MLflow ask its global settings even when a client was made for one store.
            mlflow.set_tracking_uri(tracking_uri)
            mlflow.set_registry_uri(tracking_uri)
            self._client = MlflowClient(tracking_uri, tracking_uri)

    def register_run(self, model: str, run_id: str, tags: Mapping[str, str] | None = None) -> int:
        """Register the model that a run logged and return its version, once it is ready.

        A run whose model is registered already keeps its version. Of several logged models the one of the last step
        is taken. Raises UsageError if the run is unknown or logged no model.
        """
        check_model_name(model)
        with asked_in_peace(self._uri):
            run = self._run(run_id)
            known = self._newest_ready(model, run_id)
            if known is not None:
                return self._tagged(model, known, tags or {})
            return self._registered(model, self._logged_model(run), tags or {})

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version, whatever it pointed at before."""
        check_alias_name(alias)
        with asked_in_peace(self._uri):
            self._version(model, version)
            self._client.set_registered_model_alias(model, alias, str(version))

    def delete_alias(self, model: str, alias: str) -> None:
        """Take an alias away; one that does not exist is no error."""
        check_alias_name(alias)
        with asked_in_peace(self._uri):
            self._model(model)
            self._client.delete_registered_model_alias(model, alias)

    def set_version_tag(self, model: str, version: int, key: str, value: str) -> None:
        """Write a tag on a version, over any older value."""
        with asked_in_peace(self._uri):
            self._version(model, version)
            self._client.set_model_version_tag(model, str(version), key, value)

    def delete_version_tag(self, model: str, version: int, key: str) -> None:
        """Take a tag away from a version; one that it does not have is no error."""
        with asked_in_peace(self._uri):
            if key in self._version(model, version).tags:
                self._client.delete_model_version_tag(model, str(version), key)

    def run_marks(self, run_id: str) -> RunMarks:
        """The name and tags of a run as they are now; one that is deleted still has them."""
        with asked_in_peace(self._uri):
            run = self._run(run_id)
            experiment = self._client.get_experiment(run.info.experiment_id)
            return RunMarks(
                name=str(run.info.run_name or ""),
                tags=dict(run.data.tags),
                deleted=run.info.lifecycle_stage == LifecycleStage.DELETED,
                experiment_deleted=experiment.lifecycle_stage == LifecycleStage.DELETED,
            )

    def set_run_tag(self, run_id: str, key: str, value: str) -> None:
        """Write a tag on a run, over any older value."""
        with asked_in_peace(self._uri):
            self._run(run_id)
            self._client.set_tag(run_id, key, value)

    def delete_run_tag(self, run_id: str, key: str) -> None:
        """Take a tag away from a run; one that it does not have is no error."""
        with asked_in_peace(self._uri):
            if key in self._run(run_id).data.tags:
                self._client.delete_tag(run_id, key)

    def rename_run(self, run_id: str, name: str) -> None:
        """Give a run another name."""
        with asked_in_peace(self._uri):
            self._run(run_id)
            self._client.update_run(run_id, name=name)

    def delete_run(self, run_id: str) -> None:
        """Hide a run; MLflow keeps it until somebody collects its garbage (`mlflow gc`)."""
        with asked_in_peace(self._uri):
            self._run(run_id)
            self._client.delete_run(run_id)

    def restore_run(self, run_id: str) -> None:
        """Let a deleted run be there again."""
        with asked_in_peace(self._uri):
            self._run(run_id)
            self._client.restore_run(run_id)

    def download(self, model: str, version: int, to: Path) -> Path:
        """Copy a version's folder to `to`, which must not exist or be empty, and return it.

        It appears whole or not at all.
        """
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise UsageError(f"{to} exists and is not empty.", "Name a folder that does not exist yet.")
        with asked_in_peace(self._uri), self._folder_of(model, version) as folder:
            to.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".unipipe-", dir=to.parent) as beside:
                # A link is copied as one, for whoever takes the copy to refuse: it may lead anywhere.
                copied = Path(shutil.copytree(folder, Path(beside) / "model", symlinks=True, ignore=_not_registered))
                if to.exists():
                    to.rmdir()
                copied.rename(to)
        return to

    def contents(self, model: str, version: int) -> ModelContents:
        """What the version's files are now; nothing of them is loaded.

        Raises Failed for a link among them, and for a file that cannot be read.
        """
        with asked_in_peace(self._uri), self._folder_of(model, version) as folder:
            return model_contents(folder)

    def score(self, model: str, version: int, rows: Path, columns: Sequence[str] = ()) -> Scored:
        """Score a Parquet file's rows with a version; see `score_rows`."""
        with asked_in_peace(self._uri), self._folder_of(model, version) as folder:
            return score_rows(folder, rows, columns)

    def threshold(self, model: str, version: int) -> float | None:
        """The score from which on this version says yes, as its author noted in the model's metadata."""
        with asked_in_peace(self._uri), self._folder_of(model, version) as folder:
            return model_threshold(folder)

    def _registered(self, model: str, uri: str, tags: Mapping[str, str]) -> int:
        made = mlflow.register_model(uri, model, REGISTRATION_SECONDS, tags=dict(tags))
        if made.status != "READY":
            raise Failed(f"{model} {made.version} was not registered: {made.status_message or made.status}.")
        # What cannot be hashed stays without a digest; whoever wants to use it is told why.
        with suppress(Failed):
            self._tagged(model, int(made.version), tags_of(self.contents(model, int(made.version)).hashes))
        return int(made.version)

    def _tagged(self, model: str, version: int, tags: Mapping[str, str]) -> int:
        for key, value in tags.items():
            self._client.set_model_version_tag(model, str(version), key, value)
        return version

    def _newest_ready(self, model: str, run_id: str) -> int | None:
        versions = self._client.search_model_versions(f"name = {quoted(model)}")
        found = (int(version.version) for version in versions if version.status == "READY" and version.run_id == run_id)
        return max(found, default=None)

    def _logged_model(self, run: Any) -> str:
        """The URI of a run's model: one that MLflow 3 keeps beside the run, or one among an older run's artifacts."""
        outputs = run.outputs.model_outputs if run.outputs else []
        if outputs:
            models = [(output.step, self._client.get_logged_model(output.model_id)) for output in outputs]
            _, last = max(models, key=lambda found: (found[0], found[1].creation_timestamp))
            return f"models:/{last.model_id}"
        for item in self._client.list_artifacts(run.info.run_id):
            inside = self._client.list_artifacts(run.info.run_id, item.path) if item.is_dir else ()
            if any(file.path == f"{item.path}/MLmodel" for file in inside):
                return f"runs:/{run.info.run_id}/{item.path}"
        raise UsageError(f"Run {run.info.run_id} logged no model.", "Log one with mlflow.<flavor>.log_model(…).")

    @contextmanager
    def _folder_of(self, model: str, version: int) -> Iterator[Path]:
        """A version's files: where they lie if that is on this machine, else fetched for as long as they are used."""
        self._version(model, version)
        uri = self._client.get_model_version_download_uri(model, str(version))
        local = local_path(uri, Path.cwd())  # MLflow counts a relative URI from the working directory too
        if local is not None and local.is_dir():
            yield local
            return
        with tempfile.TemporaryDirectory(prefix="unipipe-") as fetched:
            yield Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=fetched))

    def _run(self, run_id: str) -> Any:
        try:
            return self._client.get_run(run_id)
        except MlflowException as error:
            if _code(error) in UNKNOWN | {"INVALID_PARAMETER_VALUE"}:
                raise no_such_run(run_id) from error
            raise

    def _model(self, model: str) -> Any:
        try:
            return self._client.get_registered_model(model)
        except MlflowException as error:
            if _code(error) not in UNKNOWN:
                raise
            raise no_such_model(model, (m.name for m in self._client.search_registered_models())) from error

    def _version(self, model: str, version: int) -> Any:
        self._model(model)
        try:
            return self._client.get_model_version(model, str(version))
        except MlflowException as error:
            if _code(error) not in UNKNOWN:
                raise
            found = self._client.search_model_versions(f"name = {quoted(model)}")
            raise no_such_version(model, version, (int(v.version) for v in found)) from error


def _not_registered(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == WRITTEN_BY_MLFLOW]


def _code(error: Exception) -> str:
    return str(getattr(error, "error_code", ""))
