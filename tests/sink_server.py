"""An HTTP server that takes events, or answers 500, hangs or hangs up: what a webhook may meet."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.little_server import Quiet, serving


@dataclass
class SinkServer:
    """What it does with the next request, and what it was sent."""

    url: str = ""
    behaviour: str = "take"
    """`take`, `500`, `hang`, `drop`, `redirect` or `take and hang`: it keeps the event and never says so."""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def documents(self) -> list[Any]:
        """What was sent, taken apart."""
        return [json.loads(body) for body in self.bodies]

    @property
    def ids(self) -> list[str]:
        """The ids of the events that were sent, in order."""
        return [document["id"] for document in self.documents]


@contextmanager
def sink_server() -> Iterator[SinkServer]:
    """One on a free port of this machine, for the length of the block."""
    state = SinkServer()

    class Handler(Quiet):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if state.behaviour in ("take", "take and hang"):
                state.bodies.append(body)
                state.headers.append({name.lower(): value for name, value in self.headers.items()})
            if "hang" in state.behaviour:
                state.ended.wait(30)
            if state.behaviour == "drop" or "hang" in state.behaviour:
                self.close_connection = True
                return
            self.send_response({"take": 202, "500": 500, "redirect": 302}[state.behaviour])
            self.send_header("Content-Length", "0")
            if state.behaviour == "redirect":
                self.send_header("Location", f"{state.url}/elsewhere")
            self.end_headers()

    with serving(Handler) as state.url:
        try:
            yield state
        finally:
            state.ended.set()
