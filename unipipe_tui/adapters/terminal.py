"""The terminal that the workbench stands in: tmux's buffers, and programs that take the terminal over for a while."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unipipe_tui.adapters import process
from unipipe_tui.domain.errors import Failed

TMUX_WITHIN_SECONDS = 2.0


class OwnTerminal:
    """The terminal of this process."""

    def load_tmux_buffer(self, text: str) -> None:
        """Put a text into the newest buffer of the tmux around us; `-w` hands it on to the terminal outside."""
        loaded = process.capture(["tmux", "load-buffer", "-w", "-"], stdin=text, timeout=TMUX_WITHIN_SECONDS)
        if loaded.exit_code:
            # Older ones know no -w.
            loaded = process.capture(["tmux", "load-buffer", "-"], stdin=text, timeout=TMUX_WITHIN_SECONDS)
        if loaded.exit_code:
            raise Failed(f"tmux did not take the text: {loaded.stderr.strip() or loaded.exit_code}.")

    def run_in_front(self, argv: Sequence[str], cwd: Path) -> int:
        """Let a program have the terminal until it ends; answers with its exit code."""
        return process.run_in_front(argv, cwd)
