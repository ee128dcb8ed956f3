"""Read runs and models from MLflow's folder store (`mlruns/`), of any age, without MLflow and without writing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unipipe_tui.adapters.mlflow.folder_registry import RegistryFolder, logged_models
from unipipe_tui.adapters.mlflow.folder_text import (
    Broken,
    Meta,
    read_meta,
    read_text,
    read_texts,
    sub_folders,
    text_files,
    words,
)
from unipipe_tui.adapters.mlflow.words import RUN_NAME_TAG, moment, run_source, status_of
from unipipe_tui.domain.tracking import Dataset, Metric, ModelVersion, RegisteredModel, Run, RunPage
from unipipe_tui.domain.values import frozen

NO_EXPERIMENTS = frozenset({".trash", "models"})
NO_RUNS = frozenset({"tags", "datasets", "traces", "models"})
STATUS_NUMBERS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}


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

    def history(self, run_id: str, key: str) -> tuple[Metric, ...]:
        """Every value of one key, in the order it was logged."""
        for run in self._runs():
            if run.run_id == run_id:
                return next((_values(key, file) for name, file in text_files(run.path / "metrics") if name == key), ())
        return ()

    def models(self) -> tuple[RegisteredModel, ...]:
        """All registered models by name, without prompts."""
        return self._registry.models()

    def versions(self, model: str) -> tuple[ModelVersion, ...]:
        """All versions of a model, newest first; empty for an unknown one."""
        return self._registry.versions(model)

    def locations(self, version: ModelVersion) -> tuple[str, ...]:
        """The URIs under which a version's files may lie, the surest first."""
        return tuple(uri for uri in self._locations(version) if uri)

    def problems(self) -> tuple[str, ...]:
        """What is broken in this folder."""
        if not self._path.is_dir():
            return (f"{self._path} does not exist yet.",)
        broken = (str(found) for found in self._scan() if isinstance(found, Broken))
        return (*broken, *self._registry.problems())

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
    meta, tags = found.meta, read_texts(found.path / "tags")
    histories = ((key, _values(key, file)) for key, file in text_files(found.path / "metrics"))
    return Run(
        run_id=found.run_id,
        name=words(meta, "run_name") or words(meta, "name") or tags.get(RUN_NAME_TAG, ""),
        experiment=found.experiment,
        status=status_of(_status(meta.get("status", 1))),
        started=moment(meta.get("start_time")),
        ended=moment(meta.get("end_time")),
        params=read_texts(found.path / "params"),
        metrics=tuple(_last(values) for _, values in histories if values),
        tags=tags,
        datasets=tuple(sorted(_datasets(found.path), key=lambda dataset: (dataset.name, dataset.digest))),
        artifact_uri=words(meta, "artifact_uri") or None,
    )


def _living(meta: Meta) -> bool:
    return meta.get("lifecycle_stage", "active") != "deleted"


def _status(noted: object) -> object:
    return STATUS_NUMBERS.get(noted) if isinstance(noted, int) else noted


def _values(key: str, file: Path) -> tuple[Metric, ...]:
    values = (_value(key, line) for line in read_text(file).splitlines())
    return tuple(value for value in values if value is not None)


def _value(key: str, line: str) -> Metric | None:
    """One `milliseconds value [step [dataset digest]]` line; None if it is cut short or garbled."""
    fields = line.split()
    try:
        return Metric(key, float(fields[1]), int(fields[2]) if len(fields) > 2 else 0, moment(fields[0]))
    except (IndexError, ValueError):
        return None


def _last(values: tuple[Metric, ...]) -> Metric:
    """The value that MLflow shows: of the highest step, then the latest, then the largest."""
    return max(values, key=lambda metric: (metric.step, metric.at.timestamp() if metric.at else 0.0, metric.value))


def _datasets(run_folder: Path) -> Iterator[Dataset]:
    for folder in sub_folders(run_folder / "inputs"):
        try:
            link = read_meta(folder, "source_type", "source_id")
            if link["source_type"] == "DATASET":
                described = run_folder.parent / "datasets" / words(link, "source_id")
                meta = read_meta(described, "name", "digest")
                yield Dataset(words(meta, "name"), words(meta, "digest"), words(meta, "source") or None)
        except Broken:
            continue
