"""The doors to what Unipipe itself keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from unipipe_tui.domain.alerts import AlertEvent, AlertMarks, AlertTurn, Turn
from unipipe_tui.domain.deliveries import Delivery, SinkState
from unipipe_tui.domain.events import Event
from unipipe_tui.domain.findings import Finding
from unipipe_tui.domain.jobs import Job, StageTiming
from unipipe_tui.domain.records import (
    Alert,
    AlertKind,
    AuditEntry,
    DriftCheck,
    GateCheck,
    Promotion,
    Release,
    ReversibleChange,
)
from unipipe_tui.domain.runs.query import Field, RunQuery
from unipipe_tui.domain.runs.rows import KnownRuns, RunBatch, SourceState
from unipipe_tui.domain.serving import (
    Value,
)
from unipipe_tui.domain.tracking import ExperimentRuns, Run, RunPage

Wants = Callable[[AlertEvent], Sequence[str]]
"""The names of the sinks that an event is for."""


class RunIndex(Protocol):
    """What is known of runs, for swift answers; the truth stays with the sources."""

    def search(self, query: RunQuery) -> RunPage:
        """One page of the runs that fit, and how many fit in all."""
        ...

    def table(self, query: RunQuery, fields: Sequence[Field]) -> tuple[tuple[str | float | None, ...], ...]:
        """One row per run that fits: its id, then these fields; metrics, steps and times as numbers, None if it lacks one."""
        ...

    def runs(self, names: Sequence[str]) -> tuple[Run, ...]:
        """The runs with these ids, beginnings of ids or unique names, in this order; deleted ones too.

        Raises:
            UsageError: a name names no run, or several.
        """
        ...

    def keys(self, query: RunQuery) -> tuple[tuple[Field, int], ...]:
        """The metrics, params and tags that runs which fit have, and how many of them have it; the commonest first."""
        ...

    def experiments(self, query: RunQuery) -> tuple[ExperimentRuns, ...]:
        """The experiments that runs which fit are in; the one with the newest run first."""
        ...

    def sources(self) -> tuple[SourceState, ...]:
        """What it holds of each source."""
        ...

    def turn(self, source: str) -> AbstractContextManager[bool]:
        """Be the one who fills it from this source, for the length of the block; False when somebody else is."""
        ...

    def known(self, source: str) -> KnownRuns:
        """What it holds of one source, for that to find out what is gone."""
        ...

    def take(self, source: str, place: str, batch: RunBatch) -> None:
        """Put these runs in the place of what was known of them, all or nothing."""
        ...

    def complete(self, source: str, place: str, stamp: str, at: datetime, problems: Sequence[str] = ()) -> None:
        """Note that a pass over the source is complete, and what there is to say of it all the same."""
        ...

    def trouble(self, source: str, place: str, problem: str) -> None:
        """Note what kept a pass from being complete."""
        ...

    def forget(self, source: str) -> None:
        """Drop all that is known of a source."""
        ...


class JobRecords(Protocol):
    """Jobs as the store knows them."""

    def begin(self, job: Job) -> None:
        """Record a job that has just started."""
        ...

    def end(self, job: Job) -> None:
        """Record how it ended."""
        ...

    def latest(self, limit: int, *, with_quiet: bool = False) -> tuple[Job, ...]:
        """The newest first; without those of which nothing came, unless they are asked for."""
        ...

    def total(self) -> int:
        """How many there are, without those of which nothing came."""
        ...

    def quiet(self) -> int:
        """Of how many nothing came."""
        ...

    def forgettable(self, keep: int) -> tuple[str, ...]:
        """The ids of those of which nothing came, but for the newest so many and those that an alert's evidence is of."""
        ...

    def forget(self, jobs: Sequence[str]) -> None:
        """Drop these, and their drift checks but for the first of each target and hour."""
        ...

    def find(self, name: str) -> Job | None:
        """By id, part of an id, or `last`."""
        ...

    def record_stages(self, timings: tuple[tuple[StageTiming, str], ...]) -> None:
        """How each stage ended and how long it took."""
        ...

    def last_timings(self) -> dict[str, StageTiming]:
        """By stage: its last real execution."""
        ...

    def failed_stages(self) -> frozenset[str]:
        """The stages whose last execution failed."""
        ...

    def executions(self, address: str, limit: int) -> tuple[tuple[StageTiming, str], ...]:
        """The last executions of a stage and how each ended, the newest first; skipped ones are none."""
        ...


