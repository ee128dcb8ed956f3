"""What a model server is asked and what it answers, in the vocabulary of those who ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from unipipe_tui.domain.values import frozen

Value = str | int | float | bool | None
Record = Mapping[str, Value]
"""One row: column to value."""


class ServerState(StrEnum):
    """Whether a target answers."""

    READY = "ready"
    STARTING = "starting"
    STOPPED = "stopped"
    DIED = "died"


class LogMode(StrEnum):
    """What an answer promises about the prediction log."""

    BEHIND = "behind"
    """The log is written at most a second after the answer; a machine that loses power loses that second."""
    STRICT = "strict"
    """The row is on the disk before the answer goes out."""


@frozen
class Prediction:
    """One answered record."""

    prediction_id: str
    score: float | None
    decision: int | str | None


@frozen
class Predicted:
    """The answers to a set of records, and by which version."""

    model: str
    versions: tuple[int, ...]
    """Usually one; more when the server switched in between, or when some were answered before."""
    predictions: tuple[Prediction, ...]
    known: tuple[str, ...] = ()
    """Ids that the target had answered before, of the same inputs: their recorded answers were given again."""


@frozen
class FeedbackTaken:
    """What became of a set of labels."""

    accepted: int
    repeated: int
    unknown: tuple[str, ...]
    """Prediction ids that this target never gave."""
    conflicting: tuple[str, ...]
    """Labelled differently before: the first label stands."""


@frozen
class LoggedPrediction:
    """A prediction as the log keeps it."""

    prediction_id: str
    at: datetime
    target: str
    model: str
    version: int
    score: float | None
    decision: str | None
    latency_ms: float | None
    inputs: Mapping[str, Value]
    label: str | None = None
    label_at: datetime | None = None
    variant: str | None = None
    """By what name the version answered: `stable`, `canary`, `b`; None in logs that were written before variants had names."""


@frozen
class TrafficWindow:
    """The latest predictions of a target: how many, when, how fast, and how they compare with the labels so far."""

    rows: int
    first: datetime | None = None
    last: datetime | None = None
    version: int | None = None
    """The version that answered last."""
    labelled: int = 0
    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    yes: int = 0
    """How many were decided yes."""


@frozen
class ScoreCell:
    """How many scores lie in one of several cells of equal width; the last one holds its upper end too."""

    low: float
    high: float
    latest: int
    """Of the latest predictions."""
    before: int
    """Of as many before those."""


@frozen
class AnsweredRows:
    """Predictions and labels as the log holds them, column by column: all are parallel, in the order of the predictions."""

    at: tuple[datetime, ...] = ()
    scores: tuple[float | None, ...] = ()
    decisions: tuple[str | None, ...] = ()
    labels: tuple[str | None, ...] = ()
    """None where the label has not come."""
    label_at: tuple[datetime | None, ...] = ()
    inputs: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    probabilities: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    """Of each class by name, of a model that chooses among several and says how likely each is."""


@frozen
class JudgedRows:
    """Predictions and what turned out to be true, column by column: all are parallel, in the order of the predictions."""

    at: tuple[datetime, ...] = ()
    scores: tuple[float | None, ...] = ()
    decisions: tuple[bool, ...] = ()
    labels: tuple[bool | None, ...] = ()
    """None where the label has not come."""
    label_at: tuple[datetime | None, ...] = ()
    inputs: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
