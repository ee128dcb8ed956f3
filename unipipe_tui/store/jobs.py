"""Jobs: a row each in the store, and a folder each for what is too much for it: events, output, result."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.event_lines import from_line, to_line
from unipipe_tui.domain.events import Event
from unipipe_tui.domain.jobs import Job, JobState, StageTiming
from unipipe_tui.store.database import Database
from unipipe_tui.store.faults import told
from unipipe_tui.store.rows import aware, aware_or_none, insert, replace, storable

COLUMNS = "id, action, command, actor, state, started, pid, pid_started, ended, message, exit_code"


class JobRecords:
    """The rows of the jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, job: Job) -> None:
        """Record a job that has just started."""
        with self._database.writing() as connection:
            insert(connection, "jobs", **_row(job))

    def end(self, job: Job) -> None:
        """Record how a job ended; also when its beginning could not be recorded."""
        with self._database.writing() as connection:
            replace(connection, "jobs", **_row(job))

    def latest(self, limit: int) -> tuple[Job, ...]:
        """The newest jobs first."""
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM jobs ORDER BY started DESC, id DESC LIMIT ?",  # noqa: S608
            [max(limit, 0)],
        )
        return tuple(_job(row) for row in rows)

    def total(self) -> int:
        """How many jobs the store knows."""
        rows = self._database.rows("SELECT count(*) FROM jobs")
        return int(rows[0][0]) if rows else 0

    def find(self, name: str) -> Job | None:
        """The job with this id, an unambiguous part of an id, or `last`; None when there is none.

        Raises:
            UsageError: several ids contain the part.
        """
        if name == "last":
            newest = self.latest(1)
            return newest[0] if newest else None
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM jobs WHERE contains(id, ?) ORDER BY started DESC",  # noqa: S608
            [storable(name)],
        )
        jobs = [_job(row) for row in rows]
        exact = [job for job in jobs if job.id == name]
        if len(jobs) > 1 and not exact:
            raise UsageError(f"{len(jobs)} jobs have {name} in their id.", hint="Give more of it: `unipipe jobs list`.")
        return next(iter(exact or jobs), None)

    def record_stages(self, timings: tuple[tuple[StageTiming, str], ...]) -> None:
        """Record how each stage of a `dvc repro` ended and how long it took."""
        with self._database.writing() as connection:
            for timing, outcome in timings:
                insert(
                    connection,
                    "stage_runs",
                    job=timing.job,
                    address=timing.address,
                    outcome=outcome,
                    seconds=timing.seconds,
                    moment=timing.at,
                )

    def last_timings(self) -> dict[str, StageTiming]:
        """By stage: its last real execution."""
        rows = self._database.rows(
            "SELECT address, last(seconds ORDER BY moment), max(moment), last(job ORDER BY moment) "
            "FROM stage_runs WHERE outcome = 'ran' GROUP BY address"
        )
        return {address: StageTiming(address, seconds, aware(at), job) for address, seconds, at, job in rows}


def _row(job: Job) -> dict[str, object]:
    return {field.name: getattr(job, field.name) for field in dataclasses.fields(job)}


def _job(row: tuple[Any, ...]) -> Job:
    job_id, action, command, actor, state, started, pid, pid_started, ended, message, exit_code = row
    ended = aware_or_none(ended)
    return Job(
        job_id, action, command, actor, JobState(state), aware(started), pid, pid_started, ended, message, exit_code
    )


class JobFolders:
    """The files of the jobs: `events.jsonl`, `output.log`, `result.json`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, job_id: str) -> Path:
        """The job's folder, made when it is not there."""
        folder = self.folder / job_id
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def path(self, job_id: str) -> Path:
        """Where the job's files are; the folder may not exist."""
        return self.folder / job_id

    def write_result(self, job_id: str, text: str) -> None:
        """Keep what the change answered with, as JSON."""
        path = self.create(job_id) / "result.json"
        partial = path.with_suffix(".partial")
        with told(path):
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)

    def result(self, job_id: str) -> str | None:
        """What the change answered with, as JSON; None when it has not ended well."""
        try:
            return (self.path(job_id) / "result.json").read_text(encoding="utf-8")
        except OSError:
            return None

    def events(self, job_id: str) -> tuple[tuple[float, Event], ...]:
        """All that the job has said so far, with when (seconds since the epoch)."""
        path = self.path(job_id) / "events.jsonl"
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ()
        return tuple(event for line in text.splitlines() if (event := from_line(line)))

    def follow(self, job_id: str) -> Iterator[tuple[float, Event] | None]:
        """Every event from the first; None whenever there is nothing new, so that the caller decides when to stop."""
        path = self.path(job_id) / "events.jsonl"
        unread = b""
        position = 0
        while True:
            try:
                with path.open("rb") as file:
                    file.seek(position)
                    unread += file.read()
                    position = file.tell()
            except OSError:
                pass
            *lines, unread = unread.split(b"\n")
            yield from (event for line in lines if (event := from_line(line.decode(errors="replace"))))
            yield None

    def output(self, job_id: str) -> str:
        """What a detached job's process itself wrote: empty unless it failed before it could say so otherwise."""
        try:
            return (self.path(job_id) / "output.log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


class EventFile:
    """Appends a job's events to its file. A full disk must not end the work, so what cannot be written is dropped."""

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        with told(folder):
            self._descriptor = os.open(folder / "events.jsonl", flags, 0o644)

    def write(self, event: Event) -> None:
        """Append one event, at once visible to followers."""
        data = (to_line(event, time.time()) + "\n").encode()
        with self._lock:
            try:
                os.write(self._descriptor, data)
            except OSError:
                return

    def close(self) -> None:
        """Nothing more will be said."""
        os.close(self._descriptor)
