"""`keys.md`: every key of the terminal workbench."""

from __future__ import annotations

from reference.markdown import code, document, table
from unipipe_tui.tui.keys import KeyLine, keys_table

INTRODUCTION = """\
`?` in the workbench shows the same list. Every key that changes something shows the plan first, with the command line
that does the same headless.

Every key can be another one: a user's own `config.yaml` names the thing by its id, and a key or a list of keys
([configuration](configuration.md#your-own-configuration)). What cannot be is refused with a message: an id that there is
not, a key that something else has in the same place, and what terminals keep for themselves (ctrl with a, b, d, h, i,
j, k, l or m)."""


def page() -> str:
    """The whole page."""
    places = tuple(dict.fromkeys(line.screen for line in keys_table()))
    return document("# Keys", INTRODUCTION, *(_place(place) for place in places))


def _place(place: str) -> str:
    lines = [line for line in keys_table() if line.screen == place]
    return f"## {place.capitalize()}\n\n" + table(("key", "label", "what it does", "id"), map(_row, lines))


def _row(line: KeyLine) -> tuple[str, str, str, str]:
    return (
        " or ".join(code(key) for key in line.keys.split(",")),
        line.label,
        line.what,
        code(line.id) if line.does else "",
    )
