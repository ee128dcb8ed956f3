"""Jobs: a row each in the store, and a folder each for what is too much for it: events, output, result."""

from __future__ import annotations

import dataclasses
import mmap
import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.event_lines import ADVANCE_MARK, STEP_MARKS, from_line, to_line
from unipipe_tui.domain.events import Event
from unipipe_tui.domain.jobs import Job, JobState, StageTiming
from unipipe_tui.domain.secrets import without_secrets
from unipipe_tui.store.database import Database
from unipipe_tui.store.faults import told
from unipipe_tui.store.rows import aware, aware_or_none, insert, replace, storable

READ_BYTES = 1 << 20
"""So much of an event file at once: one of any size takes no more memory than this."""
SEARCHED_BYTES = 256 << 20
"""Steps are looked for in so much of an event file's end."""
COLUMNS = "id, action, command, actor, state, started, pid, pid_started, ended, message, exit_code, quiet"
NAMED_BY_ALERTS = """
    SELECT job FROM alerts
    UNION SELECT CASE WHEN json_valid(evidence) THEN json_extract_string(evidence, '$.job') END AS job FROM alerts"""
"""The jobs whose findings alerts rest on."""
FORGETTABLE = f"""
    SELECT id FROM (SELECT id FROM jobs WHERE quiet ORDER BY started DESC, id DESC OFFSET ?)
    WHERE id NOT IN (SELECT job FROM ({NAMED_BY_ALERTS}) WHERE job IS NOT NULL) ORDER BY id"""  # noqa: S608


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

    def latest(self, limit: int, *, with_quiet: bool = False) -> tuple[Job, ...]:
        """The newest jobs first; without those of which nothing came, unless they are asked for."""
        rows = self._database.rows(
            f"SELECT {COLUMNS} FROM jobs WHERE ? OR NOT quiet ORDER BY started DESC, id DESC LIMIT ?",  # noqa: S608
            [with_quiet, max(limit, 0)],
        )
        return tuple(_job(row) for row in rows)

    def total(self) -> int:
        """How many jobs the store knows, without those of which nothing came."""
        rows = self._database.rows("SELECT count(*) FROM jobs WHERE NOT quiet")
        return int(rows[0][0]) if rows else 0

    def quiet(self) -> int:
        """Of how many jobs nothing came."""
        rows = self._database.rows("SELECT count(*) FROM jobs WHERE quiet")
        return int(rows[0][0]) if rows else 0

    def forgettable(self, keep: int) -> tuple[str, ...]:
        """The ids of jobs of which nothing came, but for the newest so many and those that an alert's evidence is of."""
        return tuple(job for (job,) in self._database.rows(FORGETTABLE, [keep]))

    def forget(self, jobs: Sequence[str]) -> None:
        """Drop these jobs, and their drift checks but for the first of each target and hour."""
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM drift_checks AS one WHERE job IN (SELECT unnest($1::VARCHAR[])) "
                "AND EXISTS (FROM drift_checks AS first WHERE first.target = one.target AND first.moment < one.moment "
                "AND date_trunc('hour', first.moment) = date_trunc('hour', one.moment))",
                [list(jobs)],
            )
            connection.execute("DELETE FROM jobs WHERE id IN (SELECT unnest($1::VARCHAR[]))", [list(jobs)])

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

    def failed_stages(self) -> frozenset[str]:
        """The stages whose last execution failed."""
        rows = self._database.rows(
            "SELECT address FROM stage_runs WHERE outcome IN ('ran', 'failed', 'cached') "
            "GROUP BY address HAVING last(outcome ORDER BY moment) = 'failed'"
        )
        return frozenset(address for (address,) in rows)

    def executions(self, address: str, limit: int) -> tuple[tuple[StageTiming, str], ...]:
        """The last executions of a stage and how each ended, the newest first; skipped ones are none."""
        rows = self._database.rows(
            "SELECT seconds, moment, job, outcome FROM stage_runs WHERE address = ? AND outcome IN ('ran', 'failed') "
            "ORDER BY moment DESC LIMIT ?",
            [storable(address), max(limit, 0)],
        )
        return tuple((StageTiming(address, seconds, aware(at), job), outcome) for seconds, at, job, outcome in rows)


