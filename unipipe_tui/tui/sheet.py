"""A table as a screen holds it: columns, rows, an order, a filter, what changed. Values only; knows no Textual."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from rich.cells import cell_len

from unipipe_tui.domain.values import frozen

BETWEEN_COLUMNS = 2
"""Blanks; the mark of a changed cell stands in the last of them."""
MEASURED_ROWS = 400
"""Widths are taken from so many rows: a screen of a hundred thousand must not measure them all."""


@frozen
class Column:
    """One column."""

    key: str
    title: str
    most: int = 40
    """Cells; longer texts end in an ellipsis."""
    right: bool = False
    """Numbers stand at the right."""
    stretches: bool = False
    """Takes the room that the others leave."""
    least: int = 8
    """Cells that a stretching one has, however little they leave: they can be scrolled to."""
    restless: bool = False
    """Moves all the time, as an age does: it is never marked as changed."""


@frozen
class Cell:
    """What stands at one place."""

    text: str
    """One harmless line."""
    style: str = ""
    rank: float | str | None = None
    """What it is sorted by; its text when None."""


@frozen
class SheetRow:
    """One row, and what it stands for."""

    id: str
    cells: tuple[Cell, ...]


@frozen
class Order:
    """By which column rows stand."""

    key: str
    descending: bool = False


@frozen
class Sheet:
    """What a look found, as a table."""

    columns: tuple[Column, ...] = ()
    rows: tuple[SheetRow, ...] = ()
    total: int | None = None
    """How many there are in all; None when these are all."""

    def index_of(self, key: str) -> int | None:
        """Where a column stands."""
        return next((index for index, column in enumerate(self.columns) if column.key == key), None)

    def arranged(self, words: str, order: Order | None) -> tuple[SheetRow, ...]:
        """The rows that bear all the words, whatever their case, in an order; as they came without one."""
        wanted = words.casefold().split()
        rows = [row for row in self.rows if _bears(row, wanted)] if wanted else list(self.rows)
        place = self.index_of(order.key) if order else None
        if order is None or place is None:
            return tuple(rows)
        known = [row for row in rows if not _is_missing(row.cells[place])]
        missing = [row for row in rows if _is_missing(row.cells[place])]
        known.sort(key=lambda row: _rank(row.cells[place]), reverse=order.descending)
        # What has no value stands last in either direction.
        return (*known, *missing)

    def widths(self, room: int) -> tuple[int, ...]:
        """Cells for each column: as wide as what stands in it, and the stretching ones share what is left of the room."""
        measured = self.rows[:MEASURED_ROWS]
        whole = [
            max([cell_len(column.title) + 1, *(cell_len(row.cells[n].text) for row in measured)])
            for n, column in enumerate(self.columns)
        ]
        natural = [min(column.most, cells) for column, cells in zip(self.columns, whole, strict=True)]
        stretching = [n for n, column in enumerate(self.columns) if column.stretches]
        left = room - sum(natural) - BETWEEN_COLUMNS * max(0, len(natural) - 1)
        for n in range(len(natural)):
            # Nothing is cut beside room that nobody needs.
            more = min(whole[n] - natural[n], max(left, 0))
            natural[n] += more
            left -= more
        for place, n in enumerate(stretching):
            share = left // (len(stretching) - place) if left > 0 else left
            least = min(natural[n], max(self.columns[n].least, cell_len(self.columns[n].title)))
            taken = max(least, natural[n] + share) - natural[n]
            natural[n] += taken
            left -= taken
        return tuple(natural)


def changed_cells(before: Sheet, after: Sheet) -> Mapping[str, frozenset[str]]:
    """By row, the columns whose text is another than it was; what is new is not called changed."""
    old = {row.id: row for row in before.rows}
    places = {column.key: number for number, column in enumerate(before.columns)}
    found: dict[str, frozenset[str]] = {}
    for row in after.rows:
        was = old.get(row.id)
        if was is None or was.cells == row.cells:
            continue
        moved = frozenset(_changed_columns(after.columns, row, was, places))
        if moved:
            found[row.id] = moved
    return MappingProxyType(found)


def _changed_columns(
    columns: Sequence[Column], row: SheetRow, was: SheetRow, places: Mapping[str, int]
) -> Iterable[str]:
    for number, column in enumerate(columns):
        place = None if column.restless else places.get(column.key)
        if place is not None and was.cells[place].text != row.cells[number].text:
            yield column.key


def _bears(row: SheetRow, words: Sequence[str]) -> bool:
    text = "\n".join(cell.text for cell in row.cells).casefold()
    return all(word in text for word in words)


def _is_missing(cell: Cell) -> bool:
    if cell.rank is None:
        return not cell.text.strip("–- ")
    return isinstance(cell.rank, float) and math.isnan(cell.rank)


def _rank(cell: Cell) -> tuple[int, float, str]:
    """Numbers before texts, so that a column that holds both has an order at all."""
    if cell.rank is None or isinstance(cell.rank, str):
        return (1, 0.0, (cell.text if cell.rank is None else cell.rank).casefold())
    return (0, float(cell.rank), "")
