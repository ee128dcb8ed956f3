"""What a job and its programs said."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.jobs.finding import find_job
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.events import Event, Noted, StepEnded, StepStarted, ToolEnded, ToolSaid, ToolStarted
from unipipe_tui.domain.values import frozen

NEWEST_BYTES = 4 << 20
"""The end of a log is read from so much of it, when that is enough."""


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


LOGS = Look("jobs logs", ShowLogs, show_logs, "unipipe jobs logs last")
