"""Jobs: what runs, what ran, what it said, following it and stopping it."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done, Look, Watch
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import ExitCode, Failed, Stopped, UsageError
from unipipe_tui.domain.events import Advanced, Event, Noted, StepEnded, StepStarted, ToolEnded, ToolSaid, ToolStarted
from unipipe_tui.domain.jobs import LAUNCH_FILE, Job, JobState, Launch, launch_of
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen

FOLLOW_EVERY_SECONDS = 0.1
STOP_WITHIN_SECONDS = 5.0
BEGIN_WITHIN_SECONDS = 10.0
LAST_WORDS = 5
NEWEST_BYTES = 4 << 20
"""The end of a log is read from so much of it, when that is enough."""


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


def as_it_is(job: Job, world: World) -> Job:
    """The job with its true state: one whose process is gone without a word is lost, not running."""
    if job.state is not JobState.RUNNING or world.processes.is_alive(job.pid, job.pid_started):
        return job
    return dataclasses.replace(job, state=JobState.LOST, message="its process ended without saying how")


def is_running(world: World, job_id: str) -> bool:
    """Whether the job with this very id still works."""
    job = world.jobs.find(job_id)
    return job is not None and job.id == job_id and as_it_is(job, world).state is JobState.RUNNING


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


@frozen
class ShowLogs:
    """Which job, and how much."""

    job: Annotated[str, OBJECT, "Job id, a part of it, or `last`.", Names.JOB] = "last"
    lines: Annotated[int, "How many of the last lines."] = 200


@frozen
class JobLog:
    """What a job and its programs said."""

    job: str
    lines: tuple[str, ...]
    total: int


def show_logs(request: ShowLogs, world: World) -> JobLog:
    """Print what a job and its programs said."""
    if request.lines < 1:
        raise UsageError("--lines must be 1 or more.")
    job = find_job(world, request.job)
    output = world.job_folders.output(job.id).splitlines()
    lines = _newest_lines(job.id, NEWEST_BYTES, world)
    before = world.job_folders.lines_before(job.id, NEWEST_BYTES)
    if before and len(lines) < request.lines:
        lines, before = _newest_lines(job.id, None, world), 0
    lines += output
    return JobLog(job.id, tuple(lines[-request.lines :]), before + len(lines))


def _newest_lines(job_id: str, newest_bytes: int | None, world: World) -> list[str]:
    lines = []
    for news in world.job_folders.follow(job_id, newest_bytes):
        if news is None:
            break
        line = log_line(news[1])
        if line is not None:
            lines.append(line)
    return lines


def log_line(event: Event) -> str | None:
    """An event as a line of the log; None for one that is not shown there."""
    match event:
        case StepStarted(name, number, total):
            return f"== {name} ({number}/{total})"
        case StepEnded(name, outcome, seconds):
            return f"== {name}: {outcome} after {seconds:.1f} s"
        case ToolStarted(argv, _):
            return f"$ {' '.join(argv)}"
        case ToolSaid(_, line) | Noted(line):
            return line
        case ToolEnded(tool, exit_code, seconds):
            return f"{tool} ended with {exit_code} after {seconds:.1f} s"
        case _:
            return None


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


def result_of(world: World, job_id: str) -> dict[str, object]:
    """What a job's change answered with; empty when it has not ended well."""
    text = world.job_folders.result(job_id)
    answer = json.loads(text) if text else {}
    return answer if isinstance(answer, dict) else {}


LIST = Look("jobs list", ListJobs, list_jobs, "unipipe jobs list --limit 5")
SHOW = Look("jobs show", ShowJob, show_job, "unipipe jobs show last")
LOGS = Look("jobs logs", ShowLogs, show_logs, "unipipe jobs logs last")
ATTACH = Watch("jobs attach", AttachJob, attach, "unipipe jobs attach last")
CANCEL = Change("jobs cancel", CancelJob, plan_cancel, cancel_job, "unipipe jobs cancel last --yes", Danger.CONFIRM)
