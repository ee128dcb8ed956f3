"""A picture made of text, as large as its place: painted anew when the place changes its size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widget import Widget

from unipipe_tui.tui.lines import Line

Painter = Callable[[int, int], Sequence[Line]]
"""What makes the lines for so many columns and lines; quick, for it runs on the UI thread."""


class Drawing(Widget):
    """Shows what a painter makes."""

    def __init__(self, title: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = title
        self._painter: Painter | None = None

    def show(self, painter: Painter) -> None:
        """Show another picture."""
        self._painter = painter
        self.refresh()

    @property
    def text(self) -> str:
        """What stands there, without its colours."""
        return self.render().plain

    def render(self) -> Content:
        """The picture, for the size that the place has now."""
        width, height = self.content_size
        if self._painter is None or width <= 0 or height <= 0:
            return Content("")
        lines = [Content.assemble(*line).truncate(width) for line in self._painter(width, height)]
        return Content("\n").join(lines[:height])
