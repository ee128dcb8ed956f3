"""The front door: `unipipe` alone opens the terminal workbench, `unipipe <words>` runs headless."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from unipipe_tui.actions.world import World


STAND_BY = "--stand-by"
"""The workbench starts itself a second time with this word; nobody types it."""


FLAGS = {"--read-only": ("UNIPIPE_READ_ONLY", "--read-only"), "--ascii": ("UNIPIPE_ASCII", "1")}
"""What can be said of the workbench: kept in the environment, so that what is started from it knows as well."""


def main() -> None:
    """Run the command line of this process; ends the process with the exit code."""
    words = sys.argv[1:]
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
    if ended.only_looked:
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
    from unipipe_tui.tui.app import open_app
    from unipipe_tui.tui.surroundings import surroundings_of
    from unipipe_tui.wiring import own_terminal

    open_app(world, surroundings_of(os.environ, own_terminal()))


if __name__ == "__main__":
    main()
