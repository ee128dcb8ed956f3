"""The door to traces of jobs."""

from __future__ import annotations

from typing import Protocol

from unipipe_tui.domain.events import Event
from unipipe_tui.domain.jobs import Job


class JobTrace(Protocol):
    """A job as a span, and its steps as spans in it. Nothing that happens to it is a failure of the job."""

    @property
    def problem(self) -> str:
        """Why it is not sent though that was asked for; empty: it is, or nobody asked."""
        ...

    def hear(self, event: Event) -> None:
        """What the job says, without secrets."""
        ...

    def end(self, job: Job) -> None:
        """The job has ended; what was not sent within a short time is dropped."""
        ...
