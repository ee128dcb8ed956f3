"""Asks a model server over kept connections, as a process of its own, and tells what came back as one JSON line.

Plain sockets and ready-made bytes: a comfortable client costs more than the answer, and would be measured instead.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

HOST = "127.0.0.1"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_VARIANT = re.compile(rb'"variant": ?"([^"]*)"')


@dataclass(frozen=True)
class Load:
    """What is asked, by how many at once."""

    port: int
    path: str
    body: str
    requests: int
    connections: int
    headers: str = ""


@dataclass(frozen=True)
class Answers:
    """What came back."""

    seconds: float
    each: list[float]
    """Seconds of each request that was answered."""
    statuses: dict[str, int]
    """How many answers of each HTTP status; `lost` are those that never came."""
    variants: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """Requests without a 200."""
        return sum(times for status, times in self.statuses.items() if status != "200")


def ask(load: Load) -> Answers:
    """Ask in another process, to the end."""
    return begin(load)()


class begin:
    """Begin to ask in another process; calling the value waits for the answers."""

    def __init__(self, load: Load) -> None:
        argv = [sys.executable, __file__, *(f"--{name}={value}" for name, value in asdict(load).items())]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)

    @property
    def running(self) -> bool:
        """Whether it still asks."""
        return self._process.poll() is None

    def __call__(self) -> Answers:
        said, _ = self._process.communicate()
        return Answers(**json.loads(said))


class _Connection(asyncio.Protocol):
    """One kept connection: the next request leaves when the answer is here, until no numbers are left."""

    def __init__(self, request: bytes, numbers: Iterator[int], told: _Told) -> None:
        self._request = request
        self._numbers = numbers
        self._told = told
        self._received = b""
        self._began = 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        if not separator or found is None or len(body) < int(found[1]):
            return
        self._told.each.append(time.perf_counter() - self._began)
        self._told.statuses[head[9:12].decode()] += 1
        if named := _VARIANT.search(body):
            self._told.variants[named[1].decode()] += 1
        self._received = b""
        self._began = 0.0
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._told.statuses["lost"] += self._began > 0
        if not self.ended.done():
            self.ended.set_result(None)

    def _next(self) -> None:
        if next(self._numbers, None) is None:
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(self._request)  # type: ignore[attr-defined]


@dataclass
class _Told:
    each: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)


async def _asked(load: Load) -> Answers:
    body = load.body.encode()
    head = f"POST {load.path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n{load.headers}"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    told, numbers, loop = _Told(), iter(range(load.requests)), asyncio.get_running_loop()
    began = time.perf_counter()
    while len(told.each) + told.statuses["lost"] < load.requests:
        # Again only when a server closed connections: whoever lost one opens another.
        made = [
            await loop.create_connection(lambda: _Connection(request, numbers, told), HOST, load.port)
            for _ in range(load.connections)
        ]
        await asyncio.gather(*(one.ended for _transport, one in made))
    return Answers(time.perf_counter() - began, told.each, dict(told.statuses), dict(told.variants))


def _main() -> None:
    parser = argparse.ArgumentParser()
    for name, kind in {
        "port": int,
        "path": str,
        "body": str,
        "requests": int,
        "connections": int,
        "headers": str,
    }.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    print(json.dumps(asdict(asyncio.run(_asked(Load(**vars(parser.parse_args())))))))


if __name__ == "__main__":
    _main()
