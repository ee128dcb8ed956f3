"""The cells in which two distributions of one column are compared and drawn: bins of numbers, or values by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.distributions import CategoricalDistribution, Distribution, NumericDistribution

OTHER = "(other values)"
RARE = 20
SURELY_EXPECTED = 10.0
LONG_FROM = 1e6


@frozen
class Cells:
    """Two counts of the same cells. `labels`, `reference` and `current` are parallel.

    `new_values` are those the reference never saw, the most frequent first; `vanished_values` those of which at least
    ten were to be expected and none came.
    """

    labels: tuple[str, ...]
    reference: tuple[int, ...]
    current: tuple[int, ...]
    new_values: tuple[str, ...] = ()
    vanished_values: tuple[str, ...] = ()


def aligned(reference: Distribution, current: Distribution) -> Cells | None:
    """The common cells of two distributions, or None when they were not counted alike."""
    if isinstance(reference, NumericDistribution) and isinstance(current, NumericDistribution):
        if reference.edges != current.edges:
            return None
        return Cells(bin_labels(reference), reference.counts, current.counts)
    if isinstance(reference, CategoricalDistribution) and isinstance(current, CategoricalDistribution):
        return _by_name(reference, current) if reference.family is current.family else None
    return None


def bin_labels(distribution: NumericDistribution) -> tuple[str, ...]:
    """What each bin is called: `< 0`, `0 to 2.5`, `> 10`, with as few digits as keep the edges apart."""
    edges = list(distribution.edges)
    if not edges:
        return ("any",)
    below = "≤"
    if distribution.minimum is not None and edges[0] == math.nextafter(distribution.minimum, -math.inf):
        edges[0], below = distribution.minimum, "<"
    shown = _apart(edges)
    between = [low if low == high else f"{low} to {high}" for low, high in pairwise(shown)]
    return (f"{below} {shown[0]}", *between, f"> {shown[-1]}")


def _apart(edges: Sequence[float]) -> list[str]:
    for digits in range(3, 17):
        shown = [_plain(f"{edge:.{digits}g}") for edge in edges]
        if len(set(shown)) == len(set(edges)):
            return shown
    return [repr(edge) for edge in edges]


def _plain(shown: str) -> str:
    """`1,010` for `1.01e+03`: an exponent is only read easily where the number is long without it."""
    value = float(shown)
    return f"{value:,.0f}" if "e" in shown and 1 <= abs(value) < LONG_FROM else shown


def _by_name(reference: CategoricalDistribution, current: CategoricalDistribution) -> Cells:
    """One cell a value: the reference's in its order, then the new ones, then all others together.

    When the reference could not name all its values, an unnamed one is not new, and its rarely seen ones join the
    others: which of many rare values made it into the list was luck, and a second sample is not as lucky.
    """
    complete = reference.other == 0
    named = [(value, count) for value, count in reference.counts if complete or count >= RARE]
    then, now = dict(named), dict(current.counts)
    new = [value for value, _ in current.counts if value not in then] if complete else []
    labels = [value for value, _ in named] + new
    before = [then.get(value, 0) for value in labels]
    after = [now.get(value, 0) for value in labels]
    rest_before, rest_after = reference.present - sum(before), current.present - sum(after)
    if rest_before or rest_after:
        labels, before, after = [*labels, OTHER], [*before, rest_before], [*after, rest_after]
    expected = current.present / reference.present if reference.present else 0.0
    vanished = (value for value, count in named if value not in now and count * expected >= SURELY_EXPECTED)
    return Cells(tuple(labels), tuple(before), tuple(after), tuple(new), tuple(vanished))
