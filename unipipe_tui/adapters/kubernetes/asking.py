"""Talks to servers in a cluster: by a port of its nodes, or through its API server.

A cluster's pods cannot be reached from outside. `kubectl proxy` opens a door to them through the API server, with all headers;
here it listens on a socket file in a folder that only this user may enter, and lets nothing through but requests to pods and
Services of one namespace. Who may use it is the cluster's to say (`pods/proxy`, `services/proxy`).
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from unipipe_tui.adapters.docker.dockerfile import PORT
from unipipe_tui.adapters.kubernetes.kubectl import Kubectl
from unipipe_tui.adapters.targets.http import ServerAt
from unipipe_tui.domain.errors import ToolMissing
from unipipe_tui.domain.values import frozen


@frozen
class ServerThrough(ServerAt):
    """A server behind the cluster's API server."""

    door: Path = Path()
    """The socket that `kubectl proxy` listens on."""
    path: str = ""
    """What stands before every path there."""

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        return _SocketConnection(self.door, timeout)

    def _place(self, path: str) -> str:
        return self.path + path

    def _credentials(self) -> Mapping[str, str]:
        """None: the API server would take a token for one of its own."""
        return {}

    def _refuse_unless_admitted(self, status: int, text: str) -> None:
        if status in (401, 403, 404, 502, 503, 504) and '"kind":"Status"' in text.replace(" ", ""):
            raise self._away(Exception(_said(text)))

    def _away(self, error: Exception) -> ToolMissing:
        return ToolMissing(
            f"{self.host} of {self.target} does not answer through the cluster ({error}).", self.started_by
        )


@frozen
class Door:
    """An open way into one namespace."""

    socket: Path
    namespace: str
    target: str

    def pod(self, name: str) -> ServerAt:
        """The server in a pod."""
        return self._server(f"pod {name}", f"pods/{name}:{PORT}")

    def service(self, name: str, port: int) -> ServerAt:
        """Any of the servers behind a Service."""
        return self._server(f"Service {name}", f"services/{name}:{port}")

    def _server(self, what: str, place: str) -> ServerAt:
        path = f"/api/v1/namespaces/{self.namespace}/{place}/proxy"
        started_by = f"unipipe release status {self.target}"
        return ServerThrough(self.target, what, PORT, started_by, door=self.socket, path=path)


@contextmanager
def opened(kubectl: Kubectl, target: str) -> Iterator[Door]:
    """A way into the cluster, for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="unipipe-"))
    door = folder / "door"
    allowed = f"^/api/v1/namespaces/{re.escape(kubectl.namespace)}/(pods|services)/[^/]+/proxy/.*$"
    try:
        companion = kubectl.proxy(door, allowed)
        try:
            yield Door(door, kubectl.namespace, target)
        finally:
            companion.end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the file."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _said(text: str) -> str:
    try:
        return str(json.loads(text).get("message", text))
    except ValueError:
        return text[:200]
