"""Whether the newest hour of a target is as such hours are: its traffic, its failures, its latency."""

from __future__ import annotations

import json
from datetime import timedelta

from unipipe_tui.actions.operations import judged_hours, sentence_of
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.world import World
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.domain.operations import Expected, Measure
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.operations import anomalies

NEWEST = timedelta(hours=2)
"""An hour that began before says nothing of now."""
RUNBOOKS = {
    Measure.TRAFFIC: "Is it the callers or the way to the target? Compare with what asks it, then with releases on the timeline.",
    Measure.ERRORS: "Read the target's log (unipipe release log); is it one variant? Then go back to the version before.",
    Measure.LATENCY: "Is it load or the version? Compare requests and busy in the rows, and the variants with each other.",
}


@frozen
class OperationsAnomalyCheck:
    """Holds the newest hour against what is usual for the hour of the week."""

    name: str = "anomalies"

    def findings(self, world: World, target: str, progress: Progress) -> tuple[Finding, ...]:
        """One for each figure that can be judged; none before a week of minutes is known."""
        now = world.now()
        judged = judged_hours(world, target, now - NEWEST, now)
        newest = {one.measure: one for one in judged if one.at > now - NEWEST}
        return tuple(_finding(target, newest[measure]) for measure in Measure if measure in newest)


def _finding(target: str, one: Expected) -> Finding:
    evidence = {"check": "anomalies", "method": anomalies.METHOD, **to_plain(one)}
    return Finding(
        kind=AlertKind.OPERATIONS,
        target=target,
        subject=f"unusual {one.measure.value}",
        state=FindingState.PROBLEM if one.unusual else FindingState.FINE,
        severity=Severity.WARNING,
        sentence=f"{sentence_of(one)}, in the hour from {one.at:%Y-%m-%d %H:%M} UTC",
        evidence=json.dumps(evidence),
        command=f"unipipe operations show {target} --since 24h",
        runbook=RUNBOOKS[one.measure],
    )
