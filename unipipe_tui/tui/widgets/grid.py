"""A table of any length: only what is on the screen is painted; cursor, marks, order and filter outlive every refresh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from types import MappingProxyType
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import TABLES
from unipipe_tui.tui.remembered import Kept, number_of, text_of
from unipipe_tui.tui.sheet import BETWEEN_COLUMNS, Order, Sheet, SheetRow, changed_cells
from unipipe_tui.tui.text import clip, fit

HEAD = 1
"""Lines of the head."""
GUTTER = 2
"""Cells before the first column: the cursor's mark and the row's."""
POINTER, MARK, CHANGED, UP, DOWN = "❯", "◆", "•", "▲", "▼"
LEAST_CELLS = 5
"""Of a column that does not fit as a whole."""
CHANGED_FOR_SECONDS = 8.0
"""How long a changed cell bears its glyph; whoever looks away for a moment still sees it."""
MORE_WITHIN_ROWS = 50
"""How near to the last row the cursor comes before more are wanted."""


@dataclass
class OfGrid(Message):
    """What a grid tells: whoever listens may say of which one."""

    grid: Grid

    @property
    def control(self) -> Grid:
        """Where it happened."""
        return self.grid


class Grid(ScrollView, can_focus=True):
    """Rows and columns with a cursor that stands on a row, by what the row stands for and not by its number."""

    BINDINGS = bindings_of(TABLES)
    COMPONENT_CLASSES: ClassVar = {"grid--head", "grid--cursor", "grid--empty"}

    @dataclass
    class Pointed(OfGrid):
        """The cursor came to another row."""

        row_id: str

    @dataclass
    class Chosen(OfGrid):
        """Somebody wants to open a row."""

        row_id: str

    @dataclass
    class Marked(OfGrid):
        """Other rows are marked than before."""

    @dataclass
    class Ordered(OfGrid):
        """Somebody wants another order."""

        order: Order | None

    @dataclass
    class MoreWanted(OfGrid):
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
        self._now = now
        self._arranges = arranges
        self._empty = empty
        self._sheet = Sheet()
        self._rows: tuple[SheetRow, ...] = ()
        self._places: Mapping[str, int] = MappingProxyType({})
        self._widths: tuple[int, ...] = ()
        self._changed: Mapping[tuple[str, str], float] = MappingProxyType({})
        """By row and column, until when the glyph is shown."""
        self._pointed: str | None = None
        self._recalled: str | None = None
        """The row that the cursor shall stand on when it comes."""
        self._marks: dict[str, None] = {}
        self._words = ""
        self._order: Order | None = None
        self._first_column = 0
        self._styles: dict[tuple[str, str], RichStyle] = {}

    @property
    def sheet(self) -> Sheet:
        """All that it was given."""
        return self._sheet

    @property
    def rows(self) -> tuple[SheetRow, ...]:
        """The rows that are shown, in their order."""
        return self._rows

    @property
    def pointed(self) -> str | None:
        """The row under the cursor."""
        return self._pointed if self._pointed in self._places else None

    @property
    def marks(self) -> tuple[str, ...]:
        """The marked rows, in the order in which they were marked."""
        return tuple(self._marks)

    @property
    def chosen(self) -> tuple[str, ...]:
        """What a key acts on: the marked rows, or the one under the cursor when none is marked."""
        return self.marks or ((self.pointed,) if self.pointed else ())

    @property
    def order(self) -> Order | None:
        """The order that somebody asked for."""
        return self._order

    @property
    def words(self) -> str:
        """The filter."""
        return self._words

    def show(self, sheet: Sheet, *, changed: bool = True) -> None:
        """Show another sheet: cursor, marks and scroll stay with their rows; `changed`: cells that differ get a glyph."""
        now = self._now()
        fresh = {place: until for place, until in self._changed.items() if until > now} if changed else {}
        new = changed_cells(self._sheet, sheet) if changed else {}
        self._changed = {
            **fresh,
            **{(row, key): now + CHANGED_FOR_SECONDS for row, keys in new.items() for key in keys},
        }
        self._sheet = sheet
        self._arrange()

    def say_when_empty(self, text: str) -> None:
        """What stands in place of rows."""
        self._empty = text
        self.refresh()

    def filter(self, words: str) -> None:
        """Show only rows that bear these words."""
        self._words = words
        self._arrange()

    def arrange_by(self, order: Order | None) -> None:
        """Show the rows in this order."""
        self._order = order
        self._arrange()

    def point_at(self, row_id: str) -> None:
        """Put the cursor on a row, if it is there."""
        if row_id in self._places:
            self._point(self._places[row_id])

    def mark(self, row_ids: tuple[str, ...]) -> None:
        """Mark these rows and no others."""
        self._marks = dict.fromkeys(row_ids)
        self.refresh()

    def remember(self) -> Kept:
        """Where the cursor stands, the order, and the columns that are in sight."""
        order = {"order": self._order.key, "descending": self._order.descending} if self._order else {}
        return {"cursor": self.pointed or "", "first_column": self._first_column, **order}

    def recall(self, kept: Kept) -> None:
        """Stand like that as soon as the row is there."""
        self._recalled = text_of(kept, "cursor") or None
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
        self._point(len(self._rows) - 1)

    def action_columns_right(self) -> None:
        """Show columns further right."""
        self._first_column = min(self._first_column + 1, max(0, len(self._sheet.columns) - 2))
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
        if not self.pointed:
            return
        if self._marks.pop(self.pointed, self) is self:
            self._marks[self.pointed] = None
        self.post_message(self.Marked(self))
        self._move(1)
        self.refresh()

    def action_clear_marks(self) -> None:
        """Take all marks away."""
        if self._marks:
            self._marks.clear()
            self.post_message(self.Marked(self))
            self.refresh()

    def action_next_order(self) -> None:
        """Sort by the next column, and after the last by none."""
        keys = [column.key for column in self._sheet.columns]
        place = keys.index(self._order.key) + 1 if self._order and self._order.key in keys else 0
        self._ask_order(Order(keys[place]) if place < len(keys) else None)

    def action_turn_order(self) -> None:
        """Turn the order around."""
        if self._order:
            self._ask_order(Order(self._order.key, not self._order.descending))

    def on_click(self, event: Click) -> None:
        """A row gets the cursor, a second click opens it; a head sorts by its column."""
        content = event.get_content_offset(self)
        if content is None:
            return
        if content.y < HEAD:
            self._click_head(content.x)
            return
        index = self.scroll_offset.y + content.y - HEAD
        if index < len(self._rows):
            self._point(index)
            if event.chain > 1:
                self.action_choose()

    def on_resize(self, event: Resize) -> None:
        """Columns share the room."""
        self._measure()

    def on_mount(self) -> None:
        """Styles are made anew for other colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._forget_styles())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """More rows may be wanted."""
        super().watch_scroll_y(old_value, new_value)
        self._want_more(int(new_value) + self._page)

    # How it is painted

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.scrollable_content_region.width
        if y < HEAD:
            return self._head(width)
        index = self.scroll_offset.y + y - HEAD
        if not self._rows and y == HEAD:
            return self._line([(clip(self._nothing, width), "")], width, "grid--empty")
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        return self._painted(self._rows[index], width)

    @property
    def _nothing(self) -> str:
        if self._words and self._sheet.rows:
            return f"None of {len(self._sheet.rows):,} has “{self._words}”; esc shows all."
        return self._empty

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height - HEAD)

    def _head(self, width: int) -> Strip:
        pieces = [(" " * GUTTER, "")]
        for number, cells in self._shown_columns():
            column = self._sheet.columns[number]
            arrow = (DOWN if self._order.descending else UP) if self._order and self._order.key == column.key else ""
            title = clip(column.title, max(0, cells - len(arrow))) + arrow
            pieces.append((_aligned(title, cells, column.right), ""))
            pieces.append((" " * BETWEEN_COLUMNS, ""))
        return self._line(pieces, width, "grid--head")

    def _painted(self, row: SheetRow, width: int) -> Strip:
        pointed = row.id == self._pointed
        pieces = [(POINTER if pointed else " ", "bold $primary"), (MARK if row.id in self._marks else " ", "$accent")]
        for number, cells in self._shown_columns():
            column, cell = self._sheet.columns[number], row.cells[number]
            pieces.append((_aligned(cell.text, cells, column.right), cell.style))
            pieces.append((CHANGED if (row.id, column.key) in self._changed else " ", "$accent"))
            pieces.append((" " * (BETWEEN_COLUMNS - 1), ""))
        return self._line(pieces, width, "grid--cursor" if pointed else "")

    def _line(self, pieces: list[tuple[str, str]], width: int, component: str) -> Strip:
        base = self.get_component_rich_style(component) if component else self.rich_style
        segments = [Segment(text, base + self._style(style, component)) for text, style in pieces if text]
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, style: str, component: str) -> RichStyle:
        if not style:
            return RichStyle.null()
        known = self._styles.get((style, component))
        if known is None:
            found = Style.parse(style, self.app.theme_variables).rich_style
            known = self._styles[style, component] = RichStyle(
                color=found.color,
                bold=found.bold,
                italic=found.italic,
                dim=found.dim,
                underline=found.underline,
                reverse=found.reverse,
            )
        return known

    def _forget_styles(self) -> None:
        self._styles.clear()
        self.refresh()

    # What follows from another sheet, filter or order

    def _arrange(self) -> None:
        before = self._places.get(self._pointed or "")
        if self._arranges:
            self._rows = self._sheet.arranged(self._words, self._order)
        else:
            self._rows = self._sheet.rows
        self._places = {row.id: index for index, row in enumerate(self._rows)}
        offset = before - self.scroll_offset.y if before is not None else None
        self._measure()
        self._stay(before, offset)

    def _stay(self, before: int | None, offset: int | None) -> None:
        """Keep the cursor on its row, and the row where it stands on the screen."""
        if not self._rows:
            return
        if self._recalled is not None:
            recalled, self._recalled = self._places.get(self._recalled), None
            if recalled is not None:
                self._point(recalled)
                return
        now = self._places.get(self._pointed or "")
        if now is None:
            # Its row is gone: the one that stands in its place now.
            self._point(min(before or 0, len(self._rows) - 1))
        elif offset is not None and now != before:
            self.scroll_to(y=max(0, now - offset), animate=False, force=True)
            self._show_pointed(now)

    def _measure(self) -> None:
        # One cell more for the glyph of a change in the last column.
        room = self.scrollable_content_region.width - GUTTER - 1
        self._widths = self._sheet.widths(room)
        self._first_column = min(self._first_column, max(0, len(self._sheet.columns) - 2))
        self.virtual_size = Size(0, len(self._rows) + HEAD)
        self.refresh()

    def _shown_columns(self) -> tuple[tuple[int, int], ...]:
        """Which columns are shown, and in how many cells: the first always, then those from the first one that is shown.

        The last one may be narrower than it likes; a rest that would show nothing is left empty.
        """
        count = len(self._sheet.columns)
        left = self.scrollable_content_region.width - GUTTER
        shown: list[tuple[int, int]] = []
        for number in (0, *range(1 + self._first_column, count)) if count else ():
            cells = min(self._widths[number], left - 1)
            if shown and cells < min(self._widths[number], LEAST_CELLS):
                break
            shown.append((number, max(0, cells)))
            left -= self._widths[number] + BETWEEN_COLUMNS
        return tuple(shown)

    def _move(self, by: int) -> None:
        now = self._places.get(self._pointed or "", 0)
        self._point(now + by)

    def _point(self, index: int) -> None:
        if not self._rows:
            return
        index = max(0, min(index, len(self._rows) - 1))
        row = self._rows[index]
        news = row.id != self._pointed
        self._pointed = row.id
        self._show_pointed(index)
        self.refresh()
        if news:
            self.post_message(self.Pointed(self, row.id))
        self._want_more(index)

    def _show_pointed(self, index: int) -> None:
        # The head lies over the first line: a row is in sight when it is not below the last line under the head.
        self.scroll_to_region(Region(0, index, 1, 1 + HEAD), animate=False, force=True, x_axis=False)

    def _want_more(self, index: int) -> None:
        total = self._sheet.total
        if total is not None and len(self._sheet.rows) < total and index >= len(self._rows) - MORE_WITHIN_ROWS:
            self.post_message(self.MoreWanted(self))

    def _click_head(self, x: int) -> None:
        edge = GUTTER
        for number, cells in self._shown_columns():
            edge += cells + BETWEEN_COLUMNS
            if x < edge:
                key = self._sheet.columns[number].key
                turned = self._order is not None and self._order.key == key
                self._ask_order(Order(key, not self._order.descending if turned and self._order else False))
                return

    def _ask_order(self, order: Order | None) -> None:
        self._order = order
        if self._arranges:
            self._arrange()
        else:
            self.refresh()
        self.post_message(self.Ordered(self, order))


def _aligned(text: str, width: int, right: bool) -> str:
    shown = clip(text, width)
    return " " * max(0, width - cell_len(shown)) + shown if right else fit(shown, width)
