"""Real MLflow servers on this machine for the tests, and little ones that answer otherwise."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.adapters.conftest_mlflow import Stored
from tests.conftest import free_port, own_environment
from tests.little_server import Quiet
from unipipe_tui.adapters.process import stop_tree


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever runs the tests may have a token of their own."""
    for name in ("TOKEN", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    # The client would read a password from there too.
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def backend(made_database: Stored, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """The database behind the server of a module."""
    return made_database.copied_to(tmp_path_factory.mktemp("mlflow-served"))


@pytest.fixture(scope="module")
def server(backend: Stored) -> Iterator[str]:
    """The address of a real MLflow server."""
    port = free_port()
    words = ("--backend-store-uri", backend.uri, "--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    log = backend.path.with_suffix(".log")
    with log.open("wb") as sink:
        running = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words],
            cwd=backend.path.parent,
            env={**own_environment(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 90
        while not _answers(port):
            assert running.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop_tree(running.pid)
        running.wait(10)


def _answers(port: int) -> bool:
    try:
        with closing(HTTPConnection("127.0.0.1", port, timeout=2)) as asking:
            asking.request("GET", "/health")
            return asking.getresponse().status == 200
    except OSError:
        return False


class Little(Quiet):
    """Answers every request in one way."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.reply(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def reply(self, body: bytes) -> None:
        raise NotImplementedError

    def send(self, status: int, kind: str, body: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            # The client has given up.
            return


def answering(status: int, kind: str, body: bytes, after: float = 0) -> type[Little]:
    class Answering(Little):
        def reply(self, given: bytes) -> None:
            time.sleep(after)
            self.send(status, kind, body)

    return Answering


def guarded(server: str, authorization: str | None) -> type[Little]:
    """A door before a server that lets in who brings this; None: who brings nothing."""
    host = server.removeprefix("http://")

    class Guarded(Little):
        def reply(self, given: bytes) -> None:
            if self.headers.get("Authorization") != authorization:
                self.send(401, "text/plain", b"You are not authenticated.")
                return
            with closing(HTTPConnection(host, timeout=30)) as behind:
                behind.request(self.command, self.path, given, {"Content-Type": "application/json"})
                answer = behind.getresponse()
                self.send(answer.status, answer.headers.get_content_type(), answer.read())

    return Guarded
