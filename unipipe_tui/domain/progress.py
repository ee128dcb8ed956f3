"""How work in hand reports, and how it learns that nobody wants it any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

from unipipe_tui.domain.events import Event, StepEnded, StepStarted


class Progress(Protocol):
    """Given to every change and to every adapter that takes time."""

    def emit(self, event: Event) -> None:
        """Tell the listener; never blocks, never raises."""
        ...

    def stopped(self) -> bool:
        """Whether somebody asked for the work to end."""
        ...


class Silent:
    """Work that nobody listens to and nobody stops."""

    def emit(self, event: Event) -> None:
        """Drop the event."""

    def stopped(self) -> bool:
        """Never."""
        return False


@contextmanager
def step(progress: Progress, name: str, number: int, total: int) -> Iterator[None]:
    """Report a step around a block: started, then done or failed with its seconds."""
    progress.emit(StepStarted(name, number, total))
    begun = monotonic()
    try:
        yield
    except BaseException:
        progress.emit(StepEnded(name, "failed", monotonic() - begun))
        raise
    progress.emit(StepEnded(name, "done", monotonic() - begun))
