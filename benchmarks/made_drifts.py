"""Drifts of a known kind and strength, made in a window of rows that has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from false_alarm_sets import Columns, labelled
from numpy.typing import NDArray

from unipipe_tui.monitoring.rows import Column, Labels, Numbers

MANY_VALUES = 20
Change = Callable[[np.random.Generator, Column, Column], Column]
"""A window's column, changed, given that of the reference."""


class Touched(Enum):
    """In which columns a drift is made."""

    NUMBERS = "a column of numbers"
    CATEGORIES = "a column of categories"
    ANY = "any column"
    ALL = "all columns"


@dataclass(frozen=True)
class Drift:
    """One kind of change in one strength."""

    kind: str
    strength: str
    touched: Touched
    change: Change

    @property
    def name(self) -> str:
        """Kind and strength."""
        return f"{self.kind} {self.strength}"


def shifted(by: float) -> Change:
    """Every number more by a part of the reference's standard deviation."""

    def change(generator: np.random.Generator, window: Column, reference: Column) -> Column:
        assert isinstance(window, Numbers)
        assert isinstance(reference, Numbers)
        return _kept(generator, window, window.values + by * np.std(reference.finite))

    return change


def spread(by: float) -> Change:
    """Every number so many times as far from the reference's mean."""

    def change(generator: np.random.Generator, window: Column, reference: Column) -> Column:
        assert isinstance(window, Numbers)
        assert isinstance(reference, Numbers)
        middle = np.mean(reference.finite)
        return _kept(generator, window, middle + by * (window.values - middle))

    return change


def _kept(generator: np.random.Generator, window: Numbers, values: NDArray[np.float64]) -> Numbers:
    """Whole numbers stay whole: each is rounded up as often as the fraction says."""
    if window.values.dtype.kind != "i":
        return Numbers(values)
    return Numbers(np.floor(values + generator.random(len(values))).astype(np.int64))


def moved(share: float) -> Change:
    """That share of the rows gets the reference's second most frequent value."""

    def change(generator: np.random.Generator, window: Column, reference: Column) -> Column:
        known = labelled(reference)
        value = known.names[int(np.argsort(-known.counts, kind="stable")[1])]
        now = labelled(window)
        here = np.array([name == value for name in now.names] + [False])[now.codes]
        others = np.flatnonzero(~here & (now.codes >= 0))
        rows = generator.permutation(others)[: round(share * window.rows)]
        if isinstance(window, Numbers):
            values = window.values.copy()
            values[rows] = float(value)
            return Numbers(values)
        codes = window.codes.copy()
        codes[rows] = window.names.index(value)
        return Labels(window.names, codes)

    return change


def appeared(share: float) -> Change:
    """That share of the rows gets a value that the reference never saw."""

    def change(generator: np.random.Generator, window: Column, reference: Column) -> Column:
        rows = generator.permutation(window.rows)[: round(share * window.rows)]
        if isinstance(window, Numbers):
            assert isinstance(reference, Numbers)
            values = window.values.copy()
            values[rows] = reference.finite.max() + 1
            return Numbers(values)
        codes = window.codes.copy()
        codes[rows] = len(window.names)
        return Labels((*window.names, "never seen"), codes)

    return change


def emptied(share: float) -> Change:
    """That share of the rows has no value any more."""

    def change(generator: np.random.Generator, window: Column, _: Column) -> Column:
        rows = generator.permutation(window.rows)[: round(share * window.rows)]
        if isinstance(window, Numbers):
            values = window.values.astype(np.float64)
            values[rows] = np.nan
            return Numbers(values)
        codes = window.codes.copy()
        codes[rows] = -1
        return Labels(window.names, codes)

    return change


def _everywhere(by: float, share: float) -> Change:
    up, down, over = shifted(by), shifted(-by), moved(share)

    def change(generator: np.random.Generator, window: Column, reference: Column) -> Column:
        if is_numeric(reference):
            return (up if generator.random() < 0.5 else down)(generator, window, reference)
        return over(generator, window, reference)

    return change


SHIFT, SCALE, SHARE, NEW = "mean moved by", "spread times", "share moved by", "new value:"
ALL, MISSING = "all columns by", "missing:"
DRIFTS = (
    *(Drift(SHIFT, f"{by:g} σ", Touched.NUMBERS, shifted(by)) for by in (0.1, 0.2, 0.3, 0.5)),
    *(Drift(SCALE, f"{by:g}", Touched.NUMBERS, spread(by)) for by in (1.1, 1.25, 1.5, 2.0)),
    *(Drift(SHARE, f"{share:.0%}", Touched.CATEGORIES, moved(share)) for share in (0.05, 0.1, 0.15, 0.25)),
    *(Drift(NEW, f"{share:.0%}", Touched.CATEGORIES, appeared(share)) for share in (0.02, 0.05, 0.1, 0.2)),
    *(
        Drift(ALL, f"{by:g} σ or {share:.0%}", Touched.ALL, _everywhere(by, share))
        for by, share in ((0.05, 0.02), (0.1, 0.05), (0.2, 0.1))
    ),
    *(Drift(MISSING, f"{share:.0%}", Touched.ANY, emptied(share)) for share in (0.01, 0.02, 0.05, 0.1, 0.2)),
)
UNSEEN_BY_PEERS = frozenset({MISSING})
"""They drop missing values before they compare: left out where detection is made equal."""


def is_numeric(column: Column) -> bool:
    """Whether it holds numbers of many different values."""
    return isinstance(column, Numbers) and len(np.unique(column.present)) > MANY_VALUES


def columns_for(drift: Drift, columns: Columns) -> tuple[str, ...]:
    """In which columns of a set it can be made."""
    numeric = {name: is_numeric(column) for name, column in columns.items()}
    wanted: Mapping[Touched, Callable[[str], bool]] = {
        Touched.NUMBERS: lambda name: numeric[name],
        Touched.CATEGORIES: lambda name: not numeric[name],
        Touched.ANY: lambda name: True,
        Touched.ALL: lambda name: True,
    }
    return tuple(name for name in columns if wanted[drift.touched](name))
