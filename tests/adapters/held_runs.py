"""What an index holds after it took the batches of a source, and what MLflow's client says about the same runs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from unipipe_tui.domain.progress import Progress, Silent
from unipipe_tui.domain.runs.rows import RunBatch, RunRow, RunSource

CONTEXT = "mlflow.data.context"


class Whole(NamedTuple):
    """A run in a form that can be compared; numbers as text, so that NaN equals NaN."""

    run: RunRow
    params: frozenset[tuple[str, str]]
    metrics: frozenset[tuple[str, str, int, int | None]]
    tags: frozenset[tuple[str, str]]
    datasets: frozenset[tuple[str, str, str, str | None]]


class HeldRuns:
    """An index of one source: takes batches as the real one does, and is what the source is told to be known."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.runs: dict[str, Whole] = {}
        self.experiments: dict[str, tuple[str, str]] = {}
        self.batches: list[RunBatch] = []

    def ids(self) -> frozenset[str]:
        return frozenset(self.runs)

    def tags_per_run(self) -> Mapping[str, int]:
        return {run_id: len(run.tags) for run_id, run in self.runs.items() if run.tags}

    def take(self, batch: RunBatch) -> None:
        """Put these runs in the place of what was known of them."""
        for run_id in batch.gone:
            del self.runs[run_id]
        self.runs.update(whole_runs(batch))
        if batch.experiments is not None:
            self.experiments = {row.experiment_id: (row.name, row.lifecycle) for row in batch.experiments}
        self.cursor = batch.cursor
        self.batches.append(batch)

    def follow(self, source: RunSource, progress: Progress | None = None) -> set[str]:
        """Take all that changed; answers with the runs that were read."""
        self.batches = []
        for batch in source.changes(self.cursor, self, progress or Silent()):
            self.take(batch)
        return {run.run_id for batch in self.batches for run in batch.runs}


def whole_runs(batch: RunBatch) -> dict[str, Whole]:
    """The runs of a batch with what belongs to each; nothing in it may belong to a run that is not in it."""
    params, tags = _by_run(batch.params), _by_run(batch.tags)
    metrics = _by_run((row.run_id, row.key, repr(row.value), row.step, row.at) for row in batch.metrics)
    datasets = _by_run(batch.datasets)
    ids = [run.run_id for run in batch.runs]
    assert max(Counter(ids).values(), default=1) == 1
    assert {*params, *tags, *metrics, *datasets} <= {*ids}
    return {
        run.run_id: Whole(run, params[run.run_id], metrics[run.run_id], tags[run.run_id], datasets[run.run_id])
        for run in batch.runs
    }


def said_by_mlflow(client: MlflowClient) -> dict[str, Whole]:
    """All runs of the store, deleted ones too, as the client tells them."""
    experiments = [found.experiment_id for found in client.search_experiments(view_type=ViewType.ALL)]
    runs = client.search_runs(experiments, run_view_type=ViewType.ALL, max_results=5000)
    return {run.info.run_id: _whole(run) for run in runs}


def experiments_of_mlflow(client: MlflowClient) -> dict[str, tuple[str, str]]:
    """All experiments of the store by id: name and stage of life."""
    found = client.search_experiments(view_type=ViewType.ALL)
    return {experiment.experiment_id: (experiment.name, experiment.lifecycle_stage) for experiment in found}


def _whole(run: Run) -> Whole:
    info = run.info
    row = RunRow(
        info.run_id,
        info.run_name or "",
        info.experiment_id,
        info.status,
        info.lifecycle_stage,
        info.user_id,
        info.start_time,
        info.end_time,
        info.artifact_uri,
    )
    return Whole(
        row,
        frozenset(run.data.params.items()),
        frozenset((m.key, repr(m.value), m.step, m.timestamp) for m in run.data._metric_objs),
        frozenset(run.data.tags.items()),
        frozenset(
            (
                given.dataset.name,
                given.dataset.digest,
                next((tag.value for tag in given.tags if tag.key == CONTEXT), ""),
                given.dataset.source,
            )
            for given in run.inputs.dataset_inputs
        ),
    )


def _by_run(rows: Iterable[tuple[object, ...]]) -> defaultdict[object, frozenset[tuple[object, ...]]]:
    found: defaultdict[object, list[tuple[object, ...]]] = defaultdict(list)
    for run_id, *rest in rows:
        found[run_id].append(tuple(rest))
    assert all(len(set(held)) == len(held) for held in found.values())
    return defaultdict(frozenset, {run_id: frozenset(held) for run_id, held in found.items()})
