"""The plan dialog: exactly the lines of the plan; Cancel is the default, and only `y` or its button runs it."""

from __future__ import annotations

import shlex
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from unipipe_tui.actions.action import Change
from unipipe_tui.actions.perform import make_plan
from unipipe_tui.actions.world import World
from unipipe_tui.domain.plans import Plan
from unipipe_tui.tui.background import Problem, answer_within
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import PLAN
from unipipe_tui.tui.messages import Copied
from unipipe_tui.tui.text import harmless

PLAN_WITHIN_SECONDS = 30.0
COMMAND = "  $ "
COMMAND_CELLS = len(COMMAND)
KIND_CELLS = 12
AROUND_LINES = 6
"""What the dialog holds beside the plan: its border and the buttons."""


class PlanScreen(ModalScreen[Plan[Any] | Problem | None]):
    """Makes the plan and shows it; answers with the plan that shall run, with why there is none, or with None."""

    BINDINGS = bindings_of(PLAN)
    AUTO_FOCUS = "#cancel"

    def __init__(self, change: Change[Any, Any, Any], request: Any, world: World) -> None:
        super().__init__()
        self._change = change
        self._request = request
        self._world = world
        self._plan: Plan[Any] | None = None

    def compose(self) -> ComposeResult:
        """The lines and two buttons."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = Content(f"Plan: {self._change.name}")
            dialog.border_subtitle = "y run it · c copy · esc cancel"
            with VerticalScroll(id="lines", can_focus=False):
                yield Static("Planning …", id="title", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Run it (y)", id="run", compact=True, disabled=True)

    def on_mount(self) -> None:
        """Make the plan."""
        self._make_plan()

    def on_resize(self) -> None:
        """A long plan scrolls where the screen is low; a share of its height would make the dialog higher than its parts."""
        self.query_one("#lines").styles.max_height = max(3, self.size.height - AROUND_LINES)

    @work(exit_on_error=False)
    async def _make_plan(self) -> None:
        plan = await answer_within(PLAN_WITHIN_SECONDS, lambda: make_plan(self._change, self._request, self._world))
        if isinstance(plan, Problem):
            self.dismiss(plan)
            return
        self._plan = plan
        title, *lines = (harmless(line) for line in plan.lines)
        self.query_one("#title", Static).update(Content.styled(title, "bold"))
        await self.query_one("#lines").mount_all(PlanLine(line) for line in lines)
        self.query_one("#run", Button).disabled = False

    @on(Button.Pressed, "#run")
    def action_run_plan(self) -> None:
        """Answer with the plan, once it is there to be read."""
        if self._plan:
            self.dismiss(self._plan)

    @on(Button.Pressed, "#cancel")
    def action_close(self) -> None:
        """Answer with nothing."""
        self.dismiss(None)

    def action_scroll_plan(self, lines: int) -> None:
        """Show what of a long plan lies below or above."""
        self.query_one("#lines").scroll_relative(y=lines, animate=False)

    def action_copy(self) -> None:
        """Copy the command line."""
        if self._plan:
            self.post_message(Copied(shlex.join(self._plan.command)))


class PlanLine(Horizontal):
    """One line of a plan; what does not fit goes on below its own text, not below its kind."""

    def __init__(self, line: str) -> None:
        super().__init__(classes="-command" if line.startswith(COMMAND) else f"-{line.split()[0]}")
        self.line = line

    def compose(self) -> ComposeResult:
        """The kind and the text."""
        cells = COMMAND_CELLS if self.line.startswith(COMMAND) else KIND_CELLS
        kind = Static(self.line[:cells], classes="kind", markup=False)
        kind.styles.width = cells
        yield kind
        yield Static(self.line[cells:], classes="text", markup=False)
