"""Whether a target answers at all, and how: errors and slow requests since it was judged last."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from unipipe_tui.actions.asking import ask, way_to_start
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.world import World
from unipipe_tui.config import OperationsConfig
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.analysis import Histogram, Measures
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.sequential import Counted, share_interval
from unipipe_tui.monitoring.words import percent

STATES = {
    ServerState.READY: FindingState.FINE,
    ServerState.DIED: FindingState.PROBLEM,
    # Somebody stopped it, or is starting it: neither is a problem, nor is one that was open gone.
    ServerState.STOPPED: FindingState.UNKNOWN,
    ServerState.STARTING: FindingState.UNKNOWN,
}
WRONG_AT_MOST = 1e-4
"""A share is called too high by chance in this part of its judgements at most, however often one looks while it is open:
with one every five minutes less than once a month, were all of them as bad as is just allowed."""


@frozen
class ReachabilityCheck:
    """Asks the target itself."""

    name: str = "reachability"

    def findings(self, world: World, target: str, progress: Progress) -> tuple[Finding, ...]:
        """Whether it can be asked, and has not died."""
        try:
            live = world.target_of(target).live()
        except UnipipeError as error:
            words = f"{target} cannot be asked: {error.message}"
            return (_reach(FindingState.PROBLEM, target, words, {"error": error.message, "hint": error.hint}, world),)
        words = f"{target} is {live.state.value}"
        if live.state is ServerState.DIED:
            words = " ".join((f"{target} has died.", *live.remarks))
        return (_reach(STATES[live.state], target, words, to_plain(live), world),)


def _reach(state: FindingState, target: str, words: str, evidence: Any, world: World) -> Finding:
    return Finding(
        kind=AlertKind.REACHABILITY,
        target=target,
        subject="",
        state=state,
        severity=Severity.CRITICAL,
        sentence=words,
        evidence=json.dumps({"check": "reachability", "target": evidence}),
        command=way_to_start(world, target),
        runbook="Read its log (unipipe release log), then start it, or release the version before.",
    )


@frozen
class OperationsCheck:
    """Counts what the target did since it was judged last, as its own counters tell."""

    name: str = "operations"

    def findings(self, world: World, target: str, progress: Progress) -> tuple[Finding, ...]:
        """Whether surely too many requests failed or were slow; what is not decided yet is counted on."""
        rules = world.config.monitoring.operations
        live = ask(world, target).live
        if live is None or live.state is not ServerState.READY:
            # Whether it answers at all is another check's to say.
            return ()
        now = world.target_of(target).measures()
        judged = _read(world.history.judged_measures(target))
        found = []
        for question in _questions(rules, now):
            added = _added(now, judged.get(question.subject, ()))
            if sum(one.requests for one in added) < rules.minimum_requests:
                continue
            finding = _answer(question, target, added)
            found.append(finding)
            if finding.state is not FindingState.UNKNOWN:
                judged[question.subject] = now
        world.history.note_judged_measures(target, _written(judged), world.now())
        return tuple(found)


@frozen
class _Question:
    """What is counted of requests, and in which share of them it may be so."""

    subject: str
    what: str
    at_most: float
    severity: Severity
    count: Callable[[Measures], Counted]


def _questions(rules: OperationsConfig, now: Sequence[Measures]) -> Iterator[_Question]:
    yield _Question(
        "errors", "failed (5xx)", rules.errors_at_most, Severity.CRITICAL, lambda one: Counted(one.errors, one.requests)
    )
    if rules.slow_after_ms is not None:
        wanted = rules.slow_after_ms / 1000
        limit = max((one.seconds.own_limit(wanted) for one in now), default=wanted)
        yield _Question(
            "latency",
            f"took more than {limit * 1000:g} ms",
            rules.slow_at_most,
            Severity.WARNING,
            lambda one: Counted(one.seconds.above(limit), one.seconds.total),
        )


def _answer(question: _Question, target: str, added: Sequence[Measures]) -> Finding:
    counts = [question.count(one) for one in added]
    counted = Counted(sum(one.yes for one in counts), sum(one.trials for one in counts))
    share, sure = counted.share or 0.0, share_interval(counted, WRONG_AT_MOST)
    fine = counted.trials > 0 and share <= question.at_most
    words = (
        f"{counted.yes:,} of {counted.trials:,} requests {question.what}: {percent(share, 2)} "
        f"({percent(1 - WRONG_AT_MOST, 2)} confidence sequence {percent(sure.low, 2)} to {percent(sure.high, 2)}), "
        f"at most {percent(question.at_most, 2)} may"
    )
    return Finding(
        kind=AlertKind.OPERATIONS,
        target=target,
        subject=question.subject,
        state=(
            FindingState.PROBLEM if sure.low > question.at_most else FindingState.FINE if fine else FindingState.UNKNOWN
        ),
        severity=question.severity,
        sentence=words,
        evidence=json.dumps({"check": "operations", "since_last_judged": to_plain(tuple(added))}),
        command=f"unipipe release show {target}",
        runbook="Is it one version? Compare the variants in the evidence; go back if the new one is worse.",
    )


def _added(now: Sequence[Measures], before: Sequence[Measures]) -> tuple[Measures, ...]:
    known = {one.name: one for one in before}
    return tuple(one.since(known[one.name]) if one.name in known else one for one in now)


def _written(judged: Mapping[str, Sequence[Measures]]) -> str:
    return json.dumps(
        {
            subject: [
                (one.name, one.version, one.requests, one.errors, one.seconds.limits, one.seconds.counts)
                for one in measures
            ]
            for subject, measures in judged.items()
        }
    )


def _read(text: str | None) -> dict[str, Sequence[Measures]]:
    """By subject; what was written before they were judged each by itself begins anew."""
    kept = json.loads(text) if text else {}
    if not isinstance(kept, dict):
        return {}
    return {
        subject: tuple(
            Measures(name, version, requests, errors, Histogram(tuple(limits), tuple(counts)))
            for name, version, requests, errors, limits, counts in measures
        )
        for subject, measures in kept.items()
    }
