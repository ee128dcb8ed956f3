"""The picture that all screens show: the newest answers, and why there are no newer ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from unipipe_tui.actions.jobs.listing import JobLine, JobList, ListJobs, list_jobs
from unipipe_tui.actions.overview import Overview, Status, status
from unipipe_tui.actions.runs.sync import keep_in_step
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Failed, UnipipeError
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.watching import Stamp, recorded_in

JOBS_SHOWN = 200


@frozen
class Picture:
    """What one look around found."""

    world: World
    overview: Overview
    jobs: tuple[JobLine, ...]
    """The newest first."""
    jobs_total: int
    at: datetime
    problem: Problem | None = None
    """What of it could not be looked at; the rest is as new as the picture."""
    recorded: Stamp = ()
    """How the store stood before it was looked at: another one where more than traffic has come."""

    @property
    def running(self) -> tuple[JobLine, ...]:
        """The jobs that run."""
        return tuple(job for job in self.jobs if not job.state.ended)


@frozen
class Snapshot:
    """The last picture, and what kept a newer one from being taken."""

    picture: Picture | None = None
    problem: Problem | None = None
    opened: World | None = None
    """The project as it was opened, where no picture of it comes: what needs none can still be asked."""

    @property
    def is_stale(self) -> bool:
        """Whether there should be a newer picture."""
        return self.problem is not None and (self.picture is None or self.problem is not self.picture.problem)


def look_around(world: World) -> Picture:
    """Take a picture; reads files and starts Git, so not for the UI thread.

    The world is made anew, because `unipipe.yaml` may have changed and a tracking store may have come since.
    """
    if not world.root.is_dir():
        # Before anything is looked for there: that would begin a new project.
        raise Failed(f"{world.root} is not there any more.", hint="Put it back, or leave.")
    now = world.elsewhere(world.root)
    if not (now.index_is_kept or world.index_is_kept):
        # What this process read of the runs is nowhere else.
        now = replace(now, run_index=world.run_index)
    recorded = recorded_in(now.root)
    overview = status(Status(), now)
    try:
        jobs, problem = list_jobs(ListJobs(JOBS_SHOWN), now), None
    except UnipipeError as error:
        # A store that cannot be read hides what it holds, and nothing else.
        jobs, problem = JobList((), 0), Problem(error.message, error.hint)
    keep_in_step(now)
    return Picture(now, overview, jobs.jobs, jobs.total, now.now(), problem, recorded)
