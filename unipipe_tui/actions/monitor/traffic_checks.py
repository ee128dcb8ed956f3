"""What a target answered: whether its inputs drifted, and whether its decisions are still good."""

from __future__ import annotations

from unipipe_tui.actions.drift.checking import (
    DriftOrder,
    evaluate,
    findings_of,
    judged_decisions,
    judged_version,
    target_order,
)
from unipipe_tui.actions.drift.findings import performance_finding
from unipipe_tui.actions.drift.sets import configured_reference
from unipipe_tui.actions.release.collecting import bring_log
from unipipe_tui.actions.world import World
from unipipe_tui.domain.findings import AlertKind, Finding
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen


@frozen
class TrafficDriftCheck:
    """The check that `unipipe drift check` makes, recorded as such."""

    name: str = "drift"

    def findings(self, world: World, target: str, progress: Progress) -> tuple[Finding, ...]:
        """Whether the latest traffic still looks like the reference; nothing without a reference, or without traffic."""
        if world.config.data.reference is None:
            return ()
        reference = configured_reference(world)
        bring_log(world, target, progress)
        if not world.predictions.totals(target)[0]:
            return ()
        rows = world.config.monitoring.window_rows
        order = DriftOrder(target, reference, None, rows, (), False, judged_version(target, world))
        checked = evaluate(target_order(order, world), world, progress)
        # Decisions have a check of their own, which does not hang on a reference.
        return tuple(one for one in findings_of(target, checked, world) if one.kind is AlertKind.DRIFT)


@frozen
class TrafficPerformanceCheck:
    """Decisions of the version that serves now, against the labels so far."""

    name: str = "performance"

    def findings(self, world: World, target: str, progress: Progress) -> tuple[Finding, ...]:
        """Whether they are surely worse than they may be; nothing without labels."""
        if world.config.data.reference is None:
            bring_log(world, target, progress)
        if not world.predictions.totals(target)[1]:
            return ()
        rows = world.config.monitoring.window_rows
        verdict = judged_decisions(target, rows, judged_version(target, world), world)
        return () if verdict is None else (performance_finding(target, verdict),)
