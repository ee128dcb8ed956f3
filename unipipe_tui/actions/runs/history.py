"""Metrics of runs step by step."""

from __future__ import annotations

import math
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.runs.columns import metric_field
from unipipe_tui.actions.runs.naming import RUN_HELP
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.world import World
from unipipe_tui.domain.charts import Axis, Line, LineChart, Scale
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.outlines import MetricOutline, OutlineAxis
from unipipe_tui.domain.runs.rows import MLFLOW
from unipipe_tui.domain.tracking import Run, TrackingKind, outline_of_history
from unipipe_tui.domain.values import frozen

CELLS = 200
METRICS_AT_ONCE = 4
"""How many metrics are shown when none is named."""


@frozen
class ShowHistory:
    """Of which runs, and which metrics."""

    run: Annotated[str, OBJECT, RUN_HELP, Names.RUN]
    metrics: Annotated[
        tuple[str, ...], OBJECT, "Metrics; without any, the first few that have a history.", Names.METRIC
    ] = ()
    against: Annotated[tuple[str, ...], "Another run to draw beside it; may be given several times.", Names.RUN] = ()


@frozen
class RunHistory:
    """One metric of one run."""

    run_id: str
    name: str
    outline: MetricOutline


@frozen
class MetricHistory:
    """One metric of all the runs that have it."""

    metric: str
    runs: tuple[RunHistory, ...]

    @property
    def chart(self) -> LineChart:
        """A line for each run; where some were logged over time and some by step, only those like the first."""
        axis = self.runs[0].outline.axis
        x = Axis("step", scale=Scale.LINEAR)
        if axis is OutlineAxis.TIME:
            x = Axis("time (UTC)", scale=Scale.TIME)
        alike = (one for one in self.runs if one.outline.axis is axis)
        return LineChart(self.metric, x, Axis(self.metric), tuple(_line(one) for one in alike))


@frozen
class Histories:
    """Metrics of runs step by step; of long histories the extremes of each stretch."""

    metrics: tuple[MetricHistory, ...]
    others: tuple[str, ...]
    """Metrics that the runs have as well."""
    notices: tuple[str, ...]


def show_history(request: ShowHistory, world: World) -> Histories:
    """Draw how metrics went on, step by step, of one run or of several.

    A long history is cut into 200 stretches, and of each its smallest, largest and last value are kept: no peak is
    lost. Where a metric was logged several times without a step it is drawn over time.
    """
    opened = open_index(world)
    named = {run.run_id: run for run in opened.index.runs((request.run, *request.against))}
    runs = tuple(named.values())
    asked = tuple(dict.fromkeys(metric_field(metric).key for metric in request.metrics))
    names = asked or _usual(runs)
    histories = tuple(history for name in names if (history := _history(name, runs, world)).runs)
    if lacking := set(asked if histories else names) - {history.metric for history in histories}:
        known = ", ".join(_keys(runs)[:8]) or "none"
        raise UsageError(f"Never logged: {', '.join(sorted(lacking))}.", hint=f"Metrics of these runs: {known}.")
    others = tuple(key for key in _keys(runs) if key not in names)
    return Histories(histories, others, (*opened.notices, *_remarks(histories)))


def _history(metric: str, runs: tuple[Run, ...], world: World) -> MetricHistory:
    outlines = [(run, _outline(run, metric, world)) for run in runs]
    return MetricHistory(
        metric, tuple(RunHistory(run.run_id, run.name, outline) for run, outline in outlines if outline.cells)
    )


def _outline(run: Run, metric: str, world: World) -> MetricOutline:
    if run.source == MLFLOW and world.tracking_place.kind is TrackingKind.REMOTE:
        return world.distant_outline(run.run_id, metric, CELLS)
    if run.source == MLFLOW:
        return world.tracking.metric_outline(run.run_id, metric, CELLS)
    # Other sources keep the last value alone.
    return outline_of_history(metric, [one for one in run.metrics if one.key == metric], CELLS)


def _usual(runs: tuple[Run, ...]) -> tuple[str, ...]:
    """Metrics that went on for some steps; where there are none, whatever was logged."""
    keys = _keys(runs)
    if not keys:
        raise UsageError("These runs have no metrics.", hint="unipipe runs list")
    went_on = {metric.key for run in runs for metric in run.metrics if metric.step > 0}
    return tuple(key for key in keys if key in went_on or not went_on)[:METRICS_AT_ONCE]


def _keys(runs: tuple[Run, ...]) -> list[str]:
    return sorted({metric.key for run in runs for metric in run.metrics})


def _line(one: RunHistory) -> Line:
    cells = one.outline.cells
    xs, ys = tuple(float(cell.last) for cell in cells), tuple(_or_gap(cell.end) for cell in cells)
    if all(cell.count == 1 for cell in cells):
        return Line(_named(one), xs, ys)
    lows, highs = tuple(_or_gap(cell.low) for cell in cells), tuple(_or_gap(cell.high) for cell in cells)
    return Line(_named(one), xs, ys, lows, highs)


def _named(one: RunHistory) -> str:
    return f"{one.name or 'unnamed'} ({one.run_id[:8]})"


def _or_gap(value: float | None) -> float:
    return math.nan if value is None else value


def _remarks(histories: tuple[MetricHistory, ...]) -> list[str]:
    strange = [
        f"{history.metric} of {_named(one)}: {one.outline.not_finite:,} of {one.outline.count:,} values are NaN or infinite."
        for history in histories
        for one in history.runs
        if one.outline.not_finite
    ]
    mixed = [history.metric for history in histories if len({one.outline.axis for one in history.runs}) > 1]
    return [
        *strange,
        *(f"{name}: some runs logged it by step and some over time; only the first kind is drawn." for name in mixed),
    ]


HISTORY = Look("runs history", ShowHistory, show_history, "unipipe runs history 3f9a2c loss.train --against 81d0e7")
