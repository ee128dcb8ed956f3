"""Runs drawn: metrics step by step, params against a metric, and runs across all their params."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.widget import Widget

from unipipe_tui.actions.runs import drawing, history, scatter
from unipipe_tui.actions.runs.drawing import DrawingKind
from unipipe_tui.actions.runs.history import Histories, MetricHistory, ShowHistory
from unipipe_tui.actions.runs.scatter import ChartRuns, ParallelRuns, RunParallel, RunScatter
from unipipe_tui.actions.runs.sync import at_once
from unipipe_tui.actions.world import World
from unipipe_tui.domain.charts import Chart
from unipipe_tui.domain.runs.directions import Direction
from unipipe_tui.domain.runs.query import Field, FieldKind
from unipipe_tui.domain.runs.query_text import parse_field
from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import OUTPUT, RUNS_DRAWN, RUNS_HISTORY, RUNS_PARALLEL, RUNS_SCATTER
from unipipe_tui.tui.lines import Line, remark
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.runs_view import RunsView
from unipipe_tui.tui.screens.runs_above import AboveRuns
from unipipe_tui.tui.screens.runs_fields import LOGGED, Choice
from unipipe_tui.tui.sheets.runs_charts import history_lines, parallel_lines, scatter_lines
from unipipe_tui.tui.widgets.pane import LookPane
from unipipe_tui.tui.widgets.plot import Plot
from unipipe_tui.tui.widgets.reading import Reading

MOST_CHARTS = 6
Result = TypeVar("Result")
Making = Callable[[], Chart]


class Plots(VerticalScroll, can_focus=True):
    """Charts below each other."""

    BINDINGS = bindings_of(OUTPUT)


class ChartPane(LookPane[Result]):
    """A look as charts, and the lines that stand beside them."""

    def compose(self) -> ComposeResult:
        """Charts and lines."""
        with Container(classes="drawn"):
            with Plots():
                for _ in range(MOST_CHARTS):
                    yield Plot()
            yield Reading("")

    def charts_of(self, answer: Result) -> Sequence[Making]:
        """What makes each chart."""
        raise NotImplementedError

    def lines_of(self, answer: Result) -> Sequence[Line]:
        """What stands beside them."""
        raise NotImplementedError

    def show_answer(self, answer: Result) -> None:
        """Draw."""
        self._show(self.charts_of(answer), self.lines_of(answer))

    def show_problem(self, problem: Problem) -> None:
        """Say why there is nothing to draw."""
        self._show((), [remark(with_key(problem).sentence)])

    def _show(self, charts: Sequence[Making], lines: Sequence[Line]) -> None:
        for number, plot in enumerate(self.query(Plot)):
            plot.display = number < len(charts)
            if number < len(charts):
                plot.show(charts[number])
        self.query_one(Reading).show(lines)


class HistoryPane(ChartPane[Histories]):
    """Metrics step by step."""

    TITLE = "Metrics step by step"

    def charts_of(self, answer: Histories) -> Sequence[Making]:
        """One chart a metric."""
        return [partial(_chart_of, one) for one in answer.metrics[:MOST_CHARTS]]

    def lines_of(self, answer: Histories) -> Sequence[Line]:
        """The figures of each line."""
        return history_lines(answer)


class ParallelPane(ChartPane[RunParallel]):
    """Runs across their params."""

    TITLE = "Runs across their params"

    def charts_of(self, answer: RunParallel) -> Sequence[Making]:
        """One chart."""
        return [partial(_chart_of, answer)]

    def lines_of(self, answer: RunParallel) -> Sequence[Line]:
        """The way of the best run."""
        return parallel_lines(answer)


class ScatterPane(ChartPane[RunScatter]):
    """One thing against another."""

    TITLE = "One against another"

    def charts_of(self, answer: RunScatter) -> Sequence[Making]:
        """One chart."""
        return [partial(_chart_of, answer)]

    def lines_of(self, answer: RunScatter) -> Sequence[Line]:
        """How close they are."""
        return scatter_lines(answer)


def _chart_of(answer: MetricHistory | RunParallel | RunScatter) -> Chart:
    return answer.chart


PARALLEL_RUNS = 80
"""More lines than that are a thicket on a terminal."""


class DrawnScreen(AboveRuns):
    """What all of them have in common. Whoever fills it overrides `look` and `drawing_texts`."""

    KIND: ClassVar[DrawingKind]
    AUTO_FOCUS = "Plots"

    def __init__(self, view: RunsView) -> None:
        super().__init__()
        self._view = view

    def drawing_texts(self) -> Texts:
        """What a file with the same chart is asked for by."""
        raise NotImplementedError

    def action_draw(self) -> None:
        """Ask where to draw it to."""
        self.post_message(
            Asked(drawing.DRAW, {"kind": self.KIND.value, "to": f"{self.KIND.value}.svg", **self.drawing_texts()})
        )


class HistoryScreen(DrawnScreen):
    """Metrics of some runs, step by step."""

    KIND = DrawingKind.HISTORY
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(RUNS_HISTORY), *bindings_of(RUNS_DRAWN)]

    def __init__(self, view: RunsView, runs: tuple[str, ...], metrics: tuple[str, ...]) -> None:
        super().__init__(view)
        self._drawn = runs
        self._metrics = metrics

    def parts(self) -> Iterable[Widget]:
        """The charts."""
        yield HistoryPane(id="drawn")

    def look(self, world: World) -> None:
        """Look at the metrics."""
        first, *others = self._drawn
        request = ShowHistory(first, self._metrics, tuple(others))
        self.query_one(HistoryPane).ask(history.HISTORY, request, at_once(world))

    def selection(self) -> Texts:
        """The runs and the metrics."""
        first, *others = self._drawn
        return {"run": first, "against": shlex.join(others), "metrics": shlex.join(self._metrics)}

    def drawing_texts(self) -> Texts:
        """The first metric that is drawn."""
        answer = self.query_one(HistoryPane).answer
        return {
            "what": shlex.join(one.metric for one in answer.metrics[:1]) if answer else "",
            "run": shlex.join(self._drawn),
        }

    def action_choose_metrics(self) -> None:
        """Choose what is drawn."""
        chosen = tuple(str(Field(FieldKind.METRIC, name)) for name in self._metrics)
        within = RunsView(where=f"run_id IN ({', '.join(map(repr, self._drawn))})")
        self.choose(Choice("Metrics", within, (FieldKind.METRIC,), chosen), self._take)

    def _take(self, fields: tuple[str, ...]) -> None:
        self._metrics = tuple(parse_field(field).key for field in fields[:MOST_CHARTS])


def with_key(problem: Problem) -> Problem:
    """What a flag does on the command line, a key does here."""
    return replace(problem, hint="t says it: higher, lower.") if problem.hint.startswith("--better") else problem


def turned(better: Direction | None) -> Direction | None:
    """Which values are said to be the better ones next: higher, then lower, then whatever the name tells."""
    ways = (None, Direction.HIGHER, Direction.LOWER)
    return ways[(ways.index(better) + 1) % len(ways)] if better in ways else None


class ParallelScreen(DrawnScreen):
    """Runs across their params, towards a metric."""

    KIND = DrawingKind.PARALLEL
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(RUNS_PARALLEL), *bindings_of(RUNS_DRAWN)]

    def __init__(self, view: RunsView, metric: str) -> None:
        super().__init__(view)
        self._request = ParallelRuns(parse_field(metric).key, (), view.condition, limit=PARALLEL_RUNS)

    def parts(self) -> Iterable[Widget]:
        """The chart."""
        yield ParallelPane(id="drawn")

    def look(self, world: World) -> None:
        """Look at the runs."""
        self.query_one(ParallelPane).ask(scatter.PARALLEL, self._request, at_once(world))

    def selection(self) -> Texts:
        """What is drawn."""
        request = self._request
        better = request.better.value if request.better else ""
        return {
            "metric": request.metric,
            "params": shlex.join(request.params),
            "where": request.where,
            "better": better,
        }

    def drawing_texts(self) -> Texts:
        """The metric and the params."""
        return {**self.selection(), "what": shlex.join([self._request.metric])}

    def action_choose_metric(self) -> None:
        """Choose the metric of the last axis."""
        chosen = (str(Field(FieldKind.METRIC, self._request.metric)),)
        self.choose(
            Choice("Metric", self._view, (FieldKind.METRIC,), chosen, several=False),
            lambda fields: self._take(replace(self._request, metric=parse_field(fields[0]).key)),
        )

    def action_choose_params(self) -> None:
        """Choose the params of the other axes."""
        chosen = tuple(str(Field(FieldKind.PARAM, name)) for name in self._request.params)
        self.choose(
            Choice("Axes", self._view, (FieldKind.PARAM,), chosen),
            lambda fields: self._take(replace(self._request, params=tuple(parse_field(one).key for one in fields))),
        )

    def action_turn(self) -> None:
        """Say which values are the better ones."""
        self._take(replace(self._request, better=turned(self._request.better)))
        self.look_again()

    def _take(self, request: ParallelRuns) -> None:
        self._request = request


class ScatterScreen(DrawnScreen):
    """One thing against another, a point for each run."""

    KIND = DrawingKind.CHART
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(RUNS_SCATTER), *bindings_of(RUNS_DRAWN)]

    def __init__(self, view: RunsView, x: str, y: str) -> None:
        super().__init__(view)
        self._request = ChartRuns(x, y, view.condition)

    def parts(self) -> Iterable[Widget]:
        """The chart."""
        yield ScatterPane(id="drawn")

    def look(self, world: World) -> None:
        """Look at the runs."""
        self.query_one(ScatterPane).ask(scatter.CHART, self._request, at_once(world))

    def selection(self) -> Texts:
        """What is drawn."""
        request = self._request
        return {"x": request.x, "y": request.y, "by": request.by or "", "where": request.where}

    def drawing_texts(self) -> Texts:
        """Both axes."""
        request = self._request
        return {"what": shlex.join([request.x, request.y]), "by": request.by or "", "where": request.where}

    def action_choose_field(self, side: str) -> None:
        """Choose what lies along, goes up, or tells groups apart."""
        titles = {"x": "What lies along", "y": "What goes up", "by": "What points are grouped by"}
        now = self.selection()[side]
        choice = Choice(titles[side], self._view, LOGGED, (now,) if now else (), several=False)
        self.choose(choice, lambda fields: self._take(side, fields[0]))

    def _take(self, side: str, field: str) -> None:
        self._request = replace(self._request, **{side: field})
