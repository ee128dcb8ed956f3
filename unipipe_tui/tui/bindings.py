"""Textual's bindings, made from the key table."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.binding import Binding, BindingType

from unipipe_tui.tui.chosen_keys import KeyTable
from unipipe_tui.tui.keys import keys_of, keys_table

_SHOWN = {"ctrl+p": "^p"}


def bindings_of(screen: str) -> list[BindingType]:
    """The bindings of one place in the key table."""
    return [
        Binding(
            line.keys,
            line.does,
            line.label,
            show=line.in_footer,
            key_display=_SHOWN.get(line.keys),
            tooltip=line.what,
            id=line.id,
        )
        for line in keys_of(screen)
        if line.does
    ]


def keys_in_force(app: App[Any]) -> KeyTable:
    """The key table with the user's keys."""
    table = getattr(app, "keys", None)
    return table if isinstance(table, KeyTable) else KeyTable(keys_table())


def legend(app: App[Any], *ids: str) -> str:
    """What a dialog says of its keys: `y copy · esc close`."""
    return keys_in_force(app).legend(*ids)
