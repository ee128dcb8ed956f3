"""Text of any length that is read and followed: only the lines on the screen are painted, only the newest are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.following import LINES_KEPT
from unipipe_tui.tui.keys import OUTPUT


class Output(ScrollView, can_focus=True):
    """Lines of harmless text; follows its end until somebody scrolls away from it."""

    BINDINGS = bindings_of(OUTPUT)
    COMPONENT_CLASSES: ClassVar = {"output--step", "output--command", "output--skipped"}

    def __init__(self, *, id: str | None = None, follows: bool = True) -> None:
        super().__init__(id=id)
        self._lines: list[str] = []
        self._skipped = 0
        self._widest = 0
        self._follows = self._at_end = follows

    @property
    def lines(self) -> tuple[str, ...]:
        """What is shown, from the first line."""
        return (*self._notice(), *self._lines)

    def clear(self) -> None:
        """Show nothing."""
        self._lines.clear()
        self._skipped = self._widest = 0
        self._at_end = self._follows
        self._measure()
        self.scroll_home(animate=False)

    def add(self, lines: Iterable[str], skipped: int = 0) -> None:
        """Show more lines at the end; `skipped` counts the ones before them that nobody will see."""
        if skipped:
            # The lines from before no longer join the new ones.
            self._skipped += skipped + len(self._lines)
            self._lines.clear()
        new = list(lines)
        self._lines += new
        too_many = len(self._lines) - LINES_KEPT
        if too_many > 0:
            del self._lines[:too_many]
            self._skipped += too_many
        self._widest = max(self._widest, max((cell_len(line) for line in new), default=0))
        self._measure()
        if self._at_end:
            self.call_after_refresh(self.scroll_end, animate=False, x_axis=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Who scrolls away from the end stops following; who comes back follows again."""
        super().watch_scroll_y(old_value, new_value)
        self._at_end = self._follows and self.is_vertical_scroll_end

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        left, top = self.scroll_offset
        width = self.size.width
        lines = self.lines if top + y == 0 else None
        text = lines[0] if lines else self._line(top + y)
        style = self._style_of(text, top + y)
        return (
            Strip([Segment(text, style)]).crop_extend(left, left + width, self.rich_style).apply_style(self.rich_style)
        )

    def _line(self, index: int) -> str:
        index -= len(self._notice())
        return self._lines[index] if 0 <= index < len(self._lines) else ""

    def _style_of(self, text: str, index: int) -> Style:
        if self._skipped and index == 0:
            return self.get_component_rich_style("output--skipped")
        if text.startswith("== "):
            return self.get_component_rich_style("output--step")
        if text.startswith("$ "):
            return self.get_component_rich_style("output--command")
        return self.rich_style

    def _notice(self) -> tuple[str, ...]:
        return (f"({self._skipped:,} earlier lines are not shown)",) if self._skipped else ()

    def _measure(self) -> None:
        self.virtual_size = Size(self._widest, len(self._lines) + len(self._notice()))
        self.refresh()
