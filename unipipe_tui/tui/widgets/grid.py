"""A table of any length on the screen: only the lines in sight are painted; keys and mouse move through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar

from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import TABLES
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.remembered import Kept, number_of, text_of
from unipipe_tui.tui.sheet import Order, Sheet, SheetRow
from unipipe_tui.tui.table import Table
from unipipe_tui.tui.table_lines import (
    ShownColumn,
    column_at,
    empty_line,
    head_line,
    row_line,
    shown_columns,
    widths,
)
from unipipe_tui.tui.widgets.inks import Inks
from unipipe_tui.tui.widgets.said import SaidBy

HEAD = 1
"""Lines of the head."""


class Grid(ScrollView, can_focus=True):
    """Rows and columns with a cursor that stands on a row, by what the row stands for and not by its number."""

    BINDINGS = bindings_of(TABLES)
    COMPONENT_CLASSES: ClassVar = {"grid--head", "grid--cursor", "grid--empty"}

    @dataclass
    class Pointed(SaidBy["Grid"]):
        """The cursor came to another row."""

        row_id: str

    @dataclass
    class Chosen(SaidBy["Grid"]):
        """Somebody wants to open a row."""

        row_id: str

    @dataclass
    class Marked(SaidBy["Grid"]):
        """Other rows are marked than before."""

    @dataclass
    class Ordered(SaidBy["Grid"]):
        """Somebody wants another order."""

        order: Order | None

    @dataclass
    class MoreWanted(SaidBy["Grid"]):
        """The cursor is near the end of the rows that are here, and there are more elsewhere."""

    def __init__(
        self,
        *,
        id: str | None = None,
        empty: str = "Nothing yet.",
        arranges: bool = True,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """`arranges`: it filters and sorts by itself; otherwise whoever fills it does."""
        super().__init__(id=id)
        self._table = Table(arranges=arranges, now=now)
        self._empty = empty
        self._widths: tuple[int, ...] = ()
        self._first_column = 0
        self._inks = Inks(self)

    @property
    def sheet(self) -> Sheet:
        """All that it was given."""
        return self._table.sheet

    @property
    def rows(self) -> tuple[SheetRow, ...]:
        """The rows that are shown, in their order."""
        return self._table.rows

    @property
    def pointed(self) -> str | None:
        """The row under the cursor."""
        return self._table.cursor if self._table.place is not None else None

    @property
    def marks(self) -> tuple[str, ...]:
        """The marked rows, in the order in which they were marked."""
        return self._table.marks

    @property
    def chosen(self) -> tuple[str, ...]:
        """What a key acts on: the marked rows, or the one under the cursor when none is marked."""
        return self.marks or ((self.pointed,) if self.pointed else ())

    @property
    def order(self) -> Order | None:
        """The order that somebody asked for."""
        return self._table.order

    @property
    def words(self) -> str:
        """The filter."""
        return self._table.words

    def show(self, sheet: Sheet, *, changed: bool = True) -> None:
        """Show another sheet: cursor, marks and scroll stay with their rows; `changed`: cells that differ get a glyph."""
        self._rearrange(lambda: self._table.show(sheet, changed=changed))

    def say_when_empty(self, text: str) -> None:
        """What stands in place of rows."""
        self._empty = text
        self.refresh()

    def filter(self, words: str) -> None:
        """Show only rows that bear these words."""
        self._rearrange(lambda: self._table.filter(words))

    def arrange_by(self, order: Order | None) -> None:
        """Show the rows in this order."""
        self._rearrange(lambda: self._table.arrange_by(order))

    def point_at(self, row_id: str) -> None:
        """Put the cursor on a row, if it is there."""
        place = self._table.place_of(row_id)
        if place is not None:
            self._point(place)

    def mark(self, row_ids: tuple[str, ...]) -> None:
        """Mark these rows and no others."""
        self._table.mark(row_ids)
        self.refresh()

    def remember(self) -> Kept:
        """Where the cursor stands, the order, and the columns that are in sight."""
        order = {"order": self.order.key, "descending": self.order.descending} if self.order else {}
        return {"cursor": self.pointed or "", "first_column": self._first_column, **order}

    def recall(self, kept: Kept) -> None:
        """Stand like that as soon as the row is there."""
        self._table.await_row(text_of(kept, "cursor") or None)
        self._first_column = number_of(kept, "first_column")
        if text_of(kept, "order"):
            self._ask_order(Order(text_of(kept, "order"), kept.get("descending") is True))

    # What happens

    def action_cursor_down(self) -> None:
        """Move down."""
        self._move(1)

    def action_cursor_up(self) -> None:
        """Move up."""
        self._move(-1)

    def action_page_down(self) -> None:
        """Move down a page."""
        self._move(self._page)

    def action_page_up(self) -> None:
        """Move up a page."""
        self._move(-self._page)

    def action_first(self) -> None:
        """Go to the first row."""
        self._point(0)

    def action_last(self) -> None:
        """Go to the last row that is here."""
        self._point(len(self.rows) - 1)

    def action_columns_right(self) -> None:
        """Show columns further right."""
        self._first_column += 1
        self._measure()

    def action_columns_left(self) -> None:
        """Show columns further left."""
        self._first_column = max(0, self._first_column - 1)
        self._measure()

    def action_choose(self) -> None:
        """Open the row."""
        if self.pointed:
            self.post_message(self.Chosen(self, self.pointed))

    def action_toggle_mark(self) -> None:
        """Mark the row, or take its mark away, and go on to the next."""
        if self.pointed:
            self._table.turn_mark(self.pointed)
            self.post_message(self.Marked(self))
            self._move(1)

    def action_clear_marks(self) -> None:
        """Take all marks away."""
        if self.marks:
            self.mark(())
            self.post_message(self.Marked(self))

    def action_next_order(self) -> None:
        """Sort by the next column, and after the last by none."""
        self._ask_order(self._table.next_order())

    def action_turn_order(self) -> None:
        """Turn the order around."""
        if self.order:
            self._ask_order(self._table.order_by(self.order.key))

    def on_click(self, event: Click) -> None:
        """A row gets the cursor, a second click opens it; a head sorts by its column."""
        content = event.get_content_offset(self)
        if content is None:
            return
        if content.y < HEAD:
            self._click_head(content.x)
            return
        place = self.scroll_offset.y + content.y - HEAD
        if place < len(self.rows):
            self._point(place)
            if event.chain > 1:
                self.action_choose()

    def _click_head(self, x: int) -> None:
        number = column_at(self._shown_columns(), x)
        if number is not None:
            self._ask_order(self._table.order_by(self.sheet.columns[number].key))

    def on_resize(self, event: Resize) -> None:
        """Columns share the room."""
        self._measure()

    def on_mount(self) -> None:
        """Paint anew in other colours."""
        self._inks.follow_theme(self.refresh)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """More rows may be wanted."""
        super().watch_scroll_y(old_value, new_value)
        self._want_more(int(new_value) + self._page)

    # How it is painted

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.scrollable_content_region.width
        if y < HEAD:
            return self._painted(head_line(self._table, self._shown_columns()), "grid--head")
        if not self.rows and y == HEAD:
            return self._painted(empty_line(self._table, self._empty, width), "grid--empty")
        place = self.scroll_offset.y + y - HEAD
        if place >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        row = self.rows[place]
        line = row_line(self._table, row, self._shown_columns())
        return self._painted(line, "grid--cursor" if row.id == self._table.cursor else "")

    def _painted(self, line: Line, component: str) -> Strip:
        base = self.get_component_rich_style(component) if component else self.rich_style
        return self._inks.strip(line, base, self.scrollable_content_region.width)

    def _shown_columns(self) -> tuple[ShownColumn, ...]:
        return shown_columns(self._widths, self.scrollable_content_region.width, self._first_column)

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height - HEAD)

    # What follows from other rows, and from another row under the cursor

    def _rearrange(self, change: Callable[[], None]) -> None:
        """Let other rows stand there; the one under the cursor stays where it stands on the screen."""
        cursor, before = self._table.cursor, self._table.place
        top = self.scroll_offset.y
        change()
        self._measure()
        now = self._table.place
        if self._table.cursor != cursor or before is None:
            self._follow_cursor(cursor)
        elif now is not None and now != before:
            self.scroll_to(y=max(0, top + now - before), animate=False, force=True)
            self._show_place(now)

    def _measure(self) -> None:
        self._widths = widths(self._table, self.scrollable_content_region.width)
        # Two are left: the first, which is always shown, and one beside it.
        self._first_column = min(self._first_column, max(0, len(self.sheet.columns) - 2))
        self.virtual_size = Size(0, len(self.rows) + HEAD)
        self.refresh()

    def _ask_order(self, order: Order | None) -> None:
        self.arrange_by(order)
        self.post_message(self.Ordered(self, order))

    def _move(self, by: int) -> None:
        self._point((self._table.place or 0) + by)

    def _point(self, place: int) -> None:
        cursor = self._table.cursor
        self._table.go_to(place)
        self._follow_cursor(cursor)

    def _follow_cursor(self, before: str | None) -> None:
        """Show the row under the cursor, and tell when it is another one than before."""
        place = self._table.place
        if place is None:
            return
        self._show_place(place)
        self.refresh()
        if self._table.cursor != before:
            self.post_message(self.Pointed(self, self.rows[place].id))
        self._want_more(place)

    def _show_place(self, place: int) -> None:
        # The head lies over the first line: a row is in sight when it is not below the last line under the head.
        self.scroll_to_region(Region(0, place, 1, 1 + HEAD), animate=False, force=True, x_axis=False)

    def _want_more(self, place: int) -> None:
        if self._table.wants_more(place):
            self.post_message(self.MoreWanted(self))
