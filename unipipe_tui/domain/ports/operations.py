"""The door to how targets ran: what their servers wrote down minute by minute, and summaries of the prediction log."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from unipipe_tui.domain.operations import Hour, Minute, OperationsCoverage, PredictedHour, ServerHour, SummingUp


class OperationsLog(Protocol):
    """What servers wrote of themselves; what they never wrote is missing, not made up."""

    def under_way(self, target: str) -> SummingUp | None:
        """How far a log is that is read for the first time; None while it is not. Asks no disk."""
        ...

    def minutes(self, target: str, since: datetime, until: datetime) -> tuple[Minute, ...]:
        """Every minute in [since, until), one for each variant, oldest first; servers of the same variant are added."""
        ...

    def hours(self, target: str, since: datetime, until: datetime) -> tuple[Hour, ...]:
        """Every hour in [since, until), one for each variant, oldest first; hours that were summed up before cost nothing."""
        ...

    def uptime(self, target: str, since: datetime, until: datetime) -> tuple[ServerHour, ...]:
        """How long each server was up in each of these hours."""
        ...

    def predicted(self, target: str, since: datetime | None, until: datetime | None) -> tuple[PredictedHour, ...]:
        """The prediction log by hour, version and variant, oldest first."""
        ...

    def coverage(self, target: str) -> OperationsCoverage:
        """From when to when there are minutes, and predictions."""
        ...
