"""What MLflow's client answers with, as rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from unipipe_tui.adapters.mlflow.words import CONTEXT_TAG
from unipipe_tui.domain.runs.rows import DatasetRow, ExperimentRow, MetricRow, ParamRow, RunBatch, RunRow, TagRow


def rows_of(runs: Iterable[Any]) -> RunBatch:
    """All rows of these runs, in a batch that has no cursor yet."""
    runs = list(runs)
    return RunBatch(
        cursor="",
        runs=[_run_row(run.info) for run in runs],
        params=[ParamRow(run.info.run_id, key, str(value)) for run in runs for key, value in run.data.params.items()],
        metrics=[row for run in runs for row in _metric_rows(run)],
        tags=[TagRow(run.info.run_id, key, str(value)) for run in runs for key, value in run.data.tags.items()],
        datasets=[row for run in runs for row in _dataset_rows(run)],
    )


def experiment_row(experiment: Any) -> ExperimentRow:
    """One experiment."""
    return ExperimentRow(str(experiment.experiment_id), experiment.name, experiment.lifecycle_stage)


def started(run: Any) -> int | None:
    """When a run began, in milliseconds since the epoch."""
    return _moment(run.info.start_time)


def _run_row(info: Any) -> RunRow:
    return RunRow(
        run_id=info.run_id,
        name=info.run_name or "",
        experiment_id=str(info.experiment_id),
        status=info.status,
        lifecycle=info.lifecycle_stage,
        user=info.user_id or None,
        started=_moment(info.start_time),
        ended=_moment(info.end_time),
        artifact_uri=info.artifact_uri or None,
    )


def _metric_rows(run: Any) -> list[MetricRow]:
    # The public mapping has the values without step and time; what they are made from is on every answer.
    logged = run.data._metric_objs
    return [
        MetricRow(run.info.run_id, one.key, float(one.value), int(one.step or 0), _moment(one.timestamp))
        for one in logged
    ]


def _dataset_rows(run: Any) -> list[DatasetRow]:
    given = run.inputs.dataset_inputs if run.inputs else []
    return [
        DatasetRow(
            run.info.run_id,
            one.dataset.name,
            one.dataset.digest,
            next((tag.value for tag in one.tags if tag.key == CONTEXT_TAG), ""),
            one.dataset.source or None,
        )
        for one in given
    ]


def _moment(milliseconds: Any) -> int | None:
    return None if milliseconds is None else int(milliseconds)
