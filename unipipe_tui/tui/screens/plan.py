"""The plan dialog: exactly the lines of the plan; Cancel is the default, and only ctrl+o or its button runs it.

A plan that wants a name typed has a line for it.
"""

from __future__ import annotations

import shlex
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

from unipipe_tui.actions.action import Change
from unipipe_tui.actions.perform import make_plan
from unipipe_tui.actions.world import World
from unipipe_tui.domain.plans import Plan
from unipipe_tui.tui.background import Problem, answer_within
from unipipe_tui.tui.bindings import bindings_of, legend
from unipipe_tui.tui.keys import PLAN
from unipipe_tui.tui.messages import Copied
from unipipe_tui.tui.screens.dialog import Dialog
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.themes import target_style as mark

PLAN_WITHIN_SECONDS = 30.0
COMMAND = "  $ "
COMMAND_CELLS = len(COMMAND)
KIND_CELLS = 12
AROUND_LINES = 7
"""What the dialog holds beside the plan: its border and the buttons."""


class PlanScreen(Dialog[Plan[Any] | Problem | None]):
    """Makes the plan and shows it; answers with the plan that shall run, with why there is none, or with None."""

    BINDINGS = bindings_of(PLAN)
    AUTO_FOCUS = "#cancel"

    def __init__(self, change: Change[Any, Any, Any], request: Any, world: World) -> None:
        super().__init__()
        self._change = change
        self._request = request
        self._world = world
        self._plan: Plan[Any] | None = None
        self.crumb = f"Plan: {change.name}"

    def compose(self) -> ComposeResult:
        """The lines and two buttons."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = Content(f"Plan: {self._change.name}")
            dialog.border_subtitle = Content(legend(self.app, "plan.run-it", "plan.copy", "plan.cancel"))
            with VerticalScroll(id="lines", can_focus=False):
                yield Static("Planning …", id="title", markup=False)
            with Horizontal(id="typed"):
                yield Label(id="type-this", markup=False)
                yield Input(id="typed-name", compact=True)
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Run it", id="run-it", compact=True, disabled=True)

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
        title, *lines = (harmless(line) for line in plan.lines)
        self.query_one("#title", Static).update(Content.styled(title, "bold"))
        await self.query_one("#lines").mount_all(PlanLine(line) for line in lines)
        self._mark_targets(plan)
        self._plan = plan
        self._ask_for_name(plan)
        self._judge()

    def _mark_targets(self, plan: Plan[Any]) -> None:
        """A plan for production looks like no other."""
        targets = {name: self._world.targets[name] for name in plan.targets if name in self._world.targets}
        dialog = self.query_one("#dialog")
        for name, target in targets.items():
            if target.colour:
                dialog.border_title = Content.assemble(
                    f"Plan: {self._change.name} ", (f" {name} ", mark(target.colour))
                )
                dialog.add_class(f"-{target.colour.value}")

    def _ask_for_name(self, plan: Plan[Any]) -> None:
        if plan.name_to_type:
            self.query_one("#typed").display = True
            self.query_one("#type-this", Label).update(f"{harmless(plan.why_typed)}; type its name: ")
            self.query_one("#typed-name").focus()

    @property
    def _is_allowed(self) -> bool:
        return self._plan is not None and self.query_one("#typed-name", Input).value.strip() == self._plan.name_to_type

    @on(Input.Changed, "#typed-name")
    def _judge(self) -> None:
        self.query_one("#run-it", Button).disabled = not self._is_allowed

    @on(Input.Submitted, "#typed-name")
    @on(Button.Pressed, "#run-it")
    def action_run_plan(self) -> None:
        """Answer with the plan, once it is there to be read and the name that it wants is typed."""
        if self._is_allowed:
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
