"""Dots on a field of Braille characters: two dots wide and four high in each."""

from __future__ import annotations

from unipipe_tui.domain.values import frozen

DOTS_WIDE, DOTS_HIGH = 2, 4
BLANK = 0x2800
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot, by row and column."""


@frozen
class Span:
    """Some characters of a line of text that belong to one thing."""

    text: str
    tone: int | None = None
    """The number of the line or group that it belongs to; None for what belongs to all."""


class Canvas:
    """A field to draw on; its origin is at the top left, and what lies beyond its edges is not drawn."""

    def __init__(self, columns: int, rows: int) -> None:
        self.width, self.height = columns * DOTS_WIDE, rows * DOTS_HIGH
        self._bits = [[0] * columns for _ in range(rows)]
        self._tones: list[list[int | None]] = [[None] * columns for _ in range(rows)]
        self._glyphs: dict[tuple[int, int], str] = {}

    def dot(self, x: int, y: int, tone: int | None) -> None:
        """One dot."""
        if 0 <= x < self.width and 0 <= y < self.height:
            column, row = x // DOTS_WIDE, y // DOTS_HIGH
            self._bits[row][column] |= _BITS[y % DOTS_HIGH][x % DOTS_WIDE]
            self._tones[row][column] = tone

    def line(self, x: int, y: int, to_x: int, to_y: int, tone: int | None) -> None:
        """A straight line, both ends included."""
        steps = max(abs(to_x - x), abs(to_y - y), 1)
        for number in range(steps + 1):
            self.dot(x + round((to_x - x) * number / steps), y + round((to_y - y) * number / steps), tone)

    def glyph(self, x: int, y: int, character: str, tone: int | None) -> None:
        """A character in the place of the dots that lie around this one."""
        if 0 <= x < self.width and 0 <= y < self.height:
            place = (y // DOTS_HIGH, x // DOTS_WIDE)
            self._glyphs[place] = character
            self._tones[place[0]][place[1]] = tone

    def rows(self) -> list[tuple[Span, ...]]:
        """The field as text, neighbours of one tone together."""
        return [self._row(number) for number in range(len(self._bits))]

    def _row(self, row: int) -> tuple[Span, ...]:
        spans: list[tuple[str, int | None]] = []
        for column, bits in enumerate(self._bits[row]):
            drawn = self._glyphs.get((row, column)) or (chr(BLANK + bits) if bits else " ")
            tone = self._tones[row][column]
            if spans and spans[-1][1] == tone:
                spans[-1] = (spans[-1][0] + drawn, tone)
            else:
                spans.append((drawn, tone))
        return tuple(Span(text, tone) for text, tone in spans)
