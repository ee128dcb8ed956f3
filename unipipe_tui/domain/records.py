"""What no tool keeps and the store does: gate checks, promotions, releases, drift checks, alerts, changes, the audit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from unipipe_tui.domain.rollouts.strategies import StrategyKind
from unipipe_tui.domain.values import frozen


@frozen
class GateResult:
    """One check that a version must pass, with the number it was judged by."""

    gate: str
    passed: bool
    value: float | None
    wanted: str
    """What would pass: `>= 0.95`, `>= 0.912 (champion 0.922 - 0.01)`."""
    slice: str = ""
    """The slice it was judged on; empty for the whole holdout."""
    champion: float | None = None


@frozen
class GateCheck:
    """A version measured against the gates, and against the champion of that moment, on one holdout."""

    model: str
    version: int
    champion: int | None
    holdout: str
    """The holdout's md5: both versions were scored on these bytes."""
    rows: int
    results: tuple[GateResult, ...]
    at: datetime
    job: str
    gates: tuple[str, ...] = ()
    """What was asked, one sentence for each gate; a gate for slices that all have too few rows leaves no result."""

    @property
    def passed(self) -> bool:
        """Whether every gate is open."""
        return all(result.passed for result in self.results)


class How(StrEnum):
    """Which way an alias was moved."""

    PROMOTE = "promote"
    BACK = "back"
    FORWARD = "forward"
    UNDO = "undo"


@frozen
class Promotion:
    """An alias that was moved: from which version to which, by whom and why."""

    model: str
    alias: str
    version: int | None
    """None: the alias was removed."""
    previous: int | None
    how: How
    actor: str
    reason: str
    at: datetime
    job: str


@frozen
class Trail:
    """The versions that an alias went through, like the pages of a browser."""

    back: tuple[int, ...] = ()
    """Where rolling back leads: the last one first to be reached."""
    forward: tuple[int, ...] = ()
    """Where going forward again leads: the last one first to be reached."""


def trail_of(moves: Iterable[Promotion]) -> Trail:
    """Where an alias can go from here, given its moves from the oldest to the newest.

    An undo restores the trail as it was before the move that it takes back; an undo can itself be taken back.
    """
    trail = Trail()
    standing: list[tuple[Promotion, Trail]] = []
    for move in moves:
        before = trail
        trail = _taken_back(standing, move, trail) if move.how is How.UNDO else _gone(trail, move)
        standing.append((move, before))
    return trail


def _gone(trail: Trail, move: Promotion) -> Trail:
    left = () if move.previous is None else (move.previous,)
    if move.how is How.BACK:
        return Trail(_up_to(trail.back, move.version), trail.forward + left)
    if move.how is How.FORWARD:
        return Trail(trail.back + left, _up_to(trail.forward, move.version))
    return Trail(trail.back + left)


def _up_to(way: tuple[int, ...], reached: int | None) -> tuple[int, ...]:
    # Versions that were deleted meanwhile were skipped: they go together with the one that was reached.
    places = [place for place, version in enumerate(way) if version == reached]
    return way[: places[-1]] if places else way


def _taken_back(standing: list[tuple[Promotion, Trail]], undo: Promotion, trail: Trail) -> Trail:
    """The trail before the newest standing move that the undo reverses; that move stands no longer."""
    for place in reversed(range(len(standing))):
        move, before = standing[place]
        if (move.previous, move.version) == (undo.version, undo.previous):
            del standing[place]
            return before
    return trail


@frozen
class Release:
    """One version put on one target."""

    target: str
    model: str
    version: int
    digest: str
    """The bundle's sha256."""
    commit: str | None
    data: str | None
    """md5 of the training data."""
    run_id: str
    actor: str
    at: datetime
    job: str
    id: str = ""
    """`r-3f9a2c41`; empty for those that were recorded before releases had one."""
    strategy: StrategyKind = StrategyKind.ROLLING
    image: str | None = None
    goes_back: bool = False
    """Whether it took the place of what it had followed."""


def way_back(oldest_first: Iterable[Release]) -> tuple[Release, ...]:
    """The releases that a target stands on: the last one is what it was given, the one before it is where going back leads.

    What was gone back from is not on the way any more.
    """
    way: list[Release] = []
    for release in oldest_first:
        versions = [earlier.version for earlier in way]
        if release.goes_back and release.version in versions:
            del way[len(versions) - 1 - versions[::-1].index(release.version) :]
        way.append(release)
    return tuple(way)


@frozen
class DriftCheck:
    """One comparison of a target's window with the reference."""

    target: str
    model: str
    version: int | None
    rows: int
    drifted: bool
    columns: tuple[str, ...]
    """Those that drifted."""
    report: str
    """The whole report as JSON."""
    at: datetime
    job: str


