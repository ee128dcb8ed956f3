"""Textual's bindings, made from the key table."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from unipipe_tui.tui.keys import keys_of

_SHOWN = {"ctrl+p": "^p"}


def bindings_of(screen: str) -> list[BindingType]:
    """The bindings of one place in the key table."""
    return [
        Binding(
            line.keys, line.does, line.label, show=line.in_footer, key_display=_SHOWN.get(line.keys), tooltip=line.what
        )
        for line in keys_of(screen)
        if line.does
    ]
