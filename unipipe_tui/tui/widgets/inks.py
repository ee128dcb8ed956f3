"""The theme's styles as Rich's, for widgets that paint line by line: made once for each name, and anew for another theme."""

from __future__ import annotations

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from unipipe_tui.tui.lines import Line


class Inks:
    """What a widget paints with."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[str, RichStyle] = {}

    def follow_theme(self, then: Callable[[], object]) -> None:
        """Forget the colours when there are others, and then do this; from when the widget is mounted."""

        def forget(_: object) -> None:
            self._styles.clear()
            then()

        self._widget.app.theme_changed_signal.subscribe(self._widget, forget)

    def segments(self, line: Line, base: RichStyle) -> list[Segment]:
        """The pieces of a line over what lies below them."""
        return [Segment(text, base + self._over(base, style) if style else base) for text, style in line if text]

    def _over(self, base: RichStyle, style: str) -> RichStyle:
        """Where fore- and background are turned around, a colour of its own would be a patch in the cursor's line."""
        return RichStyle(bold=self[style].bold) if base.reverse else self[style]

    def strip(self, line: Line, base: RichStyle, width: int) -> Strip:
        """A line of exactly so many cells."""
        return Strip(self.segments(line, base)).adjust_cell_length(width, base)

    def __getitem__(self, style: str) -> RichStyle:
        known = self._styles.get(style)
        if known is None:
            found = Style.parse(style, self._widget.app.theme_variables).rich_style
            # Not its background: that of the line stays.
            known = self._styles[style] = RichStyle(
                color=found.color,
                bold=found.bold,
                italic=found.italic,
                dim=found.dim,
                underline=found.underline,
                reverse=found.reverse,
            )
        return known
