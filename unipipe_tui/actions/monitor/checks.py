"""Every check that `monitor run` makes, in one list: a new one is one more entry."""

from __future__ import annotations

from typing import Protocol

from unipipe_tui.actions.monitor.ages import DataAgeCheck, TrafficAgeCheck
from unipipe_tui.actions.monitor.answering import OperationsCheck, ReachabilityCheck
from unipipe_tui.actions.monitor.budgets import ObjectivesCheck
from unipipe_tui.actions.monitor.quality_check import QualityCheck
from unipipe_tui.actions.monitor.traffic_checks import TrafficDriftCheck, TrafficPerformanceCheck
from unipipe_tui.actions.monitor.unusual_hours import OperationsAnomalyCheck
from unipipe_tui.actions.world import World
from unipipe_tui.domain.findings import Finding
from unipipe_tui.domain.progress import Progress


class MonitorCheck(Protocol):
    """One question about one target."""

    @property
    def name(self) -> str:
        """What it is called in a round's answer."""
        ...

    def findings(self, world: World, target: str, progress: Progress) -> tuple[Finding, ...]:
        """What it says of the target; nothing when it is not configured. It moves no alert.

        Raises:
            UnipipeError: it could not be made; alerts stay as they are.
        """
        ...


CHECKS: tuple[MonitorCheck, ...] = (
    ReachabilityCheck(),
    OperationsCheck(),
    TrafficDriftCheck(),
    TrafficPerformanceCheck(),
    QualityCheck(),
    TrafficAgeCheck(),
    # After those that bring the log here.
    OperationsAnomalyCheck(),
    ObjectivesCheck(),
)
"""Made for each target, in this order."""

WORKSPACE_CHECKS: tuple[MonitorCheck, ...] = (DataAgeCheck(),)
"""Made once, for no target: the name of the target is empty."""
