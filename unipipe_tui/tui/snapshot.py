"""The picture that all screens show: the newest answers, and why there are no newer ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from unipipe_tui.actions.jobs import JobLine, ListJobs, list_jobs
from unipipe_tui.actions.overview import Overview, Status, status
from unipipe_tui.actions.runs.sync import keep_in_step
from unipipe_tui.actions.world import World
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.background import Problem

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

    @property
    def running(self) -> tuple[JobLine, ...]:
        """The jobs that run."""
        return tuple(job for job in self.jobs if not job.state.ended)


@frozen
class Snapshot:
    """The last picture, and what kept a newer one from being taken."""

    picture: Picture | None = None
    problem: Problem | None = None


def look_around(world: World) -> Picture:
    """Take a picture; reads files and starts Git, so not for the UI thread.

    The world is made anew, because `unipipe.yaml` may have changed and a tracking store may have come since.
    """
    now = world.elsewhere(world.root)
    if not (now.index_is_kept or world.index_is_kept):
        # What this process read of the runs is nowhere else.
        now = replace(now, run_index=world.run_index)
    overview = status(Status(), now)
    jobs = list_jobs(ListJobs(JOBS_SHOWN), now)
    keep_in_step(now)
    return Picture(now, overview, jobs.jobs, jobs.total, now.now())
