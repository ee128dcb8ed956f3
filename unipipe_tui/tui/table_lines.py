"""A table as lines for a width: which columns it has room for, its head, and one row. Knows no Textual."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.sheet import BETWEEN_COLUMNS, SheetRow
from unipipe_tui.tui.table import Table
from unipipe_tui.tui.text import clip, fit

GUTTER = 2
"""Cells before the first column: the cursor's mark and the row's."""
POINTER, MARK, CHANGED, UP, DOWN = "❯", "◆", "•", "▲", "▼"
LEAST_CELLS = 12
"""Of a column that does not fit as a whole: the beginning of a figure or of a date would be read as all of it."""
LEAST_OF_SECOND = 5
"""Of the first one that can be scrolled to: it would never be seen otherwise."""
ROOM_FOR_CHANGED = 1
"""A cell after the last column, for the glyph of a change in it."""


@frozen
class ShownColumn:
    """A column that there is room for."""

    number: int
    """In the sheet."""
    cells: int


def widths(table: Table, width: int) -> tuple[int, ...]:
    """What each column likes to have where there are so many cells."""
    return table.sheet.widths(width - GUTTER - ROOM_FOR_CHANGED)


def shown_columns(wanted: Sequence[int], width: int, first: int) -> tuple[ShownColumn, ...]:
    """The first column, which is always shown, then those from `first` of the others on, as far as there is room.

    The last one may be narrower than it likes; a rest that would show nothing is left empty.
    """
    left = width - GUTTER
    shown: list[ShownColumn] = []
    for number in (0, *range(1 + first, len(wanted))) if wanted else ():
        cells = min(wanted[number], left - 1)
        if shown and cells < min(wanted[number], LEAST_OF_SECOND if len(shown) == 1 else LEAST_CELLS):
            break
        shown.append(ShownColumn(number, max(0, cells)))
        left -= wanted[number] + BETWEEN_COLUMNS
    return tuple(shown)


def column_at(shown: Sequence[ShownColumn], x: int) -> int | None:
    """Which column of the sheet stands there; none right of the last."""
    edge = GUTTER
    for column in shown:
        edge += column.cells + BETWEEN_COLUMNS
        if x < edge:
            return column.number
    return None


def head_line(table: Table, shown: Sequence[ShownColumn]) -> Line:
    """The titles, with an arrow at the column that orders."""
    pieces = [(" " * GUTTER, "")]
    order = table.order
    for place in shown:
        column = table.sheet.columns[place.number]
        arrow = (DOWN if order.descending else UP) if order and order.key == column.key else ""
        title = clip(column.title, max(0, place.cells - len(arrow))) + arrow
        pieces.append((_aligned(title, place.cells, column.right), ""))
        pieces.append((" " * BETWEEN_COLUMNS, ""))
    return pieces


def row_line(table: Table, row: SheetRow, shown: Sequence[ShownColumn]) -> Line:
    """A row with what tells of it: cursor, mark, and which cells said something else a moment ago."""
    pieces = [
        (POINTER if row.id == table.cursor else " ", "bold $primary"),
        (MARK if table.is_marked(row.id) else " ", "$accent"),
    ]
    for place in shown:
        column, cell = table.sheet.columns[place.number], row.cells[place.number]
        pieces.append((_aligned(cell.text, place.cells, column.right), cell.style))
        pieces.append((CHANGED if table.has_changed(row.id, column.key) else " ", "$accent"))
        pieces.append((" " * (BETWEEN_COLUMNS - 1), ""))
    return pieces


def empty_line(table: Table, says: str, width: int) -> Line:
    """What stands in place of rows: that none bears the filter's words, or what whoever fills the table says."""
    if table.words and table.sheet.rows:
        says = f"None of {len(table.sheet.rows):,} has “{table.words}”; esc shows all."
    return ((clip(says, width), ""),)


def _aligned(text: str, width: int, right: bool) -> str:
    shown = clip(text, width)
    return " " * max(0, width - cell_len(shown)) + shown if right else fit(shown, width)
