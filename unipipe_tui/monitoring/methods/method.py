"""What a method is: a value that says what it computes, over which cells, on what terms, and when that is drift."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.cells import Cells
from unipipe_tui.monitoring.methods.decisions import Decision
from unipipe_tui.monitoring.rows import Column


class Scale(Enum):
    """As what a column is compared."""

    NUMBERS = "numbers"
    CATEGORIES = "categories"


class NotMeasured(Exception):
    """The two columns cannot be compared by this method; the message is a sentence."""


@frozen
class Measurement:
    """What a method found between two columns."""

    value: float
    reference_values: int
    """How many values of the reference it rests on."""
    current_values: int
    p_value: float | None = None
    """Of this column alone, not adjusted for others."""
    effect: float | None = None
    limit: float | None = None
    """What the reference itself says is the most to be expected, where the method learns that."""
    bins: str = ""
    """The cells, for people; empty where the values themselves were compared."""
    left_out: int = 0
    """Infinite values, which have no place in the formula."""

    @classmethod
    def between(
        cls,
        reference: Column,
        current: Column,
        value: float,
        *,
        p_value: float | None = None,
        effect: float | None = None,
        bins: str = "",
    ) -> Measurement:
        """Of two whole columns, of which what is missing or infinite was left out."""
        left_out = reference.infinite + current.infinite
        return cls(value, reference.known, current.known, p_value, effect, bins=bins, left_out=left_out)


class OfCells(Protocol):
    """Compares counts of the same cells: those of the profiles."""

    def __call__(self, cells: Cells) -> Measurement:
        """Raises `NotMeasured` when it cannot."""
        ...


class OfValues(Protocol):
    """Compares the values themselves."""

    def __call__(self, reference: Column, current: Column) -> Measurement:
        """Raises `NotMeasured` when it cannot."""
        ...


@frozen
class Method:
    """One way to compare a column of two sets. The texts are what its page in the documentation says."""

    name: DriftMethod
    title: str
    scales: tuple[Scale, ...]
    formula: str
    symbols: str
    """What the letters of the formula mean."""
    base: str
    """Of the logarithm: `e`, `2`, or empty where there is none."""
    bins: str
    assumptions: str
    decision: Decision
    source: str
    effect: str = ""
    """What `effect` is; empty where it is the value itself."""
    of_cells: OfCells | None = None
    of_values: OfValues | None = None
    """One of the two."""

    @property
    def logarithm(self) -> str:
        """The logarithm in words; empty where there is none."""
        return {"e": "natural logarithm", "2": "logarithm to base 2", "": ""}[self.base]
