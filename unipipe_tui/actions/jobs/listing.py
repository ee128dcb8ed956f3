"""What runs and what ran: the newest jobs, and one with its steps, its programs and its answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.jobs.finding import as_it_is, find_job
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain.events import Advanced, Event, StepEnded, StepStarted, ToolEnded, ToolStarted
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.values import frozen


@frozen
class ListJobs:
    """How much."""

    limit: Annotated[int, "How many of the newest jobs.", Short("n")] = 20
    all: Annotated[bool, "Also quiet ones: rounds of `monitor run` that found nothing new."] = False


@frozen
class JobLine:
    """One job."""

    id: str
    action: str
    state: JobState
    started: datetime
    seconds: float
    actor: str
    command: str
    message: str
    progress: str = ""
    """While it runs: the step in hand and how far it is; empty when it says nothing of that."""
    exit_code: int | None = None
    """None while it runs, and when it was lost."""


@frozen
class JobList:
    """The newest jobs first."""

    jobs: tuple[JobLine, ...]
    total: int
    rounds_left_out: int = 0
    """Quiet ones that `--all` lists as well."""


def list_jobs(request: ListJobs, world: World) -> JobList:
    """List the newest jobs: what they do or did, how they stand, how long they took."""
    newest = world.jobs.latest(request.limit, with_quiet=request.all)
    jobs = tuple(_line(as_it_is(job, world), world) for job in newest)
    total, quiet = world.jobs.total(), world.jobs.quiet()
    return JobList(jobs, total + quiet) if request.all else JobList(jobs, total, quiet)


def _line(job: Job, world: World) -> JobLine:
    seconds = round(_seconds(job, world), 1)
    progress = progress_of(event for _, event in world.job_folders.steps(job.id)) if not job.state.ended else ""
    return JobLine(
        id=job.id,
        action=job.action,
        state=job.state,
        started=job.started,
        seconds=seconds,
        actor=job.actor,
        command=job.command,
        message=job.message,
        progress=progress,
        exit_code=job.exit_code,
    )


def _seconds(job: Job, world: World) -> float:
    if job.state is JobState.LOST:
        last = world.job_folders.last_said_at(job.id)
        return max(0.0, last - job.started.timestamp()) if last is not None else 0.0
    return job.seconds(world.now())


def progress_of(events: Iterable[Event]) -> str:
    """The step in hand and how far it is, in words: `step 2/7: train · 12 of 100 trees`."""
    step = advanced = ""
    for event in events:
        match event:
            case StepStarted(name, number, total):
                step, advanced = f"step {number}/{total}: {name}", ""
            case Advanced(done, None, unit):
                advanced = f"· {done:,} {unit}"
            case Advanced(done, total, unit):
                advanced = f"· {done:,} of {total:,} {unit}"
    return f"{step} {advanced}".strip()


@frozen
class ShowJob:
    """Which job."""

    job: Annotated[str, OBJECT, "Job id, a part of it, or `last`.", Names.JOB] = "last"


@frozen
class StepLine:
    """One step of a job."""

    step: str
    outcome: str
    """`running`, `done`, `skipped` or `failed`."""
    seconds: float | None


@frozen
class ToolLine:
    """One program that a job started."""

    command: str
    exit_code: int | None
    """None while it runs."""
    seconds: float | None


@frozen
class JobView:
    """One job with what it did."""

    job: JobLine
    exit_code: int | None
    steps: tuple[StepLine, ...]
    tools: tuple[ToolLine, ...]
    result: str | None
    """What the change answered with, as JSON."""


def show_job(request: ShowJob, world: World) -> JobView:
    """Show one job: its steps, the programs it started and what it answered."""
    job = as_it_is(find_job(world, request.job), world)
    events = [event for _, event in world.job_folders.events(job.id)]
    return JobView(
        _line(job, world), job.exit_code, steps_of(events, job.state), _tools(events), world.job_folders.result(job.id)
    )


def steps_of(events: Iterable[Event], state: JobState) -> tuple[StepLine, ...]:
    """The steps of a job that stands so, each as it ended or stands."""
    lines: dict[str, StepLine] = {}
    for event in events:
        if isinstance(event, StepStarted):
            lines[event.name] = StepLine(event.name, state.value if state.ended else "running", None)
        elif isinstance(event, StepEnded):
            lines[event.name] = StepLine(event.name, event.outcome, round(event.seconds, 2))
    return tuple(lines.values())


def _tools(events: list[Event]) -> tuple[ToolLine, ...]:
    lines: list[ToolLine] = []
    for event in events:
        if isinstance(event, ToolStarted):
            lines.append(ToolLine(" ".join(event.argv), None, None))
        elif isinstance(event, ToolEnded) and lines:
            lines[-1] = ToolLine(lines[-1].command, event.exit_code, round(event.seconds, 2))
    return tuple(lines)


LIST = Look("jobs list", ListJobs, list_jobs, "unipipe jobs list --limit 5")
SHOW = Look("jobs show", ShowJob, show_job, "unipipe jobs show last")
