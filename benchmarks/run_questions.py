"""Asks many times inside one process; prints the median seconds: `run_questions.py ours|mlflow QUESTION FOLDER [RUN...]`."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

WHERE = "metrics.metric_3 > 0.5 and params.param_1 = '6'"
ORDER = "metrics.metric_1 DESC"
PAGE = 100


def main() -> None:
    """Ask, and say how long it took."""
    who, question, folder, *runs = sys.argv[1:]
    asked = ours(question, Path(folder), runs) if who == "ours" else mlflow(question, Path(folder))
    times = {"ours": 15, "mlflow": 3}[who] if question != "all" else 1
    if times > 1:
        asked()
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        asked()
        seconds.append(time.perf_counter() - begun)
    print(json.dumps({"median_seconds": statistics.median(seconds), "runs": times}))


def ours(question: str, folder: Path, runs: list[str]) -> Callable[[], object]:
    """The question as Unipipe's own actions answer it."""
    from unipipe_tui.actions.catalog import action_named
    from unipipe_tui.wiring import build_world

    world = build_world(folder)
    name, fields = {
        "page": ("runs list", {"where": WHERE, "order_by": (ORDER,), "limit": PAGE}),
        "compare": ("runs compare", {"runs": tuple(runs)}),
        "history": ("runs history", {"run": runs[0] if runs else "", "metrics": ("long",)}),
    }[question]
    action = action_named(name)
    request = action.request(**fields)
    return lambda: action.look(request, world)


def mlflow(question: str, folder: Path) -> Callable[[], object]:
    """The same through MLflow's client."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    if question == "page":
        return lambda: client.search_runs(experiments, WHERE, max_results=PAGE, order_by=[ORDER])

    def all_of_them() -> int:
        token, count = None, 0
        while True:
            page = client.search_runs(experiments, max_results=1000, page_token=token)
            count, token = count + len(page), page.token
            if not token:
                return count

    return all_of_them


if __name__ == "__main__":
    main()
