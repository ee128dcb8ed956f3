"""One round: every check of every target at the same time, then the alerts in one transaction, then the sinks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import monotonic

from unipipe_tui.actions.alerts.delivering import deliver
from unipipe_tui.actions.alerts.settling import open_alerts, settle
from unipipe_tui.actions.monitor.checks import CHECKS, WORKSPACE_CHECKS, MonitorCheck
from unipipe_tui.actions.world import World
from unipipe_tui.domain.alerts import Turn, sentence
from unipipe_tui.domain.errors import Stopped, UnipipeError
from unipipe_tui.domain.events import Event, Noted, StepEnded, StepStarted
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen

WORKSPACE = ""
"""The target of checks that are about the project itself."""
MOST_AT_ONCE = 8
STILL_STUCK = "a check of an earlier round still hangs; no new one was begun"


@frozen
class FindingLine:
    """What a check said of one subject."""

    target: str
    check: str
    kind: AlertKind | None
    """None: the check could not be made."""
    subject: str
    state: FindingState
    severity: Severity | None
    sentence: str


@frozen
class AlertMove:
    """What happened to an alert; one that was found again and says nothing new is not told."""

    alert: str
    turn: Turn
    sentence: str


@frozen
class MonitorRound:
    """One round over all targets."""

    job: str
    targets: int
    checks: int
    """How many could be made."""
    findings: tuple[FindingLine, ...]
    moves: tuple[AlertMove, ...]
    open: int
    """Alerts that are open now."""
    asking: int
    """Those of them that nobody has acknowledged."""
    faults: tuple[str, ...]
    """Checks that could not be made, and targets that did not answer in time."""
    delivered: int
    waiting: int
    """Events that sinks have not taken yet."""
    sink_problems: tuple[str, ...]


class Stuck:
    """The targets whose checks hang: as long as they do, no later round begins new ones."""

    def __init__(self) -> None:
        self._watches: dict[str, threading.Thread] = {}

    def __contains__(self, target: str) -> bool:
        return target in self._watches and self._watches[target].is_alive()

    def add(self, target: str, watch: threading.Thread) -> None:
        """Remember what hangs."""
        self._watches[target] = watch


def go_round(world: World, progress: Progress, within_seconds: float, stuck: Stuck) -> MonitorRound:
    """Make every check of every target; a target that hangs is left after so many seconds, and told."""
    watches = _watched(world, progress, within_seconds, stuck)
    if progress.stopped():
        raise Stopped("Stopped on request.", hint="What was found so far moved no alert; run it again.")
    findings = tuple(finding for watch in watches for finding in watch.alerting())
    moves = settle(findings, world)
    told = tuple(AlertMove(one.alert.id, one.turn, sentence(one)) for one in moves if one.turn is not Turn.RENEWED)
    for move in told:
        progress.emit(Noted(f"{move.turn.value}: {move.sentence}"))
    # From here on all is kept: what sinks do cannot touch it any more.
    sent = deliver(world, progress)
    alerts = open_alerts(world)
    return MonitorRound(
        job=world.job_id,
        targets=len(world.targets),
        checks=sum(watch.made for watch in watches),
        findings=tuple(line for watch in watches for line in watch.lines()),
        moves=told,
        open=len(alerts),
        asking=sum(alert.asks for alert in alerts),
        faults=tuple(fault for watch in watches for fault in watch.faults()),
        delivered=sent.delivered,
        waiting=sent.waiting,
        sink_problems=sent.problems,
    )


def _watched(world: World, progress: Progress, within_seconds: float, stuck: Stuck) -> tuple[Watched, ...]:
    """What each target's checks said, in the order of the configuration."""
    names = (*world.targets, WORKSPACE)
    seen: list[Watched] = []
    for begin in range(0, len(names), MOST_AT_ONCE):
        group = names[begin : begin + MOST_AT_ONCE]
        watches = {name: _Watch(world, name, progress) for name in group if name not in stuck}
        for watch in watches.values():
            watch.start()
        until = monotonic() + within_seconds
        for name in group:
            shown = f"check {name}" if name else "check the project's data"
            progress.emit(StepStarted(shown, len(seen) + 1, len(names)))
            found = (
                watches[name].seen(until, within_seconds) if name in watches else Watched(name, (), 0.0, STILL_STUCK)
            )
            if found.late and name in watches:
                stuck.add(name, watches[name])
            for fault in found.faults():
                progress.emit(Noted(fault))
            progress.emit(StepEnded(shown, "failed" if found.late else "done", found.seconds))
            seen.append(found)
    return tuple(seen)


