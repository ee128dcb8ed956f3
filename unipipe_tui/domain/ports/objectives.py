"""The door to how decisions turned out, at the time when their labels came."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from unipipe_tui.domain.objectives import Outcomes


class LabelledDecisions(Protocol):
    """Predictions whose labels have come."""

    def outcomes(self, target: str, since: datetime, until: datetime) -> tuple[Outcomes, ...]:
        """By the minute in [since, until) in which the first label of each came, oldest first; other minutes are left out."""
        ...
