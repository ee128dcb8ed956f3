"""The app: it holds the world and the snapshot, goes from place to place, and lets dialogs and jobs do the rest."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import App
from textual.reactive import reactive

from unipipe_tui.actions.catalog import action_named
from unipipe_tui.actions.world import World
from unipipe_tui.tui.asking import ask
from unipipe_tui.tui.background import join_threads
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import EVERYWHERE
from unipipe_tui.tui.lookout import Lookout
from unipipe_tui.tui.messages import Asked, Copied, JobWanted
from unipipe_tui.tui.palette import CatalogProvider
from unipipe_tui.tui.screens.help import HelpScreen
from unipipe_tui.tui.screens.jobs import Followed, JobsScreen
from unipipe_tui.tui.screens.overview import OverviewScreen
from unipipe_tui.tui.snapshot import Snapshot
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.theme import DARK, HEIGHTS, LIGHT, WIDTHS

END_WITHIN_SECONDS = 1.5


def open_app(world: World) -> None:
    """Open the workbench on a project and return when it is left; needs a terminal."""
    Unipipe(world).run()
    join_threads(END_WITHIN_SECONDS)


class Unipipe(App[None]):
    """The terminal workbench of one project."""

    TITLE = "unipipe"
    CSS_PATH = "app.tcss"
    BINDINGS = bindings_of(EVERYWHERE)
    COMMANDS: ClassVar = {CatalogProvider}
    MODES: ClassVar = {"overview": OverviewScreen, "jobs": JobsScreen}
    HORIZONTAL_BREAKPOINTS = sorted(WIDTHS)
    VERTICAL_BREAKPOINTS = sorted(HEIGHTS)
    DEFAULT_MODE = "overview"

    snapshot: reactive[Snapshot] = reactive(Snapshot(), always_update=True)
    followed: reactive[Followed | None] = reactive(None)
    command_log_shown: reactive[bool] = reactive(False)

    def __init__(self, world: World) -> None:
        super().__init__()
        self._opened = world
        self._lookout = Lookout(world)
        self._asking = False
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    @property
    def world(self) -> World:
        """The project as it was found last."""
        return self.snapshot.picture.world if self.snapshot.picture else self._opened

    def on_mount(self) -> None:
        """Begin to look."""
        self._look()

    @work(exit_on_error=False)
    async def _look(self) -> None:
        async for snapshot in self._lookout.snapshots():
            self.snapshot = snapshot

    def action_go(self, place: str) -> None:
        """Go to a place."""
        self.switch_mode(place)

    def action_toggle_command_log(self) -> None:
        """Show or hide the command log."""
        self.command_log_shown = not self.command_log_shown

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen())

    def action_look_again(self) -> None:
        """Look at everything again."""
        self._lookout.look_again()

    def action_leave(self) -> None:
        """End the app, not the jobs."""
        running = self.snapshot.picture.running if self.snapshot.picture else ()
        lines = [f"Goes on: {harmless(job.command)}\n  unipipe jobs attach {job.id}" for job in running]
        self.exit(message=Text("\n".join(lines)) if lines else None)

    def action_ask(self, name: str) -> None:
        """Ask for a capability by its key: straight for the plan when nothing is left to say."""
        self._ask(Asked(action_named(name), complete=True))

    @on(Asked)
    def take_wish(self, wish: Asked) -> None:
        """Somebody wants a capability."""
        self._ask(wish)

    @work(exit_on_error=False)
    async def _ask(self, wish: Asked) -> None:
        # A key that is held down asks again and again; one wish at a time is led through its dialogs.
        if self._asking:
            return
        self._asking = True
        try:
            followed = await ask(self, self.world, wish)
        finally:
            self._asking = False
        if followed:
            self.followed = followed
            self._lookout.look_again()
            self.switch_mode("jobs")

    @on(JobWanted)
    def show_job(self, wanted: JobWanted) -> None:
        """Go to a job."""
        self.followed = Followed(wanted.job_id, self.world)
        self.switch_mode("jobs")

    @on(Copied)
    def copy(self, copied: Copied) -> None:
        """Give a text to the terminal's clipboard."""
        self.copy_to_clipboard(copied.text)
        self.notify("Copied, if the terminal allows it.", title=copied.text[:60], markup=False)
