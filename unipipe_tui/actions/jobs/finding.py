"""How a job truly stands, and the one that somebody names."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.jobs import LAUNCH_FILE, Job, JobState, Launch, launch_of

FOLLOW_EVERY_SECONDS = 0.1
BEGIN_WITHIN_SECONDS = 10.0
LAST_WORDS = 5


def as_it_is(job: Job, world: World) -> Job:
    """The job with its true state: one whose process is gone without a word is lost, not running."""
    if job.state is not JobState.RUNNING or world.processes.is_alive(job.pid, job.pid_started):
        return job
    return dataclasses.replace(job, state=JobState.LOST, message="its process ended without saying how")


def is_running(world: World, job_id: str) -> bool:
    """Whether the job with this very id still works."""
    job = world.jobs.find(job_id)
    return job is not None and job.id == job_id and as_it_is(job, world).state is JobState.RUNNING


def find_job(world: World, name: str, patience: float = BEGIN_WITHIN_SECONDS) -> Job:
    """The job of that name; one that was launched but is not recorded yet is waited for, so many seconds.

    Raises:
        UsageError: there is none.
        Failed: it was launched, and ended before it began or does not begin.
    """
    job = world.jobs.find(name) or _begun(world, name, patience)
    if job is None:
        raise UsageError(f"There is no job {name!r}.", hint="unipipe jobs list")
    return job


def launch(world: World, job_id: str) -> Launch | None:
    """How a detached job was started; None when no such job was."""
    if job_id != Path(job_id).name:
        return None
    try:
        return launch_of((world.job_folders.path(job_id) / LAUNCH_FILE).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def _begun(world: World, job_id: str, patience: float) -> Job | None:
    launched = launch(world, job_id)
    if launched is None:
        return None
    deadline = time.monotonic() + patience
    while True:
        # Asked before the row is: a job that is recorded and ends between the two is found.
        lives = world.processes.is_alive(launched.pid, launched.pid_started)
        job = world.jobs.find(job_id)
        if job is not None:
            return job
        if not lives:
            raise Failed(f"Job {job_id} ended before it began: {_last_words(world, job_id)}")
        if time.monotonic() > deadline:
            raise Failed(f"Job {job_id} has not begun yet.", hint=f"Wait for it: unipipe jobs attach {job_id}")
        time.sleep(FOLLOW_EVERY_SECONDS)


def _last_words(world: World, job_id: str) -> str:
    lines = [line.strip() for line in world.job_folders.output(job_id).splitlines() if line.strip()]
    return " ".join(lines[-LAST_WORDS:]) or "it said nothing."


def result_of(world: World, job_id: str) -> dict[str, object]:
    """What a job's change answered with; empty when it has not ended well."""
    text = world.job_folders.result(job_id)
    answer = json.loads(text) if text else {}
    return answer if isinstance(answer, dict) else {}
