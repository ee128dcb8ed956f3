"""The routes of the server. The event loop only reads and writes; what takes time runs in a few threads."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from fastapi import FastAPI, Response
from pydantic import BaseModel

from unipipe_tui.serving.gate import Gate, Limits
from unipipe_tui.serving.prediction_log import PredictionLog
from unipipe_tui.serving.refusals import install_refusals
from unipipe_tui.serving.service import Service
from unipipe_tui.serving.switch import Switch
from unipipe_tui.serving.wire import (
    FeedbackAnswer,
    FeedbackRequest,
    Health,
    PredictionAnswer,
    PredictionRequest,
    Readiness,
    Refusal,
)

SCORING_THREADS = 4
"""Scoring holds the interpreter's lock most of the time: more threads would only make every request later."""

T = TypeVar("T")


class Traffic:
    """Counts requests for predictions; touched by the event loop's thread only, so it needs no lock."""

    def __init__(self) -> None:
        self.requests = 0
        self.in_flight = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Around the answering of one request."""
        self.requests += 1
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1


def build_app(switch: Switch, log: PredictionLog, token: str | None, limits: Limits | None = None) -> FastAPI:
    """The whole application; starts the switch when it starts, closes the log when it ends."""
    limits = limits or Limits()
    service = Service(switch, log, limits)
    pool = ThreadPoolExecutor(SCORING_THREADS, thread_name_prefix="score")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        switch.start()
        yield
        pool.shutdown(wait=True)
        service.close()

    app = FastAPI(title="Unipipe model server", lifespan=lifespan)
    app.add_middleware(Gate, limits=limits, token=token)
    install_refusals(app)
    traffic = Traffic()
    _route_answers(app, service, pool, traffic)
    _route_probes(app, switch, traffic)
    return app


def _route_answers(app: FastAPI, service: Service, pool: ThreadPoolExecutor, traffic: Traffic) -> None:
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"model": Refusal} for status in (401, 409, 413, 422, 500, 503, 507)
    }

    async def in_pool(work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    @app.post("/predict", response_model=PredictionAnswer, responses=refusals)
    async def predict(request: PredictionRequest) -> Response:
        """Score records; when the answer arrives the predictions are in the log."""
        began = time.perf_counter()
        with traffic.counted():
            return await in_pool(lambda: _json(service.predict(request, began)))

    @app.post("/feedback", response_model=FeedbackAnswer, responses=refusals)
    async def feedback(request: FeedbackRequest) -> Response:
        """Record labels by prediction id; the first label of a prediction stands."""
        return await in_pool(lambda: _json(service.feedback(request)))


def _route_probes(app: FastAPI, switch: Switch, traffic: Traffic) -> None:
    began = time.monotonic()

    @app.get("/healthz")
    async def healthz() -> Health:
        """Whether the process is alive."""
        return Health(pid=os.getpid(), uptime_seconds=round(time.monotonic() - began, 3))

    @app.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
    async def readyz() -> Response:
        """Whether a model answers, which one, and what went wrong with the last one that was wanted."""
        served = switch.served
        readiness = Readiness(
            ready=served is not None,
            wanted=switch.wanted.digest if switch.wanted else None,
            order=switch.wanted.order if switch.wanted else None,
            error=switch.error or None,
            requests=traffic.requests,
            in_flight=traffic.in_flight,
        )
        if served is None:
            return _json(readiness, 503)
        bundle = served.bundle
        facts = {"model": bundle.model, "version": bundle.version, "digest": bundle.digest, "since": served.since}
        return _json(readiness.model_copy(update=facts))


def _json(body: BaseModel, status: int = 200) -> Response:
    """Already validated by construction: going through the framework's own encoder would check it all again."""
    return Response(body.model_dump_json(), status, media_type="application/json")
