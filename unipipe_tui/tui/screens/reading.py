"""The answer of a look as lines to read, over the place that asked for it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.command_line import command_line
from unipipe_tui.actions.world import World
from unipipe_tui.tui.background import Problem, answer_within
from unipipe_tui.tui.bindings import bindings_of, legend
from unipipe_tui.tui.keys import DIALOGS, TEXTS
from unipipe_tui.tui.lines import Line, remark
from unipipe_tui.tui.messages import Copied, OutsideWanted
from unipipe_tui.tui.screens.dialog import Dialog
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.reading import Reading

Answer = TypeVar("Answer")
LOOK_WITHIN_SECONDS = 60.0
PAGE_CELLS = 100
"""How wide a text is that leaves the dialog."""


class ReadingScreen(Dialog[None], Generic[Answer]):
    """Looks, and shows what was found as lines that are made for the width of the dialog."""

    BINDINGS: ClassVar = [*bindings_of(DIALOGS), *bindings_of(TEXTS)]
    AUTO_FOCUS = "Reading"

    def __init__(
        self,
        look: Look[Any, Answer],
        request: Any,
        world: World,
        lines_of: Callable[[Answer, int], list[Line]],
        text_of: Callable[[Answer], str] | None = None,
    ) -> None:
        """`text_of`: what is copied; the command line that gives the same answer when left out."""
        super().__init__()
        self._look = look
        self._request = request
        self._world = world
        self._lines_of = lines_of
        self._text_of = text_of
        self.crumb = look.name
        self._answer: Answer | Problem | None = None

    def compose(self) -> ComposeResult:
        """The command line that gives the same answer, and the answer."""
        with Vertical(id="dialog", classes="-large") as dialog:
            dialog.border_title = Content(f"$ {harmless(self._command)}")
            dialog.border_subtitle = Content(
                legend(self.app, "dialogs.copy", "texts.view", "texts.edit", "dialogs.close")
            )
            yield Reading("", id="reading")

    def on_mount(self) -> None:
        """Look."""
        self._find_out()

    def on_resize(self, event: Resize) -> None:
        """Lines are made for a width."""
        self.call_after_refresh(self._show)

    @work(exit_on_error=False)
    async def _find_out(self) -> None:
        self._answer = await answer_within(LOOK_WITHIN_SECONDS, lambda: self._look.look(self._request, self._world))
        self._show()

    def _show(self) -> None:
        reading = self.query_one(Reading)
        if self._answer is None:
            reading.show([remark("Looking …")])
        elif isinstance(self._answer, Problem):
            reading.show([((harmless(self._answer.sentence), "$error"),)])
        else:
            reading.show(self._lines_of(self._answer, reading.content_size.width))

    @property
    def _command(self) -> str:
        return shlex.join(command_line(self._look, self._request))

    def action_close(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copy the text, or the command line."""
        self.post_message(Copied(self._text if self._text_of else self._command))

    def action_view(self) -> None:
        """Read the text in the user's pager."""
        self.post_message(OutsideWanted(self._text))

    def action_edit(self) -> None:
        """Open a copy of the text in the user's editor."""
        self.post_message(OutsideWanted(self._text, editor=True))

    @property
    def _text(self) -> str:
        if self._answer is None or isinstance(self._answer, Problem):
            return self._command
        if self._text_of is not None:
            return self._text_of(self._answer)
        return "\n".join(
            "".join(text for text, _ in line).rstrip() for line in self._lines_of(self._answer, PAGE_CELLS)
        )
