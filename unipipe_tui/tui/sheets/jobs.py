"""Jobs as a table, as the lines of one's head, and as the log of all command lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unipipe_tui.actions.jobs.listing import JobLine, StepLine
from unipipe_tui.actions.jobs.logs import JobLog
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.secrets import without_secrets
from unipipe_tui.tui.lines import MUTED, Line
from unipipe_tui.tui.sheet import Cell, Column, Sheet, SheetRow
from unipipe_tui.tui.text import clock, day_and_clock, duration, harmless
from unipipe_tui.tui.theme import JOB_SIGNS, Sign

STEP_SIGNS = {
    "running": Sign("●", "$primary"),
    "done": Sign("✓", "$success"),
    "skipped": Sign("-", "$muted"),
    "failed": Sign("✗", "$error"),
}
STEP_LEFT_OPEN = Sign("?", "$warning")
"""A step that a job began and did not end."""
STARTING = Sign("◌", "$primary")


def jobs_sheet(jobs: Sequence[JobLine], total: int, starting: tuple[str, str] | None = None) -> Sheet:
    """One row a job, the newest first; `starting`: id and command of one that is not recorded yet."""
    columns = (
        Column("state", "", 1),
        # These change only when a job that was started from here is recorded, which is no news.
        Column("started", "started", restless=True),
        Column("action", "action", 16, restless=True),
        Column("actor", "by", 12, restless=True),
        Column("seconds", "took", right=True, restless=True),
        Column("message", "what it says", 200, stretches=True, restless=True),
    )
    known = {job.id for job in jobs}
    new = [_starting_row(*starting)] if starting and starting[0] not in known else []
    return Sheet(columns, (*new, *map(_job_row, jobs)), total + len(new))


def _job_row(job: JobLine) -> SheetRow:
    sign = JOB_SIGNS[job.state]
    message = job.message if job.state.ended else job.progress or "runs"
    return SheetRow(
        job.id,
        (
            Cell(sign.glyph, sign.style, job.state.value),
            Cell(day_and_clock(job.started), MUTED, job.started.timestamp()),
            Cell(harmless(job.action), "bold"),
            Cell(harmless(job.actor), "$secondary"),
            Cell(duration(job.seconds), MUTED, job.seconds),
            Cell(harmless(message) or job.state.value, "$primary" if not job.state.ended else ""),
        ),
    )


def _starting_row(job_id: str, command: str) -> SheetRow:
    cells = (
        Cell(STARTING.glyph, STARTING.style),
        *[Cell("")] * 4,
        Cell(f"starting  {harmless(without_secrets(command))}", MUTED),
    )
    return SheetRow(job_id, cells)


def head_lines(job: Job | JobLine, progress: str) -> list[Line]:
    """How a job stands, and its command line."""
    sign = JOB_SIGNS[job.state]
    seconds = _seconds(job)
    took = "" if seconds is None else f" after {duration(seconds)}"
    code = f", exit code {job.exit_code}" if isinstance(job, Job) and job.exit_code else ""
    last = harmless(progress) if job.state is JobState.RUNNING else harmless(job.message)
    return [
        ((f"{sign.glyph} {job.state.value}{took}{code}  ", sign.style), (last, "$foreground")),
        ((f"$ {harmless(without_secrets(job.command))}", "$primary"), (f"   {harmless(job.actor)}", MUTED)),
    ]


def _seconds(job: Job | JobLine) -> float | None:
    """How long an ended job took; None when that is not known."""
    if job.state is JobState.RUNNING:
        return None
    if isinstance(job, JobLine):
        return job.seconds
    return job.seconds(job.ended) if job.ended else None


def steps_line(steps: Iterable[StepLine]) -> Line:
    """The steps of a job in a row: how each ended or stands, and how long it took."""
    pieces: list[tuple[str, str]] = []
    for step in steps:
        sign = STEP_SIGNS.get(step.outcome, STEP_LEFT_OPEN)
        took = f" {duration(step.seconds)}" if step.seconds is not None and step.outcome != "skipped" else ""
        pieces += [(f"{sign.glyph} ", sign.style), (harmless(step.step), ""), (f"{took}  ", MUTED)]
    return tuple(pieces)


def log_sheet(jobs: Sequence[JobLine], total: int) -> Sheet:
    """One row a command line that ran, the newest last: who, when, what, with which exit code, how long."""
    columns = (
        Column("state", "", 1),
        Column("at", "when"),
        Column("actor", "who", 12),
        Column("command", "command", 300, stretches=True),
        Column("exit", "exit", right=True),
        Column("seconds", "took", right=True, restless=True),
    )
    return Sheet(columns, tuple(map(_log_row, reversed(jobs))), total)


def tail_lines(log: JobLog) -> list[Line]:
    """The last lines that a command said."""
    if not log.lines:
        return [(("It said nothing.", MUTED),)]
    return [((harmless(without_secrets(line)), MUTED if line.startswith(("== ", "$ ")) else ""),) for line in log.lines]


def _log_row(job: JobLine) -> SheetRow:
    sign = JOB_SIGNS[job.state]
    return SheetRow(
        job.id,
        (
            Cell(sign.glyph, sign.style, job.state.value),
            Cell(clock(job.started), MUTED, job.started.timestamp()),
            Cell(harmless(job.actor), "$secondary"),
            Cell(f"$ {harmless(without_secrets(job.command))}"),
            Cell("–" if job.exit_code is None else str(job.exit_code), sign.style, job.exit_code),
            Cell(duration(job.seconds), MUTED, job.seconds),
        ),
    )
