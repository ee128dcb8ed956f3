"""What is known of a target over time: figures with their units, and marks of what happened. Pure values and one rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from statistics import median

from unipipe_tui.domain.values import frozen

LONGEST_GAP = 4.0
"""In typical gaps: a quieter stretch is folded, so that a night does not push a busy minute into one cell."""


class Better(StrEnum):
    """Which way a figure should go."""

    HIGHER = "higher"
    LOWER = "lower"


@frozen
class TimePoint:
    """A figure at a moment."""

    at: datetime
    value: float
    note: str = ""
    """What it was measured on, or what is behind it."""
    beyond: bool = False
    """Whether it is on the wrong side of the threshold."""
    low: float | None = None
    """Its 95 % interval, where one is known."""
    high: float | None = None


@frozen
class Series:
    """One figure over time, oldest first."""

    name: str
    unit: str
    better: Better
    threshold: float | None
    """What is asked of it; None: nothing."""
    points: tuple[TimePoint, ...]


class MarkKind(StrEnum):
    """What happened."""

    ALERT = "alert"
    ALERT_CLOSED = "alert closed"
    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    RELEASE = "release"
    TRAINING = "training"
    DATA = "data"


@frozen
class Mark:
    """Something that happened at a moment."""

    at: datetime
    kind: MarkKind
    text: str
    job: str
    """Who wrote it."""


def folded(moments: Iterable[float]) -> dict[float, float]:
    """Where moments stand on an axis from 0 to 1 that keeps their order and folds quiet stretches.

    A gap longer than `LONGEST_GAP` typical ones (the median of all gaps) is drawn as long as that.
    """
    ordered = sorted(set(moments))
    if len(ordered) < 2:
        return dict.fromkeys(ordered, 1.0)
    gaps = [after - before for before, after in pairwise(ordered)]
    most = LONGEST_GAP * median(gaps)
    drawn = [min(gap, most) for gap in gaps]
    whole = sum(drawn)
    places, at = {ordered[0]: 0.0}, 0.0
    for moment, gap in zip(ordered[1:], drawn, strict=True):
        at += gap
        places[moment] = at / whole
    return places
