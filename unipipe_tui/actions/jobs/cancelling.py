"""Ending a job, and every program that it started."""

from __future__ import annotations

import dataclasses
import time
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.jobs.finding import as_it_is, find_job
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.events import ToolEnded, ToolStarted
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen

STOP_WITHIN_SECONDS = 5.0


@frozen
class CancelJob:
    """Which job."""

    job: Annotated[str, OBJECT, "Job id, a part of it, or `last`.", Names.JOB]


@frozen
class Cancelled:
    """A job that was asked to end."""

    job: str
    state: JobState


def plan_cancel(request: CancelJob, world: World) -> Plan[Job]:
    """End a running job and every program that it started; a lost job's left-over programs are ended too."""
    job = as_it_is(find_job(world, request.job), world)
    if job.state.ended and job.state is not JobState.LOST:
        raise UsageError(f"Job {job.id} has ended already: {job.state.value}.", hint=f"unipipe jobs show {job.id}")
    effects = (plans.run("kill", "-TERM", str(job.pid)), plans.store("the job is recorded as stopped, audit entry"))
    return Plan(f"Cancel job {job.id}: {job.command}", effects, f"run it again: {job.command}", job)


def cancel_job(plan: Plan[Job], world: World, progress: Progress) -> Done[Cancelled]:
    """Cancel a job."""
    job = plan.decided
    world.processes.terminate(job.pid) if job.state is JobState.RUNNING else None
    deadline = time.monotonic() + STOP_WITHIN_SECONDS
    while world.processes.is_alive(job.pid, job.pid_started) and time.monotonic() < deadline:
        time.sleep(0.05)
    if world.processes.is_alive(job.pid, job.pid_started):
        world.processes.stop_tree(job.pid)
    _end_left_overs(job, world)
    after = as_it_is(find_job(world, job.id), world)
    if after.state is JobState.LOST:
        ended = dataclasses.replace(
            after, state=JobState.STOPPED, ended=world.now(), message="cancelled", exit_code=130
        )
        world.jobs.end(ended)
        after = ended
    return Done(Cancelled(job.id, after.state), detail=f"job {job.id}")


def _end_left_overs(job: Job, world: World) -> None:
    """End the programs that a killed job could not end itself."""
    running: list[tuple[float, int]] = []
    for at, event in world.job_folders.events(job.id):
        if isinstance(event, ToolStarted):
            running.append((at, event.pid))
        elif isinstance(event, ToolEnded):
            running = running[:-1]
    for at, pid in running:
        # What a program left behind is ended too, but not a stranger who was given its number since.
        if world.processes.is_alive(pid, at) or not world.processes.is_alive(pid):
            world.processes.stop_tree(pid)


CANCEL = Change("jobs cancel", CancelJob, plan_cancel, cancel_job, "unipipe jobs cancel last --yes", Danger.CONFIRM)
