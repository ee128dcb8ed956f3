"""How long answers took: the percentiles that a service is judged by."""

from __future__ import annotations

import math
from collections.abc import Iterable

from unipipe_tui.domain.values import frozen


@frozen
class Latency:
    """Milliseconds below which half, 95 % and 99 % of `answers` stayed, and the slowest one; None without answers."""

    answers: int
    p50_milliseconds: float | None = None
    p95_milliseconds: float | None = None
    p99_milliseconds: float | None = None
    slowest_milliseconds: float | None = None


def summarise_latency(milliseconds: Iterable[float]) -> Latency:
    """The percentiles of some durations in milliseconds; durations that are NaN or infinite are left out."""
    ordered = sorted(duration for duration in milliseconds if math.isfinite(duration))
    if not ordered:
        return Latency(answers=0)
    return Latency(len(ordered), quantile(ordered, 0.5), quantile(ordered, 0.95), quantile(ordered, 0.99), ordered[-1])


def quantile(ordered: list[float], share: float) -> float:
    """The value below which a share of an ascending, non-empty list lies, by linear interpolation.

    Definition 7 of Hyndman and Fan (1996), the default of NumPy and of spreadsheets.
    """
    position = (len(ordered) - 1) * share
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
