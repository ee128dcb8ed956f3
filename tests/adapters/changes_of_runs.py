"""What MLflow's own client can change in a run, by name; for the tests of what follows such changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from tests.adapters.conftest_mlflow import payments

Change: TypeAlias = Callable[[MlflowClient, str], object]


def dataset_logged(client: MlflowClient, run_id: str) -> None:
    data = mlflow.data.from_pandas(payments(5), name="more", digest="0123456789")
    with mlflow.start_run(run_id):
        mlflow.log_input(data, context="evaluation")


CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        "a metric": lambda client, run: client.log_metric(run, "late", 3.0, step=99),
        "another value of the same metric and step": lambda client, run: client.log_metric(run, "auc", 5.0, 1, step=2),
        "a param": lambda client, run: client.log_param(run, "fresh", 1),
        "a tag": lambda client, run: client.set_tag(run, "fresh", "1"),
        "another value of a tag": lambda client, run: client.set_tag(run, "author", "somebody"),
        "a tag taken away": lambda client, run: client.delete_tag(run, "author"),
        "a batch": lambda client, run: client.log_batch(
            run, [Metric("m", 1.0, 5, 1)], [Param("p", "1")], [RunTag("t", "2")]
        ),
        "a status": lambda client, run: client.update_run(run, status="KILLED"),
        "an end": lambda client, run: client.set_terminated(run, "FAILED", 1_700_000_999_000),
        "a name": lambda client, run: client.update_run(run, name="another name"),
        "its deletion": lambda client, run: client.delete_run(run),
        "a data set": dataset_logged,
    }
)
