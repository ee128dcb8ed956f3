"""Following one job: its events as lines, in batches that the screen can take, until it has ended."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from unipipe_tui.actions.jobs.finding import as_it_is, launch
from unipipe_tui.actions.jobs.listing import StepLine, progress_of, steps_of
from unipipe_tui.actions.jobs.logs import log_line
from unipipe_tui.actions.world import World
from unipipe_tui.domain.events import Advanced, Event, StepEnded, StepStarted
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.secrets import without_secrets
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.log_text import LINES_KEPT
from unipipe_tui.tui.text import harmless

NEWEST_BYTES = 8 << 20
"""So much of a log is read from its end: what comes before would push nothing out but itself."""
LOOK_EVERY_SECONDS = 0.2
ASK_EVERY_SECONDS = 1.0
ANSWER_WITHIN_SECONDS = 2.0
READ_FOR_SECONDS = 0.3
"""Who listens hears something this often, even of a job that says more than can be read."""


@frozen
class News:
    """What a job said since the last news."""

    job_id: str
    lines: tuple[str, ...]
    skipped: int
    """Lines before these that are not shown."""
    progress: str
    """The step in hand and how far it is; empty when nothing is known."""
    steps: tuple[StepLine, ...]
    """All of them so far."""
    job: Job | None
    """As the store has it; None before it has begun."""
    final: bool
    """Nothing more will come."""


def follow(
    world: World, job_id: str, stopped: Callable[[], bool], in_sight: Callable[[], bool] = lambda: True
) -> Iterator[News | None]:
    """News of a job until it has ended or nobody listens; blocks between them, so not for the UI thread.

    None when nobody sees it: nothing is read until more is asked for.
    """
    folders = world.job_folders
    batch = _Batch(folders.lines_before(job_id, NEWEST_BYTES), (event for _, event in folders.steps(job_id)))
    events = folders.follow(job_id, NEWEST_BYTES)
    asked = time.monotonic()
    job = _job(world, job_id)
    while not stopped():
        if not in_sight():
            yield None
            continue
        # Asked before the events are read, so that nothing said before the end is missed.
        if job is None or (not job.state.ended and time.monotonic() - asked >= ASK_EVERY_SECONDS):
            asked = time.monotonic()
            job = _job(world, job_id)
        all_read = batch.take(events)
        over = all_read and (_is_over(world, job, time.monotonic() - asked) if job else _never_began(world, job_id))
        if over:
            batch.add_all(world.job_folders.output(job_id).splitlines())
        news = batch.news(job_id, job, over)
        if news.lines or news.progress or over:
            yield news
        if over:
            return
        if all_read:
            time.sleep(LOOK_EVERY_SECONDS)


def _job(world: World, job_id: str) -> Job | None:
    job = world.jobs.find(job_id)
    return as_it_is(job, world) if job else None


def _is_over(world: World, job: Job, seconds: float) -> bool:
    """A job is recorded as ended before its process has written its answer, which is waited for a little."""
    return job.state.ended and (
        seconds > ANSWER_WITHIN_SECONDS or not world.processes.is_alive(job.pid, job.pid_started)
    )


def _never_began(world: World, job_id: str) -> bool:
    """Whether the process that was launched is gone and left no record: it refused, or died before its work began."""
    launched = launch(world, job_id)
    # Asked before the record is: a job that is recorded and ends between the two is found.
    lives = launched is not None and world.processes.is_alive(launched.pid, launched.pid_started)
    return not lives and world.jobs.find(job_id) is None


class _Batch:
    """Lines since the last news; the newest are kept when there are too many."""

    def __init__(self, before: int, steps: Iterable[Event]) -> None:
        """`before`: lines that were passed over, in which these steps began and ended."""
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._taken = before
        self._steps: dict[tuple[str, type], Event] = {}
        self._advanced: Advanced | None = None
        for event in steps if before else ():
            self._note(event)

    def take(self, events: Iterator[tuple[float, Event] | None]) -> bool:
        """Events that are there by now, as many as one can read at once; whether these are all."""
        until = time.monotonic() + READ_FOR_SECONDS
        for item in events:
            if item is None:
                return True
            self._note(item[1])
            line = log_line(item[1])
            if line is not None:
                self._add(line)
            if time.monotonic() > until:
                return False
        return True

    def add_all(self, lines: list[str]) -> None:
        """Lines that came another way."""
        for line in lines:
            self._add(line)

    def news(self, job_id: str, job: Job | None, final: bool) -> News:
        """What was gathered; empties the batch."""
        lines = tuple(self._lines)
        skipped = self._taken - len(lines)
        self._lines.clear()
        self._taken = 0
        standing = (*self._steps.values(), *((self._advanced,) if self._advanced else ()))
        state = job.state if job else JobState.RUNNING
        return News(job_id, lines, skipped, harmless(progress_of(standing)), steps_of(standing, state), job, final)

    def _add(self, line: str) -> None:
        self._lines.append(harmless(without_secrets(line)))
        self._taken += 1

    def _note(self, event: Event) -> None:
        if isinstance(event, StepStarted | StepEnded):
            # A step that is done again stands where it began last.
            self._steps.pop((event.name, type(event)), None)
            self._steps[event.name, type(event)] = event
            self._advanced = None
        elif isinstance(event, Advanced):
            self._advanced = event
