"""Puts the parts of the server together and runs it on a socket."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from unipipe_tui.domain.errors import Failed, Refused
from unipipe_tui.domain.serving import LogMode
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.app import build_app
from unipipe_tui.serving.desired import WantedVariant
from unipipe_tui.serving.gate import Limits
from unipipe_tui.serving.metrics import Answerer, Metrics
from unipipe_tui.serving.mirror import Mirror
from unipipe_tui.serving.prediction_log import PredictionLog
from unipipe_tui.serving.scoring import Scorer
from unipipe_tui.serving.service import record_of_shadow
from unipipe_tui.serving.supervisor import Past
from unipipe_tui.serving.switch import Switch
from unipipe_tui.serving.telemetry import Telemetry
from unipipe_tui.serving.upstreams import Upstream

SECONDS_TO_FINISH_REQUESTS = 10
LoadBundle = Callable[[Path, str], Scorer]
OpenTelemetry = Callable[[Metrics], Telemetry | None]
"""What makes the sender of traces and metrics, when somebody collects them."""


@frozen
class Settings:
    """How one server was asked to serve."""

    desired: Path
    log: Path
    mode: LogMode
    token: str | None
    limits: Limits


def serve(
    listening: socket.socket,
    settings: Settings,
    load: LoadBundle,
    past: Past,
    tell: Callable[[], None],
    open_telemetry: OpenTelemetry = lambda metrics: None,
) -> None:
    """Answer requests until a signal ends it; the log is complete when this returns.

    `load` is what brings a model into this process; a router before other servers never calls it. `tell` is called
    when requests are answered. Raises Failed when the log folder cannot be used.
    """
    try:
        log = PredictionLog(settings.log, mode=settings.mode)
    except OSError as error:
        raise Failed(
            f"The log folder {settings.log} cannot be used: {error.strerror}.", "Name another with --log."
        ) from error
    metrics = Metrics()
    switch = _switch(settings, load, log, metrics)
    telemetry = open_telemetry(metrics)
    app = build_app(switch, log, metrics, settings.token, settings.limits, past, telemetry)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_FINISH_REQUESTS,
    )
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        _Telling(config, tell).run(sockets=[listening])
    finally:
        if telemetry is not None:
            telemetry.close()


class _Telling(uvicorn.Server):
    """Says when it has begun to answer."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = tell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, then tell."""
        await super().startup(sockets)
        if self.started:
            self._tell()


def _switch(settings: Settings, load: LoadBundle, log: PredictionLog, metrics: Metrics) -> Switch:
    record = record_of_shadow(log, metrics)

    def open_scorer(wanted: WantedVariant) -> Scorer:
        if wanted.url is not None:
            assert wanted.facts is not None
            upstream = Upstream(wanted.url, wanted.facts, wanted.columns, settings.limits.answer_seconds)
            upstream.verify()
            return upstream
        assert wanted.bundle is not None
        return _as_wanted(load(wanted.bundle, wanted.digest), wanted)

    def open_mirror(answerer: Answerer, scorer: Scorer) -> Mirror:
        return Mirror(answerer, scorer, metrics, record)

    return Switch(settings.desired, open_scorer, open_mirror, metrics.prepare)


def _as_wanted(scorer: Scorer, wanted: WantedVariant) -> Scorer:
    """Refuse a bundle that is of another version than the file says."""
    facts, told = scorer.facts, wanted.facts
    if told is not None and (facts.model, facts.version) != (told.model, told.version):
        raise Refused(f"The bundle holds {facts.model} {facts.version}, wanted is {told.model} {told.version}.")
    return scorer
