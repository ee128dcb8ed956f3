"""The overview: the twelve steps, how it went over time, what is live and on which data, what is wrong, what runs."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import OptionList

from unipipe_tui.actions import timeline
from unipipe_tui.actions.timeline import ShowTimeline, Timeline
from unipipe_tui.actions.world import World
from unipipe_tui.domain.board import Step
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import OVERVIEW
from unipipe_tui.tui.messages import JobWanted
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.sheets.overview import timeline_picture
from unipipe_tui.tui.snapshot import Snapshot
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.themes import target_styles
from unipipe_tui.tui.widgets.board import Board
from unipipe_tui.tui.widgets.drawing import Painter
from unipipe_tui.tui.widgets.facts import Panel, job_rows, live_lines, now_lines
from unipipe_tui.tui.widgets.picture_pane import PicturePane
from unipipe_tui.tui.widgets.rows import Rows


class TimelinePane(PicturePane[Timeline]):
    """Performance, drift and latency on one axis, with what happened."""

    TITLE = "Timeline"

    @property
    def title(self) -> str:
        """Of which target."""
        return f"Timeline of {harmless(self.answer.target)}" if self.answer else self.TITLE

    def painter_of(self, answer: Timeline) -> Painter:
        """All of it."""
        return lambda width, height: timeline_picture(answer, width, height)


class OverviewScreen(Place):
    """The project at a glance."""

    NAME = "overview"
    BINDINGS = bindings_of(OVERVIEW)

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[Step, ...] = ()
        self._live_targets: tuple[str, ...] = ()

    def parts(self) -> Iterable[Widget]:
        """The board, and beside or below it what is live, wrong and running."""
        board = Board(id="board", empty="Looking …")
        board.border_title = "The twelve steps"
        jobs = Rows(id="newest-jobs", empty="No job yet; ctrl+p finds what to do.")
        jobs.border_title = "Newest jobs"
        facts = Container(Panel("Live", id="live"), Panel("Now", id="alerts", wraps=True), id="facts")
        yield Container(board, facts, TimelinePane(id="timeline"), jobs, id="overview")

    def look(self, world: World) -> None:
        """Look at how it went over time, on the first target that answers."""
        live = self._live_targets or tuple(world.targets)
        self.query_one(TimelinePane).ask(timeline.SHOW, ShowTimeline(live[0]), world, self.recorded)

    def show(self, snapshot: Snapshot) -> None:
        """Show the picture."""
        picture = snapshot.picture
        if picture is None:
            return
        overview = picture.overview
        self._steps = overview.steps
        self.query_one(Board).show_steps(overview.steps)
        self._live_targets = tuple(s.target for s in overview.live if s.state is ServerState.READY)
        styles = target_styles(picture.world.targets)
        self.query_one("#live", Panel).show(live_lines(overview.live, overview.releases, styles, overview.on_their_way))
        self.query_one("#alerts", Panel).show(now_lines(overview.alerts, picture.running, overview.notices))
        self.query_one("#newest-jobs", Rows).show(job_rows(picture.jobs[:30]))

    @on(OptionList.OptionSelected, "#board")
    def ask_for_next_action(self, event: OptionList.OptionSelected) -> None:
        """Ask for the next action of the step, or show it when it is not one of ours."""
        step = self._steps[event.option_index]
        if not step.next_action:
            self.notify(f"{step.name}: nothing to do.", markup=False)
        else:
            self.ask_for_command(step.next_action)

    @on(OptionList.OptionSelected, "#newest-jobs")
    def read_job(self, event: OptionList.OptionSelected) -> None:
        """Go to the job."""
        if event.option_id:
            self.post_message(JobWanted(event.option_id))
