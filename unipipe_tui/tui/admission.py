"""Who may look at a served workbench: pages of its own address, in a browser that once came with the token."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

OWN_TOKEN = "UNIPIPE_TUI_TOKEN"  # noqa: S105
"""The environment variable of somebody who chose the token. Model servers have another: who may ask for a prediction
may not drive a workbench for that."""
PARAMETER = "token"
HTTP_PORT = 80

NOT_OF_HERE = "This workbench is shown in pages of its own address only."
NO_TOKEN = (
    "This workbench opens to whoever has its token. Open the address that `unipipe tui --serve` told when it was started: "
    f"it ends with ?{PARAMETER}=…"
)


def is_address(name: str) -> bool:
    """Whether it is an IP address, which nobody can let another machine's name stand for."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Admission:
    """The door of one server: a token opens it, a cookie holds it open for the pages that follow."""

    def __init__(self, host: str, own_token: str = "") -> None:
        self._names = {name.lower() for name in (host, "localhost", socket.gethostname(), socket.getfqdn())}
        self._is_own = bool(own_token)
        self._token = own_token or secrets.token_urlsafe()
        # Not the token: one that somebody chose may hold what no cookie can, and may be good for longer than this server.
        self._session = secrets.token_urlsafe()

    def address(self, url: str) -> str:
        """What is to be told of the address; a token that somebody chose is known to whom it shall be, so only its name."""
        if self._is_own:
            return f"{url}/?{PARAMETER}=${OWN_TOKEN}"
        return f"{url}/?{urlencode({PARAMETER: self._token})}"

    @web.middleware
    async def let_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hand on what may come in; take the token out of the address of whoever comes with it; refuse all others."""
        came_by = _authority(request.host)
        # A browser lets any page open a socket to this machine, and a name may be given any address later on. The port says
        # nothing: that of a tunnel is another one.
        if came_by is None or not self._is_of_here(came_by, request.headers.get("Origin")):
            raise web.HTTPForbidden(text=NOT_OF_HERE)
        # A browser sends its cookies to all ports of a name. The port it came by tells servers behind tunnels apart as well.
        cookie = f"unipipe-{came_by.port or HTTP_PORT}"
        if request.path == "/" and _is_same(request.query.get(PARAMETER, ""), self._token):
            raise self._welcome(request, cookie)
        if not _is_same(request.cookies.get(cookie, ""), self._session):
            raise web.HTTPForbidden(text=NO_TOKEN)
        return await handler(request)

    def _is_of_here(self, came_by: URL, origin: str | None) -> bool:
        if origin is not None and _authority(origin.partition("://")[2]) != came_by:
            return False
        name = came_by.host or ""
        return name in self._names or is_address(name)

    def _welcome(self, request: web.Request, cookie: str) -> web.HTTPFound:
        welcome = web.HTTPFound(URL("/").with_query(request.rel_url.without_query_params(PARAMETER).query))
        welcome.set_cookie(cookie, self._session, httponly=True, samesite="Strict")
        welcome.headers["Cache-Control"] = "no-store"
        welcome.headers["Referrer-Policy"] = "no-referrer"
        return welcome


def _authority(text: str) -> URL | None:
    try:
        return URL(f"http://{text}").origin()
    except ValueError:
        return None


def _is_same(told: str, expected: str) -> bool:
    return hmac.compare_digest(told.encode(errors="surrogatepass"), expected.encode(errors="surrogatepass"))
