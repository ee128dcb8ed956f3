"""The best runs by a metric."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace

from textual import on
from textual.containers import Container
from textual.widget import Widget

from unipipe_tui.actions.runs import best
from unipipe_tui.actions.runs.best import Best, BestRuns
from unipipe_tui.actions.runs.sync import at_once
from unipipe_tui.actions.world import World
from unipipe_tui.domain.runs.query import Field, FieldKind
from unipipe_tui.domain.runs.query_text import parse_field
from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import RUNS_BEST
from unipipe_tui.tui.runs_view import RunsView
from unipipe_tui.tui.screens.runs_above import AboveRuns
from unipipe_tui.tui.screens.runs_chart import turned, with_key
from unipipe_tui.tui.screens.runs_compare import CompareScreen
from unipipe_tui.tui.screens.runs_fields import Choice
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.runs_charts import best_lines, best_sheet
from unipipe_tui.tui.widgets.pane import LookPane, TablePane
from unipipe_tui.tui.widgets.reading import Reading

BEST_SHOWN = 25
COMPARED_UNMARKED = 3


class BestPane(TablePane[Best]):
    """The best runs, the best first."""

    TITLE = "Best runs"

    def sheet_of(self, answer: Best) -> Sheet:
        """One row a run."""
        return best_sheet(answer)

    def show_problem(self, problem: Problem) -> None:
        """Say why there are no rows."""
        super().show_problem(with_key(problem))


class BestScreen(AboveRuns):
    """Runs judged by a metric."""

    BINDINGS = bindings_of(RUNS_BEST)
    AUTO_FOCUS = "BestPane Grid"

    def __init__(self, view: RunsView, metric: str) -> None:
        super().__init__()
        self._view = view
        self._request = BestRuns(parse_field(metric).key, view.condition, limit=BEST_SHOWN)

    def parts(self) -> Iterable[Widget]:
        """The runs, and what they have in common."""
        yield Container(BestPane(id="best"), Reading("In common", id="best-common"), id="best-place")

    def look(self, world: World) -> None:
        """Judge again."""
        self.query_one(BestPane).ask(best.BEST, self._request, at_once(world))

    def selection(self) -> Texts:
        """The run under the cursor, and how they were judged."""
        grid, request = self.query_one(BestPane).grid, self._request
        one = {"run": grid.pointed} if grid.pointed else {}
        return {**one, "runs": shlex.join(grid.chosen), "metric": request.metric, "where": request.where}

    @on(LookPane.Answered)
    def show_common(self) -> None:
        """Show what they have in common."""
        answer = self.query_one(BestPane).answer
        if answer:
            self.query_one(Reading).show(best_lines(answer))

    def action_choose_metric(self) -> None:
        """Choose by what they are judged."""
        chosen = (str(Field(FieldKind.METRIC, self._request.metric)),)
        self.choose(
            Choice("Metric", self._view, (FieldKind.METRIC,), chosen, several=False),
            lambda fields: self._take(replace(self._request, metric=parse_field(fields[0]).key)),
        )

    def action_turn(self) -> None:
        """Say which values are the better ones."""
        self._take(replace(self._request, better=turned(self._request.better)))
        self.look_again()

    def action_compare(self) -> None:
        """Set the marked ones side by side, or the first three."""
        grid = self.query_one(BestPane).grid
        runs = grid.marks if len(grid.marks) > 1 else tuple(row.id for row in grid.rows[:COMPARED_UNMARKED])
        if len(runs) > 1:
            self.app.push_screen(CompareScreen(runs))

    def _take(self, request: BestRuns) -> None:
        self._request = request
