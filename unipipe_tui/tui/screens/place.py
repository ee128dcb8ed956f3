"""What all places have in common: the title, the command log, the footer, and following the snapshot."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from unipipe_tui.tui.snapshot import Snapshot
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.command_log import CommandLog
from unipipe_tui.tui.widgets.title import Title


class Place(Screen[None]):
    """A screen that one goes to by number; it shows the snapshot and asks the app for everything else."""

    NAME = ""

    def compose(self) -> ComposeResult:
        """Title, problem, the place's own parts, command log, footer."""
        yield Title(self.NAME)
        yield Static(id="problem", markup=False)
        yield from self.parts()
        yield CommandLog()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Follow the app's snapshot and the switch of the command log."""
        self.watch(self.app, "snapshot", self._show)
        self.watch(self.app, "command_log_shown", self._show_command_log)

    def parts(self) -> Iterable[Widget]:
        """What the place is made of."""
        return ()

    def show(self, snapshot: Snapshot) -> None:
        """Show the newest picture."""

    def _show(self, snapshot: Snapshot) -> None:
        self.query_one(Title).show(snapshot)
        self.query_one(CommandLog).show_snapshot(snapshot)
        problem = self.query_one("#problem", Static)
        problem.display = snapshot.problem is not None
        if snapshot.problem:
            problem.update(Content(f"✗ {harmless(snapshot.problem.sentence)}"))
        self.show(snapshot)

    def _show_command_log(self, shown: bool) -> None:
        log = self.query_one(CommandLog)
        log.display = shown
        if shown:
            # It has no lines before it has a width.
            log.call_after_refresh(log.point_at_newest)
