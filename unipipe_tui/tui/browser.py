"""The workbench in a browser: a web server on this machine that opens a workbench for every page that looks at it."""

from __future__ import annotations

import ipaddress
import shlex
import socket
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server

from unipipe_tui.domain.errors import UsageError

NOTHING_FROM_ELSEWHERE = "style-src 'self' 'unsafe-inline'; font-src 'self' data:; frame-ancestors 'none'"
"""No style or font of another host, which a machine without a network would wait for; and in no other page's frame."""

LEAVE_WITHIN_SECONDS = 0.5
"""How long pages may go on when the server was interrupted."""


def serve(command: Sequence[str], host: str, port: int, title: str, tell: Callable[[str], None]) -> None:
    """Serve the program of a workbench until somebody interrupts; its address is told once it can be reached.

    Raises:
        UsageError: the address cannot be had, because it is another program's or no address of this machine.
    """
    _try(host, port)
    PageServer(command, host, port, title, tell).serve()


def is_this_machine(host: str) -> bool:
    """Whether nobody but this machine itself can reach a server there."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


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
    """Textual's server, which lets in only pages of its own: a workbench can be driven by whoever reaches its socket."""

    def __init__(self, command: Sequence[str], host: str, port: int, title: str, tell: Callable[[str], None]) -> None:
        super().__init__(shlex.join(command), host, port, title, public_url=f"http://{_shown(host)}:{port}")
        self._tell = tell
        self._names = {host, "localhost", socket.gethostname(), socket.getfqdn()}

    def serve(self, debug: bool = False) -> None:
        """Serve until interrupted, which ends the workbenches in the pages that are open."""
        told = self.public_url
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
        app.middlewares.append(self._let_in)
        return app

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # A browser lets any page open a socket to this machine, and a name may be given any address later on. The port says
        # nothing: that of a tunnel is another one.
        origin = request.headers.get("Origin")
        is_foreign = origin is not None and urlsplit(origin).netloc != request.host
        name = urlsplit(f"//{request.host}").hostname or ""
        if is_foreign or not (name in self._names or _is_address(name)):
            raise web.HTTPForbidden(text="This workbench is shown in pages of its own address only.")
        return await handler(request)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
