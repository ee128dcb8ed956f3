"""Pipeline: the DVC stages as a graph, how each stands and why, all that is known of one, and running them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from textual import on
from textual.widget import Widget

from unipipe_tui.actions.pipeline import stages
from unipipe_tui.actions.pipeline import view as pipeline_view
from unipipe_tui.actions.pipeline.running import RUN
from unipipe_tui.actions.pipeline.stages import ShowStage
from unipipe_tui.actions.pipeline.view import ShowPipeline
from unipipe_tui.actions.world import World
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import YES, Texts
from unipipe_tui.tui.keys import PIPELINE
from unipipe_tui.tui.messages import Asked, JobWanted
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.widgets.graph import StageGraph
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import LookPane
from unipipe_tui.tui.widgets.pipeline import PipelinePane, PipelineRoom, StagePane
from unipipe_tui.tui.widgets.reading import Reading

LOG_LINES = 200


class PipelineScreen(Place):
    """The stages, and one of them."""

    NAME = "pipeline"
    BINDINGS = bindings_of(PIPELINE)
    AUTO_FOCUS = "StageGraph, #stages Grid"

    def parts(self) -> Iterable[Widget]:
        """The graph, and below it the stage under the cursor."""
        yield PipelineRoom(id="pipeline-place")

    def look(self, world: World) -> None:
        """Look at all stages; the one under the cursor follows."""
        self._pane.ask(pipeline_view.SHOW, ShowPipeline(fold=False), world)

    def selection(self) -> Texts:
        """The stage under the cursor."""
        line = self._pane.pointed
        return {"stages": shlex.quote(line.stage), "stage": line.stage} if line else {}

    # What the keys do

    def action_run_only(self) -> None:
        """Ask for a run of the stage alone."""
        self._ask_run({"only": YES})

    def action_run_needed(self) -> None:
        """Ask for a run of the stage with all that it needs."""
        self._ask_run({})

    def action_run_downstream(self) -> None:
        """Ask for a run of the stage and all that needs it."""
        self._ask_run({"downstream": YES})

    def action_run_all(self) -> None:
        """Ask for a run of the whole pipeline."""
        self.post_message(Asked(RUN, {"stages": ""}, complete=True))

    def action_fold_all(self) -> None:
        """Unfold or fold every template."""
        self._pane.fold_all()

    def action_turn(self) -> None:
        """Turn between graph and list."""
        self._pane.turn()

    def action_job(self) -> None:
        """Go to the job that ran the stage last."""
        view, line = self.query_one(StagePane).answer, self._pane.pointed
        if view and line and view.stage == line.stage and view.log_job:
            self.post_message(JobWanted(view.log_job))
        else:
            self.notify("No job of this project has run it yet.", markup=False)

    def action_back(self) -> None:
        """Go back to the graph."""
        self.query_one("#pipeline-place").remove_class("-open")
        self._pane.front.focus()

    # What follows the cursor

    @on(StageGraph.Pointed)
    @on(Grid.Pointed, "#stages Grid")
    @on(LookPane.Answered, "#stages")
    def show_stage(self) -> None:
        """Show the stage under the cursor: at once what the graph knows, then the rest."""
        line, world, pane = self._pane.pointed, self.world, self.query_one(StagePane)
        pane.show_line(line, self._pane.members(line) if line else ())
        if line and world and not line.is_folded:
            pane.ask(stages.STAGE, ShowStage(line.stage, LOG_LINES), world)

    @on(StageGraph.Chosen)
    @on(Grid.Chosen, "#stages Grid")
    def open_stage(self) -> None:
        """Read the stage in all the room there is; unfold a row that stands for several."""
        line = self._pane.pointed
        if line and line.is_folded:
            self._pane.fold(line.stage)
        elif line:
            self.query_one("#pipeline-place").add_class("-open")
            self.query_one("#stage-facts", Reading).focus()

    def _ask_run(self, how: Texts) -> None:
        line = self._pane.pointed
        if line:
            self.post_message(Asked(RUN, {"stages": shlex.quote(line.stage), **how}, complete=True))

    @property
    def _pane(self) -> PipelinePane:
        return self.query_one(PipelinePane)
