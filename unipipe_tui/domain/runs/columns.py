"""Values of many runs under one name: numbers where all of them are, else categories."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from unipipe_tui.domain.values import frozen

Cell = float | str | None


class ColumnKind(StrEnum):
    """What a column holds."""

    NUMBER = "number"
    CATEGORY = "category"


@frozen
class Column:
    """One value per run: all floats or all texts; None where a run has none."""

    name: str
    kind: ColumnKind
    values: tuple[Cell, ...]

    @property
    def numbers(self) -> tuple[float, ...]:
        """The values as numbers, NaN for none; a category counts as its place among `categories`."""
        if self.kind is ColumnKind.NUMBER:
            return tuple(math.nan if value is None else float(value) for value in self.values)
        places = {name: float(place) for place, name in enumerate(self.categories)}
        return tuple(math.nan if value is None else places[str(value)] for value in self.values)

    @property
    def categories(self) -> tuple[str, ...]:
        """The different texts by name; empty for numbers."""
        if self.kind is ColumnKind.NUMBER:
            return ()
        return tuple(sorted({str(value) for value in self.values if value is not None}))

    @property
    def distinct(self) -> int:
        """How many different values there are; having none counts as one."""
        return len(set(self.values))

    def commonest(self, most: int) -> tuple[str, ...]:
        """The commonest categories, at most so many."""
        counted = Counter(str(value) for value in self.values if value is not None)
        return tuple(name for name, _ in sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:most])

    def chosen(self, places: Sequence[int]) -> Column:
        """The same of some of the runs."""
        return Column(self.name, self.kind, tuple(self.values[place] for place in places))


def column_of(name: str, values: Sequence[Cell]) -> Column:
    """A column of what was logged: texts become numbers when every one of them is a finite number."""
    numbers = [_number(value) for value in values]
    there = [number for value, number in zip(values, numbers, strict=True) if value is not None]
    if there and all(number is not None for number in there):
        return Column(name, ColumnKind.NUMBER, tuple(numbers))
    return Column(name, ColumnKind.CATEGORY, tuple(None if value is None else str(value) for value in values))


def rank_correlation(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Spearman's coefficient of the pairs without a gap, from -1 to 1; None with fewer than three or a constant."""
    pairs = [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(x) and math.isfinite(y)]
    if len(pairs) < 3:
        return None
    first, second = _ranks([x for x, _ in pairs]), _ranks([y for _, y in pairs])
    middle = (len(pairs) - 1) / 2
    spread = sum((rank - middle) ** 2 for rank in first) * sum((rank - middle) ** 2 for rank in second)
    if spread == 0:
        return None
    return sum((a - middle) * (b - middle) for a, b in zip(first, second, strict=True)) / math.sqrt(spread)


def _ranks(values: Sequence[float]) -> list[float]:
    """The place of each value from 0 up; equal values share the middle of their places."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end < len(order) and values[order[end]] == values[order[begin]]:
            end += 1
        for place in order[begin:end]:
            ranks[place] = (begin + end - 1) / 2
        begin = end
    return ranks


def _number(value: Cell) -> float | None:
    """The number that a value is; a metric that is NaN or infinite is one, a text `nan` is not."""
    if value is None or isinstance(value, float | int):
        return None if value is None else float(value)
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
