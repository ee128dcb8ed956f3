"""`keys.md`: every key of the terminal workbench."""

from __future__ import annotations

from reference.markdown import code, document, table
from unipipe_tui.tui.keys import KeyLine, keys_table

INTRODUCTION = """\
`?` in the workbench shows the same list. Every key that changes something shows the plan first, with the command line
that does the same headless."""


def page() -> str:
    """The whole page."""
    places = tuple(dict.fromkeys(line.screen for line in keys_table()))
    return document("# Keys", INTRODUCTION, *(_place(place) for place in places))


def _place(place: str) -> str:
    lines = [line for line in keys_table() if line.screen == place]
    return f"## {place.capitalize()}\n\n" + table(("key", "label", "what it does"), map(_row, lines))


def _row(line: KeyLine) -> tuple[str, str, str]:
    return " or ".join(code(key) for key in line.keys.split(",")), line.label, line.what
