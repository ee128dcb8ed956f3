"""Details to read: lines that wrap at the width, scrolled by the keys of the output."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import OUTPUT
from unipipe_tui.tui.lines import Line


class Reading(VerticalScroll, can_focus=True):
    """Shows lines; stays where it was scrolled to as long as it is about the same thing."""

    BINDINGS = bindings_of(OUTPUT)

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = title
        self._about: object = None

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(markup=False)

    def show(self, lines: Sequence[Line], about: object = None) -> None:
        """Show lines about something."""
        self.query_one(Static).update(Content("\n").join(Content.assemble(*line) for line in lines))
        if about != self._about:
            self._about = about
            self.scroll_home(animate=False)