class AlertKind(StrEnum):
    """What an alert is about."""

    DRIFT = "drift"
    PERFORMANCE = "performance"
    OPERATIONS = "operations"
    """Latency, errors, traffic, saturation."""
    SLO = "slo"
    """An error budget that burns too fast."""
    FRESHNESS = "freshness"
    """Data that is older than it may be."""
    REACHABILITY = "reachability"
    """A target that cannot be asked."""


class Severity(StrEnum):
    """How bad a problem is."""

    WARNING = "warning"
    CRITICAL = "critical"


@frozen
class Alert:
    """An open problem, until a later check finds it gone, or somebody closes it."""

    id: str
    kind: AlertKind
    target: str
    message: str
    opened: datetime
    job: str
    closed: datetime | None = None
    columns: tuple[str, ...] = ()
    """Those that drifted, when it is about columns."""
    acknowledged: datetime | None = None
    """When somebody took note of it; None: it asks for attention, as long as it is open."""
    acknowledged_by: str = ""
    reason: str = ""
    """Why it is left as it is, or was closed, in the words of whoever did so."""
    subject: str = ""
    """The column, the SLO, the metric, the data set; empty: the whole target."""
    severity: Severity = Severity.WARNING
    count: int = 1
    """How many checks found it."""
    renewed: datetime | None = None
    """When a check found it last; None: it was found once."""
    command: str = ""
    """The next command to run."""
    runbook: str = ""
    """One line: what to look at first."""
    snoozed_until: datetime | None = None
    """Until when the acknowledgement holds; None: without end."""
    closed_by: str = ""
    """Who closed it; empty: a check found it gone, or it is open."""

    @property
    def asks(self) -> bool:
        """Whether somebody should look at it: it is open, and nobody has taken note of it."""
        return self.closed is None and self.acknowledged is None


class UndoKind(StrEnum):
    """What kind of state a reversible change left behind."""

    ALIAS = "alias"
    SERVER_STARTED = "server started"
    SERVER_STOPPED = "server stopped"
    RUN_TAG = "run tag"
    RUN_NAME = "run name"
    RUNS_DELETED = "runs deleted"
    RUNS_RESTORED = "runs restored"
    VERSION_REJECTED = "version rejected"
    VERSION_ACCEPTED = "version accepted"
    ALERT = "alert acknowledged"
    ALERT_SNOOZED = "alert snoozed"
    ALERT_CLOSED = "alert closed"
    RELEASE = "release"


@frozen
class Undo:
    """The recorded prior state of a reversible change, and the state that it left."""

    kind: UndoKind
    subject: str
    """The model of an alias; the target of a server; the run of a tag or a name; the id of an alert."""
    alias: str = ""
    before: int | None = None
    """Version that the alias pointed to before; None: there was no alias."""
    after: int | None = None
    reason: str = ""
    key: str = ""
    """Of a run's tag; the id of a release."""
    text_before: str | None = None
    """The tag or name of a run, or who had acknowledged an alert or rejected a version, before; None: no tag, nobody.
    The marks of an alert that was snoozed or closed, as JSON."""
    text_after: str | None = None
    runs: tuple[str, ...] = ()
    """Ids of the runs that were deleted or restored."""


@frozen
class ReversibleChange:
    """A change that can be taken back."""

    job: str
    command: str
    undo: Undo
    at: datetime
    undone_by: str = ""
    """The job that took it back."""


GENESIS = "0" * 64


@frozen
class AuditEntry:
    """One line of the append-only audit; each bears the hash of the line before."""

    number: int
    at: datetime
    actor: str
    action: str
    command: str
    job: str
    outcome: str
    detail: str
    previous: str
    hash: str


def audit_hash(
    number: int, at: datetime, actor: str, action: str, command: str, job: str, outcome: str, detail: str, previous: str
) -> str:
    """sha256, as 64 hexadecimal digits, over a canonical JSON list of everything in the entry and the hash before it.

    The moment counts in UTC, in whatever zone it is told.
    """
    fields = [number, at.astimezone(UTC).isoformat(), actor, action, command, job, outcome, detail, previous]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def broken_link(entries: Iterable[AuditEntry]) -> tuple[int, str] | None:
    """The first entry that does not fit the chain and what is wrong with it, or None when the chain is whole.

    The entries are given in order, from the first.
    """
    previous = GENESIS
    for expected, entry in enumerate(entries, start=1):
        if entry.number != expected:
            return expected, f"entry {expected} is missing: the next one is number {entry.number}"
        if entry.previous != previous:
            return entry.number, "it does not continue the entry before it"
        fields = (entry.actor, entry.action, entry.command, entry.job, entry.outcome, entry.detail)
        if audit_hash(entry.number, entry.at, *fields, entry.previous) != entry.hash:
            return entry.number, "its text was changed after it was written"
        previous = entry.hash
    return None
