"""What every request for predictions goes through, whatever its protocol: headers, limits of time, counting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import HTTPException, Request, Response
from pydantic import BaseModel, ValidationError

from unipipe_tui.serving.gate import Limits
from unipipe_tui.serving.metrics import Metrics
from unipipe_tui.serving.refusals import Refusing, refuse_form
from unipipe_tui.serving.service import Asking
from unipipe_tui.serving.telemetry import NotCollected, Span, Telemetry

PARSED_ON_THE_LOOP = 64 * 1024
"""A longer body takes so long to parse that a thread does it."""

Speak = Callable[[Asking, bytes], Awaitable[Response]]
Body = TypeVar("Body", bound=BaseModel)


class Answering:
    """Around the answering of requests; touched by the event loop's thread only, so its numbers need no lock."""

    def __init__(self, metrics: Metrics, limits: Limits, telemetry: Telemetry | None = None) -> None:
        self.requests = 0
        self.in_flight = 0
        self._metrics = metrics
        self._limits = limits
        self._telemetry = telemetry
        metrics.in_flight.set_function(lambda: self.in_flight)

    async def __call__(self, request: Request, speak: Speak) -> Response:
        """Read the body, let the protocol speak, count what became of it. Raises Refusing and HTTPException."""
        asking = _asking(request)
        span = self._begin(request, asking)
        self.requests += not asking.probe
        # A probe is in hand like any other: whoever is asked by a router must not be ended, or put to sleep, in the middle.
        self.in_flight += 1
        # What nobody foresaw becomes a 500 further out.
        status = 500
        try:
            response = await self._spoken(request, speak, asking)
            status = response.status_code
        except Refusing as refused:
            status = refused.status
            raise
        except HTTPException as refused:
            status = refused.status_code
            raise
        finally:
            if not asking.probe:
                seconds = time.perf_counter() - asking.began
                self._metrics.count_request(asking.answerer, status, seconds, self.in_flight)
            self.in_flight -= 1
            span.end(status, asking.answerer)
        return response

    def _begin(self, request: Request, asking: Asking) -> Span:
        """The span of this request, below which whoever is asked for it in turn shall hang."""
        told = asking.trace or {}
        # A router asks with probes, and says whose request it is; a probe of nobody's is no part of any trace.
        if self._telemetry is None or (asking.probe and not told):
            return NotCollected(told)
        span = self._telemetry.begin(request.method, getattr(request.scope.get("route"), "path", ""), told)
        asking.trace = span.headers
        return span

    async def _spoken(self, request: Request, speak: Speak, asking: Asking) -> Response:
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await request.body()
        except TimeoutError:
            seconds = f"{self._limits.body_seconds:g}"
            raise HTTPException(408, f"The body was not here in {seconds} seconds.", {"Connection": "close"}) from None
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                return await speak(asking, body)
        except TimeoutError:
            seconds = f"{self._limits.answer_seconds:g}"
            raise Refusing(504, f"The model did not answer in {seconds} seconds.") from None


def read_body(body: bytes, form: type[Body]) -> Body:
    """Parse JSON of a form. Raises Refusing that names what does not fit."""
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise refuse_form((one["loc"], one["msg"]) for one in found) from None


def _asking(request: Request) -> Asking:
    variant = key = None
    probe = False
    trace: dict[str, str] = {}
    # The list is short, and every look-up by name would go through all of it.
    for name, value in request.scope["headers"]:
        if not name.startswith((b"unipipe-", b"trace")):
            continue
        text = value.decode("latin-1")
        match name.decode("latin-1"):
            case "unipipe-variant":
                variant = text or None
            case "unipipe-key":
                key = text or None
            case "unipipe-probe":
                probe = text == "1"
            case "traceparent" | "tracestate" as header:
                trace[header] = text
    return Asking(time.perf_counter(), variant, key, probe, trace=trace)
