"""Asks a model server over kept connections, as a process of its own, and tells what came back as one JSON line.

Plain sockets and ready-made bytes: a comfortable client costs more than the answer, and would be measured instead.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
    fifth: str = ""
    """Body of every fifth request; the same as the others' when left out."""


@dataclass(frozen=True)
class Answers:
    """What came back."""

    seconds: float
    each: list[float]
    """Seconds of each request that was answered."""
    statuses: dict[str, int]
    """How many answers of each HTTP status; `lost` are those that never came."""
    variants: dict[str, int] = field(default_factory=dict)
    failed_at: list[float] = field(default_factory=list)
    """Seconds from the beginning to the first request that failed, and to the last; empty when none did."""

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

    def enough(self) -> Answers:
        """What became of those until now."""
        self._process.terminate()
        return self()

    def __call__(self) -> Answers:
        said, _ = self._process.communicate()
        return Answers(**json.loads(said))


def meanwhile(load: Load, act: Callable[[], object], times: int = 1) -> Answers:
    """What became of so many requests while something was done so often; of more when that takes longer."""
    found: list[Answers] = []
    asking = begin(load)
    for _ in range(times):
        act()
        if not asking.running:
            found.append(asking())
            asking = begin(load)
    found.append(asking())
    statuses = {status for one in found for status in one.statuses}
    return Answers(
        sum(one.seconds for one in found),
        [seconds for one in found for seconds in one.each],
        {status: sum(one.statuses.get(status, 0) for one in found) for status in statuses},
    )


class _Connection(asyncio.Protocol):
    """One kept connection: the next request leaves when the answer is here, until no numbers are left."""

    def __init__(self, requests: Sequence[bytes], numbers: Iterator[int], told: _Told) -> None:
        self._requests = requests
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
        self._told.count(head[9:12].decode())
        if named := _VARIANT.search(body):
            self._told.variants[named[1].decode()] += 1
        self._received = b""
        self._began = 0.0
        if self._told.keeps:
            self._next()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._began > 0:
            self._told.count("lost")
        if not self.ended.done():
            self.ended.set_result(None)

    def _next(self) -> None:
        number = None if self._told.enough else next(self._numbers, None)
        if number is None:
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(self._requests[number % len(self._requests)])  # type: ignore[attr-defined]


@dataclass
class _Told:
    each: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    variants: Counter[str] = field(default_factory=Counter)
    failed_at: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)
    enough: bool = False
    keeps: bool = True
    """Whether a connection is asked again."""

    def count(self, status: str) -> None:
        self.statuses[status] += 1
        if status != "200":
            self.failed_at = [*self.failed_at[:1], time.perf_counter() - self.began]

    def end(self) -> None:
        """Ask nothing more."""
        self.enough = True


async def _asked(load: Load) -> Answers:
    requests = [_request(load, load.body)] * 4 + [_request(load, load.fifth or load.body)]
    told, numbers, loop = (
        _Told(keeps="close" not in load.headers),
        iter(range(load.requests)),
        asyncio.get_running_loop(),
    )
    began = time.perf_counter()
    loop.add_signal_handler(signal.SIGTERM, told.end)
    while not told.enough and len(told.each) + told.statuses["lost"] < load.requests:
        # Again when connections were closed: whoever has none opens another.
        made = [
            await loop.create_connection(lambda: _Connection(requests, numbers, told), HOST, load.port)
            for _ in range(load.connections)
        ]
        await asyncio.gather(*(one.ended for _transport, one in made))
    return Answers(time.perf_counter() - began, told.each, dict(told.statuses), dict(told.variants), told.failed_at)


def _request(load: Load, text: str) -> bytes:
    body = text.encode()
    head = f"POST {load.path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n{load.headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _main() -> None:
    parser = argparse.ArgumentParser()
    for name, kind in {
        "port": int,
        "path": str,
        "body": str,
        "requests": int,
        "connections": int,
        "headers": str,
        "fifth": str,
    }.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    print(json.dumps(asdict(asyncio.run(_asked(Load(**vars(parser.parse_args())))))))


if __name__ == "__main__":
    _main()
