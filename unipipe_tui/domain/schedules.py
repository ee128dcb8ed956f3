"""When something is due that is done again and again."""

from __future__ import annotations

import math


def next_due(first: float, every: float, now: float) -> float:
    """The first moment after now among first, first + every, first + 2 every, …

    Whatever a round takes, the moments stay where they are; those that a long one passed over are left out. The moments are
    those of a clock that never jumps.
    """
    return first + every * max(0, math.floor((now - first) / every) + 1)
