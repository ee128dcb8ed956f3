"""What all places have in common: the title, the command log, the footer, and following the snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from unipipe_tui.actions.world import World
from unipipe_tui.tui.forms import Texts, read_command_line
from unipipe_tui.tui.keys import KeyLine, keys_of
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.remembered import Kept, kept_of
from unipipe_tui.tui.screens.message import CommandToCopy
from unipipe_tui.tui.shell import shell_of
from unipipe_tui.tui.snapshot import Picture, Snapshot
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.watching import Stamp
from unipipe_tui.tui.widgets.command_log import CommandLog
from unipipe_tui.tui.widgets.footer import FittingFooter
from unipipe_tui.tui.widgets.pane import TablePane
from unipipe_tui.tui.widgets.title import Title


class Place(Screen[None]):
    """A screen that one goes to by number; it shows the snapshot and asks the app for everything else."""

    NAME = ""
    REMEMBERED: ClassVar[bool] = True
    """Whether it is found again as it was left; what is opened above a place begins anew."""

    def __init__(self) -> None:
        super().__init__()
        self._newest: Picture | None = None
        self._seen: Picture | None = None
        """The picture that its panes asked after last."""
        self._opened: World | None = None
        """The project as it was opened, where no picture of it comes."""
        self._asked_without_picture = False

    def compose(self) -> ComposeResult:
        """Title, problem, the place's own parts, command log, footer."""
        yield Title(self.NAME)
        yield Static(id="problem", markup=False)
        yield from self.parts()
        yield CommandLog()
        yield FittingFooter()

    def on_mount(self) -> None:
        """Follow the app's snapshot and the switch of the command log."""
        shell = shell_of(self.app)
        if shell and self.REMEMBERED:
            self.recall(shell.recalled(self.NAME))
        self.watch(self.app, "snapshot", self._show)
        self.watch(self.app, "command_log_shown", self._show_command_log)

    def parts(self) -> Iterable[Widget]:
        """What the place is made of."""
        return ()

    def show(self, snapshot: Snapshot) -> None:
        """Show the newest picture."""

    def selection(self) -> Texts:
        """What the cursor stands on, by the names of request fields: what is asked for here is filled in with it."""
        return {}

    def remember(self) -> Kept:
        """What is to be found again at the next launch: how each of its tables stands."""
        return {pane.id: pane.remember() for pane in self.query(TablePane) if pane.id}

    def recall(self, kept: Kept) -> None:
        """Stand as at the last launch, as far as what was kept makes sense."""
        for pane in self.query(TablePane):
            if pane.id:
                pane.recall(kept_of(kept, pane.id))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that leads to a change is dimmed where nothing may be changed."""
        if self.world and self.world.read_only and any(line.does == action for line in self._changing):
            return None
        return super().check_action(action, parameters)

    @property
    def _changing(self) -> tuple[KeyLine, ...]:
        return tuple(line for line in keys_of(self.NAME) if line.changes)

    @property
    def world(self) -> World | None:
        """The project as it was found last; None before the first look."""
        return self._newest.world if self._newest else self._opened

    @property
    def recorded(self) -> Stamp:
        """How the store stood when the project was looked at last."""
        return self._newest.recorded if self._newest else ()

    def look(self, world: World) -> None:
        """Ask the place's own looks again: the project moved, or the place came into sight after it did."""

    def ask_for_command(self, line: str) -> None:
        """Ask for what a command line says, or show the line when it is not one of ours."""
        suggested = read_command_line(line)
        if suggested:
            self.post_message(Asked(suggested.action, suggested.texts, suggested.complete))
        else:
            self.app.push_screen(CommandToCopy(line))

    def on_screen_suspend(self) -> None:
        """Who comes back, now or at the next launch, finds it as it was left."""
        shell = shell_of(self.app)
        if shell and self.REMEMBERED:
            shell.keep_place(self.NAME, self.remember())

    def on_screen_resume(self) -> None:
        """What moved while nobody saw it is looked at now."""
        self._look_if_moved()

    def _look_if_moved(self) -> None:
        # A dialog above the place does not hide it.
        if self not in self.app.screen_stack:
            return
        if self._newest is not None and self._newest is not self._seen:
            self._seen = self._newest
            self.look(self._newest.world)
        elif self._newest is None and self._opened is not None and not self._asked_without_picture:
            self._asked_without_picture = True
            self.look(self._opened)

    def _show(self, snapshot: Snapshot) -> None:
        self.query_one(Title).show(snapshot)
        self.query_one(CommandLog).show_snapshot(snapshot)
        problem = self.query_one("#problem", Static)
        problem.display = snapshot.problem is not None
        if snapshot.problem:
            problem.update(Content(f"✗ {harmless(snapshot.problem.sentence)}"))
        self.show(snapshot)
        self._newest, self._opened = snapshot.picture, snapshot.opened
        self._look_if_moved()

    def _show_command_log(self, shown: bool) -> None:
        log = self.query_one(CommandLog)
        log.display = shown
        if shown:
            # It has no lines before it has a width.
            log.call_after_refresh(log.point_at_newest)
