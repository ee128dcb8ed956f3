"""The command log: every command line that ran, newest last, and the end of what the selected one said."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from unipipe_tui.actions.jobs import logs
from unipipe_tui.actions.jobs.logs import JobLog, ShowLogs
from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.messages import JobWanted
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.jobs import log_sheet, tail_lines
from unipipe_tui.tui.snapshot import Picture, Snapshot
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import LookPane, TablePane

TAIL_LINES = 40
TITLE = "Command log"


class TailPane(LookPane[JobLog]):
    """The end of what a command said."""

    TITLE = "What it said last"

    def compose(self) -> ComposeResult:
        """The lines, the last one at the bottom."""
        yield Static(markup=False)

    def show_answer(self, answer: JobLog) -> None:
        """As many lines as there is room for."""
        room = max(1, self.content_size.height)
        lines = tail_lines(answer)[-room:]
        self.query_one(Static).update(Content("\n").join(Content.assemble(*line) for line in lines))

    def show_problem(self, problem: Problem) -> None:
        """Say why nothing is known."""
        self.query_one(Static).update(Content.styled(problem.sentence, "$muted"))


class CommandsPane(TablePane[Picture]):
    """The command lines, with a filter; they come with the snapshot, and the log around has the title."""

    EMPTY = "No change was made yet."

    def sheet_of(self, answer: Picture) -> Sheet:
        """One row a command line."""
        return log_sheet(answer.jobs, answer.jobs_total)

    class Counted(Message):
        """Other command lines are shown, or marked."""

    def tell_count(self) -> None:
        """Let the log around tell it."""
        self.post_message(self.Counted())


class CommandLog(Container):
    """Who ran what, when, with which exit code, how long it took, and what it said last."""

    def __init__(self) -> None:
        super().__init__()
        self.border_title = TITLE
        self.commands = CommandsPane()
        self._picture: Picture | None = None
        self._newest = ""

    def compose(self) -> ComposeResult:
        """The commands, and the end of the output of the one under the cursor."""
        yield self.commands
        yield TailPane(id="tail")

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the jobs of a snapshot; a new one is scrolled to."""
        self._picture = snapshot.picture
        known = snapshot.picture.jobs if snapshot.picture else ()
        if snapshot.picture:
            self.commands.show_answer(snapshot.picture)
            self.commands.tell_count()
        if known and known[0].id != self._newest:
            self._newest = known[0].id
            self.point_at_newest()
        self._tell_tail()

    def point_at_newest(self) -> None:
        """Put the cursor on the newest, which is the last."""
        self.grid.point_at(self._newest)
        self._tell_tail()

    @property
    def grid(self) -> Grid:
        """The table of the command lines."""
        return self.commands.grid

    @on(CommandsPane.Counted)
    def tell_count(self, event: CommandsPane.Counted) -> None:
        """Say how many there are, and show the tail of the one under the cursor."""
        event.stop()
        self.border_title = f"{TITLE} · {self.commands.count()}"
        self._tell_tail()

    @on(Grid.Pointed)
    def show_tail(self, event: Grid.Pointed) -> None:
        """Show what the command under the cursor said last."""
        event.stop()
        self._tell_tail()

    @on(Grid.Chosen)
    def show_job(self, event: Grid.Chosen) -> None:
        """Go to all that it said."""
        event.stop()
        self.post_message(JobWanted(event.row_id))

    def _tell_tail(self) -> None:
        job = self.grid.pointed
        # Out of sight it asks nothing.
        if job and self._picture and self.display and self.screen.is_current:
            self.query_one(TailPane).ask(logs.LOGS, ShowLogs(job, TAIL_LINES), self._picture.world)
