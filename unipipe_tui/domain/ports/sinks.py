"""The door to whoever is told of alerts: one event goes out, or the reason is said why it did not."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from unipipe_tui.domain.alerts import AlertEvent


class Sink(Protocol):
    """One way out."""

    def send(self, event: AlertEvent) -> None:
        """Bring one event, within the sink's own time; it may come twice, with the same id.

        Raises:
            ToolMissing: what it needs is not there, or does not answer.
            Failed: it was refused. No message holds an address or a token.
        """
        ...


class MonitorTurn(Protocol):
    """The right to watch over a workspace, which one process has at a time."""

    def __call__(self) -> AbstractContextManager[int | None]:
        """Have it for the length of the block: None when we do, else the pid of the process that has it (0: unknown)."""
        ...
