"""Small dialogs that only tell something."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button, Static

from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.bindings import bindings_of, legend
from unipipe_tui.tui.keys import DIALOGS
from unipipe_tui.tui.messages import Copied
from unipipe_tui.tui.screens.dialog import Dialog
from unipipe_tui.tui.text import harmless


class Telling(Dialog[None]):
    """A title, a few lines and a button to close."""

    BINDINGS = bindings_of(DIALOGS)
    AUTO_FOCUS = "#close"

    def __init__(self, title: str, text: Content, to_copy: str) -> None:
        super().__init__()
        self._title = self.crumb = title
        self._text = text
        self._to_copy = to_copy

    def compose(self) -> ComposeResult:
        """The dialog."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = Content(self._title)
            dialog.border_subtitle = Content(legend(self.app, "dialogs.copy", "dialogs.close"))
            yield Static(self._text, id="told", markup=False)
            yield Button("Close", id="close", compact=True)

    def on_button_pressed(self) -> None:
        """The only button closes."""
        self.dismiss()

    def action_close(self) -> None:
        """Close."""
        self.dismiss()

    def action_copy(self) -> None:
        """Copy what is told."""
        self.post_message(Copied(self._to_copy))


class ProblemTold(Telling):
    """Why something cannot be done, and what to do about it."""

    def __init__(self, title: str, problem: Problem) -> None:
        hint = Content.styled(f"\n\n→ {harmless(problem.hint)}" if problem.hint else "", "$primary")
        text = Content.assemble(("✗ ", "$error"), harmless(problem.message), hint)
        super().__init__(harmless(title), text, problem.hint or problem.message)


class CommandToCopy(Telling):
    """A command line of another tool, to be run by hand."""

    def __init__(self, command: str) -> None:
        text = Content.assemble(
            "This is another tool's command; run it in a shell:\n\n", (f"$ {harmless(command)}", "bold")
        )
        super().__init__("Next action", text, command)
