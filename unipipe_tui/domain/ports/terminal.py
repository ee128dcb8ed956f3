"""The door to the terminal that the workbench stands in: its clipboard, and programs that take it over for a while."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Terminal(Protocol):
    """What can be asked of the terminal beside painting it."""

    def load_tmux_buffer(self, text: str) -> None:
        """Put a text into the newest buffer of the tmux around us, and into the clipboard of the terminal outside.

        Raises:
            ToolMissing: there is no tmux.
            Failed: it did not take the text.
        """
        ...

    def run_in_front(self, argv: Sequence[str], cwd: Path) -> int:
        """Let a program have the terminal until it ends; answers with its exit code.

        Raises:
            ToolMissing: the program does not exist, or cannot be executed.
        """
        ...
