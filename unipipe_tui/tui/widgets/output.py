"""Text of any length that is read and followed: only the lines on the screen are painted, only the newest are kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import OUTPUT, TEXTS
from unipipe_tui.tui.log_text import LINES_KEPT, LogRow, LogText
from unipipe_tui.tui.messages import OutsideWanted

NO_ERROR = "(no line tells of an error; e shows all)"


class Output(ScrollView, can_focus=True):
    """Lines of harmless text; follows its end until somebody scrolls away from it or pauses it."""

    BINDINGS: ClassVar = [*bindings_of(OUTPUT), *bindings_of(TEXTS)]
    COMPONENT_CLASSES: ClassVar = {
        "output--step",
        "output--command",
        "output--skipped",
        "output--match",
        "output--this-match",
    }

    @dataclass
    class Changed(Message):
        """More is shown, or it is read another way."""

        output: Output

        @property
        def control(self) -> Output:
            """Where it happened."""
            return self.output

    def __init__(self, *, id: str | None = None, follows: bool = True) -> None:
        super().__init__(id=id)
        self._text = LogText()
        self._follows = self._at_end = follows
        self._paused = self._wraps = False
        self._waiting: deque[str] = deque(maxlen=LINES_KEPT)
        self._came = 0
        """Lines that came while nobody wanted the text to move."""
        self._match: int | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """What is shown, from the first line."""
        return (*self._notice(), *self._text.lines)

    @property
    def following(self) -> bool:
        """Whether the newest line is in sight and stays so."""
        return self._at_end and not self._paused

    @property
    def errors_only(self) -> bool:
        """Whether only lines that tell of errors are shown."""
        return self._text.errors_only

    @property
    def wraps(self) -> bool:
        """Whether long lines are folded."""
        return self._wraps

    @property
    def matches(self) -> tuple[int, int]:
        """Which of how many lines that have what is searched was gone to; 0 when none was."""
        found = self._text.matches
        return (found.index(self._match) + 1 if self._match in found else 0), len(found)

    @property
    def waiting(self) -> int:
        """Lines that came and are not shown before it follows again."""
        return self._came

    def action_view(self) -> None:
        """Read the text in the user's pager."""
        self.post_message(OutsideWanted("\n".join(self.lines)))

    def action_edit(self) -> None:
        """Open a copy of the text in the user's editor."""
        self.post_message(OutsideWanted("\n".join(self.lines), editor=True))

    def clear(self) -> None:
        """Show nothing."""
        self._text.clear()
        self._waiting.clear()
        self._came, self._match, self._paused = 0, None, False
        self._at_end = self._follows
        self._measure()
        self.scroll_home(animate=False, immediate=True)

    def add(self, lines: Iterable[str], skipped: int = 0) -> None:
        """Show more lines at the end; `skipped` counts the ones before them that nobody will see."""
        new = list(lines)
        if self._follows and not self.following and self._would_move(len(new), skipped):
            self._came += skipped + len(new)
            self._waiting.extend(new)
            self.post_message(self.Changed(self))
            return
        gone = self._text.add(new, skipped)
        self._measure()
        if self.following:
            self.call_after_refresh(self.scroll_end, animate=False, x_axis=False)
        elif gone:
            self.scroll_to(y=max(0, self.scroll_y - gone), animate=False)

    def read_on(self) -> None:
        """Go to the newest line and follow."""
        self._paused = False
        self._at_end = self._follows
        self._take_waiting()
        self.scroll_end(animate=False, x_axis=False)
        self.post_message(self.Changed(self))

    def pause(self) -> None:
        """Stay here, whatever comes."""
        self._paused = self._follows
        self.post_message(self.Changed(self))

    def wrap(self, wraps: bool) -> None:
        """Fold long lines, or not."""
        self._wraps = wraps
        self._read_otherwise(lambda: self._text.fold(self._width if wraps else None))

    def show_only_errors(self, only: bool) -> None:
        """Show lines that tell of errors, or all."""
        self._read_otherwise(lambda: self._text.show_only_errors(only))

    def find(self, words: str) -> None:
        """Search for a text and go to where it stands next."""
        self._text.find(words)
        self._match = None
        self._measure()
        if words:
            self.go_to_match(1)

    def go_to_match(self, step: int) -> None:
        """Go to the next (1) or the previous (-1) line that has what is searched."""
        top = self._row(int(self.scroll_y))
        here = self._match if self._match is not None else (top.number - step if top else 0)
        self._match = self._text.match_after(here) if step > 0 else self._text.match_before(here)
        if self._match is not None:
            self.pause()
            row = self._text.place_of(self._match) + len(self._notice())
            self.scroll_to(y=max(0, row - self.size.height // 3), animate=False, force=True)
        self._measure()

    def action_scroll_end(self) -> None:
        """Go to the end and follow."""
        self.read_on()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Who scrolls away from the end stops following; who comes back follows again."""
        super().watch_scroll_y(old_value, new_value)
        was = self._at_end
        if self.is_vertical_scroll_end:
            self._at_end = self._follows
        elif new_value < old_value:
            # Only up is away: on the way down to an end that moved on meanwhile, following goes on.
            self._at_end = False
        if self._at_end and not was and not self._paused and self._came:
            self.read_on()
        elif was != self._at_end:
            self.post_message(self.Changed(self))

    def on_resize(self, event: Resize) -> None:
        """Folded lines are as wide as the room."""
        if self._wraps:
            self.wrap(True)

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        left, top = self.scroll_offset
        width = self.size.width
        notice = self._notice()
        row = self._row(top + y)
        if top + y < len(notice):
            segments = [Segment(notice[0], self.get_component_rich_style("output--skipped"))]
        else:
            segments = self._segments(row) if row else []
        return Strip(segments).crop_extend(left, left + width, self.rich_style).apply_style(self.rich_style)

    def _segments(self, row: LogRow) -> list[Segment]:
        style = self._style_of(row.text)
        this = row.number == self._match
        lit = style + self.get_component_rich_style("output--this-match" if this else "output--match")
        segments, at = [], 0
        for begin, end in self._text.spans(row):
            segments += [Segment(row.text[at:begin], style), Segment(row.text[begin:end], lit)]
            at = end
        return [segment for segment in (*segments, Segment(row.text[at:], style)) if segment.text]

    def _style_of(self, text: str) -> Style:
        if text.startswith("== "):
            return self.get_component_rich_style("output--step")
        if text.startswith("$ "):
            return self.get_component_rich_style("output--command")
        return self.rich_style

    def _row(self, index: int) -> LogRow | None:
        index -= len(self._notice())
        return self._text.rows[index] if 0 <= index < len(self._text.rows) else None

    def _would_move(self, new: int, skipped: int) -> bool:
        """Whether more lines would push out what somebody reads."""
        return self._paused or bool(self._came) or bool(skipped) or len(self._text) + new > LINES_KEPT

    def _take_waiting(self) -> None:
        if self._came:
            lost = self._came - len(self._waiting)
            self._text.add(self._waiting, lost)
            self._waiting.clear()
            self._came = 0
            self._measure()

    def _read_otherwise(self, change: Callable[[], None]) -> None:
        """Change how the text is read; the line at the top stays there."""
        top = self._row(int(self.scroll_y))
        following = self.following
        change()
        self._measure()
        if following:
            self.call_after_refresh(self.scroll_end, animate=False, x_axis=False)
        elif top:
            place = self._text.place_of(top.number) + len(self._notice())
            self.call_after_refresh(self.scroll_to, y=place, animate=False)

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def _notice(self) -> tuple[str, ...]:
        skipped = self._text.skipped
        if self._text.errors_only and not self._text.rows:
            return (NO_ERROR,)
        return (f"({skipped:,} earlier lines are not shown)",) if skipped else ()

    def _measure(self) -> None:
        self.virtual_size = Size(self._text.widest, len(self._text.rows) + len(self._notice()))
        self.refresh()
        self.post_message(self.Changed(self))