class JobFolders(Protocol):
    """The files of jobs."""

    def path(self, job_id: str) -> Path:
        """Where they are."""
        ...

    def remove(self, job_id: str) -> None:
        """Remove them."""
        ...

    def events(self, job_id: str) -> tuple[tuple[float, Event], ...]:
        """All that a job has said so far."""
        ...

    def follow(self, job_id: str, newest_bytes: int | None = None) -> Iterator[tuple[float, Event] | None]:
        """Every event from the first, or of the newest bytes; None whenever there is nothing new."""
        ...

    def lines_before(self, job_id: str, newest_bytes: int) -> int:
        """How many events, those of advancing not counted, `follow` passes over then."""
        ...

    def steps(self, job_id: str) -> tuple[tuple[float, Event], ...]:
        """When its steps began and ended, and how far the newest has come; cheap however much it said."""
        ...

    def last_said_at(self, job_id: str) -> float | None:
        """When it said something last, in seconds since the epoch."""
        ...

    def result(self, job_id: str) -> str | None:
        """What the change answered with, as JSON."""
        ...

    def write_result(self, job_id: str, text: str) -> None:
        """Keep what the change answered with."""
        ...

    def output(self, job_id: str) -> str:
        """What a detached job's process itself wrote."""
        ...


class EventSink(Protocol):
    """Where a job's events are kept."""

    def write(self, event: Event) -> None:
        """Keep one event."""
        ...

    def close(self) -> None:
        """Nothing more will be said."""
        ...


class History(Protocol):
    """Decisions and findings that no tool keeps."""

    def add_gate_check(self, check: GateCheck) -> None: ...
    def gate_checks(self, model: str, version: int | None = None) -> tuple[GateCheck, ...]: ...
    def add_promotion(self, promotion: Promotion) -> None: ...
    def promotions(self, model: str, alias: str | None = None) -> tuple[Promotion, ...]: ...
    def add_release(self, release: Release) -> None: ...
    def releases(self, target: str | None = None, limit: int = 100) -> tuple[Release, ...]: ...
    def add_drift_check(self, check: DriftCheck) -> None: ...
    def drift_checks(
        self, target: str | None = None, limit: int = 100, until: datetime | None = None
    ) -> tuple[DriftCheck, ...]: ...
    def open_alert(self, alert: Alert) -> None: ...
    def close_alerts(self, kind: AlertKind, target: str, at: datetime) -> int: ...
    def acknowledge_alert(self, alert_id: str, at: datetime, by: str, reason: str) -> None: ...
    def ask_again(self, alert_id: str) -> None: ...
    def alerts(self, *, only_open: bool = True) -> tuple[Alert, ...]: ...
    def evidence(self, alert_id: str) -> str: ...
    def settle(
        self, findings: Sequence[Finding], at: datetime, job: str, source: str, wants: Wants
    ) -> tuple[AlertTurn, ...]: ...
    def mark_alert(
        self,
        alert_id: str,
        marks: AlertMarks,
        turn: Turn | None,
        at: datetime,
        job: str,
        source: str,
        wants: Wants,
    ) -> None: ...
    def waiting(self) -> tuple[Delivery, ...]: ...
    def note_deliveries(self, deliveries: Iterable[Delivery], at: datetime) -> None: ...
    def sink_states(self) -> tuple[SinkState, ...]: ...
    def judged_measures(self, target: str) -> str | None: ...
    def note_judged_measures(self, target: str, document: str, at: datetime) -> None: ...
    def add_change(self, change: ReversibleChange) -> None: ...
    def changes(self, limit: int = 20) -> tuple[ReversibleChange, ...]: ...
    def mark_undone(self, job: str, undone_by: str) -> None: ...
    def notices(self) -> tuple[tuple[datetime, str], ...]: ...


class Audit(Protocol):
    """The append-only audit."""

    def append(
        self, *, at: datetime, actor: str, action: str, command: str, job: str, outcome: str, detail: str
    ) -> AuditEntry:
        """Add one entry to the end of the chain."""
        ...

    def entries(self, limit: int | None = None) -> tuple[AuditEntry, ...]:
        """The newest entries, oldest first."""
        ...

    def total(self) -> int:
        """How many there are."""
        ...

    def verify(self) -> tuple[int, str]:
        """How many entries there are, and what is wrong with the chain (empty: nothing)."""
        ...


class StoreFile(Protocol):
    """The store as a whole."""

    def together(self) -> AbstractContextManager[None]:
        """Make all reads of this thread in the block over one connection; nothing may be written in it."""
        ...

    def check(self) -> tuple[str, int]:
        """Schema version and number of rows, after reading them all."""
        ...

    def backup(self, to: Path) -> int:
        """Copy it; answers with the bytes."""
        ...

    def query(self, sql: str, limit: int) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]:
        """Columns and rows of a read-only query."""
        ...
