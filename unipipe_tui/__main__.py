"""The front door: `unipipe` alone opens the terminal workbench, `unipipe <words>` runs headless."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from unipipe_tui.actions.world import World
    from unipipe_tui.cli import Workbench


STAND_BY = "--stand-by"
"""The workbench starts itself a second time with this word; nobody types it."""
SERVED = "--served"
"""The server of pages starts the workbench with this word, once for every page."""


STOPPED = 130
"""The exit code of what was stopped."""


FLAGS = {"--read-only": ("UNIPIPE_READ_ONLY", "--read-only"), "--ascii": ("UNIPIPE_ASCII", "1")}
"""What can be said of the workbench: kept in the environment, so that what is started from it knows as well."""


def main() -> None:
    """Run the command line of this process; ends the process with the exit code."""
    try:
        _run(sys.argv[1:])
    except KeyboardInterrupt:
        # Before anything listened to signals: nothing had begun.
        sys.exit(STOPPED)


def _run(words: Sequence[str]) -> None:
    # What is imported is never garbage: looking for some as often as usual takes a tenth of a short command's time.
    gc.set_threshold(100_000)
    if words == ["--version"]:
        from unipipe_tui import __version__

        print(f"unipipe {__version__}")
    elif words == [STAND_BY]:
        from importlib import import_module

        from unipipe_tui.standby import stand_by

        # What every job begins with.
        import_module("unipipe_tui.cli")
        stand_by(run_headless)
    elif words == [SERVED]:
        open_page(Path.cwd())
    elif all(word in FLAGS for word in words):
        for word in words:
            os.environ.update([FLAGS[word]])
        open_terminal(Path.cwd())
    else:
        run_headless(words)


def run_headless(words: Sequence[str]) -> None:
    """Run a command line; ends the process with its exit code."""
    from unipipe_tui.cli import run

    ended = run(words, open_world)
    if ended.open_next is not None:
        # The commands that the workbench starts count relative paths from where it stands.
        os.chdir(ended.open_next)
        open_terminal(Path.cwd())
    if ended.workbench is not None and ended.workbench.serve:
        serve_pages(Path.cwd(), ended.workbench)
    elif ended.workbench is not None:
        open_terminal(Path.cwd())
    if ended.only_looked:
        _leave(ended.exit_code)
    if any(thread.daemon for thread in threading.enumerate()):
        # Somebody stopped it, or a target hangs: a library that still computes there would abort the whole process.
        atexit._run_exitfuncs()
        _leave(ended.exit_code)
    sys.exit(ended.exit_code)


def _leave(exit_code: int) -> NoReturn:
    """End at once: taking the interpreter apart takes a tenth of a short command's time, and the system frees all anyway."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def open_world(start: Path) -> World:
    """The world of the project that a folder lies in; what it is made of is imported only now."""
    from unipipe_tui.wiring import CheckedTool, build_world

    checked = CheckedTool("your configuration", check_user_configuration, "your own keys and colours in the workbench")
    return build_world(start, [checked])


def check_user_configuration() -> str:
    """Where the user's configuration is; raises ToolMissing with all that is wrong with it."""
    from unipipe_tui.tui.user_configuration import verify

    return verify(os.environ)


def open_terminal(start: Path) -> None:
    """Open the terminal workbench on the project that a folder lies in."""
    from unipipe_tui.cli import complain
    from unipipe_tui.domain.errors import UnipipeError, UsageError

    try:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError(
                "There is no terminal to open the workbench in.", hint="Headless: unipipe status, unipipe --help"
            )
        if os.environ.get("TERM", "dumb") == "dumb":
            raise UsageError(
                "This terminal (TERM=dumb) cannot show the workbench.",
                hint="Set TERM, for example TERM=xterm-256color. Headless: unipipe status, unipipe --help",
            )
        world = open_world(start)
    except UnipipeError as error:
        sys.exit(complain(error))
    _open(world, os.environ)


def _open(world: World, environment: Mapping[str, str]) -> None:
    from unipipe_tui.tui.app import open_app
    from unipipe_tui.tui.surroundings import surroundings_of
    from unipipe_tui.wiring import own_terminal

    open_app(world, surroundings_of(environment, own_terminal()))


def open_page(start: Path) -> None:
    """Open the workbench for a page in a browser, which speaks through the pipes of this process."""
    from unipipe_tui.cli import complain
    from unipipe_tui.domain.errors import UnipipeError

    try:
        world = open_world(start)
    except UnipipeError as error:
        sys.exit(complain(error))
    from unipipe_tui.tui.served import end_with_input

    end_with_input()
    # The terminal in which the server runs is not the one that somebody looks at.
    _open(world, {name: value for name, value in os.environ.items() if name not in ("TMUX", "STY")})


def serve_pages(start: Path, wanted: Workbench) -> None:
    """Serve the workbench of the project that a folder lies in, until somebody interrupts; ends the process on an error."""
    from unipipe_tui.cli import complain, tell
    from unipipe_tui.domain.errors import ToolMissing, UnipipeError, UsageError

    if not wanted.write:
        # In the environment, so that every workbench and every job that is started from here knows as well.
        os.environ["UNIPIPE_READ_ONLY"] = "--serve"
    try:
        world = open_world(start)
        try:
            from unipipe_tui.tui.admission import OWN_TOKEN
            from unipipe_tui.tui.browser import is_this_machine, serve
        except ModuleNotFoundError as error:
            raise ToolMissing(
                f"The workbench cannot be served: the package {error.name} is missing.",
                hint="Install it: python -m pip install textual-serve",
            ) from None
        if not (wanted.expose or is_this_machine(wanted.host)):
            raise UsageError(
                f"At {wanted.host} other machines could reach the workbench, and act in your name.",
                hint="Add --expose if that is meant, or leave out --host.",
            )
        can = f"read-only: {world.read_only}" if world.read_only else "whoever opens it can change everything"
        argv = [sys.executable, "-P", "-m", "unipipe_tui", SERVED]
        title = f"unipipe · {world.root.name}"
        # Taken out, so that no workbench, no job and no program that one starts is told.
        own_token = os.environ.pop(OWN_TOKEN, "")
        serve(argv, wanted.host, wanted.port, title, lambda url: tell(f"{url}  ({can})"), own_token)
    except UnipipeError as error:
        sys.exit(complain(error))


if __name__ == "__main__":
    main()
