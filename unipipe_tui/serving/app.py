"""The application: the parts of the server put together behind one gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from unipipe_tui import __version__
from unipipe_tui.serving.gate import Gate, Limits
from unipipe_tui.serving.metrics import Metrics, who
from unipipe_tui.serving.minutes import Bounds, MinuteWriter, Sights
from unipipe_tui.serving.prediction_log import PredictionLog
from unipipe_tui.serving.queueing import MOST_WAITING
from unipipe_tui.serving.refusals import install_refusals
from unipipe_tui.serving.routes.answering import Answering
from unipipe_tui.serving.routes.documents import document_routes
from unipipe_tui.serving.routes.invocations import invocation_routes
from unipipe_tui.serving.routes.open_inference import open_inference_routes
from unipipe_tui.serving.routes.plain import plain_routes
from unipipe_tui.serving.routes.probes import Watched, probe_routes
from unipipe_tui.serving.service import Service
from unipipe_tui.serving.supervisor import Past
from unipipe_tui.serving.switch import Switch
from unipipe_tui.serving.telemetry import Telemetry
from unipipe_tui.serving.wire import FeedbackRequest, InferenceRequest, InvocationsRequest, PredictionRequest

BODIES: tuple[type[BaseModel], ...] = (PredictionRequest, FeedbackRequest, InvocationsRequest, InferenceRequest)
"""Forms that routes read by themselves; the OpenAPI document is told of them here."""
_SCHEMAS = "#/components/schemas/{model}"


def build_app(
    switch: Switch,
    log: PredictionLog,
    metrics: Metrics,
    token: str | None,
    limits: Limits | None = None,
    past: Past | None = None,
    telemetry: Telemetry | None = None,
) -> FastAPI:
    """The whole application; starts the switch when it starts, closes the log when it ends."""
    limits = limits or Limits()
    service = Service(switch, log, metrics, limits)
    answering = Answering(metrics, limits, telemetry)

    sights = Sights(
        present=lambda: (
            [who(one.answerer, one.wanted.mirrored) for one in switch.table.variants] if switch.table else []
        ),
        in_flight=lambda: answering.in_flight,
        most_rows_behind=log.take_most_waited,
        bounds=Bounds(MOST_WAITING, log.most_rows_waiting),
    )
    minutes = MinuteWriter(metrics.minutes, sights, log.record_minutes)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        switch.start()
        minutes.start()
        yield
        minutes.close()
        service.close()

    # The framework's own page of the documents is made of scripts from elsewhere, which a closed network has not.
    app = FastAPI(title="Unipipe model server", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(Gate, limits=limits, token=token)
    install_refusals(app)
    app.include_router(plain_routes(service, answering))
    app.include_router(invocation_routes(service, answering))
    app.include_router(open_inference_routes(service, answering))
    app.include_router(document_routes(lambda: app.openapi()))
    app.include_router(probe_routes(Watched(switch, log, metrics, answering, past or Past())))
    _describe_bodies(app)
    return app


def _describe_bodies(app: FastAPI) -> None:
    """Add the forms of bodies to the OpenAPI document, which knows only those that the framework reads."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for form in BODIES:
            schema = form.model_json_schema(ref_template=_SCHEMAS)
            schemas.update(schema.pop("$defs", {}))
            schemas[form.__name__] = schema
        return document

    app.openapi = described  # type: ignore[method-assign]
