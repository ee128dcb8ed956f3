"""Rows drawn by lot from an opened set, column by column, and as the arrays that models learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.distributions import Family, Profile
from unipipe_tui.monitoring.rows import Column, Labels, Numbers, Rows

SEED = 20
MOST_ROWS = 20_000
MOST_CODES = 100
"""Values of a column that a model tells apart; all rarer ones are one."""
LARGEST = 1e150
"""What an infinity is read as: models compute with differences."""

Floats = NDArray[np.float64]


@frozen
class Sample:
    """Some rows of a set, in the order in which they lie there."""

    of: int
    """How many rows the set has."""
    columns: Mapping[str, Column]

    @property
    def rows(self) -> int:
        """How many were drawn."""
        return next((column.rows for column in self.columns.values()), 0)


def comparable(reference: Profile, current: Profile) -> tuple[str, ...]:
    """The columns that both sides hold values of."""
    found = []
    for name, then in reference.columns:
        now = current.column(name)
        if now is not None and then.present and now.present:
            found.append(name)
    return tuple(found)


def drawn(rows: Rows, profile: Profile, names: Sequence[str], most: int = MOST_ROWS) -> Sample:
    """At most so many rows of a set with this profile; the same ones whenever it is asked."""
    places = _places(profile.rows, most)
    return Sample(profile.rows, {name: _taken(_column(rows, profile, name), places) for name in names})


def _places(rows: int, most: int) -> NDArray[np.int64] | None:
    if rows <= most:
        return None
    return np.sort(np.random.default_rng(SEED).choice(rows, most, replace=False, shuffle=False))


def _column(rows: Rows, profile: Profile, name: str) -> Column:
    distribution = profile.column(name)
    numeric = distribution is not None and distribution.family is Family.NUMBER
    return rows.numbers(name) if numeric else rows.labels(name)


def _taken(column: Column, places: NDArray[np.int64] | None) -> Column:
    if places is None:
        return column
    if isinstance(column, Numbers):
        return Numbers(column.values[places])
    return Labels(column.names, column.codes[places])


def numbers_of(column: Column) -> Floats:
    """A column of numbers as floating-point ones, NaN where a row has none, and finite."""
    assert isinstance(column, Numbers)
    return np.clip(column.values.astype(np.float64), -LARGEST, LARGEST)


def common_codes(one: Labels, other: Labels) -> tuple[Floats, Floats]:
    """Both columns by numbers of the values that are commonest in both together, NaN where a row has none."""
    counts: dict[str, int] = {}
    for side in (one, other):
        for name, count in zip(side.names, side.counts.tolist(), strict=True):
            counts[name] = counts.get(name, 0) + count
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    code = {name: float(min(place, MOST_CODES)) for place, name in enumerate(ranked)}
    return _coded(one, code), _coded(other, code)


def _coded(labels: Labels, code: Mapping[str, float]) -> Floats:
    # The last one stands for "no value", which has the code -1.
    table = np.array([*(code[name] for name in labels.names), np.nan])
    return np.asarray(table[labels.codes])


def every(sample: Sample, most: int) -> Sample:
    """At most so many of its rows, evenly spread over them."""
    if sample.rows <= most:
        return sample
    places = np.linspace(0, sample.rows - 1, most).round().astype(np.int64)
    return Sample(sample.of, {name: _taken(column, places) for name, column in sample.columns.items()})


@frozen
class Table:
    """Two samples as arrays of numbers with the same columns, for models that take texts as codes."""

    names: tuple[str, ...]
    categorical: tuple[bool, ...]
    reference: Floats
    """Shape (rows, columns)."""
    current: Floats


def table_of(reference: Sample, current: Sample) -> Table:
    """The columns of both, side by side."""
    names = tuple(reference.columns)
    sides: list[tuple[Floats, Floats]] = []
    categorical = []
    for name in names:
        then, now = reference.columns[name], current.columns[name]
        if isinstance(then, Labels) and isinstance(now, Labels):
            sides.append(common_codes(then, now))
            categorical.append(True)
        else:
            sides.append((numbers_of(then), numbers_of(now)))
            categorical.append(False)
    return Table(
        names,
        tuple(categorical),
        np.column_stack([then for then, _ in sides]),
        np.column_stack([now for _, now in sides]),
    )
