"""Read runs and models from MLflow's folder store (`mlruns/`), of any age, without MLflow and without writing."""

from __future__ import annotations

from collections.abc import Iterator
from glob import escape
from pathlib import Path

from unipipe_tui.adapters.mlflow.folder.registry import RegistryFolder, logged_models
from unipipe_tui.adapters.mlflow.folder.rows import key_of, rows_with, values_in
from unipipe_tui.adapters.mlflow.folder.text import (
    Broken,
    Meta,
    read_meta,
    sub_folders,
    text_files,
    words,
)
from unipipe_tui.adapters.mlflow.runs import metric_of, runs_of
from unipipe_tui.adapters.mlflow.words import moment, run_source
from unipipe_tui.domain.outlines import MetricOutline
from unipipe_tui.domain.tracking import Metric, ModelVersion, RegisteredModel, Run, RunPage, outline_of_history
from unipipe_tui.domain.values import frozen

NO_EXPERIMENTS = frozenset({".trash", "models"})
NO_RUNS = frozenset({"tags", "datasets", "traces", "models"})


class FolderReader:
    """Every answer reads the folder anew; what is broken is left out and named by `problems`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._registry = RegistryFolder(path)

    def page(self, limit: int, experiment: str | None, ids: tuple[str, ...] | None) -> RunPage:
        """The newest living runs of a selection."""
        chosen = [
            found
            for found in self._runs()
            if (experiment is None or found.experiment == experiment) and (ids is None or found.run_id in ids)
        ]
        newest = sorted(chosen, key=_RunFolder.age)
        return RunPage(tuple(_run(found) for found in newest[:limit]), len(chosen))

    def runs_starting(self, prefix: str) -> tuple[Run, ...]:
        """Some of the living runs whose id starts so: the one with exactly this id, or at most six."""
        found = [run for run in self._runs() if run.run_id.startswith(prefix)]
        exact = [run for run in found if run.run_id == prefix]
        return tuple(_run(run) for run in (exact or found)[:6])

    def outline(self, run_id: str, key: str, cells: int) -> MetricOutline:
        """The history of one key in at most so many cells."""
        return outline_of_history(key, self._history(run_id, key), cells)

    def models(self) -> tuple[RegisteredModel, ...]:
        """All registered models by name, without prompts."""
        return self._registry.models()

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        """All versions of a model, newest first; empty for an unknown one."""
        return self._registry.versions(model)

    def locations(self, version: ModelVersion) -> tuple[str, ...]:
        """The URIs under which a version's files may lie, the surest first."""
        return tuple(uri for uri in self._locations(version) if uri)

    def notes_model(self, run_id: str) -> bool:
        """Whether a run names a model among what came of it, as MLflow does since 3.0."""
        return next(self._path.glob(f"*/{escape(run_id)}/outputs/*/meta.yaml"), None) is not None

    def problems(self) -> tuple[str, ...]:
        """What is broken in this folder."""
        if not self._path.is_dir():
            return (f"{self._path} does not exist yet.",)
        broken = (str(found) for found in self._scan() if isinstance(found, Broken))
        return (*broken, *self._registry.problems())

    def _history(self, run_id: str, key: str) -> tuple[Metric, ...]:
        for run in self._runs():
            if run.run_id == run_id:
                files = (file for name, file in text_files(run.path / "metrics") if key_of(name) == key)
                return tuple(metric_of(row) for file in files for row in values_in(run_id, key, file))
        return ()

    def _locations(self, version: ModelVersion) -> Iterator[str]:
        yield self._registry.storage(version)
        yield version.source
        logged = dict(logged_models(self._path))
        if version.model_id in logged:
            yield words(logged[version.model_id], "artifact_location")
        if named := run_source(version.source):
            run_id, path = named
            yield from (f"{words(r.meta, 'artifact_uri')}/{path}" for r in self._runs() if r.run_id == run_id)
            for meta in logged.values():
                if (words(meta, "source_run_id"), words(meta, "name")) == (run_id, path):
                    yield words(meta, "artifact_location")

    def _runs(self) -> Iterator[_RunFolder]:
        return (found for found in self._scan() if isinstance(found, _RunFolder))

    def _scan(self) -> Iterator[_RunFolder | Broken]:
        for folder in sub_folders(self._path):
            if folder.name in NO_EXPERIMENTS:
                continue
            try:
                meta = read_meta(folder, "name")
            except Broken as broken:
                yield broken
                continue
            if _living(meta):
                yield from self._scan_experiment(folder, words(meta, "name"))

    def _scan_experiment(self, folder: Path, experiment: str) -> Iterator[_RunFolder | Broken]:
        for run_folder in sub_folders(folder):
            if run_folder.name in NO_RUNS:
                continue
            try:
                meta = read_meta(run_folder, "experiment_id")
            except Broken as broken:
                yield broken
                continue
            if words(meta, "experiment_id") != folder.name:
                yield Broken(f"{run_folder / 'meta.yaml'} names another experiment than the one it lies in.")
            elif _living(meta):
                yield _RunFolder(run_folder, experiment, meta)


@frozen
class _RunFolder:
    """A run's folder, of which only the `meta.yaml` was read."""

    path: Path
    experiment: str
    meta: Meta

    @property
    def run_id(self) -> str:
        return self.path.name

    def age(self) -> tuple[bool, float, str]:
        """Sorts the newest first, as MLflow does; a run without a start comes last."""
        started = moment(self.meta.get("start_time"))
        return started is None, -started.timestamp() if started else 0.0, self.run_id


def _run(found: _RunFolder) -> Run:
    [run] = runs_of(rows_with(found.path, found.meta), {found.run_id: found.experiment})
    return run


def _living(meta: Meta) -> bool:
    return meta.get("lifecycle_stage", "active") != "deleted"
