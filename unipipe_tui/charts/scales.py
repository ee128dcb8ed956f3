"""Values to distances, and the numbers that stand along an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from unipipe_tui.domain.charts import Axis, Scale
from unipipe_tui.domain.values import frozen

LOG_FROM_DECADES = 3.0
LARGEST = 1e300
"""Beyond it, differences of values would be infinite; what is larger is drawn at the edge."""
SMALLEST_SPAN = 1e-300
"""Values that differ by less are drawn as equal: a tenth of it would be nothing."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS = (
    *(number / 1000 for number in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(1, 2, 5, 10, 15, 30),
    *(60 * number for number in (1, 2, 5, 10, 15, 30)),
    *(3600 * number for number in (1, 2, 3, 6, 12)),
    *(86400 * number for number in (1, 2, 5, 7, 14, 30, 60, 90, 180, 365, 730, 1825, 3650, 36500)),
)
"""Seconds."""


@frozen
class Tick:
    """A place along an axis, from 0 to 1, and what stands there."""

    at: float
    text: str


@frozen
class Ruler:
    """An axis with its two ends fixed."""

    axis: Axis
    low: float
    high: float
    log: bool

    def place(self, value: float) -> float | None:
        """Where a value lies, from 0 to 1; None for a gap: what is no finite number, or has no logarithm."""
        if not math.isfinite(value) or (self.log and value <= 0):
            return None
        within = min(max(value, self.low), self.high)
        low, high, at = self._measured(self.low), self._measured(self.high), self._measured(within)
        return min(max((at - low) / (high - low), 0.0), 1.0)

    def ticks(self, most: int) -> tuple[Tick, ...]:
        """At most so many numbers along it, two where there is room for two."""
        if self.axis.categories:
            return self._categories(most)
        if self.axis.scale is Scale.TIME:
            return self._times(most)
        values = self._decades(most) if self.log else self._round_numbers(most)
        texts = _texts(values)
        return tuple(Tick(self.place(value) or 0.0, text) for value, text in zip(values, texts, strict=True))

    def _measured(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def _round_numbers(self, most: int) -> list[float]:
        span = self.high - self.low
        power = 10.0 ** math.floor(math.log10(span / max(most, 1)))
        step = next((nice * power for nice in _NICE if span / (nice * power) <= max(most, 1)), 10 * power)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)][: most + 1] or [self.low, self.high]

    def _decades(self, most: int) -> list[float]:
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        every = max(math.ceil((last - first + 1) / max(most, 1)), 1)
        return [10.0**power for power in range(first, last + 1, every)] or [self.low, self.high]

    def _categories(self, most: int) -> tuple[Tick, ...]:
        every = max(math.ceil(len(self.axis.categories) / max(most, 1)), 1)
        chosen = list(enumerate(self.axis.categories))[::every]
        return tuple(Tick(self.place(float(number)) or 0.0, name) for number, name in chosen)

    def _times(self, most: int) -> tuple[Tick, ...]:
        seconds = (self.high - self.low) / 1000
        step = next((one for one in _TIME_STEPS if seconds / one <= max(most, 1)), seconds) * 1000
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        values = [number * step for number in range(first, last + 1)] or [self.low]
        form = "%Y-%m-%d" if step >= 86_400_000 else "%m-%d %H:%M" if seconds > 86400 else "%H:%M:%S"
        return tuple(Tick(self.place(value) or 0.0, _moment(value, form, fine=step < 1000)) for value in values)


def ruler(axis: Axis, values: Iterable[float]) -> Ruler:
    """The axis, as long as these values need it; gaps and infinities do not count."""
    finite = [value for value in values if math.isfinite(value)]
    if axis.categories:
        return Ruler(axis, -0.5, len(axis.categories) - 0.5, log=False)
    if not finite:
        return Ruler(axis, 0.0, 1.0, log=False)
    low, high = (min(max(end, -LARGEST), LARGEST) for end in (min(finite), max(finite)))
    log = _is_log(axis.scale, low, high)
    if low == high or (not log and high - low < SMALLEST_SPAN):
        # A constant lies in the middle.
        room = abs(low) * 0.1 if abs(low) > SMALLEST_SPAN else 1.0
        low, high = (low / 2 or low, high * 2) if log else (low - room, high + room)
    return Ruler(axis, low, high, log)


def number_text(value: float) -> str:
    """A number as short as four digits allow."""
    if not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if value == round(value) and 1000 <= abs(value) < 1e7 else f"{value:.4g}"


def _is_log(scale: Scale, low: float, high: float) -> bool:
    if low <= 0:
        return False
    return scale is Scale.LOG or (scale is Scale.FITTING and math.log10(high) - math.log10(low) > LOG_FROM_DECADES)


def _texts(values: list[float]) -> list[str]:
    """Numbers with as many digits as tell them apart."""
    for digits in range(3, 15):
        texts = [_short(value, digits) for value in values]
        if len(set(texts)) == len(set(values)):
            return texts
    return [repr(value) for value in values]


def _short(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    if 1000 <= abs(value) < 1e7 and value == round(value):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def _moment(milliseconds: float, form: str, *, fine: bool) -> str:
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return "?"
    return f"{moment:{form}}.{moment.microsecond // 1000:03}" if fine else f"{moment:{form}}"