def _row(job: Job) -> dict[str, object]:
    return {field.name: getattr(job, field.name) for field in dataclasses.fields(job)}


def _job(row: tuple[Any, ...]) -> Job:
    job_id, action, command, actor, state, started, pid, pid_started, ended, message, exit_code, quiet = row
    begun, ended = aware(started), aware_or_none(ended)
    return Job(
        job_id, action, command, actor, JobState(state), begun, pid, pid_started, ended, message, exit_code, bool(quiet)
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

    def remove(self, job_id: str) -> None:
        """Remove the job's files; those that cannot be stay."""
        shutil.rmtree(self.folder / job_id, ignore_errors=True)

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

    def follow(self, job_id: str, newest_bytes: int | None = None) -> Iterator[tuple[float, Event] | None]:
        """Every event from the first, or of the newest bytes; None whenever there is nothing new, so that the caller
        decides when to stop.
        """
        path = self.path(job_id) / "events.jsonl"
        unread = b""
        position = _newest_line(path, newest_bytes) if newest_bytes is not None else 0
        while True:
            more = _read(path, position)
            position += len(more)
            *lines, unread = (unread + more).split(b"\n")
            yield from (event for line in lines if (event := from_line(line.decode(errors="replace"))))
            if len(more) < READ_BYTES:
                yield None

    def lines_before(self, job_id: str, newest_bytes: int) -> int:
        """How many events `follow` passes over when it begins with the newest bytes, those of advancing not counted."""
        path = self.path(job_id) / "events.jsonl"
        end, count, position = _newest_line(path, newest_bytes), 0, 0
        while position < end:
            part = _read(path, position)[: end - position]
            count += part.count(b"\n") - part.count(ADVANCE_MARK)
            position += len(part)
            if not part:
                break
        return count

    def steps(self, job_id: str) -> tuple[tuple[float, Event], ...]:
        """When the job's steps began and ended, and how far the newest has come; the rest of what it said is not read."""
        try:
            with (self.path(job_id) / "events.jsonl").open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if not size:
                    return ()
                with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as said:
                    return tuple(_steps_in(said, max(0, size - SEARCHED_BYTES)))
        except (OSError, ValueError):
            return ()

    def last_said_at(self, job_id: str) -> float | None:
        """When the job said something last, in seconds since the epoch."""
        path = self.path(job_id) / "events.jsonl"
        lines = _read(path, _newest_line(path, READ_BYTES)).decode(errors="replace").splitlines()
        return next((event[0] for line in reversed(lines) if (event := from_line(line))), None)

    def output(self, job_id: str) -> str:
        """What a detached job's process itself wrote, a traceback too, without secrets."""
        try:
            return without_secrets((self.path(job_id) / "output.log").read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return ""


def _read(path: Path, position: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(position)
            return file.read(READ_BYTES)
    except OSError:
        return b""


def _newest_line(path: Path, newest_bytes: int) -> int:
    """Where the first whole line of the newest bytes begins."""
    try:
        size = path.stat().st_size
    except OSError:
        return 0
    if size <= newest_bytes:
        return 0
    start = size - newest_bytes
    return start + _read(path, start - 1).find(b"\n")


def _steps_in(said: mmap.mmap, start: int) -> Iterator[tuple[float, Event]]:
    places = sorted(place for mark in STEP_MARKS for place in _places(said, mark, start))
    advanced = said.rfind(ADVANCE_MARK, places[-1] if places else start)
    for place in (*places, *((advanced,) if advanced >= 0 else ())):
        begin, end = said.rfind(b"\n", 0, place) + 1, said.find(b"\n", place)
        event = from_line(said[begin : end if end >= 0 else len(said)].decode(errors="replace"))
        if event:
            yield event


def _places(said: mmap.mmap, mark: bytes, start: int) -> Iterator[int]:
    place = said.find(mark, start)
    while place >= 0:
        yield place
        place = said.find(mark, place + 1)


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
