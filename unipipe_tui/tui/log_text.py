"""A log as it is read: the newest lines, folded at a width or not, all or only errors, and where something stands in it.

Values only; knows no Textual.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, chop_cells

from unipipe_tui.domain.values import frozen

LINES_KEPT = 10_000
LONGEST_LINE = 4_000
"""Characters; what is longer is cut, so that the memory of a log has a bound."""
_ERROR = re.compile(
    r"\b(error|exception|traceback|fatal|critical|failed|failure|panic)\b|\w(Error|Exception)\b|\bended with -?[1-9]",
    re.IGNORECASE,
)
_TRACEBACK = "Traceback (most recent call last)"


@frozen
class LogLine:
    """One line, and whether it tells of an error."""

    text: str
    is_error: bool


@frozen
class LogRow:
    """A line, or a piece of one that is folded."""

    number: int
    """Of the line, counted from the first that there ever was."""
    start: int
    """Where in the line the piece begins."""
    text: str


class LogText:
    """The newest lines of a log as rows."""

    def __init__(self) -> None:
        self.skipped = 0
        """Lines before the first that is kept."""
        self.errors_only = False
        self.rows: list[LogRow] = []
        self.widest = 0
        """Cells of the widest row that there ever was."""
        self.matches: list[int] = []
        """Numbers of the shown lines that have what is searched."""
        self._lines: list[LogLine] = []
        self._first = 0
        self._errors = _Errors()
        self._wanted: re.Pattern[str] | None = None
        self._width: int | None = None

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def lines(self) -> Iterator[str]:
        """The lines that are shown, whole."""
        return (line.text for line in self._lines if line.is_error or not self.errors_only)

    def clear(self) -> None:
        """Forget all lines, not how they are read."""
        self._lines, self._errors = [], _Errors()
        self.skipped = self._first = 0
        self._build()

    def add(self, lines: Iterable[str], skipped: int = 0) -> int:
        """More lines; `skipped` counts those before them that are missing. How many rows at the beginning are gone."""
        gone = len(self.rows) if skipped else 0
        if skipped:
            # The lines from before no longer join the new ones.
            self._drop(len(self._lines))
            self.skipped += skipped
            self._first += skipped
        number = self._first + len(self._lines)
        new = [self._errors.judged(_cut(line)) for line in lines]
        self._lines += new
        self._show(enumerate(new, number))
        return gone + self._drop(max(0, len(self._lines) - LINES_KEPT))

    def fold(self, width: int | None) -> None:
        """Fold lines at so many cells, or not."""
        if width != self._width:
            self._width = width
            self._build()

    def show_only_errors(self, only: bool) -> None:
        """Show lines that tell of errors, or all."""
        self.errors_only = only
        self._build()

    def find(self, words: str) -> None:
        """Search for a text, whatever its case; nothing when it is empty."""
        self._wanted = re.compile(re.escape(words), re.IGNORECASE) if words else None
        self._build()

    def spans(self, row: LogRow) -> tuple[tuple[int, int], ...]:
        """From where to where in a row something stands that is searched."""
        if self._wanted is None:
            return ()
        end = row.start + len(row.text)
        found = (hit.span() for hit in self._wanted.finditer(self._lines[row.number - self._first].text))
        return tuple(
            (max(a, row.start) - row.start, min(b, end) - row.start) for a, b in found if a < end and b > row.start
        )

    def place_of(self, number: int) -> int:
        """The first row of a line, or of the next one that is shown."""
        return bisect_left(self.rows, number, key=lambda row: row.number)

    def _build(self) -> None:
        self.rows, self.matches, self.widest = [], [], 0
        self._show(enumerate(self._lines, self._first))

    def _show(self, lines: Iterable[tuple[int, LogLine]]) -> None:
        for number, line in lines:
            if self.errors_only and not line.is_error:
                continue
            rows = [LogRow(number, start, text) for start, text in self._pieces(line.text)]
            self.rows += rows
            self.widest = max(self.widest, *(cell_len(row.text) for row in rows))
            if self._wanted is not None and self._wanted.search(line.text):
                self.matches.append(number)

    def _pieces(self, text: str) -> Iterator[tuple[int, str]]:
        start = 0
        for piece in _folded(text, self._width):
            yield start, piece
            start += len(piece)

    def _drop(self, count: int) -> int:
        """Forget so many lines at the beginning; how many rows they had."""
        if not count:
            return 0
        del self._lines[:count]
        self._first += count
        self.skipped += count
        rows = self.place_of(self._first)
        del self.rows[:rows]
        del self.matches[: bisect_left(self.matches, self._first)]
        return rows

    def match_after(self, number: int) -> int | None:
        """The next line that has what is searched; the first one after the last."""
        place = bisect_right(self.matches, number)
        return self.matches[place % len(self.matches)] if self.matches else None

    def match_before(self, number: int) -> int | None:
        """The line before that has what is searched; the last one before the first."""
        place = bisect_left(self.matches, number)
        return self.matches[place - 1] if self.matches else None


class _Errors:
    """Tells which lines speak of an error; the lines of a traceback do so together."""

    def __init__(self) -> None:
        self._in_traceback = False

    def judged(self, text: str) -> LogLine:
        """The line with what it is."""
        inside = self._in_traceback
        if _TRACEBACK in text:
            self._in_traceback = True
        elif text.strip() and not text[:1].isspace():
            # The first line that is not indented says what was raised.
            self._in_traceback = False
        return LogLine(text, inside or _ERROR.search(text) is not None)


def _cut(line: str) -> str:
    if len(line) <= LONGEST_LINE:
        return line
    return f"{line[:LONGEST_LINE]} … ({len(line) - LONGEST_LINE:,} more characters)"


def _folded(text: str, width: int | None) -> Sequence[str]:
    if width is None or width < 1 or len(text) <= width // 2:
        return (text,)
    if text.isascii():
        return [text[at : at + width] for at in range(0, len(text), width)] or ("",)
    return chop_cells(text, width) or ("",)
