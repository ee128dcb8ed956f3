"""Puts the parts of the server together and runs it on a socket; importing this is slow, for it brings mlflow."""

from __future__ import annotations

import socket
from pathlib import Path

import uvicorn

from unipipe_tui.domain.errors import Failed
from unipipe_tui.serving.app import build_app
from unipipe_tui.serving.models import load_served_model
from unipipe_tui.serving.prediction_log import PredictionLog
from unipipe_tui.serving.switch import Switch

SECONDS_TO_FINISH_REQUESTS = 10


def serve(listening: socket.socket, desired: Path, log_folder: Path, token: str | None) -> None:
    """Answer requests until a signal ends it; the log is complete when this returns.

    Raises Failed when the log folder cannot be used.
    """
    try:
        log = PredictionLog(log_folder)
    except OSError as error:
        raise Failed(
            f"The log folder {log_folder} cannot be used: {error.strerror}.", "Name another with --log."
        ) from error
    app = build_app(Switch(desired, load_served_model), log, token)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_FINISH_REQUESTS,
    )
    uvicorn.Server(config).run(sockets=[listening])
