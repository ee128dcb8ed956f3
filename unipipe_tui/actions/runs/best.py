"""The best runs by a metric."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.runs.columns import Better, Where, direction, having, metric_field, no_metric
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.outlines import is_finite
from unipipe_tui.domain.runs.columns import column_of
from unipipe_tui.domain.runs.directions import Direction
from unipipe_tui.domain.runs.query import Order, RunQuery
from unipipe_tui.domain.runs.query_text import parse_where
from unipipe_tui.domain.tracking import Run
from unipipe_tui.domain.values import frozen

SPARE = 50
"""How many runs with an infinite value may stand before the best one."""


@frozen
class BestRuns:
    """By what, and how many."""

    metric: Annotated[str, OBJECT, "Metric that runs are judged by.", Names.METRIC]
    where: Where = ""
    better: Better = None
    limit: Annotated[int, "How many.", Short("n")] = 10


@frozen
class BestRun:
    """One of the best."""

    place: int
    run_id: str
    name: str
    experiment: str
    value: float
    behind: float
    """How far it is from the best; 0 for the best."""
    params: dict[str, str]
    """Those that are not the same in all the best runs."""


@frozen
class Best:
    """The best runs, the best first."""

    metric: str
    better: Direction
    runs: tuple[BestRun, ...]
    same_params: dict[str, str]
    """What all of them have in common."""
    judged: int
    """How many runs have the metric."""
    notices: tuple[str, ...]


def best_runs(request: BestRuns, world: World) -> Best:
    """Show the best runs by a metric, and which params tell them apart.

    Whether larger or smaller values are better is told by --better, by the gates of unipipe.yaml (larger) or by the
    metric's name (`loss`, `rmse`, `auc`). Runs whose value is NaN or infinite are never among the best.
    """
    field, where = metric_field(request.metric), parse_where(request.where)
    if request.limit < 1:
        raise UsageError("--limit must be 1 or more.")
    opened = open_index(world)
    if not opened.index.search(RunQuery(having(where, field), limit=1)).runs:
        raise no_metric(field.key, opened, where)
    better = direction(field.key, request.better, world)
    order = (Order(field, descending=better is Direction.HIGHER),)
    # An infinity may stand before the best: MLflow orders by it.
    page = opened.index.search(RunQuery(having(where, field), order, request.limit + SPARE))
    found = [(run, value) for run in page.runs if (value := run.metric(field.key)) is not None and is_finite(value)]
    if not found:
        raise no_metric(field.key, opened, where)
    runs, total = found[: request.limit], page.total
    apart = _telling([run for run, _ in runs])
    first = runs[0][1]
    lines = tuple(
        BestRun(place, run.run_id, run.name, run.experiment, value, abs(value - first), _only(run, apart))
        for place, (run, value) in enumerate(runs, 1)
    )
    same = {name: value for name, value in sorted(runs[0][0].params.items()) if name not in apart}
    return Best(field.key, better, lines, same, total, opened.notices)


def _telling(runs: list[Run]) -> frozenset[str]:
    """The params that are not the same in all."""
    names = {name for run in runs for name in run.params}
    return frozenset(name for name in names if column_of(name, [run.params.get(name) for run in runs]).distinct > 1)


def _only(run: Run, names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in sorted(run.params.items()) if name in names}


BEST = Look("runs best", BestRuns, best_runs, "unipipe runs best holdout.pr_auc --limit 5")
