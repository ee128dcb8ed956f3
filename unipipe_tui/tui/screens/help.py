"""The help: every key and every capability, from the key table and the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from textwrap import wrap

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from unipipe_tui.actions.catalog import CATALOG
from unipipe_tui.domain.user_commands import UserCommand
from unipipe_tui.tui.bindings import bindings_of, keys_in_force, legend
from unipipe_tui.tui.keys import DIALOGS, KeyLine, keys_table
from unipipe_tui.tui.messages import Copied
from unipipe_tui.tui.screens.dialog import Dialog
from unipipe_tui.tui.shell import shell_of
from unipipe_tui.tui.text import fit
from unipipe_tui.tui.user_commands import what_it_does
from unipipe_tui.tui.widgets.output import Output

KEY_CELLS = 14
NAME_CELLS = 18
COPIED_CELLS = 120


class HelpScreen(Dialog[None]):
    """What can be pressed and what can be asked for."""

    crumb = "Help"
    BINDINGS = bindings_of(DIALOGS)
    AUTO_FOCUS = "Output"

    def compose(self) -> ComposeResult:
        """One scrollable text."""
        with Vertical(id="dialog", classes="-large") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = Content(legend(self.app, "dialogs.copy", "texts.view", "dialogs.close"))
            yield Output(id="help", follows=False)

    @property
    def _own(self) -> tuple[UserCommand, ...]:
        shell = shell_of(self.app)
        return shell.own.commands if shell else ()

    def on_resize(self) -> None:
        """The text is as wide as the dialog."""
        self.call_after_refresh(self._write)

    def _write(self) -> None:
        output = self.query_one(Output)
        output.clear()
        output.add(help_lines(output.scrollable_content_region.width - 1, keys_in_force(self.app).lines, self._own))

    def action_close(self) -> None:
        """Close."""
        self.dismiss()

    def action_copy(self) -> None:
        """Copy the whole text."""
        self.post_message(Copied("\n".join(help_lines(COPIED_CELLS, keys_in_force(self.app).lines, self._own))))


def help_lines(width: int, table: Sequence[KeyLine] | None = None, own: Sequence[UserCommand] = ()) -> list[str]:
    """The text of the help in so many cells; of the key table as it is made, or with a user's keys and commands."""
    lines: list[str] = []
    for place, keys in groupby(table or keys_table(), key=lambda line: line.screen):
        lines.append(f"== {place}")
        for line in keys:
            lines += _entry(line.keys.replace(",", " "), KEY_CELLS, line.what, width)
        lines.append("")
    if own:
        lines.append("== your commands (ctrl+p finds them)")
        for command in own:
            lines += _entry(command.name, NAME_CELLS, what_it_does(command), width)
        lines.append("")
    lines.append("== capabilities (ctrl+p finds them)")
    for action in CATALOG:
        lines += _entry(action.name, NAME_CELLS, action.help.splitlines()[0], width)
    return lines


def _entry(name: str, cells: int, text: str, width: int) -> list[str]:
    first, *rest = wrap(text, max(20, width - cells - 4)) or [""]
    return [f"  {fit(name, cells)}  {first}", *(" " * (cells + 4) + line for line in rest)]
