"""How numbers are counted in bins: a column is sorted once, and then all that is asked of it lies at known places."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unipipe_tui.monitoring.distributions import NumericDistribution

SQUARABLE = 1e150
ENDS = (-sys.float_info.max, sys.float_info.max)
"""The edges where all values are infinite: a finite one lies between them."""


def count_sorted(
    values: NDArray[np.float64], missing: int, edges: Sequence[float] | None, bins: int
) -> NumericDistribution:
    """Count values that are in order and hold no NaN: in bins with these edges, or else in new ones of equal mass."""
    finite = values[_places(values, -math.inf, math.inf)]
    if edges is None:
        edges = equal_mass_edges(finite, bins) or (ENDS if len(values) else ())
    up_to = np.searchsorted(values, np.array(edges, dtype=np.float64), side="right")
    counts = np.diff(up_to, prepend=0, append=len(values))
    mean, std = _moments(values[_places(values, -SQUARABLE, SQUARABLE)])
    return NumericDistribution(
        edges=tuple(edges),
        counts=tuple(counts.tolist()),
        missing=missing,
        minimum=_plain(finite[0]) if len(finite) else None,
        maximum=_plain(finite[-1]) if len(finite) else None,
        mean=rounded(mean),
        std=rounded(std),
    )


def equal_mass_edges(finite: NDArray[np.float64], bins: int) -> tuple[float, ...]:
    """The quantiles i/bins between an edge just below the smallest value and one at the largest, each edge once."""
    if not len(finite):
        return ()
    # The smallest value that at least i/bins of the values do not exceed, in whole numbers: no rounding.
    places = [max(0, -(-index * len(finite) // bins) - 1) for index in range(1, bins)]
    return edges_between(_plain(finite[0]), _plain(finite[-1]), [_plain(finite[place]) for place in places])


def edges_between(smallest: float, largest: float, quantiles: Sequence[float]) -> tuple[float, ...]:
    """Those quantiles that part the values, and the two ends."""
    inner = {quantile for quantile in quantiles if smallest <= quantile < largest}
    return tuple(sorted(edge for edge in inner | {math.nextafter(smallest, -math.inf), largest} if math.isfinite(edge)))


def rounded(moment: float | None) -> float | None:
    """Twelve digits: sums of parts differ after that, and equal rows must have equal digests."""
    return None if moment is None else float(f"{moment:.12g}")


def in_order(fetched: NDArray[Any]) -> NDArray[Any]:
    """The values of a column as it was fetched, sorted, without the gaps; what was fetched is used up."""
    values: NDArray[Any] = np.ma.compressed(fetched) if np.ma.is_masked(fetched) else np.ma.getdata(fetched)
    if not values.flags.writeable:
        values = values.copy()
    values.sort()
    return values[: np.searchsorted(values, np.nan)] if values.dtype.kind == "f" else values


def different(values: NDArray[Any], most: int) -> list[tuple[int, int]] | None:
    """Every value of a sorted column and how often it is there; None when there are more than `most`."""
    if not len(values):
        return []
    steps = np.flatnonzero(values[1:] != values[:-1]) + 1
    if len(steps) >= most:
        return None
    begins, ends = [0, *steps.tolist()], [*steps.tolist(), len(values)]
    return [(int(values[begin]), end - begin) for begin, end in zip(begins, ends, strict=True)]


def _places(values: NDArray[np.float64], above: float, below: float) -> slice:
    return slice(np.searchsorted(values, above, side="right"), np.searchsorted(values, below, side="left"))


def _moments(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Mean and standard deviation."""
    if not len(values):
        return None, None
    if values[0] == values[-1]:
        return _plain(values[0]), 0.0
    return float(values.mean()), float(values.std(ddof=1))


def _plain(value: np.float64) -> float:
    """Without the sign of a zero: which of two zeros comes first is luck."""
    return float(value) + 0.0
