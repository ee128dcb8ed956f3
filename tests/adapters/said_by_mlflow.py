"""What MLflow's own client says about the runs of a store, in the form that tests compare."""

from __future__ import annotations

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from tests.adapters.held_runs import Whole
from unipipe_tui.domain.runs.rows import RunRow

CONTEXT = "mlflow.data.context"


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
