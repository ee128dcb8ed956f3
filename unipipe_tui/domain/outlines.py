"""A metric's history as a drawing needs it: per cell of its axis the extremes, so that no peak is lost."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from unipipe_tui.domain.values import frozen

BOUNDLESS = sys.float_info.max
"""What MLflow's databases keep in the place of infinity."""


class OutlineAxis(StrEnum):
    """What a history is laid out along."""

    STEP = "step"
    TIME = "time"
    """Milliseconds since the epoch: for what was logged several times without a step."""


class Logged(NamedTuple):
    """One value as it was logged."""

    step: int
    at: int
    """Milliseconds since the epoch; 0 when unknown."""
    value: float


@frozen
class OutlineCell:
    """All values of one stretch of the axis."""

    first: int
    last: int
    """The steps, or moments, of its first and its last value."""
    low: float | None
    high: float | None
    """Smallest and largest value; None when none of them is a finite number."""
    end: float | None
    """The last value; None when that is no finite number."""
    count: int
    """How many values it stands for, whether numbers or not."""


@frozen
class MetricOutline:
    """The history of one metric of one run. Stretches without values have no cell."""

    key: str
    axis: OutlineAxis
    cells: tuple[OutlineCell, ...]
    count: int
    """How many values were logged."""
    not_finite: int
    """How many of them are NaN or infinite."""


def outline_of(key: str, history: Iterable[Logged], cells: int) -> MetricOutline:
    """The outline of a history, in whatever order its values come, in at most so many cells of equal length."""
    logged = sorted(history, key=lambda one: (one.step, one.at))
    axis = axis_of(logged[0].step, logged[-1].step, len(logged)) if logged else OutlineAxis.STEP
    places = [one.step if axis is OutlineAxis.STEP else one.at for one in logged]
    if axis is OutlineAxis.TIME:
        order = sorted(range(len(logged)), key=places.__getitem__)
        logged, places = [logged[number] for number in order], [places[number] for number in order]
    made: list[OutlineCell] = []
    begin = 0
    for end in _ends(places, max(cells, 1)):
        values = [one.value for one in logged[begin:end]]
        made.append(_cell(places[begin], places[end - 1], values))
        begin = end
    strange = sum(not is_finite(one.value) for one in logged)
    return MetricOutline(key, axis, tuple(made), len(logged), strange)


def axis_of(first_step: int, last_step: int, count: int) -> OutlineAxis:
    """Steps, unless several values all have the same one."""
    return OutlineAxis.TIME if first_step == last_step and count > 1 else OutlineAxis.STEP


def is_finite(value: float) -> bool:
    """Whether a logged value can be drawn: it is no NaN, and no infinity in either of its forms."""
    return math.isfinite(value) and abs(value) < BOUNDLESS


def _ends(places: Sequence[int], cells: int) -> Iterable[int]:
    """Where each cell that holds something ends."""
    if not places:
        return
    low, width = places[0], places[-1] - places[0] + 1
    numbers = [(place - low) * cells // width for place in places]
    yield from (i for i in range(1, len(numbers)) if numbers[i] != numbers[i - 1])
    yield len(places)


def _cell(first: int, last: int, values: Sequence[float]) -> OutlineCell:
    finite = [value for value in values if is_finite(value)]
    low, high = (min(finite), max(finite)) if finite else (None, None)
    end = values[-1] if is_finite(values[-1]) else None
    return OutlineCell(first, last, low, high, end, len(values))
