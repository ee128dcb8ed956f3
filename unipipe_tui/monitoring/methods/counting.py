"""How columns are counted in the cells of a library's convention: equal-width bins, or values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.methods.method import NotMeasured
from unipipe_tui.monitoring.rows import Column, Labels, Numbers

NO_REFERENCE = "The reference holds no value that can be compared."
NO_CURRENT = "The current data holds no value that can be compared."


@frozen
class Counts:
    """Two counts of the same cells; `bins` says in words which they are."""

    reference: NDArray[Any]
    current: NDArray[Any]
    bins: str


def finite_of_both(reference: Column, current: Column) -> tuple[NDArray[Any], NDArray[Any]]:
    """The finite numbers of two columns of numbers. Raises `NotMeasured` when one of the two holds none."""
    assert isinstance(reference, Numbers)
    assert isinstance(current, Numbers)
    return some(reference.finite, NO_REFERENCE), some(current.finite, NO_CURRENT)


def some(values: NDArray[Any], otherwise: str) -> NDArray[Any]:
    """The values. Raises `NotMeasured` with the sentence when there is none."""
    if not len(values):
        raise NotMeasured(otherwise)
    return values


def edges_of(values: NDArray[Any], rule: str) -> NDArray[Any]:
    """The edges of equal-width bins by a rule of `numpy.histogram_bin_edges`.

    Raises `NotMeasured` when there are none: a few extreme values can ask for more bins than memory holds.
    """
    try:
        with np.errstate(all="ignore"):
            return np.histogram_bin_edges(values, bins=rule)
    except (ValueError, MemoryError, OverflowError, IndexError) as error:
        raise NotMeasured(f"No bins can be made of these values: {error}.") from error


def in_bins(values: NDArray[Any], edges: NDArray[Any]) -> NDArray[Any]:
    """Counts between edges that are equally far apart; what lies outside is not counted.

    Equal to `numpy.histogram(values, edges)`, which takes ten times as long because it cannot know that.
    """
    if edges.dtype == np.float64 and values.dtype.kind == "f":
        values = values.astype(np.float64, copy=False)
    if not edges[0] < edges[-1]:
        return np.histogram(values, edges)[0]
    counted, made = np.histogram(values, bins=len(edges) - 1, range=(edges[0], edges[-1]))
    return counted if np.array_equal(made, edges) else np.histogram(values, edges)[0]


def by_value(reference: NDArray[Any], current: NDArray[Any]) -> Counts:
    """Counts of every value that one of the two holds."""
    values = np.union1d(reference, current)
    places = (np.searchsorted(values, side) for side in (reference, current))
    then, now = (np.bincount(place, minlength=len(values)) for place in places)
    return Counts(then, now, values_told(len(values)))


def by_name(reference: Column, current: Column) -> Counts:
    """Counts of every name that one of two columns of names holds. Raises `NotMeasured` when one of the two holds none."""
    then, now = _by_name(reference), _by_name(current)
    if not then:
        raise NotMeasured(NO_REFERENCE)
    if not now:
        raise NotMeasured(NO_CURRENT)
    names = [*then, *(name for name in now if name not in then)]
    return Counts(_listed(names, then), _listed(names, now), values_told(len(names)))


def _by_name(labels: Column) -> dict[str, int]:
    assert isinstance(labels, Labels)
    return {name: count for name, count in zip(labels.names, labels.counts.tolist(), strict=True) if count}


def _listed(names: Sequence[str], counts: dict[str, int]) -> NDArray[np.int64]:
    return np.array([counts.get(name, 0) for name in names])


def values_told(count: int) -> str:
    """`12 values`."""
    return f"{count:,} {'value' if count == 1 else 'values'}"


def has_more_values_than(few: int, values: NDArray[Any]) -> bool:
    """Whether there are more different values; most columns show it in their first rows."""
    return len(np.unique(values[: 50 * few])) > few or len(np.unique(values)) > few
