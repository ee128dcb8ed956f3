"""The form of a capability, made from the fields of its request, with the command line shown as it is filled in."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, Label, Static

from unipipe_tui.actions.action import Action, Change
from unipipe_tui.actions.command_line import command_line
from unipipe_tui.actions.request import Field
from unipipe_tui.tui.bindings import bindings_of, legend
from unipipe_tui.tui.forms import NO, YES, Texts, fill, initial_text, ordered_fields, unfinished_line
from unipipe_tui.tui.keys import FORM
from unipipe_tui.tui.messages import Copied
from unipipe_tui.tui.screens.dialog import Dialog
from unipipe_tui.tui.text import harmless

AROUND_FIELDS_LINES = 12
"""What the dialog holds beside the fields: its border, what the capability does, the command line, the buttons."""


class FormScreen(Dialog[Any]):
    """Asks for the fields of one request; answers with the request, or None."""

    BINDINGS = bindings_of(FORM)
    AUTO_FOCUS = None

    def __init__(self, action: Action, texts: Texts, folder: Path) -> None:
        super().__init__()
        self._action = action
        self._folder = folder
        self._fields = ordered_fields(action)
        self._texts = {field.name: texts.get(field.name, initial_text(field)) for field in self._fields}
        self._tried = False
        self._command = ""
        """As it is shown."""
        self.crumb = action.name

    def compose(self) -> ComposeResult:
        """One block a field, the command line, the buttons."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = Content(self._action.name)
            dialog.border_subtitle = Content(f"enter go on · tab next · {legend(self.app, 'form.copy', 'form.cancel')}")
            yield Static(self._action.help.splitlines()[0], id="what", markup=False)
            with VerticalScroll(id="fields", can_focus=False):
                for field in self._fields:
                    yield from self._block(field)
            yield Static(id="command-line", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Show the plan" if isinstance(self._action, Change) else "Look", id="go-on", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Show the command line from the beginning, the cursor where something is missing, or where something can be said."""
        self._judge()
        empty = [field for field in self._fields if not self._texts[field.name]]
        first = next((field for field in empty if field.required), next(iter(empty), self._fields[0]))
        self.query_one(f"#entry-{first.name}").focus()

    def on_resize(self) -> None:
        """Many fields scroll where the screen is low; a share of its height would make the dialog higher than its parts."""
        self.query_one("#fields").styles.max_height = max(3, self.size.height - AROUND_FIELDS_LINES)

    def _block(self, field: Field) -> ComposeResult:
        mark = " *" if field.required and field.kind is not bool else ""
        with Vertical(classes="field"):
            with Horizontal():
                yield Label(f"{field.name.replace('_', ' ')}{mark}", classes="name", markup=False)
                yield self._entry(field)
            yield Static(field.help, classes="help", markup=False)
            yield Static(id=f"wrong-{field.name}", classes="wrong", markup=False)

    def _entry(self, field: Field) -> Widget:
        text = self._texts[field.name]
        if field.kind is bool:
            return Checkbox(text, value=text == YES, id=f"entry-{field.name}", name=field.name, compact=True)
        hint = "several, with blanks between them" if field.many else "" if field.required else "may be left empty"
        return Input(text, placeholder=hint, id=f"entry-{field.name}", name=field.name, compact=True)

    @on(Input.Changed)
    def take_text(self, event: Input.Changed) -> None:
        """Keep what is typed."""
        self._texts[str(event.input.name)] = event.value
        self._judge()

    @on(Checkbox.Changed)
    def take_tick(self, event: Checkbox.Changed) -> None:
        """Keep what is ticked."""
        # The box alone tells its state by colour only.
        event.checkbox.label = self._texts[str(event.checkbox.name)] = YES if event.value else NO
        self._judge()

    @on(Input.Submitted)
    @on(Button.Pressed, "#go-on")
    def go_on(self) -> None:
        """Answer with the request, or say what is wrong."""
        filled = fill(self._action, self._texts, self._folder)
        if filled.request is not None:
            self.dismiss(filled.request)
            return
        self._tried = True
        self._judge()
        self.query_one(f"#entry-{next(iter(filled.wrong))}").focus()

    @on(Button.Pressed, "#cancel")
    def action_close(self) -> None:
        """Answer with nothing."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copy the command line as it stands."""
        self.post_message(Copied(self._command))

    def _judge(self) -> None:
        filled = fill(self._action, self._texts, self._folder)
        for field in self._fields:
            wrong = filled.wrong.get(field.name, "")
            shown = wrong if self._tried or self._texts[field.name].strip() else ""
            line = self.query_one(f"#wrong-{field.name}", Static)
            line.display = bool(shown)
            line.update(Content(harmless(shown)))
        if filled.request is None:
            self._command = unfinished_line(self._action, self._texts)
            line_shown = f"{self._command} …"
        else:
            line_shown = self._command = shlex.join(command_line(self._action, filled.request))
        self.query_one("#command-line", Static).update(Content(f"$ {harmless(line_shown)}"))
