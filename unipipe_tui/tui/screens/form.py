"""The form of a capability, made from the fields of its request: what they can be chosen from, and the command line."""

from __future__ import annotations

import asyncio
import shlex
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, Label, OptionList, Static

from unipipe_tui.actions.action import Action, Change
from unipipe_tui.actions.command_line import command_line
from unipipe_tui.actions.request import Field
from unipipe_tui.actions.world import World
from unipipe_tui.tui.background import Problem, begin, late
from unipipe_tui.tui.bindings import bindings_of, legend
from unipipe_tui.tui.choices import Choice, Choices, counted, matching, strange_words, typed_in
from unipipe_tui.tui.forms import NO, YES, Texts, fill, initial_text, ordered_fields, unfinished_line
from unipipe_tui.tui.keys import FORM
from unipipe_tui.tui.listings import Listing, listing_of
from unipipe_tui.tui.messages import Copied
from unipipe_tui.tui.screens.dialog import Dialog
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.choices import ChoiceList

LIST_WITHIN_SECONDS = 3.0
"""How long choices are waited for before it is said why there are none; they are still taken when they come later."""
AROUND_FIELDS_LINES = 12
"""What the dialog holds beside the fields: its border, what the capability does, the command line, the buttons."""


class Fields(VerticalScroll, can_focus=False, inherit_bindings=False):
    """What is filled in. It scrolls to where the focus goes; up and down are for the choices."""


