"""Whoever stops a synchronisation of runs is told what is kept of it and how it is completed."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from tests.journeys.faults import Background


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_stopped_synchronisation_says_what_is_kept_and_exits_with_130(project: Path, number: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Background("runs", "sync", cwd=project, MLFLOW_TRACKING_URI=uri) as running:
            # Whoever asks has begun to read, and waits for an answer that does not come.
            silent.settimeout(60)
            connection, _ = silent.accept()
            running.signal(number)
            said = running.end()
            connection.close()
    assert said.exit_code == 130
    assert said.stdout == ""
    assert "Stopped on request." in said.stderr and "Traceback" not in said.stderr
    assert "next: The runs that were read so far are kept; `unipipe runs sync` goes on from here." in said.stderr
