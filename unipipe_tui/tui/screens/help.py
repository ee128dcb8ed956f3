"""The help: every key and every capability, from the key table and the catalog."""

from __future__ import annotations

from itertools import groupby

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import DIALOGS, keys_table
from unipipe_tui.tui.messages import Copied
from unipipe_tui.tui.text import fit
from unipipe_tui.tui.widgets.output import Output

KEY_CELLS = 14
NAME_CELLS = 18


class HelpScreen(ModalScreen[None]):
    """What can be pressed and what can be asked for."""

    BINDINGS = bindings_of(DIALOGS)
    AUTO_FOCUS = "Output"

    def compose(self) -> ComposeResult:
        """One scrollable text."""
        with Vertical(id="dialog", classes="-large") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "c copy · esc close"
            yield Output(id="help", follows=False)

    def on_mount(self) -> None:
        """Show the text."""
        self.query_one(Output).add(help_lines())

    def action_close(self) -> None:
        """Close."""
        self.dismiss()

    def action_copy(self) -> None:
        """Copy the whole text."""
        self.post_message(Copied("\n".join(help_lines())))


def help_lines() -> list[str]:
    """The text of the help."""
    lines: list[str] = []
    for place, keys in groupby(keys_table(), key=lambda line: line.screen):
        lines += [f"== {place}", *(f"  {fit(line.keys.replace(',', ' '), KEY_CELLS)}  {line.what}" for line in keys), ""]
    lines.append("== capabilities (ctrl+p finds them; `unipipe NAME --help` tells more)")
    lines += [f"  {fit(action.name, NAME_CELLS)}  {action.help.splitlines()[0]}" for action in CATALOG]
    return lines
