"""Lines of styled text: what details are made of before they have a width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unipipe_tui.tui.text import fit, harmless

Line = Sequence[tuple[str, str]]
"""Pieces of harmless text with their style."""

NAME_CELLS = 14
MUTED, HEADING = "$muted", "bold $primary"


def heading(text: str) -> Line:
    """The name of what follows."""
    return ((harmless(text), HEADING),)


def fact(name: str, value: object, style: str = "") -> Line:
    """A name and its value, the values of several below each other."""
    return ((f"{fit(harmless(name), NAME_CELLS)}  ", MUTED), ("–" if value in (None, "") else harmless(value), style))


def remark(text: str) -> Line:
    """Something to know that is no fact of the thing itself."""
    return ((harmless(text), MUTED),)


def section(title: str, lines: Iterable[Line]) -> list[Line]:
    """A heading and its lines, with a blank line after; nothing when there are none."""
    found = list(lines)
    return [heading(title), *found, ()] if found else []
