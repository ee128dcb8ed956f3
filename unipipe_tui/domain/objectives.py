"""Objectives: which share of events must be good, what error budget that leaves, and how fast it burns."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from unipipe_tui.domain.findings import FindingState, Severity
from unipipe_tui.domain.values import frozen


class ObjectiveKind(StrEnum):
    """What the events of an objective are, and when one is good."""

    AVAILABILITY = "availability"
    """Requests; one is good when it was answered without a fault of the server (no 5xx)."""
    LATENCY = "latency"
    """Requests that got an answer or a 5xx; one is good when that took no longer than `below`."""
    QUALITY = "quality"
    """Decisions whose labels came; one is good when it was right."""
    FRESHNESS = "freshness"
    """Minutes; one is good when a prediction, or a label, came no longer than `within` before its end."""
    UPTIME = "uptime"
    """Minutes; one is good when a server of the target was up in it."""


class QualityShare(StrEnum):
    """Figures of decisions that are a share of events, so that each wrong one can be charged to a budget. F1 is none."""

    PRECISION = "precision"
    """Of the decisions for yes, those whose label is yes."""
    RECALL = "recall"
    """Of the decisions whose label is yes, those for yes."""
    ACCURACY = "accuracy"
    """Of all decisions with a label, those that equal it; classes other than yes and no as well."""


class Arriving(StrEnum):
    """What may become old."""

    PREDICTIONS = "predictions"
    LABELS = "labels"


@frozen
class Tally:
    """Events that were counted together; `at` is where their minute or hour begins."""

    at: datetime
    events: float
    bad: float


@frozen
class Charge:
    """What a tally does to an error budget."""

    at: datetime
    events: float
    bad: float
    spent: float
    """The bad events, each as heavy as its objective says."""
    allowed: float
    """How heavy the bad ones of so many events may be: `weight` * (1 - `goal`) * `events`."""


@frozen
class Outcomes:
    """How decisions turned out, in the minute in which their labels came."""

    at: datetime
    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0
    right: int = 0
    """Decisions that equal their label, of yes and no and of any other classes."""
    wrong: int = 0


@frozen
class Spent:
    """What happened to a budget in a stretch of time."""

    events: float
    bad: float
    spent: float
    allowed: float

    @property
    def burn_rate(self) -> float | None:
        """How fast the budget burns: at 1 it lasts exactly for its time, at 2 for half of it; None without events."""
        return self.spent / self.allowed if self.allowed > 0 else None


@frozen
class BurnRule:
    """An alert that looks at a long window, for what it means, and at a short one, for whether it still goes on."""

    factor: float
    """The burn rate that must be exceeded in both windows."""
    long_seconds: int
    short_seconds: int
    severity: Severity

    def share_of_budget(self, over_seconds: int) -> float:
        """The share of a budget for so many seconds that is gone when the rule speaks first."""
        return self.factor * self.long_seconds / over_seconds


@frozen
class BurnSeen:
    """A rule, held against what happened."""

    rule: BurnRule
    long: Spent
    short: Spent
    burns: bool
    """Both windows burn too fast, and enough of it is bad."""
    too_few: bool
    """Both burn too fast, but so few events were bad that it may be chance: no alert."""


@frozen
class BudgetState:
    """A budget as it is now."""

    period: Spent
    """The whole time that it is for."""
    rules: tuple[BurnSeen, ...]
    state: FindingState
    severity: Severity
    gone_in_seconds: float | None
    """When it is used up, at the rate of the last six hours; 0: it is; None: not at this rate, or no rate is known."""

    @property
    def left(self) -> float | None:
        """The share of the budget that is left, below 0 when more was spent; None without events."""
        rate = self.period.burn_rate
        return None if rate is None else 1.0 - rate
