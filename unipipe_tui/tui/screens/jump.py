"""Jumping to a place, or asking for a capability or a command of the user's own, by the beginning of its name."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.jumps import fitting
from unipipe_tui.tui.keys import JUMP
from unipipe_tui.tui.screens.dialog import Dialog

BETWEEN = " "


class JumpScreen(Dialog[str | None]):
    """Answers with the name of a place, of a capability or of a command of the user's own, or None."""

    crumb = "Jump"
    BINDINGS = bindings_of(JUMP)

    def __init__(self, own: Sequence[str] = ()) -> None:
        super().__init__()
        self._own = tuple(own)

    def compose(self) -> ComposeResult:
        """A line to type in, and what fits."""
        yield Input(placeholder="place, capability or command of your own", id="jump", compact=True)
        yield Static(id="jump-places", markup=False)

    def on_mount(self) -> None:
        """Show all places."""
        self._show("")

    @on(Input.Changed)
    def show_fitting(self, event: Input.Changed) -> None:
        """Show what fits."""
        self._show(event.value)

    @on(Input.Submitted)
    def go(self, event: Input.Submitted) -> None:
        """Answer with what is meant."""
        found = fitting(event.value, self._own)
        if event.value.strip() and found:
            self.dismiss(found[0])

    def action_close(self) -> None:
        """Stay."""
        self.dismiss(None)

    def _show(self, text: str) -> None:
        found = fitting(text, self._own)
        pieces = [
            (f" {name}{BETWEEN}", "bold $accent" if number == 0 and text.strip() else "$muted")
            for number, name in enumerate(found)
        ]
        said = Content.assemble(*pieces) if pieces else Content.styled(" nothing is called that ", "$warning")
        self.query_one("#jump-places", Static).update(said.truncate(max(1, self.size.width - 1), ellipsis=True))
