"""Params against metrics over many runs: scatter and parallel coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.runs.columns import (
    Better,
    RunColumns,
    Where,
    direction,
    finite_or_none,
    having,
    keys_of,
    metric_field,
    no_metric,
    param_field,
    read_columns,
    short_name,
    varying,
)
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.runs.table import column_name, is_time
from unipipe_tui.actions.world import World
from unipipe_tui.domain.charts import Axis, ParallelChart, ParallelLine, Points, Scale, ScatterChart
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.outlines import is_finite
from unipipe_tui.domain.runs.columns import Cell, Column, ColumnKind, rank_correlation
from unipipe_tui.domain.runs.directions import Direction
from unipipe_tui.domain.runs.query import Field, FieldKind
from unipipe_tui.domain.runs.query_text import parse_field, parse_where
from unipipe_tui.domain.values import frozen

AXES_AT_ONCE = 6
"""Params of parallel coordinates when none is named."""
GROUPS_AT_ONCE = 7
"""The commonest values of what points are grouped by; the rest is one group."""
OTHERS = "others"
SHARE_OF_BEST = 0.1
"""Which part of the runs parallel coordinates bring out, at most MOST_BEST."""
MOST_BEST = 10


@frozen
class ChartRuns:
    """What against what."""

    x: Annotated[str, "What lies along: `params.depth`, `metrics.loss`, `start_time`.", Names.COLUMN]
    y: Annotated[str, "What goes up: usually a metric, `metrics.loss`.", Names.COLUMN]
    where: Where = ""
    by: Annotated[str | None, "Give every value of this its own sign: `params.kind`.", Names.COLUMN] = None


@frozen
class ScatterPoint:
    """One run."""

    run_id: str
    name: str
    x: float | str
    y: float | str
    group: str


@frozen
class RunScatter:
    """One thing against another, a point for each run that has both."""

    x: str
    y: str
    points: tuple[ScatterPoint, ...]
    lacking: int
    """How many runs fit and have not both."""
    endless: int
    """How many have both, but one of them is NaN or infinite and has no place in a chart."""
    rank_correlation: float | None
    """Spearman's, where both are numbers: 1 rises together, -1 goes against each other."""
    x_is_time: bool
    y_is_time: bool
    notices: tuple[str, ...]

    @property
    def chart(self) -> ScatterChart:
        """A group of points for each group of runs."""
        xs, ys = _placed([point.x for point in self.points]), _placed([point.y for point in self.points])
        groups = dict.fromkeys(point.group for point in self.points)
        points = tuple(
            Points(
                group,
                tuple(x for x, point in zip(xs.numbers, self.points, strict=True) if point.group == group),
                tuple(y for y, point in zip(ys.numbers, self.points, strict=True) if point.group == group),
            )
            for group in groups
        )
        title = f"{self.y} against {self.x}"
        return ScatterChart(
            title, _axis(self.x, xs, time=self.x_is_time), _axis(self.y, ys, time=self.y_is_time), points
        )


def chart_runs(request: ChartRuns, world: World) -> RunScatter:
    """Draw one param or metric against another, a point for each run.

    A param whose values are all numbers is drawn as one; of any other each value has its place along the axis. An axis
    is logarithmic when its values are positive and span more than three powers of ten.
    """
    x, y, where = parse_field(request.x), parse_field(request.y), parse_where(request.where)
    fields = (x, y) if request.by is None else (x, y, parse_field(request.by))
    found = read_columns(open_index(world), where, fields)
    drawable = [
        place for place in range(len(found.run_ids)) if all(_drawable(c.values[place]) for c in found.columns[:2])
    ]
    if not drawable:
        missing = next((column_name(one) for one, c in zip(fields, found.columns, strict=True) if not _any(c)), "both")
        raise UsageError(f"No run that fits has {missing}.", hint="unipipe runs list --json shows what runs have.")
    shown = found.chosen(drawable)
    across, up = shown.columns[:2]
    both_numbers = across.kind is up.kind is ColumnKind.NUMBER
    correlation = rank_correlation(across.numbers, up.numbers) if both_numbers else None
    points = tuple(
        ScatterPoint(run_id, name, _told(a), _told(b), group)
        for run_id, name, a, b, group in zip(
            shown.run_ids, shown.names, across.values, up.values, _groups(shown, request.by), strict=True
        )
    )
    pairs = zip(*(column.values for column in found.columns[:2]), strict=True)
    lacking = sum(None in pair for pair in pairs)
    endless = len(found.run_ids) - len(points) - lacking
    return RunScatter(
        column_name(x), column_name(y), points, lacking, endless, correlation, is_time(x), is_time(y), found.notices
    )


@frozen
class ParallelRuns:
    """Towards which metric, across which params."""

    metric: Annotated[str, OBJECT, "Metric of the last axis; the best runs by it are brought out.", Names.METRIC]
    params: Annotated[
        tuple[str, ...], "Param of an axis; may be given several times. Without any, those that vary.", Names.PARAM
    ] = ()
    where: Where = ""
    better: Better = None
    limit: Annotated[int, "How many runs: the best, and others spread evenly over all places.", Short("n")] = 200


@frozen
class ParallelAxis:
    """One axis."""

    name: str
    categories: tuple[str, ...]
    """What its values 0, 1, 2, ... are called; empty for numbers."""