@frozen
class Said:
    """What one check said, or why it could not be made."""

    check: str
    findings: tuple[Finding, ...] = ()
    fault: str = ""


@frozen
class Watched:
    """All checks of one target."""

    target: str
    said: tuple[Said, ...]
    seconds: float
    late: str = ""
    """What to say of a target that did not answer in time; empty: it did."""

    @property
    def made(self) -> int:
        """How many checks were made."""
        return sum(not one.fault for one in self.said)

    def alerting(self) -> Iterator[Finding]:
        """What alerts shall know, among it whether the checks hang."""
        for one in self.said:
            yield from one.findings
        yield Finding(
            kind=AlertKind.REACHABILITY,
            target=self.target,
            subject="checks",
            state=FindingState.PROBLEM if self.late else FindingState.FINE,
            severity=Severity.WARNING,
            sentence=self.late or "all checks answer",
            evidence=json.dumps({"check": "watch", "seconds": self.seconds, "made": [one.check for one in self.said]}),
            command=f"unipipe release status {self.target}" if self.target else "unipipe doctor",
            runbook="Ask the target by hand: what keeps it from answering also keeps its checks from being made.",
        )

    def lines(self) -> Iterator[FindingLine]:
        """All of it, for the answer of a round."""
        for one in self.said:
            for found in one.findings:
                yield FindingLine(
                    found.target, one.check, found.kind, found.subject, found.state, found.severity, found.sentence
                )
            if one.fault:
                yield FindingLine(self.target, one.check, None, "", FindingState.UNKNOWN, None, one.fault)

    def faults(self) -> tuple[str, ...]:
        """What could not be found out."""
        where = self.target or "data"
        faults = tuple(f"{where}: {one.check}: {one.fault}" for one in self.said if one.fault)
        return (*faults, f"{where}: {self.late}") if self.late else faults


class _Watch(threading.Thread):
    """The checks of one target, one after the other. Nobody waits for a target that hangs."""

    def __init__(self, world: World, target: str, progress: Progress) -> None:
        super().__init__(daemon=True)
        self.target = target
        self._world = world
        self._progress = _Within(progress)
        self._checks: Sequence[MonitorCheck] = CHECKS if target else WORKSPACE_CHECKS
        self._said: list[Said] = []
        self._begun = monotonic()
        self._ended: float | None = None

    def run(self) -> None:
        for check in self._checks:
            if self._progress.stopped():
                return
            self._said.append(self._asked(check))
        self._ended = monotonic()

    def _asked(self, check: MonitorCheck) -> Said:
        try:
            return Said(check.name, check.findings(self._world, self.target, self._progress))
        except UnipipeError as error:
            return Said(check.name, fault=error.message)
        except Exception as error:
            # One check that is broken must not end the watch over everything else.
            return Said(check.name, fault=f"{type(error).__name__}: {error}")

    def seen(self, until: float, within_seconds: float) -> Watched:
        """What was said by then; `until` is a monotonic time in seconds."""
        self.join(max(0.0, until - monotonic()))
        # In this order: once it has ended, all is said.
        ended, said = self._ended, tuple(self._said)
        if ended is not None or len(said) == len(self._checks):
            return Watched(self.target, said, (ended or monotonic()) - self._begun)
        self._progress.leave()
        stuck = self._checks[len(said)].name
        late = f"{stuck} gave no answer within {within_seconds:g} seconds; it and what comes after it was left out"
        return Watched(self.target, said, monotonic() - self._begun, late)


class _Within:
    """The progress of one target among several: what it notes is told, its steps are not, which would mingle."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._left = False

    def emit(self, event: Event) -> None:
        """Pass notes on, as long as somebody waits for the target."""
        if isinstance(event, Noted) and not self._left:
            self._progress.emit(event)

    def stopped(self) -> bool:
        """Whether somebody asked for the end, or waits no more."""
        return self._left or self._progress.stopped()

    def leave(self) -> None:
        """Nobody waits any more."""
        self._left = True


def of_job(world: World, job: str) -> World:
    """The world in which a round is a job of its own, with its own events."""
    return replace(world, job_id=job, events_of_this_job=lambda: world.events_of(job))
