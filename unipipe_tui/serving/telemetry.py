"""What is told of each request to somebody who collects traces, when somebody does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.metrics import Answerer


@frozen
class Answered:
    """One request, when it is over."""

    method: str
    route: str
    """As it is declared, without what a caller put into it."""
    status: int
    seconds: float
    answerer: Answerer | None
    """None: it never got to a variant."""
    headers: Mapping[str, str]
    """Those of the W3C Trace Context, as far as they were sent: `traceparent`, `tracestate`."""


class Telemetry(Protocol):
    """Takes what happened, and sends it by itself. It never fails and never waits."""

    def answered(self, one: Answered) -> None:
        """A request is over."""
        ...

    def close(self) -> None:
        """Send what there is, within a short time."""
        ...
