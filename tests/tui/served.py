"""A project that is being served to browsers, by a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import aiohttp
import psutil
import pytest

from tests.conftest import free_port, own_environment

WITHIN_SECONDS = 20.0


@dataclass(frozen=True)
class Served:
    """A project that is being served."""

    address: str
    token: str
    server: subprocess.Popen[str]

    @property
    def entrance(self) -> str:
        """Its address with the token, as a person opens it."""
        return f"{self.address}/?token={self.token}"

    def end(self) -> None:
        """End the server, and see that all that it started ends with it."""
        workbenches = psutil.Process(self.server.pid).children(recursive=True)
        self.server.terminate()
        assert self.server.wait(WITHIN_SECONDS) == 0
        assert ended(workbenches)


def ended(processes: Sequence[psutil.Process]) -> bool:
    """Whether all of them end in time; one that nobody reaps has ended."""
    deadline = monotonic() + WITHIN_SECONDS
    while any(map(_runs, processes)) and monotonic() < deadline:
        sleep(0.05)
    return not any(map(_runs, processes))


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@contextmanager
def serving(project: Path, **env: str) -> Iterator[Served]:
    """A project that is being served, to be ended by whoever looked at it."""
    pytest.importorskip("textual_serve", reason="textual-serve is not installed")
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "unipipe_tui", "tui", "--serve", "--port", str(port)],
        cwd=project,
        # Who says so in the environment did not say so of a browser.
        env={**own_environment(), "UNIPIPE_READ_ONLY": "0", **env},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr
        entrance, _, can = server.stderr.readline().partition("  ")
        address, _, token = entrance.partition("/?token=")
        assert address == f"http://127.0.0.1:{port}"
        assert can == "(read-only: it is served to a browser without --write)\n"
        yield Served(address, token, server)
    finally:
        server.kill()
        server.communicate()


def stranger() -> aiohttp.ClientSession:
    """A browser that was nowhere yet; unlike aiohttp it keeps the cookies of an address without a name."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


@asynccontextmanager
async def visiting(served: Served) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser that came in with the token."""
    async with stranger() as browser:
        await browser.get(served.entrance)
        yield browser
