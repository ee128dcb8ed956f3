"""Jobs: what runs and what ran, and what the selected one says, as it says it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from textual import on, work
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from unipipe_tui.actions.jobs import listing
from unipipe_tui.actions.jobs.listing import JobLine, JobList, ListJobs, StepLine
from unipipe_tui.actions.world import World
from unipipe_tui.domain.jobs import Job
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.background import Problem, begin
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.following import News, follow
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import JOBS
from unipipe_tui.tui.lines import MUTED
from unipipe_tui.tui.remembered import Kept, kept_of
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.jobs import STARTING, head_lines, jobs_sheet, steps_line
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.log_view import LogView
from unipipe_tui.tui.widgets.pane import LookPane, TablePane

PAGE = 200
NO_JOB = "What a job says is read here, as it says it."
WHILE_A_JOB_RUNS_SECONDS = 1.0


@frozen
class Followed:
    """A job that the jobs screen shall show: one that was just started here, or one that somebody wants to read."""

    job_id: str
    world: World
    """Of the project that it works in."""
    command: str = ""


class JobsPane(TablePane[JobList]):
    """The jobs, the newest first."""

    TITLE = "Jobs"
    EMPTY = "No job yet; every change makes one: r retrains, : asks for anything else"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.starting: Followed | None = None
        """Started from here and perhaps not in the store yet."""

    def sheet_of(self, answer: JobList) -> Sheet:
        """One row a job."""
        return jobs_sheet(answer.jobs, answer.total, self._starting)

    def show_starting(self, followed: Followed) -> None:
        """Show a job before the store knows it."""
        self.starting = followed
        self.show_answer(self.answer or JobList((), 0))

    def line_of(self, job_id: str) -> JobLine | None:
        """What the list knows of a job."""
        return next((job for job in self.answer.jobs if job.id == job_id), None) if self.answer else None

    @property
    def something_runs(self) -> bool:
        """Whether a job of the list runs or is about to."""
        known = {job.id for job in self.answer.jobs} if self.answer else set()
        begins = self.starting is not None and self.starting.job_id not in known
        return begins or (self.answer is not None and any(not job.state.ended for job in self.answer.jobs))

    @property
    def _starting(self) -> tuple[str, str] | None:
        return (self.starting.job_id, self.starting.command) if self.starting else None


class JobsScreen(Place):
    """The list of jobs, and the log of one."""

    NAME = "jobs"
    BINDINGS = bindings_of(JOBS)
    AUTO_FOCUS = "#jobs Grid"

    @dataclass
    class Told(Message):
        """News of the followed job."""

        news: News | Problem

    def __init__(self) -> None:
        super().__init__()
        self._shown: str | None = None
        self._wanted: str | None = None
        """To be pointed at as soon as it is in the list."""
        self._followed: Followed | None = None
        """Asked for last: it bears its world, which the place may not know yet."""
        self._limit = PAGE
        self._in_sight = asyncio.Event()
        """Whether the place is in sight: a job is read only then, and on from where it was left."""

    def parts(self) -> Iterable[Widget]:
        """The list, and the log of the job under the cursor with its head."""
        log = Vertical(
            Static(Content.styled(NO_JOB, MUTED), id="job-head", markup=False),
            Static(id="job-steps", markup=False),
            LogView(id="job-log"),
            id="job",
        )
        log.border_title = "Log"
        yield Container(JobsPane(id="jobs"), log, id="jobs-and-output")

    def on_mount(self) -> None:
        """Follow the job that the app wants shown, as the place follows the snapshot."""
        self.watch(self.app, "followed", self._follow_wanted)
        self.set_interval(WHILE_A_JOB_RUNS_SECONDS, self._look_while_one_runs)

    def recall(self, kept: Kept) -> None:
        """Stand as at the last launch; but a job that is to be shown has the cursor, and no filter hides it."""
        jobs = kept_of(kept, "jobs")
        super().recall({**kept, "jobs": {**jobs, "cursor": "", "filter": ""} if self._followed else jobs})

    def on_screen_suspend(self) -> None:
        """Read no job that nobody sees; a dialog above the place does not hide it."""
        if self not in self.app.screen_stack:
            self._in_sight.clear()

    def on_screen_resume(self) -> None:
        """Go on reading."""
        self._in_sight.set()

    def look(self, world: World) -> None:
        """Look at the jobs."""
        self._pane.ask(listing.LIST, ListJobs(self._limit), world)

    def selection(self) -> Texts:
        """The job whose log is shown."""
        return {"job": self._shown} if self._shown else {}

    def _look_while_one_runs(self) -> None:
        if self.world and self.is_current and self._pane.something_runs:
            self.look(self.world)

    def _follow_wanted(self, followed: Followed | None) -> None:
        if followed is None:
            return
        self._followed = followed
        self._wanted = followed.job_id
        if self._pane.grid.words:
            # It must be seen, whatever was looked for before.
            self._pane.action_clear_filter()
        if followed.command:
            self._pane.show_starting(followed)
        self._point_at_wanted()
        self._show_job(followed.job_id)

    @on(LookPane.Answered, "#jobs")
    def keep_pointing(self) -> None:
        """The job that is wanted may be in the list now."""
        self._point_at_wanted()
        # Whatever the list does not hold by now the cursor does not wait for.
        self._wanted = None
        if self._shown is None and self._pane.grid.pointed:
            self._show_job(self._pane.grid.pointed)

    def _point_at_wanted(self) -> None:
        if self._wanted and any(row.id == self._wanted for row in self._pane.grid.rows):
            self._pane.grid.point_at(self._wanted)
            self._wanted = None

    @on(Grid.Pointed, "#jobs Grid")
    def show_pointed(self, event: Grid.Pointed) -> None:
        """Show the job under the cursor."""
        if event.row_id != self._shown and self._wanted is None:
            self._show_job(event.row_id)

    @on(Grid.Chosen, "#jobs Grid")
    def read(self) -> None:
        """Go to the log."""
        self.set_focus(self._log.output)

    @on(Grid.MoreWanted, "#jobs Grid")
    def show_more(self) -> None:
        """Show older jobs too."""
        listed = self._pane.answer
        if self.world and listed and len(listed.jobs) >= self._limit:
            self._limit += PAGE
            self.look(self.world)

    @property
    def _pane(self) -> JobsPane:
        return self.query_one(JobsPane)

    @property
    def _log(self) -> LogView:
        return self.query_one(LogView)

    def _show_job(self, job_id: str) -> None:
        self._shown = job_id
        self._log.output.clear()
        self._log.say_live(True)
        self._show_steps(())
        self._head(self._pane.line_of(job_id), "")
        world = self._world_of(job_id)
        if world:
            self._follow(world, job_id)

    def _world_of(self, job_id: str) -> World | None:
        followed = self._followed
        return followed.world if followed and followed.job_id == job_id else self.world

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def _follow(self, world: World, job_id: str) -> None:
        stop = threading.Event()
        told = follow(world, job_id, stop.is_set, self._in_sight.is_set)
        over = False
        try:
            while not over:
                await self._in_sight.wait()
                news = await begin(lambda: next(told, None))
                over = isinstance(news, Problem) or (news is not None and news.final)
                if news is not None:
                    self.post_message(self.Told(news))
        finally:
            stop.set()

    @on(Told)
    def take_news(self, message: Told) -> None:
        """Add what the job said, unless another job is shown by now."""
        news = message.news
        if isinstance(news, Problem):
            self.query_one("#job-head", Static).update(Content.styled(f"✗ {harmless(news.sentence)}", "$error"))
        elif news.job_id == self._shown:
            self._log.output.add(news.lines, news.skipped)
            self._log.say_live(not news.final)
            self._show_steps(news.steps)
            line = self._pane.line_of(news.job_id)
            self._head(news.job or line, news.progress, never_began=news.final and news.job is None)

    def _show_steps(self, steps: tuple[StepLine, ...]) -> None:
        strip = self.query_one("#job-steps", Static)
        strip.display = bool(steps)
        strip.update(Content.assemble(*steps_line(steps)))

    def _head(self, job: Job | JobLine | None, progress: str, never_began: bool = False) -> None:
        head = self.query_one("#job-head", Static)
        if job is None:
            words = (
                "✗ It ended before it began; what it said is below." if never_began else f"{STARTING.glyph} starting …"
            )
            head.update(Content.styled(words, "$error" if never_began else STARTING.style))
            return
        head.update(Content("\n").join(Content.assemble(*line) for line in head_lines(job, progress)))
