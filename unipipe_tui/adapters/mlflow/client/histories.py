"""The history of a metric through MLflow's client, for stores that are not on this machine. Importing it takes seconds."""

from __future__ import annotations

from mlflow import MlflowClient

from unipipe_tui.adapters.mlflow.client.answers import asked_in_peace, check_reachable
from unipipe_tui.domain.outlines import Logged, MetricOutline, outline_of


def distant_outline(uri: str, run_id: str, key: str, cells: int) -> MetricOutline:
    """The outline of one metric of one run; without cells when it was never logged.

    Raises:
        ToolMissing: the store does not answer or does not let us in.
    """
    check_reachable(uri)
    with asked_in_peace(uri):
        history = MlflowClient(uri, uri).get_metric_history(run_id, key)
    return outline_of(key, (Logged(one.step, one.timestamp, one.value) for one in history), cells)
