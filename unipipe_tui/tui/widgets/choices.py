"""The choices below a field: they lie over what is beneath, and the field keeps the keys while one goes through them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.events import Resize
from textual.widgets.option_list import Option

from unipipe_tui.tui.choices import Choice
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.rows import Cell, TurnedRows, painted

MOST_OPTIONS = 500
"""A list that is longer is typed in, not gone through."""
CURSOR = "❯ "
PAINT_AGAIN_SECONDS = 0.05


class ChoiceList(TurnedRows, can_focus=False):
    """Closed until something is offered; a click takes a choice as enter does."""

    def __init__(self, *, id: str, name: str) -> None:
        super().__init__(id=id, name=name, markup=False)
        self._choices: Sequence[Choice] = ()
        self._cursor: int | None = None
        self._marked: int | None = None
        """The line that bears the cursor's glyph."""
        self._line_cells = self._value_cells = 0

    @property
    def is_open(self) -> bool:
        """Whether it is to be seen."""
        return self.display

    @property
    def choices(self) -> Sequence[Choice]:
        """What is offered now."""
        return self._choices

    @property
    def pointed(self) -> Choice | None:
        """The choice under the cursor."""
        return self._choices[self._cursor] if self._cursor is not None else None

    def offer(self, choices: Sequence[Choice], said: str) -> None:
        """Open with these choices and no cursor; with none, close."""
        self._point_at(None)
        self._choices = choices[:MOST_OPTIONS]
        self.border_subtitle = Content(harmless(said))
        self.display = bool(choices)
        self._paint()
        self.scroll_home(animate=False)

    def close(self) -> None:
        """Offer nothing."""
        self.offer((), "")

    def go_down(self) -> None:
        """Put the cursor on the next choice; on the first one, where there was no cursor."""
        self._point_at(0 if self._cursor is None else min(self._cursor + 1, len(self._choices) - 1))

    def go_up(self) -> None:
        """Put the cursor on the choice before; before the first one there is no cursor."""
        self._point_at(self._cursor - 1 if self._cursor else None)

    def on_resize(self, event: Resize) -> None:
        """Choices are as wide as the list."""
        self._paint()

    def _point_at(self, at: int | None) -> None:
        self._cursor = at
        # A list that has just been opened has no lines yet.
        if at is None or at < self.option_count:
            self.highlighted = at

    def watch_highlighted(self, highlighted: int | None) -> None:
        """Give the cursor's glyph to another line."""
        for at in {self._marked, highlighted}:
            # A list that was filled anew bears no glyph.
            if at is not None and at < min(self.option_count, len(self._choices)):
                self.replace_option_prompt_at_index(at, self._line(self._choices[at], at == highlighted))
        self._marked = highlighted
        super().watch_highlighted(highlighted)

    def _paint(self) -> None:
        # Before it was ever laid out, the list does not know its width: it paints when it learns it.
        self.highlighted = None
        self._line_cells = self.scrollable_content_region.width
        if not self._choices or self._line_cells <= 0:
            self.clear_options()
            if self._choices:
                # While the screen is laid out anew a list has no width, also in the one moment in which it is told its size.
                self.set_timer(PAINT_AGAIN_SECONDS, self._paint)
            return
        remarks = max(cell_len(harmless(choice.remark)) for choice in self._choices)
        values = max(cell_len(harmless(choice.shown)) for choice in self._choices)
        # A value is what is taken: a remark that tells much may keep a part of the width from it, not more.
        room = self._line_cells - cell_len(CURSOR)
        self._value_cells = min(values, room - 2 - min(remarks, room * 2 // 5) if remarks else room)
        self.set_options([Option(self._line(choice, pointed=False)) for choice in self._choices])
        self.highlighted = self._cursor

    def _line(self, choice: Choice, pointed: bool) -> Content:
        glyph = CURSOR if pointed else " " * cell_len(CURSOR)
        cells = (
            Cell(harmless(choice.shown), self._value_cells, "bold"),
            Cell(harmless(choice.remark), style="" if pointed else "$muted"),
        )
        return Content.assemble(glyph, painted(self._line_cells - cell_len(glyph), *cells))
