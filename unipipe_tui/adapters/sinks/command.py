"""A program of the user's, which reads the event as JSON from its standard input; no shell is started."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unipipe_tui.adapters import process
from unipipe_tui.domain.alerts import AlertEvent
from unipipe_tui.domain.errors import Failed

LONGEST_WORDS = 200


class CommandSink:
    """Runs it once for each event, in the project's root."""

    def __init__(self, argv: Sequence[str], root: Path, timeout_seconds: float) -> None:
        self._argv = tuple(argv)
        self._root = root
        self._timeout = timeout_seconds

    def send(self, event: AlertEvent) -> None:
        """Run it; what it says on failing is told, what it says otherwise is not."""
        done = process.capture(self._argv, cwd=self._root, timeout=self._timeout, stdin=f"{event.document}\n")
        if done.exit_code != 0:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            words = f": {said[-1][:LONGEST_WORDS]}" if said else ""
            raise Failed(f"{Path(self._argv[0]).name} ended with exit code {done.exit_code}{words}")
