"""A bell and a line on the terminal of this process."""

from __future__ import annotations

from typing import TextIO

from unipipe_tui.domain.alerts import AlertEvent
from unipipe_tui.domain.errors import ToolMissing

BELL = "\a"


class TerminalSink:
    """Rings where somebody can hear it; a file that narration goes to gets the line alone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def send(self, event: AlertEvent) -> None:
        """Write the line."""
        # What a check found may hold anything, also what a terminal would obey.
        line = "".join(letter if letter.isprintable() else " " for letter in event.text)
        try:
            self._stream.write(f"{BELL if self._stream.isatty() else ''}unipipe alert: {line}\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            raise ToolMissing(f"The terminal is gone ({type(error).__name__}).") from None
