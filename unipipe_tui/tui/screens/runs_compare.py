"""Runs side by side: what differs, and which figures are better than those of one of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from textual import on
from textual.containers import Container
from textual.widget import Widget

from unipipe_tui.actions.runs import comparison
from unipipe_tui.actions.runs.compared_rows import Kind
from unipipe_tui.actions.runs.comparison import CompareRuns, RunComparison
from unipipe_tui.actions.runs.sync import at_once
from unipipe_tui.actions.world import World
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import RUNS_COMPARED
from unipipe_tui.tui.runs_view import RunsView
from unipipe_tui.tui.screens.runs_above import AboveRuns
from unipipe_tui.tui.screens.runs_chart import HistoryScreen
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.runs_compare import compared_lines, comparison_sheet, differing_rows, row_with_id
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import LookPane, TablePane
from unipipe_tui.tui.widgets.reading import Reading


class ComparisonPane(TablePane[RunComparison]):
    """The runs as columns."""

    TITLE = "Compared"
    EMPTY = "Nothing that was logged differs."

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.only_differences = False

    @property
    def title(self) -> str:
        """Whether something is left out."""
        return f"{self.TITLE} · only differences" if self.only_differences else self.TITLE

    def sheet_of(self, answer: RunComparison) -> Sheet:
        """One row a thing."""
        return comparison_sheet(answer)

    def count(self) -> str:
        """How many rows, and in how many of them the runs differ."""
        differing = len(differing_rows(self.answer)) if self.answer else 0
        return f"{super().count()} · {differing:,} differ"


class CompareScreen(AboveRuns):
    """Two runs or more."""

    BINDINGS = bindings_of(RUNS_COMPARED)
    AUTO_FOCUS = "ComparisonPane Grid"

    def __init__(self, runs: tuple[str, ...]) -> None:
        super().__init__()
        self._compared = runs
        self._baseline = runs[0]

    def parts(self) -> Iterable[Widget]:
        """The table, and the row under the cursor in full."""
        yield Container(ComparisonPane(id="compared"), Reading("In full", id="compared-row"), id="compare-place")

    def look(self, world: World) -> None:
        """Compare again."""
        pane = self.query_one(ComparisonPane)
        request = CompareRuns(self._compared, self._baseline, pane.only_differences)
        pane.ask(comparison.COMPARE, request, at_once(world))

    def selection(self) -> Texts:
        """The runs that are compared."""
        return {"run": self._baseline, "runs": shlex.join(self._compared), "baseline": self._baseline}

    def action_difference(self, by: int) -> None:
        """Go to the next difference, or to the one before; behind the last comes the first."""
        pane = self.query_one(ComparisonPane)
        differing = differing_rows(pane.answer) if pane.answer else frozenset()
        ids = [row.id for row in pane.grid.rows]
        here = ids.index(pane.grid.pointed) if pane.grid.pointed in ids else 0
        ahead = (ids[(here + by * step) % len(ids)] for step in range(1, len(ids) + 1))
        found = next((row_id for row_id in ahead if row_id in differing), None)
        if found:
            pane.grid.point_at(found)

    def action_differences(self) -> None:
        """Show only what differs, or everything again."""
        pane = self.query_one(ComparisonPane)
        pane.only_differences = not pane.only_differences
        self.look_again()

    def action_baseline(self) -> None:
        """Measure against the next run."""
        place = self._compared.index(self._baseline) + 1
        self._baseline = self._compared[place % len(self._compared)]
        self.look_again()

    def action_history(self) -> None:
        """Draw how the metric under the cursor went on, or the usual ones."""
        pane = self.query_one(ComparisonPane)
        row = row_with_id(pane.answer, pane.grid.pointed) if pane.answer else None
        metrics = (row.name,) if row and row.kind is Kind.METRIC else ()
        self.app.push_screen(HistoryScreen(RunsView(), self._compared, metrics))

    @on(Grid.Pointed, "#compared Grid")
    @on(LookPane.Answered, "#compared")
    def show_row(self) -> None:
        """Show the row under the cursor in full."""
        pane = self.query_one(ComparisonPane)
        if pane.answer:
            row = row_with_id(pane.answer, pane.grid.pointed)
            self.query_one(Reading).show(compared_lines(pane.answer, row), about=pane.grid.pointed)
