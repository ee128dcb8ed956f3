"""A list of rows that keeps its cursor on the same thing through every refresh and fits its rows to its width."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.content import Content
from textual.events import Resize
from textual.strip import Strip
from textual.style import Style
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import LISTS
from unipipe_tui.tui.text import clip, fit


@frozen
class Row:
    """One row: what it stands for, and how it looks in so many cells."""

    id: str
    paint: Callable[[int], Content]


@frozen
class Cell:
    """A piece of a row."""

    text: str
    width: int | None = None
    """Cells; None: whatever is left, of which there is one in a row."""
    style: str = ""


def painted(width: int, *cells: Cell) -> Content:
    """One line of exactly so many cells, two blanks between the pieces; what does not fit ends in an ellipsis."""
    fixed = sum(cell.width for cell in cells if cell.width is not None) + 2 * (len(cells) - 1)
    pieces: list[tuple[str, str] | str] = []
    for cell in cells:
        pieces += ["  "] if pieces else []
        pieces.append((fit(cell.text, cell.width if cell.width is not None else width - fixed), cell.style))
    return Content.assemble(*pieces)


class TurnedRows(OptionList):
    """A list whose cursor may turn fore- and background around, which Textual's own leaves out of a component's style."""

    def get_visual_style(self, *component_classes: str, partial: bool = False) -> Style:
        """With what a theme of few colours says: there the cursor is to be seen by nothing else."""
        style = super().get_visual_style(*component_classes, partial=partial)
        turned = any(self.get_component_styles(name).text_style.reverse for name in component_classes)
        return style + Style(reverse=True) if turned else style

    def render_line(self, y: int) -> Strip:
        """One line; turned around it is of one colour, or each piece would be a patch of another."""
        strip = super().render_line(y)
        if not any(segment.style and segment.style.reverse for segment in strip):
            return strip
        base = self.get_component_rich_style("option-list--option-highlighted")
        return Strip(
            [
                Segment(text, base + RichStyle(bold=style.bold, meta=style.meta) if style else base)
                for text, style, _ in strip
            ],
            strip.cell_length,
        )


class Rows(TurnedRows):
    """A list of rows with arrows, vim motions and mouse."""

    BINDINGS = bindings_of(LISTS)

    def __init__(self, *, id: str | None = None, empty: str = "Nothing yet.") -> None:
        super().__init__(id=id, markup=False)
        self._rows: Sequence[Row] = ()
        self._empty = empty

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows, the cursor on the same one as before if it is still there."""
        self._rows = rows
        self._paint()

    def point_at(self, row_id: str) -> None:
        """Put the cursor on a row, if it is there."""
        index = self._index_of(row_id)
        if index is not None and index != self.highlighted:
            self.highlighted = index
            # Rows that were shown just now have no place on the screen before the next refresh.
            self.call_after_refresh(self.scroll_to_highlight)

    @property
    def pointed(self) -> str | None:
        """The row under the cursor."""
        option = self.highlighted_option
        return option.id if option else None

    def on_resize(self, event: Resize) -> None:
        """Rows are as wide as the list."""
        self._paint()

    def _paint(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        if not self._rows:
            self.set_options([Option(Content.styled(clip(self._empty, width), "$muted"), disabled=True)])
            return
        index = self._index_of(self.pointed)
        scrolled = self.scroll_y
        # A cursor that stays where it was is no news.
        unchanged = [OptionList.OptionHighlighted] if index is not None else []
        with self.prevent(*unchanged):
            self.set_options([Option(row.paint(width), id=row.id) for row in self._rows])
            self.highlighted = index if index is not None else 0
        if index is None:
            self.call_after_refresh(self.scroll_to_highlight)
        else:
            self.call_after_refresh(self.scroll_to, y=scrolled if index else 0, animate=False)

    def _index_of(self, row_id: str | None) -> int | None:
        return next((i for i, row in enumerate(self._rows) if row.id == row_id), None)
