"""Following a job from its beginning to its end."""

from __future__ import annotations

import math
import time
from typing import Annotated

from unipipe_tui.actions.action import Watch
from unipipe_tui.actions.jobs.finding import FOLLOW_EVERY_SECONDS, as_it_is, find_job
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import ExitCode, Stopped
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen


@frozen
class AttachJob:
    """Which job."""

    job: Annotated[str, OBJECT, "Job id, a part of it, or `last`.", Names.JOB] = "last"


@frozen
class JobEnd:
    """How a job ended."""

    job: str
    state: JobState
    message: str
    job_exit_code: int | None

    @property
    def exit_code(self) -> ExitCode:
        """The job's own."""
        return ExitCode(self.job_exit_code) if self.job_exit_code in set(ExitCode) else ExitCode.FAILED


def attach(request: AttachJob, world: World, progress: Progress) -> JobEnd:
    """Follow a job from its beginning until it ends, whoever started it; ends with the job's own exit code."""
    try:
        job = find_job(world, request.job, patience=math.inf)
        for news in world.job_folders.follow(job.id):
            if news is not None:
                progress.emit(news[1])
                continue
            job = as_it_is(find_job(world, job.id), world)
            if job.state.ended:
                break
            time.sleep(FOLLOW_EVERY_SECONDS)
    except KeyboardInterrupt:
        raise Stopped("No longer following; the job goes on.", hint=f"unipipe jobs attach {request.job}") from None
    return JobEnd(job.id, job.state, job.message, job.exit_code)


ATTACH = Watch("jobs attach", AttachJob, attach, "unipipe jobs attach last")
