"""What machinery asks: is it alive, is it ready and with what, and what has it counted."""

from __future__ import annotations

import os
import time

from fastapi import APIRouter, Response

from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.metrics import Metrics
from unipipe_tui.serving.prediction_log import PredictionLog
from unipipe_tui.serving.routes.answering import Answering
from unipipe_tui.serving.supervisor import Past
from unipipe_tui.serving.switch import ServedVariant, Switch, Table
from unipipe_tui.serving.wire import Health, LogState, Readiness, VariantState, WorkerState

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@frozen
class Watched:
    """Everything that the probes look at."""

    switch: Switch
    log: PredictionLog
    metrics: Metrics
    answering: Answering
    past: Past


def probe_routes(watched: Watched) -> APIRouter:
    """`/healthz`, `/readyz`, `/ping` and `/metrics`."""
    router = APIRouter()
    began = time.monotonic()
    watched.metrics.rows_behind.set_function(lambda: watched.log.rows_waiting)

    @router.get("/healthz")
    async def healthz() -> Health:
        """Whether the process is alive."""
        return Health(pid=os.getpid(), uptime_seconds=round(time.monotonic() - began, 3))

    @router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
    async def readyz() -> Response:
        """What answers, in which shares, and what went wrong with the last wish."""
        readiness = _readiness(watched)
        return Response(readiness.model_dump_json(), 200 if readiness.ready else 503, media_type="application/json")

    @router.get("/ping", response_class=Response, responses={503: {"description": "Nothing is loaded yet"}})
    @router.get("/health", response_class=Response, responses={503: {"description": "Nothing is loaded yet"}})
    async def ping() -> Response:
        """Whether something answers, as MLflow's scoring server says it."""
        return Response("\n", 200 if watched.switch.table else 503, media_type="application/json")

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """All counts in Prometheus' text format."""
        return Response(watched.metrics.text(), media_type=METRICS_TYPE)

    return router


def _readiness(watched: Watched) -> Readiness:
    switch, table, failing = watched.switch, watched.switch.table, watched.log.failing
    readiness = Readiness(
        ready=table is not None,
        order=switch.wanted.order if switch.wanted else None,
        wanted=[variant.digest for variant in switch.wanted.variants] if switch.wanted else [],
        error=switch.error or None,
        requests=watched.answering.requests,
        in_flight=watched.answering.in_flight,
        log=LogState(
            mode=watched.log.mode, rows_behind=watched.log.rows_waiting, error=str(failing) if failing else None
        ),
        worker=WorkerState(
            pid=os.getpid(),
            supervisor=os.getppid(),
            restarts=watched.past.restarts,
            last_exit=watched.past.last_exit,
        ),
    )
    return readiness if table is None else readiness.model_copy(update=_of_table(table, switch))


def _of_table(table: Table, switch: Switch) -> dict[str, object]:
    main, desired = table.main, table.desired
    return {
        "model": main.answerer.model,
        "version": main.answerer.version,
        "digest": main.scorer.facts.digest,
        "since": main.since,
        "target": desired.target,
        "release": desired.release,
        "actor": desired.actor,
        "at": desired.at,
        "sticky": desired.sticky,
        "serving": desired.order,
        "variants": [_state(variant, switch.troubles.get(variant.wanted.name)) for variant in table.variants],
    }


def _state(variant: ServedVariant, trouble: str | None) -> VariantState:
    facts, wanted = variant.scorer.facts, variant.wanted
    return VariantState(
        name=wanted.name,
        model=facts.model,
        version=facts.version,
        digest=facts.digest,
        weight=wanted.weight,
        mirrored=wanted.mirrored,
        ready=trouble is None,
        error=trouble,
        since=variant.since,
        url=wanted.url,
        run_id=facts.run_id,
        commit=facts.commit,
        data=facts.data,
    )
