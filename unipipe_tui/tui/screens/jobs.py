"""Jobs: what runs and what ran, and what the selected one says, as it says it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from textual import on, work
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList, Static

from unipipe_tui.actions.jobs import CANCEL, JobLine
from unipipe_tui.actions.world import World
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.background import Problem, begin
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.following import News, follow
from unipipe_tui.tui.keys import JOBS
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.snapshot import Snapshot
from unipipe_tui.tui.text import duration, harmless
from unipipe_tui.tui.theme import JOB_SIGNS
from unipipe_tui.tui.widgets.facts import job_rows
from unipipe_tui.tui.widgets.output import Output
from unipipe_tui.tui.widgets.rows import Cell, Row, Rows, painted


@frozen
class Followed:
    """A job that the jobs screen shall show: one that was just started here, or one that somebody wants to read."""

    job_id: str
    world: World
    """Of the project that it works in."""
    command: str = ""


class JobsScreen(Place):
    """The list of jobs, and the output of one."""

    NAME = "jobs"
    BINDINGS = bindings_of(JOBS)

    @dataclass
    class Told(Message):
        """News of the followed job."""

        news: News | Problem

    def __init__(self) -> None:
        super().__init__()
        self._snapshot = Snapshot()
        self._started: Followed | None = None
        """Started from here and perhaps not in the store yet."""
        self._shown: str | None = None

    def parts(self) -> Iterable[Widget]:
        """The list, and the output of the selected job with its head."""
        jobs = Rows(id="jobs", empty="No job yet.")
        jobs.border_title = "Jobs"
        output = Vertical(Static(id="job-head", markup=False), Output(id="job-output"), id="job")
        output.border_title = "Output"
        yield Container(jobs, output, id="jobs-and-output")

    def on_mount(self) -> None:
        """Follow the job that the app wants shown, as the place follows the snapshot."""
        self.watch(self.app, "followed", self._follow_wanted)

    def show(self, snapshot: Snapshot) -> None:
        """Show the newest jobs."""
        self._snapshot = snapshot
        self._list()

    def _follow_wanted(self, followed: Followed | None) -> None:
        if followed is None:
            return
        if followed.command:
            self._started = followed
            self._list()
        self.query_one("#jobs", Rows).point_at(followed.job_id)
        self._show_job(followed.job_id)

    def _list(self) -> None:
        jobs = self._snapshot.picture.jobs if self._snapshot.picture else ()
        known = {job.id for job in jobs}
        new = [self._started] if self._started and self._started.job_id not in known else []
        rows = self.query_one("#jobs", Rows)
        rows.show([*(Row(job.job_id, partial(_starting, job)) for job in new), *job_rows(jobs)])
        picture = self._snapshot.picture
        if picture and picture.jobs_total > len(jobs):
            rows.border_subtitle = f"{len(jobs):,} of {picture.jobs_total:,}"
        if self._shown is None and rows.pointed:
            self._show_job(rows.pointed)
        elif self._shown:
            rows.point_at(self._shown)

    @on(OptionList.OptionHighlighted, "#jobs")
    def show_pointed(self, event: OptionList.OptionHighlighted) -> None:
        """Show the job under the cursor."""
        if event.option_id and event.option_id != self._shown:
            self._show_job(event.option_id)

    @on(OptionList.OptionSelected, "#jobs")
    def read(self) -> None:
        """Go to the output."""
        self.query_one("#job-output").focus()

    def action_cancel_job(self) -> None:
        """Ask for the end of the shown job."""
        if self._shown:
            self.post_message(Asked(CANCEL, {"job": self._shown}, complete=True))

    def _show_job(self, job_id: str) -> None:
        self._shown = job_id
        self.query_one("#job-output", Output).clear()
        self._head(self._line(job_id), "")
        world = self._world_of(job_id)
        if world:
            self._follow(world, job_id)

    def _world_of(self, job_id: str) -> World | None:
        if self._started and self._started.job_id == job_id:
            return self._started.world
        return self._snapshot.picture.world if self._snapshot.picture else None

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def _follow(self, world: World, job_id: str) -> None:
        stop = threading.Event()
        told = follow(world, job_id, stop.is_set)
        try:
            while (news := await begin(lambda: next(told, None))) is not None:
                self.post_message(self.Told(news))
                if isinstance(news, Problem):
                    return
        finally:
            stop.set()

    @on(Told)
    def take_news(self, message: Told) -> None:
        """Add what the job said, unless another job is shown by now."""
        news = message.news
        if isinstance(news, Problem):
            self.query_one("#job-head", Static).update(Content.styled(f"✗ {harmless(news.sentence)}", "$error"))
        elif news.job_id == self._shown:
            self.query_one("#job-output", Output).add(news.lines, news.skipped)
            self._head(news.job or self._line(news.job_id), news.progress, never_began=news.final and news.job is None)

    def _line(self, job_id: str) -> JobLine | None:
        jobs = self._snapshot.picture.jobs if self._snapshot.picture else ()
        return next((job for job in jobs if job.id == job_id), None)

    def _head(self, job: Job | JobLine | None, progress: str, never_began: bool = False) -> None:
        head = self.query_one("#job-head", Static)
        if job is None:
            words = "✗ It ended before it began; what it said is below." if never_began else "◌ starting …"
            head.update(Content.styled(words, "$error" if never_began else "$primary"))
            return
        sign = JOB_SIGNS[job.state]
        seconds = _seconds(job)
        took = "" if seconds is None else f" after {duration(seconds)}"
        last = progress if job.state is JobState.RUNNING else harmless(job.message)
        first = Content.assemble((f"{sign.glyph} {job.state.value}{took}  ", sign.style), (last, "$foreground"))
        second = Content.assemble((f"$ {harmless(job.command)}", "$primary"), (f"   {harmless(job.actor)}", "$muted"))
        head.update(Content("\n").join([first, second]))


def _seconds(job: Job | JobLine) -> float | None:
    """How long an ended job took; None when that is not known."""
    if job.state is JobState.RUNNING:
        return None
    if isinstance(job, JobLine):
        return job.seconds
    return job.seconds(job.ended) if job.ended else None


def _starting(followed: Followed, width: int) -> Content:
    return painted(width, Cell("◌", 1, "$primary"), Cell(f"starting  {harmless(followed.command)}", style="$muted"))
