"""A table as somebody looks at it: order, filter, marks, and a cursor that stands on a row by what the row stands for.

All of that outlives another sheet. Knows no Textual: what is on the screen is the grid's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from types import MappingProxyType

from unipipe_tui.tui.sheet import Order, Sheet, SheetRow, changed_cells

CHANGED_FOR_SECONDS = 8.0
"""How long a changed cell is told from others; whoever looks away for a moment still sees it."""
MORE_WITHIN_ROWS = 50
"""How near to the last row somebody comes before more are wanted."""


class Table:
    """Rows in an order; knows them by their ids, and so through every change."""

    def __init__(self, *, arranges: bool = True, now: Callable[[], float] = monotonic) -> None:
        """`arranges`: it filters and sorts by itself; otherwise whoever fills it does."""
        self._arranges = arranges
        self._now = now
        self._sheet = Sheet()
        self._rows: tuple[SheetRow, ...] = ()
        self._places: Mapping[str, int] = MappingProxyType({})
        self._cursor: str | None = None
        self._awaited: str | None = None
        self._marks: dict[str, None] = {}
        self._words = ""
        self._order: Order | None = None
        self._changed: Mapping[tuple[str, str], float] = MappingProxyType({})
        """By row and column, until when."""

    @property
    def sheet(self) -> Sheet:
        """All that it was given."""
        return self._sheet

    @property
    def rows(self) -> tuple[SheetRow, ...]:
        """The rows that are shown, in their order."""
        return self._rows

    @property
    def words(self) -> str:
        """The filter."""
        return self._words

    @property
    def order(self) -> Order | None:
        """The order that somebody asked for."""
        return self._order

    @property
    def marks(self) -> tuple[str, ...]:
        """The marked rows, in the order in which they were marked."""
        return tuple(self._marks)

    @property
    def cursor(self) -> str | None:
        """The row of the cursor, which it keeps while no row is shown."""
        return self._cursor

    @property
    def place(self) -> int | None:
        """Where the cursor stands among the rows that are shown."""
        return None if self._cursor is None else self._places.get(self._cursor)

    def place_of(self, row_id: str) -> int | None:
        """Where a row stands among those that are shown."""
        return self._places.get(row_id)

    def is_marked(self, row_id: str) -> bool:
        """Whether a row is marked."""
        return row_id in self._marks

    def has_changed(self, row_id: str, column: str) -> bool:
        """Whether a cell said something else a moment ago, as of the sheet that is shown."""
        return (row_id, column) in self._changed

    # Other rows, or the same ones otherwise

    def show(self, sheet: Sheet, *, changed: bool = True) -> None:
        """Take another sheet; `changed`: note which cells say something else."""
        self._changed = MappingProxyType(self._changes_until(sheet) if changed else {})
        self._sheet = sheet
        self._arrange()

    def filter(self, words: str) -> None:
        """Show only rows that bear these words."""
        self._words = words
        self._arrange()

    def arrange_by(self, order: Order | None) -> None:
        """Show the rows in this order."""
        self._order = order
        self._arrange()

    def _changes_until(self, sheet: Sheet) -> dict[tuple[str, str], float]:
        now = self._now()
        recent = {cell: until for cell, until in self._changed.items() if until > now}
        new = changed_cells(self._sheet, sheet)
        return recent | {(row, key): now + CHANGED_FOR_SECONDS for row, keys in new.items() for key in keys}

    def _arrange(self) -> None:
        before = self.place
        self._rows = self._sheet.arranged(self._words, self._order) if self._arranges else self._sheet.rows
        self._places = {row.id: place for place, row in enumerate(self._rows)}
        if self._rows:
            self._settle(before)

    def _settle(self, before: int | None) -> None:
        """The cursor goes to the row that it waits for, stays on its own, or goes to the one in its place now."""
        awaited, self._awaited = self._awaited, None
        if awaited is not None and awaited in self._places:
            self._cursor = awaited
        elif self.place is None:
            self.go_to(before or 0)

    # Orders that follow from the one there is

    def next_order(self) -> Order | None:
        """By the next column, and after the last by none."""
        keys = [column.key for column in self._sheet.columns]
        place = keys.index(self._order.key) + 1 if self._order and self._order.key in keys else 0
        return Order(keys[place]) if place < len(keys) else None

    def order_by(self, key: str) -> Order:
        """By this column; the other way round if it is by that already."""
        return Order(key, self._order is not None and self._order.key == key and not self._order.descending)

    # Cursor and marks

    def go_to(self, place: int) -> None:
        """Put the cursor on the row there, or on the one that is nearest to it."""
        if self._rows:
            self._cursor = self._rows[max(0, min(place, len(self._rows) - 1))].id

    def await_row(self, row_id: str | None) -> None:
        """Put the cursor on this row if it is among the next ones."""
        self._awaited = row_id

    def mark(self, row_ids: tuple[str, ...]) -> None:
        """Mark these rows and no others."""
        self._marks = dict.fromkeys(row_ids)

    def turn_mark(self, row_id: str) -> None:
        """Mark a row, or take its mark away."""
        if row_id in self._marks:
            del self._marks[row_id]
        else:
            self._marks[row_id] = None

    def wants_more(self, place: int) -> bool:
        """Whether there are more rows elsewhere, and this place is near the end of those that are here."""
        total = self._sheet.total
        return total is not None and len(self._sheet.rows) < total and place >= len(self._rows) - MORE_WITHIN_ROWS
