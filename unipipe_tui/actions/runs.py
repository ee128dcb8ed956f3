"""MLflow runs: listing, showing, comparing."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.tracking import Run, status_words
from unipipe_tui.domain.values import frozen


@frozen
class ListRuns:
    """Which, and how much."""

    experiment: Annotated[str | None, "Only runs of this experiment."] = None
    limit: Annotated[int, "How many of the newest runs.", Short("n")] = 20


@frozen
class RunLine:
    """One run."""

    run_id: str
    name: str
    experiment: str
    status: str
    start_time: datetime | None
    metrics: dict[str, float | None]
    params: dict[str, str]
    tags: dict[str, str]


@frozen
class RunList:
    """The newest runs first."""

    runs: tuple[RunLine, ...]
    total: int
    tracking: str
    """Where they are kept."""
    problems: tuple[str, ...]


def list_runs(request: ListRuns, world: World) -> RunList:
    """List the newest MLflow runs with their metrics and params."""
    page = world.tracking.runs(request.limit, request.experiment)
    place = world.tracking_place.shown or "no MLflow store"
    return RunList(tuple(_line(run, world) for run in page.runs), page.total, place, world.tracking.problems())


@frozen
class ShowRun:
    """Which run."""

    run: Annotated[str, OBJECT, "Run id, or its beginning."]


@frozen
class DatasetLine:
    """A data set that a run read."""

    name: str
    digest: str


@frozen
class RunView:
    """One run."""

    run: RunLine
    ended: datetime | None
    datasets: tuple[DatasetLine, ...]
    artifacts: str | None
    versions: tuple[str, ...]
    """Registered versions made of it: `fraud-detector/3`."""


def show_run(request: ShowRun, world: World) -> RunView:
    """Show one MLflow run: params, metrics, tags, data sets, and the versions registered from it."""
    run = world.tracking.run(request.run)
    versions = tuple(
        f"{version.model}/{version.version}"
        for model in world.tracking.models()
        for version in world.tracking.versions(model.name)
        if version.run_id == run.run_id
    )
    datasets = tuple(DatasetLine(dataset.name, dataset.digest) for dataset in run.datasets)
    return RunView(_line(run, world), run.ended, datasets, run.artifact_uri, versions)


@frozen
class CompareRuns:
    """Which runs."""

    runs: Annotated[tuple[str, ...], OBJECT, "Two or more run ids, or their beginnings."]
    differences_only: Annotated[bool, "Leave out what is the same in all."] = False


@frozen
class ComparedRow:
    """One param, metric, tag or data set across the runs."""

    kind: str
    name: str
    values: tuple[str | float | None, ...]
    """In the order of the runs; None where a run has none."""
    same: bool


@frozen
class Comparison:
    """Runs side by side."""

    runs: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[ComparedRow, ...]


def compare_runs(request: CompareRuns, world: World) -> Comparison:
    """Set runs side by side: params, metrics, data sets and commit."""
    if len(request.runs) < 2:
        raise UsageError("Comparing needs two runs or more.", hint="unipipe runs list")
    runs = [world.tracking.run(name) for name in request.runs]
    rows = [
        *_rows("param", [dict(run.params) for run in runs]),
        *_rows("metric", [{m.key: _finite(m.value) for m in run.metrics} for run in runs]),
        *_rows("data", [{dataset.name: dataset.digest for dataset in run.datasets} for run in runs]),
        *_rows("tag", [{k: v for k, v in run.tags.items() if not k.startswith("mlflow.")} for run in runs]),
    ]
    shown = tuple(row for row in rows if not (request.differences_only and row.same))
    return Comparison(tuple(run.run_id for run in runs), tuple(run.name for run in runs), shown)


def _rows(kind: str, columns: list[dict[str, str | float | None]]) -> list[ComparedRow]:
    names = sorted({name for column in columns for name in column})
    rows = [(name, tuple(column.get(name) for column in columns)) for name in names]
    return [ComparedRow(kind, name, values, len(set(values)) == 1) for name, values in rows]


def _line(run: Run, world: World) -> RunLine:
    metrics = {metric.key: _finite(metric.value) for metric in run.metrics}
    status = status_words(run, world.now())
    return RunLine(run.run_id, run.name, run.experiment, status, run.started, metrics, dict(run.params), dict(run.tags))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


LIST = Look("runs list", ListRuns, list_runs, "unipipe runs list --limit 5")
SHOW = Look("runs show", ShowRun, show_run, "unipipe runs show 3f9a2c")
COMPARE = Look("runs compare", CompareRuns, compare_runs, "unipipe runs compare 3f9a2c 81d0e7 --differences-only")
