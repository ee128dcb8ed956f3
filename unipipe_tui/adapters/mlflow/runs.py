"""Rows of runs as the runs that a look at MLflow's files is answered with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any

from unipipe_tui.adapters.mlflow.words import moment, status_of
from unipipe_tui.domain.runs.rows import MetricRow, RunBatch
from unipipe_tui.domain.tracking import Dataset, Metric, Run


def runs_of(whole: RunBatch, experiments: Mapping[str, str]) -> tuple[Run, ...]:
    """The runs of a batch, in the order of `experiments`: by run id, what its experiment is called."""
    rows = {run.run_id: run for run in whole.runs}
    params, tags = _by_run(whole.params, "key"), _by_run(whole.tags, "key")
    metrics, datasets = _by_run(whole.metrics, "key"), _by_run(whole.datasets, "name", "digest")
    return tuple(
        Run(
            run_id=run_id,
            name=row.name,
            experiment=experiment,
            status=status_of(row.status),
            started=moment(row.started),
            ended=moment(row.ended),
            params={param.key: param.value for param in params[run_id]},
            metrics=tuple(map(metric_of, metrics[run_id])),
            tags={tag.key: tag.value for tag in tags[run_id]},
            datasets=tuple(Dataset(one.name, one.digest, one.source) for one in datasets[run_id]),
            artifact_uri=row.artifact_uri,
        )
        for run_id, experiment in experiments.items()
        if (row := rows.get(run_id))
    )


def metric_of(row: MetricRow) -> Metric:
    """One logged value."""
    return Metric(row.key, row.value, row.step, moment(row.at))


def _by_run(rows: Iterable[Any], *order: str) -> defaultdict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=attrgetter(*order)):
        found[row.run_id].append(row)
    return found
