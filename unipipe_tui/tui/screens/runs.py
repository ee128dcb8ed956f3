"""Runs: filtering, ordering and marking them, and one of them in full."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace

from textual import on
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget

from unipipe_tui.actions.runs import contents, export, listing
from unipipe_tui.actions.runs.listing import ShowRun
from unipipe_tui.actions.runs.sync import at_once, keep_in_step
from unipipe_tui.actions.world import World
from unipipe_tui.domain.runs.query_text import parse_field
from unipipe_tui.tui.background import Problem, begin
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import RUNS
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.runs_view import METRICS, MOST_RUNS, RunsView
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.screens.runs_best import BestScreen
from unipipe_tui.tui.screens.runs_chart import HistoryScreen, ParallelScreen, ScatterScreen
from unipipe_tui.tui.screens.runs_compare import CompareScreen
from unipipe_tui.tui.screens.runs_fields import Choice, FieldScreen
from unipipe_tui.tui.sheets.runs import experiments_of
from unipipe_tui.tui.watching import EVERY_SECONDS, Stamp, index_of_runs, stamp_of
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import LookPane
from unipipe_tui.tui.widgets.runs import ExperimentsPane, RunPane, RunsPane

STEP_EVERY_SECONDS = 20.0
"""How often it is asked whether a source moved that tells nobody, as a server does, while the runs are in sight."""
REST_SECONDS = 0.15
"""How long the cursor rests on a run before that is looked at."""


class RunsScreen(Place):
    """The runs of all experiments."""

    NAME = "runs"
    BINDINGS = bindings_of(RUNS)
    AUTO_FOCUS = "#runs Grid"

    def __init__(self) -> None:
        super().__init__()
        self._resting: Timer | None = None
        self._index: Stamp | None = None
        """How the index stood when it was looked at last."""

    def parts(self) -> Iterable[Widget]:
        """Experiments, runs, and the run under the cursor."""
        yield Container(ExperimentsPane(id="experiments"), RunsPane(id="runs"), RunPane(id="run"), id="runs-place")

    def on_mount(self) -> None:
        """Keep the index in step while it is looked at, and follow it."""
        self.set_interval(STEP_EVERY_SECONDS, self._keep_in_step)
        self.set_interval(EVERY_SECONDS, self._follow_index)

    @property
    def _runs(self) -> RunsPane:
        return self.query_one(RunsPane)

    @property
    def view(self) -> RunsView:
        """What is shown."""
        return self._runs.view

    def look(self, world: World) -> None:
        """Look at experiments, runs and the run under the cursor."""
        self.query_one(ExperimentsPane).ask(contents.EXPERIMENTS, self.view.grouping(), at_once(world))
        self._look_at_runs()
        self._look_at_run()

    def selection(self) -> Texts:
        """The run under the cursor, the marked ones, and what all of them were asked for by."""
        grid = self._runs.grid
        one = {"run": grid.pointed} if grid.pointed else {}
        metric = {"metric": self.view.metric} if self.view.metric else {}
        return {**one, **metric, "runs": shlex.join(grid.chosen), **self.view.texts(grid.marks)}

    # What somebody wants to see

    @on(RunsPane.Narrowed)
    def narrow(self, event: RunsPane.Narrowed) -> None:
        """Show the runs that fit."""
        self._show_view(replace(self.view, where=event.where))

    @on(Grid.Ordered, "#runs Grid")
    def reorder(self, event: Grid.Ordered) -> None:
        """Show them in another order."""
        self._show_view(replace(self.view, order=event.order))

    @on(Grid.Pointed, "#experiments Grid")
    @on(Grid.Marked, "#experiments Grid")
    def choose_experiments(self) -> None:
        """Show the runs of the experiments that are marked, or of the one under the cursor."""
        self._show_view(replace(self.view, experiments=experiments_of(self.query_one(ExperimentsPane).grid.chosen)))

    @on(Grid.MoreWanted, "#runs Grid")
    def show_more(self) -> None:
        """Show more of them."""
        if self.view.limit < MOST_RUNS and len(self._runs.grid.rows) >= self.view.limit:
            self._runs.view = replace(self.view, limit=min(MOST_RUNS, 2 * self.view.limit))
            self._look_at_runs()

    def action_deleted(self) -> None:
        """Show the deleted runs, or the others again."""
        self._show_view(replace(self.view, deleted=not self.view.deleted))
        if self.world:
            self.query_one(ExperimentsPane).ask(contents.EXPERIMENTS, self.view.grouping(), at_once(self.world))

    def action_columns(self) -> None:
        """Choose columns."""
        self._choose(
            Choice("Columns", replace(self.view, columns=()), chosen=self.view.columns),
            lambda fields: self._show_view(replace(self.view, columns=fields)),
        )

    def action_experiments(self) -> None:
        """Go to the experiments; where there is little room, show them or put them away."""
        pane = self.query_one(ExperimentsPane)
        inside = self.focused is pane.grid
        self.set_class(not inside, "-choosing")
        (self._runs if inside else pane).grid.focus()

    @on(Grid.Chosen, "#experiments Grid")
    def action_rows(self) -> None:
        """Go back to the rows."""
        self.set_class(False, "-choosing")
        self._runs.grid.focus()

    def _show_view(self, view: RunsView) -> None:
        if view == self.view:
            return
        self._runs.view = replace(view, limit=RunsView().limit)
        self._look_at_runs()

    def _look_at_runs(self) -> None:
        if self.world:
            self._runs.ask(listing.LIST, self.view.listing(), at_once(self.world))

    # One run

    @on(Grid.Pointed, "#runs Grid")
    def rest(self) -> None:
        """Look at the run when the cursor rests on it."""
        if self._resting:
            self._resting.stop()
        self._resting = self.set_timer(REST_SECONDS, self._look_at_run)

    @on(LookPane.Answered, "#runs")
    def follow_rows(self) -> None:
        """The cursor may stand on another run, or on none."""
        pane = self.query_one(RunPane)
        if not self._runs.grid.rows:
            pane.show_nothing()
        elif pane.answer is None:
            self._look_at_run()

    @on(Grid.Chosen, "#runs Grid")
    def read(self) -> None:
        """Go to what is known of it."""
        self.query_one(RunPane).reading.focus()

    def _look_at_run(self) -> None:
        pointed = self._runs.grid.pointed
        if pointed and self.world:
            self.query_one(RunPane).ask(listing.SHOW, ShowRun(pointed), at_once(self.world))

    # What is done with them

    def action_compare(self) -> None:
        """Set the marked runs side by side."""
        grid = self._runs.grid
        runs = tuple(dict.fromkeys((*grid.marks, *([grid.pointed] if len(grid.marks) == 1 and grid.pointed else []))))
        if len(runs) < 2:
            self.notify("Mark two runs or more with space.", title="Nothing to compare", markup=False)
            return
        self.app.push_screen(CompareScreen(runs))

    def action_history(self) -> None:
        """Draw metrics of the marked runs, or of this one."""
        runs = self._runs.grid.chosen
        if runs:
            metrics = (parse_field(self.view.metric).key,) if self.view.metric else ()
            self.app.push_screen(HistoryScreen(self.view, runs, metrics))

    def action_parallel(self) -> None:
        """Draw the runs across their params."""
        self._with_metric(lambda metric: ParallelScreen(self.view, metric))

    def action_scatter(self) -> None:
        """Draw a param against a metric."""
        params = [column.key for column in self._runs.grid.sheet.columns if column.key.startswith("params.")]
        self._with_metric(lambda metric: ScatterScreen(self.view, params[0] if params else "start_time", metric))

    def action_best(self) -> None:
        """Show the best by a metric."""
        self._with_metric(lambda metric: BestScreen(self.view, metric))

    def action_export(self) -> None:
        """Ask where to write the runs."""
        self.post_message(Asked(export.EXPORT, {**self.selection(), "to": "runs.csv"}))

    def _with_metric(self, screen: Callable[[str], Place]) -> None:
        """Open a screen about the metric that they are ordered by, or the first that is shown."""
        shown = [column.key for column in self._runs.grid.sheet.columns if column.key.startswith(METRICS)]
        metric = self.view.metric or next(iter(shown), None)
        if metric is None:
            self.notify("None of these runs has a metric.", markup=False)
            return
        self.app.push_screen(screen(metric))

    def _choose(self, choice: Choice, then: Callable[[tuple[str, ...]], None]) -> None:
        if self.world:
            self.app.push_screen(
                FieldScreen(choice, self.world), lambda fields: then(fields) if fields is not None else None
            )

    async def _follow_index(self) -> None:
        """Look again when a synchronisation has read more; while nobody sees the runs nothing is asked."""
        world = self.world
        if world is None or self not in self.app.screen_stack:
            return
        now = await begin(lambda: stamp_of(index_of_runs(world)))
        before, self._index = self._index, None if isinstance(now, Problem) else now
        # The first time as well: it may have moved between the first look and now.
        if self._index is not None and before != self._index:
            for place in (screen for screen in self.app.screen_stack if isinstance(screen, Place)):
                place.look(world)

    def _keep_in_step(self) -> None:
        world = self.world
        if world is not None and self in self.app.screen_stack:
            begin(lambda: keep_in_step(world))
