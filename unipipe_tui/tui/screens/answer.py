"""The answer of a look, whatever it is."""

from __future__ import annotations

import shlex
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.command_line import command_line
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.world import World
from unipipe_tui.tui.background import Problem, answer_within
from unipipe_tui.tui.bindings import bindings_of, legend
from unipipe_tui.tui.keys import DIALOGS
from unipipe_tui.tui.messages import Copied
from unipipe_tui.tui.pretty import lines_of
from unipipe_tui.tui.screens.dialog import Dialog
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.output import Output

LOOK_WITHIN_SECONDS = 60.0


class AnswerScreen(Dialog[Problem | None]):
    """Looks and shows what was found; answers with a problem when nothing was."""

    BINDINGS = bindings_of(DIALOGS)
    AUTO_FOCUS = "Output"

    def __init__(self, look: Look[Any, Any], request: Any, world: World) -> None:
        super().__init__()
        self._look = look
        self._request = request
        self._world = world
        self.crumb = look.name
        self._command = shlex.join(command_line(look, request))

    def compose(self) -> ComposeResult:
        """The command line that gives the same answer, and the answer."""
        with Vertical(id="dialog", classes="-large") as dialog:
            dialog.border_title = Content(self._look.name)
            said = legend(self.app, "dialogs.copy", "texts.view", "texts.edit", "dialogs.close")
            dialog.border_subtitle = Content(said)
            yield Static(Content(f"$ {harmless(self._command)}"), id="command-line", markup=False)
            yield Output(id="answer", follows=False)

    def on_mount(self) -> None:
        """Look."""
        self.query_one(Output).add(["Looking …"])
        self._find_out()

    @work(exit_on_error=False)
    async def _find_out(self) -> None:
        lines = await answer_within(
            LOOK_WITHIN_SECONDS, lambda: lines_of(to_plain(self._look.look(self._request, self._world)))
        )
        if isinstance(lines, Problem):
            self.dismiss(lines)
            return
        output = self.query_one(Output)
        output.clear()
        output.add(lines)

    def action_close(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copy the command line."""
        self.post_message(Copied(self._command))
