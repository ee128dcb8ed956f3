"""Everything that is painted, in ASCII: for terminals and fonts that have nothing else, and for screens read aloud."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_BRAILLE, _BOXES, _BLOCKS = range(0x2800, 0x2900), range(0x2500, 0x2580), range(0x2580, 0x25A0)
_TOP, _MIDDLE, _BOTTOM = 0b00001001, 0b00110110, 0b11000000
"""The dots of a Braille cell by height."""

_GLYPHS: Mapping[str, str] = MappingProxyType(
    {
        # States
        "✓": "+",
        "✗": "x",
        "●": "*",
        "◌": "o",
        "○": "o",
        "·": ".",
        "⊘": "/",
        "■": "#",
        "◆": "#",
        "◇": "o",
        "•": "*",
        "▲": "^",
        "▼": "v",
        "△": "^",
        "▽": "v",
        "▶": ">",
        "◀": "<",
        "►": ">",
        "◄": "<",
        "▸": ">",
        "▾": "v",
        "❯": ">",
        "›": ">",
        "‹": "<",
        "±": "~",
        "≥": ">",
        "≤": "<",
        "≠": "#",
        "≈": "~",
        "×": "x",
        "→": ">",
        "←": "<",
        "↑": "^",
        "↓": "v",
        "↗": "/",
        "↘": "\\",
        "⇒": ">",
        "…": "~",
        "–": "-",
        "—": "-",
        "−": "-",
        "“": '"',
        "”": '"',
        "„": '"',
        "‘": "'",
        "’": "'",
        "│": "|",
        "┃": "|",
        "║": "|",
        "─": "-",
        "━": "-",
        "═": "=",
        "┄": "-",
        "┈": "-",
        "╌": "-",
        "┆": ":",
        "┊": ":",
        "╎": ":",
        "╱": "/",
        "╲": "\\",
        "╳": "X",
        "▁": "_",
        "▂": ".",
        "▃": ".",
        "▄": "-",
        "▅": "=",
        "▆": "=",
        "▇": "#",
        "█": "#",
        "▔": "'",
        "▀": "'",
        "░": ".",
        "▒": ":",
        "▓": "%",
        "▏": "|",
        "▎": "|",
        "▕": "|",
    }
)


class AsciiFilter(LineFilter):
    """Paints ASCII in the place of every glyph of ours; letters of other languages stay what they are."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same line."""
        return [
            segment if segment.text.isascii() else Segment(in_ascii(segment.text), segment.style, segment.control)
            for segment in segments
        ]


def in_ascii(text: str) -> str:
    """The text with an ASCII character of the same width for every glyph."""
    return text if text.isascii() else "".join(map(_one, text))


def _one(glyph: str) -> str:
    if glyph.isascii():
        return glyph
    known = _GLYPHS.get(glyph)
    if known:
        return known
    code = ord(glyph)
    if code in _BRAILLE:
        return _dots(code - _BRAILLE.start)
    if code in _BOXES:
        return "+"
    if code in _BLOCKS:
        return "#"
    return glyph if glyph.isalnum() or cell_len(glyph) != 1 else "?"


def _dots(dots: int) -> str:
    if not dots:
        return " "
    heights = (bool(dots & _TOP), bool(dots & _MIDDLE), bool(dots & _BOTTOM))
    alone = {(True, False, False): "'", (False, True, False): "-", (False, False, True): "."}
    return alone.get(heights, "#" if dots.bit_count() > 6 else "*" if dots.bit_count() > 3 else ":")
