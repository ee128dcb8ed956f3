"""Names of any characters in a line of a terminal: how wide they are, and how to keep them harmless and short."""

from __future__ import annotations

from unicodedata import combining, east_asian_width


def harmless(text: str) -> str:
    """The text with everything that does not print shown as it is escaped: `\\x1b`."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def cells(text: str) -> int:
    """How many columns of a terminal a harmless text takes."""
    return sum(_cells(one) for one in text)


def fitted(text: str, width: int) -> str:
    """A harmless text of exactly this many columns: cut with `…` or filled with blanks."""
    text = shortened(text, width)
    return text + " " * (width - cells(text))


def shortened(text: str, width: int) -> str:
    """A harmless text of at most this many columns, cut with `…`."""
    text = harmless(text)
    if cells(text) <= width:
        return text
    kept, taken = [], 0
    for one in text:
        taken += _cells(one)
        if taken > width - 1:
            break
        kept.append(one)
    return "".join(kept) + ("…" if width > 0 else "")


def _cells(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
