"""The app: it holds the world and the snapshot, goes from place to place, and lets dialogs and jobs do the rest."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Timer
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual import on, work
from textual.actions import ActionParseResult
from textual.dom import DOMNode
from textual.reactive import reactive
from textual.screen import ModalScreen

from unipipe_tui.actions.action import Action
from unipipe_tui.actions.catalog import action_named
from unipipe_tui.actions.request import fields_of
from unipipe_tui.actions.world import World
from unipipe_tui.tui.asking import ask, refusal
from unipipe_tui.tui.background import join_threads
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import EVERYWHERE, is_change, leads_to_change
from unipipe_tui.tui.lookout import Lookout
from unipipe_tui.tui.messages import Asked, JobWanted
from unipipe_tui.tui.palette import CatalogProvider
from unipipe_tui.tui.places import PLACES
from unipipe_tui.tui.screens.help import HelpScreen
from unipipe_tui.tui.screens.jobs import Followed, JobsScreen
from unipipe_tui.tui.screens.jump import JumpScreen
from unipipe_tui.tui.screens.lineage import LineageScreen
from unipipe_tui.tui.screens.message import ProblemTold
from unipipe_tui.tui.screens.models import ModelsScreen
from unipipe_tui.tui.screens.monitoring import MonitoringScreen
from unipipe_tui.tui.screens.overview import OverviewScreen
from unipipe_tui.tui.screens.pipeline import PipelineScreen
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.screens.releases import ReleasesScreen
from unipipe_tui.tui.screens.runs import RunsScreen
from unipipe_tui.tui.shell import Shell
from unipipe_tui.tui.snapshot import Snapshot
from unipipe_tui.tui.surroundings import ALONE, Surroundings
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.theme import HEIGHTS, WIDTHS
from unipipe_tui.tui.user_commands import change_of, texts_of_row

END_WITHIN_SECONDS = 1.5
STAND_BY_AFTER_SECONDS = 2.0
"""When the workbench lets a process import what jobs need, so that a confirmed change begins at once."""


def open_app(world: World, surroundings: Surroundings = ALONE) -> None:
    """Open the workbench on a project and return when it is left; needs a terminal."""
    # Not at once: opening the app comes first.
    beside = Timer(STAND_BY_AFTER_SECONDS, world.processes.stand_by)
    beside.daemon = True
    beside.start()
    app = Unipipe(world, surroundings)
    try:
        app.run()
    finally:
        beside.cancel()
        world.processes.stand_down()
    join_threads(END_WITHIN_SECONDS)
    # Whatever a thread wrote last: the end is what is found again.
    app.keep_now()


SCREENS = (
    OverviewScreen,
    PipelineScreen,
    RunsScreen,
    ModelsScreen,
    ReleasesScreen,
    MonitoringScreen,
    JobsScreen,
    LineageScreen,
)


class Unipipe(Shell):
    """The terminal workbench of one project."""

    TITLE = "unipipe"
    CSS_PATH: ClassVar = ["app.tcss", *(f"styles/{place.name}.tcss" for place in PLACES)]
    BINDINGS = bindings_of(EVERYWHERE)
    COMMANDS: ClassVar = {CatalogProvider}
    MODES: ClassVar = {screen.NAME: screen for screen in SCREENS}
    HORIZONTAL_BREAKPOINTS = sorted(WIDTHS)
    VERTICAL_BREAKPOINTS = sorted(HEIGHTS)
    DEFAULT_MODE = "overview"

    snapshot: reactive[Snapshot] = reactive(Snapshot(), always_update=True)
    followed: reactive[Followed | None] = reactive(None)
    command_log_shown: reactive[bool] = reactive(False)

    def __init__(self, world: World, surroundings: Surroundings = ALONE) -> None:
        super().__init__(surroundings, world.root)
        self._opened = world
        self._lookout = Lookout(world)
        self._asking = False
        self._before: list[str] = []
        """The places that one came through."""

    @property
    def world(self) -> World:
        """The project as it was found last."""
        return self.snapshot.picture.world if self.snapshot.picture else self._opened

    def on_mount(self) -> None:
        """Begin to look, at the place that was looked at last."""
        if self.remembered.place in self.MODES and self.remembered.place != self.DEFAULT_MODE:
            self.switch_mode(self.remembered.place)
        self._look()

    @work(exit_on_error=False)
    async def _look(self) -> None:
        async for snapshot in self._lookout.snapshots():
            self.snapshot = snapshot

    def action_go(self, place: str) -> None:
        """Go to a place."""
        if place != self.current_mode:
            self._before.append(self.current_mode)
            self.switch_mode(place)

    def action_go_back(self) -> None:
        """Go back to the place before."""
        if self._before:
            self.switch_mode(self._before.pop())

    def action_jump(self) -> None:
        """Go to a place by its name."""
        place = self._place.NAME if self._place else ""
        own = [command.name for command in self.own.commands if command.is_offered_in(place)]
        self.push_screen(JumpScreen(own), self._jump)

    async def _jump(self, name: str | None) -> None:
        if name and name in self.MODES:
            self.action_go(name)
        elif name in {command.name for command in self.own.commands}:
            await self.run_action(f"own_command('{name}')")
        elif name:
            self._ask(Asked(action_named(name), self._known(action_named(name))))

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
        action = action_named(name)
        self._ask(Asked(action, self._known(action), complete=True))

    def action_own_command(self, name: str) -> None:
        """Run a command of the user's own with what the cursor stands on; what is to be typed is asked for."""
        command = self.own.named(name)
        texts = texts_of_row(command, self._place.selection() if self._place else {})
        self._ask(Asked(change_of(command), texts, complete=not command.inputs))

    @property
    def _place(self) -> Place | None:
        """The place in sight, also below a dialog."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, Place)), None)

    def _known(self, action: Action) -> Texts:
        known = self.screen.selection() if isinstance(self.screen, Place) else {}
        return {field.name: known[field.name] for field in fields_of(action.request) if field.name in known}

    @on(Asked)
    def take_wish(self, wish: Asked) -> None:
        """Somebody wants a capability; what is not said of it is what the cursor stands on."""
        self._ask(Asked(wish.action, {**self._known(wish.action), **wish.texts}, wish.complete))

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
            self.action_go("jobs")

    @on(JobWanted)
    def show_job(self, wanted: JobWanted) -> None:
        """Go to a job, unless a dialog has opened meanwhile: left behind, it would keep all others from opening."""
        if isinstance(self.screen, ModalScreen):
            return
        self.followed = Followed(wanted.job_id, self.world)
        self.action_go("jobs")

    # Where nothing may be changed

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that asks for a change is dimmed where nothing may be changed."""
        if action == "ask" and self.world.read_only and is_change(str(parameters[0])):
            return None
        if action == "own_command":
            command, place = self.own.named(str(parameters[0])), self._place
            if place is None or not command.is_offered_in(place.NAME):
                return False
            return None if command.changes and self.world.read_only else True
        return super().check_action(action, parameters)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key asks for; where nothing may be changed, say why instead."""
        if await super().run_action(action, default_namespace, namespaces):
            return True
        line = next((line for line in self.keys.lines if line.does == action and leads_to_change(line)), None)
        if line is None or not self.world.read_only:
            return False
        self.push_screen(ProblemTold(line.label, refusal(self.world)))
        return True

    # The end

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Leave; the place that is here is found again at the next launch."""
        place = self.screen_stack[0] if self.screen_stack else None
        if isinstance(place, Place):
            self.keep_place(place.NAME, place.remember())
        self.keep_now()
        super().exit(result, return_code, message)