@frozen
class ParallelRun:
    """One run across all axes."""

    run_id: str
    name: str
    values: tuple[float | None, ...]
    """One per axis; the metric is the last."""
    best: bool


@frozen
class RunParallel:
    """Runs across their params, towards a metric."""

    metric: str
    better: Direction
    axes: tuple[ParallelAxis, ...]
    runs: tuple[ParallelRun, ...]
    """The best first."""
    judged: int
    """How many runs have the metric; of many only some are shown."""
    notices: tuple[str, ...]

    @property
    def chart(self) -> ParallelChart:
        """A line for each run."""
        axes = tuple(Axis(axis.name, categories=axis.categories) for axis in self.axes)
        lines = tuple(
            ParallelLine(run.name, tuple(float("nan") if v is None else v for v in run.values), run.best)
            for run in self.runs
        )
        return ParallelChart(f"{self.metric} by params ({self.better.value} is better)", axes, lines)


def parallel_runs(request: ParallelRuns, world: World) -> RunParallel:
    """Draw many runs across their params towards a metric: parallel coordinates.

    Every run is a line over all axes; the best tenth, at most ten, is brought out. Of more than 200 runs the others are
    a sample, spread evenly from the best to the worst. Without --params the axes are those params that vary, the
    closest to the metric (by rank correlation) last.
    """
    if request.limit < 1:
        raise UsageError("--limit must be 1 or more.")
    metric, where = metric_field(request.metric), parse_where(request.where)
    better = direction(metric.key, request.better, world)
    there, opened = having(where, metric), open_index(world)
    params = [param_field(name) for name in request.params]
    asked = params or [Field(FieldKind.PARAM, key) for key in keys_of(opened, there, FieldKind.PARAM)]
    found = read_columns(opened, there, (*asked, metric))
    judged = (
        [place for place, value in enumerate(found.columns[-1].values) if _drawable(value)] if found.run_ids else []
    )
    if not judged:
        raise no_metric(metric.key, opened, where)
    judged.sort(key=lambda place: float(found.columns[-1].values[place] or 0.0), reverse=better is Direction.HIGHER)
    best = min(max(round(len(judged) * SHARE_OF_BEST), 1), MOST_BEST, request.limit)
    shown = found.chosen([*judged[:best], *_spread(judged[best:], request.limit - best)])
    target = shown.columns[-1]
    if lacking := [c.name for c in shown.columns[: len(params)] if not _any(c)]:
        raise UsageError(f"No run that fits has {lacking[0]}.", hint="unipipe runs best shows params.")
    columns = (*(shown.columns[:-1] if params else _telling(shown.columns[:-1], target)), target)
    rows = list(zip(*(column.numbers for column in columns), strict=True))
    runs = tuple(
        ParallelRun(run_id, name, tuple(finite_or_none(value) for value in row), place < best)
        for place, (run_id, name, row) in enumerate(zip(shown.run_ids, shown.names, rows, strict=True))
    )
    axes = tuple(ParallelAxis(short_name(column), column.categories) for column in columns)
    return RunParallel(metric.key, better, axes, runs, len(judged), found.notices)


def _spread(places: Sequence[int], most: int) -> list[int]:
    """At most so many of these, evenly spread, the last one among them."""
    if len(places) <= most:
        return list(places)
    return [places[(number + 1) * len(places) // most - 1] for number in range(most)]


def _telling(params: Sequence[Column], target: Column) -> tuple[Column, ...]:
    """The params that vary, those closest to the metric last and no more than there is room for."""

    def closeness(column: Column) -> float:
        return abs(rank_correlation(column.numbers, target.numbers) or 0.0)

    return tuple(sorted(varying(params), key=closeness)[-AXES_AT_ONCE:])


def _groups(shown: RunColumns, by: str | None) -> Sequence[str]:
    if by is None:
        return [""] * len(shown.run_ids)
    column = shown.columns[2]
    texts = Column(column.name, ColumnKind.CATEGORY, tuple(_group_name(value) for value in column.values))
    common = frozenset(texts.commonest(GROUPS_AT_ONCE))
    return [str(value) if value in common else OTHERS for value in texts.values]


def _group_name(value: Cell) -> str:
    return "(none)" if value is None else f"{value:g}" if isinstance(value, float) else value


def _drawable(value: Cell) -> bool:
    return value is not None and (isinstance(value, str) or is_finite(value))


def _told(value: Cell) -> float | str:
    return "" if value is None else value


def _any(column: Column) -> bool:
    return any(_drawable(value) for value in column.values)


def _placed(values: Sequence[float | str]) -> Column:
    kind = ColumnKind.NUMBER if all(isinstance(value, float) for value in values) else ColumnKind.CATEGORY
    return Column("", kind, tuple(values))


def _axis(name: str, column: Column, *, time: bool) -> Axis:
    return Axis(name, scale=Scale.TIME if time else Scale.FITTING, categories=column.categories)


CHART = Look("runs chart", ChartRuns, chart_runs, "unipipe runs chart --x params.depth --y metrics.loss")
PARALLEL = Look("runs parallel", ParallelRuns, parallel_runs, "unipipe runs parallel loss --params depth --params lr")
