"""A row of numbers in as many cells."""

from __future__ import annotations

import math
from collections.abc import Sequence

RISING = "▁▂▃▄▅▆▇█"
GAP = "·"
FULL_EFFECT = 5
"""An effect of so many times what counts as drift fills its cell: columns that just moved must be seen beside wild ones."""


def sparkline(values: Sequence[float | None], most: float) -> str:
    """One block for each value between nothing and the most; what lies beyond stands at that end, a gap is a dot."""
    return "".join(GAP if value is None or not math.isfinite(value) else _block(value, most) for value in values)


def effect_line(effects: Sequence[float | None], effect_from: float) -> str:
    """How far a column was in one check after the other, measured by what counts as drift."""
    return sparkline(effects, effect_from * FULL_EFFECT)


def _block(value: float, most: float) -> str:
    share = value / most if 0 < most < math.inf else 0.0
    return RISING[round(min(max(share, 0.0), 1.0) * (len(RISING) - 1))]
