"""The shell around the places: the user's keys and colours, copying, what is remembered, and other programs' turn."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from textual import on, work
from textual.app import App, SuspendNotSupported
from textual.binding import Binding, BindingsMap
from textual.events import Event, Key, Resize
from textual.filter import LineFilter

from unipipe_tui.config.user import ThemeName
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.ports.terminal import Terminal
from unipipe_tui.tui.background import Problem, answer_within, begin
from unipipe_tui.tui.chosen_keys import chosen_table
from unipipe_tui.tui.copying import Copy, copy_text
from unipipe_tui.tui.keys import keys_table
from unipipe_tui.tui.messages import Copied, OutsideWanted
from unipipe_tui.tui.plain_glyphs import AsciiFilter
from unipipe_tui.tui.remembered import NOTHING, Kept, Remembered, keep, memory_path, recall
from unipipe_tui.tui.surroundings import Surroundings
from unipipe_tui.tui.text import clip, harmless
from unipipe_tui.tui.themes import THEMES, theme_after
from unipipe_tui.tui.too_small import TooSmallScreen, is_too_small
from unipipe_tui.tui.user_commands import own_commands

COPY_WITHIN_SECONDS = 8.0
TITLE_CELLS = 60
PROBLEM_SECONDS = 20.0
PROBLEMS_TOLD = 3
PROBLEM_CELLS = 150


class Shell(App[None]):
    """An app in its surroundings; what it shows is somebody else's."""

    def __init__(self, surroundings: Surroundings, project: Path) -> None:
        super().__init__()
        self.surroundings = surroundings
        self.own = own_commands(chosen_table(keys_table(), surroundings.user.keys), surroundings.user.commands)
        self.keys = self.own.keys
        self._bind_own_commands()
        self.project = project
        self._memory = memory_path(surroundings.state, project) if surroundings.state else None
        self.remembered = recall(self._memory)
        self._take_themes()

    def on_mount(self) -> None:
        """Take the user's keys, and say what is wrong with the configuration."""
        if not self.keys.problems:
            self.set_keymap({choice.id: ",".join(choice.keys) for choice in self.surroundings.user.keys})
        problems = (*self.surroundings.user.problems, *self.keys.problems, *self.own.problems)
        if problems:
            self.notify(
                "\n".join(told_shortly(problems, self.surroundings.user.path)),
                title="The defaults hold where your configuration is wrong",
                severity="warning",
                timeout=PROBLEM_SECONDS,
                markup=False,
            )

    def _bind_own_commands(self) -> None:
        for line in {line.does: line for line in self.own.lines}.values():
            for key, binding in BindingsMap([Binding(line.keys, line.does, line.label)]):
                self.bind(key, binding.action, description=line.label)

    # Colours and glyphs

    def _take_themes(self) -> None:
        # Without colours the others would be painted in greys that nobody chose to be read.
        offered = [ThemeName.MONOCHROME] if self.surroundings.colourless else list(ThemeName)
        for name in offered:
            self.register_theme(THEMES[name])
        wanted = THEMES[self._first_theme()].name
        known = {THEMES[name].name for name in offered}
        is_remembered = not (self.surroundings.colourless or self.surroundings.user.theme)
        self.theme = self._began_with = (
            self.remembered.theme if is_remembered and self.remembered.theme in known else wanted
        )
        for built_in in set(self.available_themes) - known:
            self.unregister_theme(built_in)

    def _first_theme(self) -> ThemeName:
        if self.surroundings.colourless:
            return ThemeName.MONOCHROME
        return self.surroundings.user.theme or ThemeName.DARK

    def action_next_theme(self) -> None:
        """Go on to the next colours."""
        if self.surroundings.colourless:
            self.notify("NO_COLOR is set.", title="Colours", timeout=5)
            return
        self.theme = theme_after(self.theme).name
        self.notify(self.theme.removeprefix("unipipe-"), title="Colours", timeout=2, markup=False)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every painted line goes through."""
        return [*super().get_line_filters(), *([AsciiFilter()] if self.surroundings.ascii else [])]

    # Keys

    async def on_event(self, event: Event) -> None:
        """Take what happens; keys that come when one has left already, or is being closed, find no screen any more."""
        if not (isinstance(event, Key) and (self._exit or not self.screen_stack)):
            await super().on_event(event)

    # Size

    def on_resize(self, event: Resize) -> None:
        """Nothing sensible fits a tiny terminal."""
        self.call_next(self._mind_size)

    def _mind_size(self) -> None:
        if is_too_small(self.size) and not any(isinstance(screen, TooSmallScreen) for screen in self.screen_stack):
            self.push_screen(TooSmallScreen())

    # What is remembered

    def recalled(self, place: str) -> Kept:
        """What a place kept at the last launch, or since."""
        return self.remembered.places.get(place, NOTHING)

    def keep_place(self, place: str, kept: Kept) -> None:
        """Keep what a place wants to find again."""
        now = Remembered(self._theme_to_keep, place, {**self.remembered.places, place: dict(kept)})
        if now != self.remembered:
            self.remembered = now
            begin(lambda: keep(self._memory, now))

    def keep_now(self) -> None:
        """Write it down before the end."""
        keep(self._memory, replace(self.remembered, theme=self._theme_to_keep))

    @property
    def _theme_to_keep(self) -> str:
        # Colours that the environment or the configuration chose are nobody's choice here.
        return self.theme if self.theme != self._began_with else self.remembered.theme

    # Copying

    @on(Copied)
    def take_text(self, copied: Copied) -> None:
        """Somebody wants a text in the clipboard."""
        self.copy_to_clipboard(copied.text)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text by the best way that there is here; what is selected with the mouse goes it too."""
        self._clipboard = text
        self._copy(text)

    @work(exit_on_error=False)
    async def _copy(self, text: str) -> None:
        around = self.surroundings
        copy = await answer_within(
            COPY_WITHIN_SECONDS, lambda: copy_text(text, around.terminal, around.environment, around.state)
        )
        if isinstance(copy, Copy) and copy.sequence and self._driver is not None:
            self._driver.write(copy.sequence)
        told = copy.message if isinstance(copy, Problem) else copy.told
        self.notify(harmless(told), title=clip(harmless(text), TITLE_CELLS), markup=False)

    # Files for the user, and other programs

    def action_take_picture(self) -> None:
        """Write what is to be seen into an SVG file."""
        self._write_screenshot(self.export_screenshot(title=f"unipipe · {self.project.name}"))

    @work(exit_on_error=False)
    async def _write_screenshot(self, picture: str) -> None:
        folder = self.surroundings.state
        if folder is None:
            self.notify("There is no folder to write it in.", title="Screenshot", severity="warning")
            return
        path = folder / f"{self.project.name or 'unipipe'}-{datetime.now():%Y%m%d-%H%M%S-%f}.svg"
        problem = await answer_within(COPY_WITHIN_SECONDS, lambda: _write(path, picture))
        self.notify(problem.message if problem else str(path), title="Screenshot", markup=False, timeout=10)

    @on(OutsideWanted)
    def show_outside(self, wanted: OutsideWanted) -> None:
        """Let the user's editor or pager have the terminal."""
        if wanted.path is not None:
            with suppress(OSError):
                # An editor cannot write a first configuration into a folder that is not there.
                wanted.path.parent.mkdir(parents=True, exist_ok=True)
            self._run_in_front([*self._program(wanted.editor), str(wanted.path)])
            if wanted.path == self.surroundings.user.path:
                self.notify("Your configuration is read again at the next launch.", markup=False)
            return
        with tempfile.NamedTemporaryFile("w", prefix="unipipe-", suffix=".txt", encoding="utf-8") as file:
            file.write(f"{wanted.text}\n")
            file.flush()
            self._run_in_front([*self._program(wanted.editor), file.name])

    def _program(self, editor: bool) -> list[str]:
        environment = self.surroundings.environment
        names, usual = (("VISUAL", "EDITOR"), "vi") if editor else (("PAGER",), "less")
        named = next((environment[name] for name in names if environment.get(name, "").strip()), usual)
        try:
            return shlex.split(named)
        except ValueError:
            return [usual]

    def _run_in_front(self, argv: Sequence[str]) -> None:
        terminal = self.surroundings.terminal
        try:
            if terminal is None:
                raise SuspendNotSupported
            with self.suspend():
                told = _had_the_terminal(terminal, argv, self.project)
        except SuspendNotSupported:
            told = "There is no terminal here that another program could have."
        if told:
            self.notify(harmless(told), severity="warning", markup=False)


def _had_the_terminal(terminal: Terminal, argv: Sequence[str], folder: Path) -> str:
    """Let the program have it; answers with what went wrong. Never raises: Textual would not take the terminal back."""
    try:
        code = terminal.run_in_front(argv, folder)
    except UnipipeError as error:
        return f"{error.message} {error.hint}".strip()
    except OSError as error:
        return f"{argv[0]} cannot be started ({error.strerror})."
    return f"{argv[0]} ended with {code}." if code else ""


def told_shortly(problems: Sequence[str], path: Path | None) -> Sequence[str]:
    """What is wrong with the configuration, in a few lines: all of it would hide the screen, and the path says little."""
    own = f"{path}, "
    told = [clip(harmless(problem.removeprefix(own)), PROBLEM_CELLS) for problem in problems[:PROBLEMS_TOLD]]
    more = len(problems) - len(told)
    return (*told, f"{f'{more} more; all' if more else 'All'} of it: unipipe doctor")


def _write(path: Path, text: str) -> Problem | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        return Problem(f"{path} cannot be written ({error.strerror}).")
    return None


def shell_of(app: App[Any]) -> Shell | None:
    """The shell that a screen or widget is in; None where it is tried out in another app."""
    return app if isinstance(app, Shell) else None
