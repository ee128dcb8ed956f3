"""What every request passes before it is read: the token, and the limit on the size of its body."""

from __future__ import annotations

import hmac

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.refusals import refusal

PROBES = frozenset({"/healthz", "/readyz", "/ping", "/health", "/v2/health/live", "/v2/health/ready"})
"""Asked by machinery that has no token; they tell no inputs."""


@frozen
class Limits:
    """What one request may hold, and how long it may take."""

    records: int = 5_000
    body_bytes: int = 8 * 1024 * 1024
    body_seconds: float = 10.0
    """Within which its body must be here."""
    answer_seconds: float = 30.0
    """Within which it must be answered, once it is here."""


class Gate:
    """ASGI middleware; plain rather than Starlette's base class, which would cost each request a task."""

    def __init__(self, app: ASGIApp, limits: Limits, token: str | None) -> None:
        self._app = app
        self._limits = limits
        self._expected = None if token is None else f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 and 413 here; hand on everything else."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif not self._may_enter(scope):
            answer = refusal(401, "A bearer token is needed.", headers={"WWW-Authenticate": "Bearer"})
            await answer(scope, receive, send)
        else:
            await self._app(scope, self._limited(receive), send)

    def _may_enter(self, scope: Scope) -> bool:
        if self._expected is None or scope["path"] in PROBES:
            return True
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        return hmac.compare_digest(given, self._expected)

    def _limited(self, receive: Receive) -> Receive:
        """Counts what arrives, so a body of unnamed length is cut off as soon as it is too long."""
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limits.body_bytes:
                raise HTTPException(
                    413, f"The body is longer than {self._limits.body_bytes} bytes. Send fewer records."
                )
            return message

        return limited
