"""Whether a target answers at all, and how: errors and slow requests since it was judged last."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from unipipe_tui.monitoring.performance import wilson_interval

STATES = {
    ServerState.READY: FindingState.FINE,
    ServerState.DIED: FindingState.PROBLEM,
    # Somebody stopped it, or is starting it: neither is a problem, nor is one that was open gone.
    ServerState.STOPPED: FindingState.UNKNOWN,
    ServerState.STARTING: FindingState.UNKNOWN,
}


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
        """Whether surely too many requests failed or were slow; with too few requests they are counted on."""
        rules = world.config.monitoring.operations
        live = ask(world, target).live
        if live is None or live.state is not ServerState.READY:
            # Whether it answers at all is another check's to say.
            return ()
        now = world.target_of(target).measures()
        known = world.history.judged_measures(target)
        added = _added(now, _measures(known))
        if sum(one.requests for one in added) < rules.minimum_requests:
            if known is None:
                world.history.note_judged_measures(target, _text(now), world.now())
            return ()
        world.history.note_judged_measures(target, _text(now), world.now())
        return (_errors(target, added, rules), *_slow(target, added, rules))


def _errors(target: str, added: Sequence[Measures], rules: OperationsConfig) -> Finding:
    errors, requests = sum(one.errors for one in added), sum(one.requests for one in added)
    return _judged(target, "errors", "failed (5xx)", errors, requests, rules.errors_at_most, Severity.CRITICAL, added)


def _slow(target: str, added: Sequence[Measures], rules: OperationsConfig) -> tuple[Finding, ...]:
    if rules.slow_after_ms is None:
        return ()
    wanted = rules.slow_after_ms / 1000
    limit = max((one.seconds.own_limit(wanted) for one in added), default=wanted)
    slow, requests = sum(one.seconds.above(limit) for one in added), sum(one.seconds.total for one in added)
    what = f"took more than {limit * 1000:g} ms"
    return (_judged(target, "latency", what, slow, requests, rules.slow_at_most, Severity.WARNING, added),)


def _judged(
    target: str,
    subject: str,
    what: str,
    bad: int,
    requests: int,
    at_most: float,
    severity: Severity,
    added: Sequence[Measures],
) -> Finding:
    share = wilson_interval(bad, requests)
    low, high = share.low or 0.0, share.high if share.high is not None else 1.0
    surely = low > at_most
    fine = requests > 0 and bad / requests <= at_most
    words = (
        f"{bad:,} of {requests:,} requests {what}: {bad / max(requests, 1):.2%} "
        f"(95 % Wilson interval {low:.2%} to {high:.2%}), at most {at_most:.2%} may"
    )
    return Finding(
        kind=AlertKind.OPERATIONS,
        target=target,
        subject=subject,
        state=FindingState.PROBLEM if surely else FindingState.FINE if fine else FindingState.UNKNOWN,
        severity=severity,
        sentence=words,
        evidence=json.dumps({"check": "operations", "since_last_judged": to_plain(tuple(added))}),
        command=f"unipipe release show {target}",
        runbook="Is it one version? Compare the variants in the evidence; go back if the new one is worse.",
    )


def _added(now: Sequence[Measures], before: Sequence[Measures]) -> tuple[Measures, ...]:
    known = {one.name: one for one in before}
    return tuple(one.since(known[one.name]) if one.name in known else one for one in now)


def _text(measures: Sequence[Measures]) -> str:
    kept = [
        (one.name, one.version, one.requests, one.errors, one.seconds.limits, one.seconds.counts) for one in measures
    ]
    return json.dumps(kept)


def _measures(text: str | None) -> tuple[Measures, ...]:
    kept = json.loads(text) if text else ()
    return tuple(
        Measures(name, version, requests, errors, Histogram(tuple(limits), tuple(counts)))
        for name, version, requests, errors, limits, counts in kept
    )
