"""The workbench in a browser: a web server on this machine that opens a workbench for every page that looks at it."""

from __future__ import annotations

import ipaddress
import shlex
import socket
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web
from textual_serve.server import Server

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.tui.admission import Admission, is_address

NOTHING_FROM_ELSEWHERE = "style-src 'self' 'unsafe-inline'; font-src 'self' data:; frame-ancestors 'none'"
"""No style or font of another host, which a machine without a network would wait for; and in no other page's frame."""

LEAVE_WITHIN_SECONDS = 0.5
"""How long pages may go on when the server was interrupted."""


def serve(
    command: Sequence[str], host: str, port: int, title: str, tell: Callable[[str], None], own_token: str = ""
) -> None:
    """Serve the program of a workbench until somebody interrupts; its address is told once it can be reached.

    Whoever comes with the token gets in: with one that is made now and stands nowhere but in what is told, or their own.

    Raises:
        UsageError: the address cannot be had, because it is another program's or no address of this machine.
    """
    _try(host, port)
    PageServer(command, host, port, title, tell, Admission(host, own_token)).serve()


def is_this_machine(host: str) -> bool:
    """Whether nobody but this machine itself can reach a server there."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def _try(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise UsageError(
            f"The workbench cannot be served at {host}, port {port} ({error.strerror}).",
            hint="Name another port: unipipe tui --serve --port 8001",
        ) from None


class PageServer(Server):
    """Textual's server with a door: a workbench can be driven by whoever reaches its socket."""

    def __init__(
        self,
        command: Sequence[str],
        host: str,
        port: int,
        title: str,
        tell: Callable[[str], None],
        admission: Admission,
    ) -> None:
        super().__init__(shlex.join(command), host, port, title, public_url=f"http://{_shown(host)}:{port}")
        self._tell = tell
        self._admission = admission

    def serve(self, debug: bool = False) -> None:
        """Serve until interrupted, which ends the workbenches in the pages that are open."""
        told = self._admission.address(self.public_url)
        web.run_app(
            self._make_app(),
            host=self.host,
            port=self.port,
            access_log=None,
            shutdown_timeout=LEAVE_WITHIN_SECONDS,
            print=lambda *_: self._tell(told),
        )

    async def on_startup(self, app: web.Application) -> None:
        """Tell nothing yet: nobody can reach it."""

    async def handle_index(self, request: web.Request) -> Any:
        """The page; what it loads and its socket have the address that the browser came by."""
        self.public_url = f"{request.scheme}://{request.host}"
        page = await super().handle_index(request)
        page.headers["Content-Security-Policy"] = NOTHING_FROM_ELSEWHERE
        return page

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._admission.let_in)
        return app


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
