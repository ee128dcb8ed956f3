"""A target in one flat line: what `serve status` and the boards tell of it, whatever it is made of."""

from __future__ import annotations

from datetime import datetime

from unipipe_tui.domain.ports.targets import LiveTarget
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.values import frozen


@frozen
class ServerStatus:
    """A target as it is now."""

    target: str
    state: ServerState
    url: str
    pid: int | None = None
    model: str | None = None
    version: int | None = None
    """The one that answers most."""
    digest: str | None = None
    since: datetime | None = None
    requests: int | None = None
    order: str | None = None
    """The release that it was given last."""
    error: str | None = None
    """What is not as it was asked for, or why it cannot be asked."""
    shares: str | None = None
    """`1 90 % · 2 10 %` while several versions share the requests."""

    @property
    def answers(self) -> str:
        """What answers, in a few words: `version 2`, or the share of each; empty: nothing does."""
        return self.shares or ("" if self.version is None else f"version {self.version}")


@frozen
class Asked:
    """What a target said when it was asked, or why it could not be."""

    target: str
    live: LiveTarget | None
    problem: str = ""

    @property
    def status(self) -> ServerStatus:
        """Its flat line; one that cannot be asked is told as stopped, with the reason."""
        if self.live is None:
            return ServerStatus(self.target, ServerState.STOPPED, "", error=self.problem or None)
        return server_status(self.live)


def server_status(live: LiveTarget) -> ServerStatus:
    """The flat line of a target."""
    traffic = live.traffic
    main = traffic.main if traffic else None
    return ServerStatus(
        target=live.target,
        state=live.state,
        url=live.url,
        pid=live.pid,
        model=main.model if main else None,
        version=main.version if main else None,
        digest=main.digest if main else None,
        since=live.since if main else None,
        requests=live.requests,
        order=live.release,
        error="; ".join(live.remarks) or None,
        shares=traffic.shares if traffic and len(traffic.variants) > 1 else None,
    )
