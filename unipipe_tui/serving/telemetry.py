"""What is told of each request to somebody who collects traces, when somebody does."""

from __future__ import annotations

from typing import Protocol

from unipipe_tui.serving.metrics import Answerer
from unipipe_tui.serving.scoring import TraceHeaders


class Span(Protocol):
    """One request while it is answered. Nothing here fails or waits."""

    @property
    def headers(self) -> TraceHeaders:
        """What another server that is asked for this request is sent, so that its span hangs below this one."""
        ...

    def end(self, status: int, answerer: Answerer | None) -> None:
        """The request is over; None: it never got to a variant."""
        ...


class Telemetry(Protocol):
    """Takes what happens, and sends it by itself. It never fails and never waits."""

    def begin(self, method: str, route: str, headers: TraceHeaders) -> Span:
        """A request has come; the route is as it is declared, without what a caller put into it."""
        ...

    def close(self) -> None:
        """Send what there is, within a short time."""
        ...


class NotCollected:
    """The span of a server that sends no traces: whoever stands behind it is told what its caller said."""

    def __init__(self, headers: TraceHeaders) -> None:
        self.headers = headers

    def end(self, status: int, answerer: Answerer | None) -> None:
        """Nobody wants to know."""
