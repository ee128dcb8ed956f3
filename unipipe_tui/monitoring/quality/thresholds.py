"""What is usual: the band around a figure of the reference's chunks, outside of which a window raises an alert."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from unipipe_tui.monitoring.quality.results import Band

DEVIATIONS = 3.0


def usual_band(values: Sequence[float | None], lowest: float = 0.0, highest: float = math.inf) -> Band | None:
    """Mean ± 3 standard deviations (of the population) over the chunks, cut to what is possible.

    As NannyML 0.13 does it. Chunks without a value are passed over; None when fewer than two have one, since one tells no spread.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return None
    centre, spread = float(np.mean(known)), float(np.std(known))
    low, high = centre - DEVIATIONS * spread, centre + DEVIATIONS * spread
    return Band(max(low, lowest), min(high, highest), len(known))


def chunks_of(rows: int, size: int) -> tuple[slice, ...]:
    """Consecutive chunks of so many rows; the rest at the end is a chunk too."""
    return tuple(slice(start, min(start + size, rows)) for start in range(0, rows, size))
