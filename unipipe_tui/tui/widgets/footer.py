"""The footer: as many keys as fit, the place's own first, and always the one that tells of all the others."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.events import Resize
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

HELP = "question_mark"
BETWEEN_KEYS = 1
OWN = "own_command("
"""How the keys of the user's own commands begin."""


class FittingFooter(Footer):
    """Textual's footer, whose keys end before the screen does and not in the middle of a word."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)

    def compose(self) -> ComposeResult:
        """The keys that fit."""
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        # Who made a command of their own wants it at hand, even where there is little room.
        keys.sort(key=lambda key: not key.action.startswith(OWN))
        cells = {key: cell_len(key.key_display) + cell_len(key.description) + 1 + BETWEEN_KEYS for key in keys}
        left = self.size.width - sum(cells[key] for key in keys if key.key == HELP)
        for key in keys:
            if key.key != HELP:
                left -= cells[key]
            if key.key == HELP or left >= 0:
                yield key

    def on_resize(self, event: Resize) -> None:
        """Other keys fit."""
        self.call_after_refresh(self.recompose)