class FormScreen(Dialog[Any]):
    """Asks for the fields of one request; answers with the request, or None."""

    BINDINGS = bindings_of(FORM)
    AUTO_FOCUS = None

    def __init__(
        self, action: Action, texts: Texts, world: World, list_within_seconds: float = LIST_WITHIN_SECONDS
    ) -> None:
        super().__init__()
        self._action = action
        self._world = world
        self._list_within_seconds = list_within_seconds
        self._fields = ordered_fields(action)
        self._texts = {field.name: texts.get(field.name, initial_text(field)) for field in self._fields}
        self._tried = False
        self._command = ""
        """As it is shown."""
        self._answers: dict[tuple[object, str], Choices | Problem | None] = {}
        """By what was asked, what fields are chosen from; None: it is being asked."""
        self._visited: set[str] = set()
        """The fields that had the focus: of the others nothing is said that was not asked for."""
        self._untouched = True
        """Whether the text is as it was when one came to the field."""
        self._wants_choices = True
        """Whether the choices of the field that has the focus shall be seen."""
        self.crumb = action.name

    def compose(self) -> ComposeResult:
        """One block a field, the command line, the buttons."""
        with Vertical(id="dialog") as dialog:
            dialog.border_title = Content(self._action.name)
            dialog.border_subtitle = Content(
                f"enter go on · tab next · {legend(self.app, 'form.choices', 'form.copy', 'form.cancel')}"
            )
            yield Static(self._action.help.splitlines()[0], id="what", markup=False)
            with Fields(id="fields"):
                for field in self._fields:
                    yield from self._block(field)
            yield Static(id="command-line", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Show the plan" if isinstance(self._action, Change) else "Look", id="go-on", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Show the command line from the beginning, the cursor where something is missing, or where something can be said."""
        if not self.query("#fields"):
            # Dismissed in the moment in which it opened: nothing of it is there any more.
            return
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
            if field.kind is not bool and self._listing(field):
                yield ChoiceList(id=f"choices-{field.name}", name=field.name)
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
        name = str(event.input.name)
        if self._texts[name] == event.value:
            return
        self._texts[name] = event.value
        self._untouched, self._wants_choices = False, True
        self._judge()
        self._show_choices()

    @on(Checkbox.Changed)
    def take_tick(self, event: Checkbox.Changed) -> None:
        """Keep what is ticked."""
        # The box alone tells its state by colour only.
        event.checkbox.label = self._texts[str(event.checkbox.name)] = YES if event.value else NO
        self._judge()

    @on(Input.Submitted)
    def take_or_go_on(self) -> None:
        """Take the choice under the cursor; without one, go on."""
        opened = self._open_list
        if opened is not None and opened.pointed is not None:
            self._take(opened.pointed)
        else:
            self.go_on()

    @on(Button.Pressed, "#go-on")
    def go_on(self) -> None:
        """Answer with the request, or say what is wrong."""
        filled = fill(self._action, self._texts, self._world.root)
        if filled.request is not None:
            self.dismiss(filled.request)
            return
        self._tried = True
        self._judge()
        self.query_one(f"#entry-{next(iter(filled.wrong))}").focus()

    @on(Button.Pressed, "#cancel")
    def cancel(self) -> None:
        """Answer with nothing."""
        self.dismiss(None)

    def action_close(self) -> None:
        """Close the choices; without any in sight, the form."""
        if self._open_list is None:
            self.cancel()
            return
        self._wants_choices = False
        self._show_choices()

    def action_copy(self) -> None:
        """Copy the command line as it stands."""
        self.post_message(Copied(self._command))

    # The choices

    @on(DescendantFocus)
    def come_to_field(self, event: DescendantFocus) -> None:
        """Show what the field is chosen from."""
        field = self._focused_field
        if field is None:
            return
        self._visited.add(field.name)
        self._untouched = self._wants_choices = True
        for visited in self._fields:
            # What an earlier field is chosen from depends on others, which may say something else by now.
            if visited.name in self._visited:
                self._begin_listing(visited)
        self._judge()
        self._show_choices()

    @on(DescendantBlur)
    def leave_field(self, event: DescendantBlur) -> None:
        """Show them no longer."""
        self._show_choices()

    def action_next_choice(self) -> None:
        """Go down in the choices, which opens them."""
        if self._open_list is None:
            self._wants_choices = True
            self._show_choices()
        if self._open_list is not None:
            self._open_list.go_down()

    def action_previous_choice(self) -> None:
        """Go up in the choices, and out of them."""
        if self._open_list is not None:
            self._open_list.go_up()

    @on(OptionList.OptionSelected)
    def take_clicked(self, event: OptionList.OptionSelected) -> None:
        """Take the choice that was clicked."""
        if self._open_list is not None:
            self._take(self._open_list.choices[event.option_index])

    @property
    def _focused_field(self) -> Field | None:
        focused = self.focused
        return next((field for field in self._fields if focused and focused.id == f"entry-{field.name}"), None)

    @property
    def _open_list(self) -> ChoiceList | None:
        return next((one for one in self.query(ChoiceList) if one.is_open), None)

    def _listing(self, field: Field) -> Listing | None:
        return listing_of(field, self._action, self._texts) if field.kind is not bool else None

    def _answer(self, field: Field) -> Choices | Problem | None:
        listing = self._listing(field)
        return self._answers.get(listing.asked) if listing else None

    def _begin_listing(self, field: Field) -> None:
        listing = self._listing(field)
        if listing is not None and listing.asked not in self._answers:
            self._answers[listing.asked] = None
            self._list(listing)

    @work(exit_on_error=False)
    async def _list(self, listing: Listing) -> None:
        asking = begin(lambda: listing.ask(self._world))
        done, _ = await asyncio.wait({asking}, timeout=self._list_within_seconds)
        if not done:
            self._take_answer(listing, late(self._list_within_seconds))
        self._take_answer(listing, await asking)

    def _take_answer(self, listing: Listing, answer: Choices | Problem) -> None:
        self._answers[listing.asked] = answer
        self._judge()
        field = self._focused_field
        asked = self._listing(field) if field else None
        if asked is not None and asked.asked == listing.asked:
            self._show_choices()

    def _show_choices(self) -> None:
        """Open the list of the field that has the focus when there is something to choose, and close the others."""
        field = self._focused_field
        for one in self.query(ChoiceList):
            answer = self._answer(field) if field is not None and one.name == field.name else None
            if field is None or not isinstance(answer, Choices) or not self._wants_choices:
                one.close()
                continue
            typed = typed_in(self._texts[field.name], field.many, self._untouched)
            found = matching(answer.offered, typed)
            is_there = [choice.value for choice in found] == [self._texts[field.name].strip()]
            one.offer(() if is_there else found, counted(len(found), answer))

    def _take(self, choice: Choice) -> None:
        field = self._focused_field
        if field is None:
            return
        entry = self.query_one(f"#entry-{field.name}", Input)
        taken = typed_in(self._texts[field.name], field.many, self._untouched).taking(choice, field.many)
        self._texts[field.name] = entry.value = taken
        entry.cursor_position = len(taken)
        # Of several, the next one may be wanted.
        self._untouched, self._wants_choices = False, field.many
        self._judge()
        self._show_choices()

    # What is said of the fields

    def _judge(self) -> None:
        filled = fill(self._action, self._texts, self._world.root)
        for field in self._fields:
            wrong = filled.wrong.get(field.name, "")
            self._say(field, *(("", wrong) if wrong and self._says_wrong(field) else self._doubt(field)))
        if filled.request is None:
            self._command = unfinished_line(self._action, self._texts)
            line_shown = f"{self._command} …"
        else:
            line_shown = self._command = shlex.join(command_line(self._action, filled.request))
        self.query_one("#command-line", Static).update(Content(f"$ {harmless(line_shown)}"))

    def _says_wrong(self, field: Field) -> bool:
        return self._tried or bool(self._texts[field.name].strip())

    def _doubt(self, field: Field) -> tuple[str, str]:
        """What is no fault, by its class: a value that no look knows, or choices that cannot be had."""
        listing, answer = self._listing(field), self._answer(field)
        if listing is None or answer is None or field.name not in self._visited:
            return "", ""
        if isinstance(answer, Problem):
            return "-remark", f"{listing.noun} cannot be listed: {answer.message}"
        if not answer.offered and not answer.open:
            return "-remark", f"There are no {listing.noun} to choose from."
        strange = strange_words(answer, self._texts[field.name], field.many)
        return ("-warning", f"! {', '.join(strange)}: not among the {listing.noun}.") if strange else ("", "")

    def _say(self, field: Field, kind: str, said: str) -> None:
        line = self.query_one(f"#wrong-{field.name}", Static)
        line.display = bool(said)
        line.set_class(kind == "-warning", "-warning")
        line.set_class(kind == "-remark", "-remark")
        line.update(Content(harmless(said)))
