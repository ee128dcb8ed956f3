"""How fast models are served, beside `mlflow models serve` with the same model; and that no request is lost meanwhile."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from asking import Answers, ask, meanwhile
from figures import Figure, seconds_of
from model_servers import Served, Server, fraud_detector, logistic, mlflows, ours, variant

PEER = "mlflow models serve"
STARTS = 5
ROUNDS = 10
SINGLES = 2_000
MANY = 16
REQUESTS = 10_000
SWITCHES = 5
PROBE = "Unipipe-Probe: 1\r\n"
"""Such a request is answered without log and without being counted."""

T = TypeVar("T")
Made = Callable[[Path, Path], Served]
MODELS: dict[str, Made] = {"the demo's pipeline": fraud_detector, "a logistic regression": logistic}


def ready(workspace: Path) -> Figure:
    """From the start of the process to its first prediction, of the demo's pipeline."""
    mine, theirs = [], []
    with _bundled(workspace, fraud_detector) as served:
        for _ in range(STARTS):
            with ours(served) as server:
                mine.append(server.ready_seconds)
            with mlflows(served) as server:
                theirs.append(server.ready_seconds)
    return Figure("start to first prediction", "<= 0.333", STARTS, _median(mine), PEER, _median(theirs))


def single_of_demo(workspace: Path) -> Figure:
    """One connection, one row a request."""
    return _singles(workspace, "the demo's pipeline")


def single_of_logistic(workspace: Path) -> Figure:
    """The same of a model that costs next to nothing."""
    return _singles(workspace, "a logistic regression")


def many_of_demo(workspace: Path) -> Figure:
    """Sixteen connections, one row a request."""
    return _many(workspace, "the demo's pipeline")


def many_of_logistic(workspace: Path) -> Figure:
    """The same of a model that costs next to nothing."""
    return _many(workspace, "a logistic regression")


def logging(workspace: Path) -> Figure:
    """What log and metrics cost of the throughput: the same requests, every other round as probes that leave no trace."""
    counted: dict[str, float | int] = {}
    for name, made in MODELS.items():
        with _bundled(workspace, made) as served, ours(served) as server:
            kept, probed = _in_turn(
                lambda server=server: _throughput(server), lambda server=server: _throughput(server, PROBE)
            )
        share = 1 - statistics.median(one.rate / other.rate for one, other in zip(kept, probed, strict=True))
        counted[f"percent_of_throughput, {name}"] = round(100 * share, 1)
        cost = _median([one.processor / other.processor for one, other in zip(kept, probed, strict=True)]) - 1
        counted[f"percent_of_processor, {name}"] = round(100 * cost, 1)
    return Figure("what logging costs", "<= 10 %", ROUNDS, counted=counted)


def canary(workspace: Path) -> Figure:
    """How near ten thousand requests come to the weights of a canary, one connection to sixteen."""
    with _two_versions(workspace) as (one, other), ours(one) as server:
        server.want([variant(one, "stable", 90.0), variant(other, "canary", 10.0)])
        answers = ask(server.load(REQUESTS, MANY))
    counted = {"canary_percent": 100 * answers.variants["canary"] / REQUESTS, "failed": answers.failed}
    return Figure("a canary of 10 %", "10 % +- 1, 0 failed", REQUESTS, counted=counted)


def switching(workspace: Path) -> Figure:
    """Ten thousand requests while the server goes over to another version and back."""
    with _two_versions(workspace) as (one, other), ours(one) as server:
        seconds: list[float] = []

        def there_and_back() -> None:
            for served in (other, one):
                seconds.append(seconds_of(lambda served=served: server.want([variant(served)])))

        answers = meanwhile(server.load(REQUESTS, MANY), there_and_back, SWITCHES)
    counted = {"requests": len(answers.each), "failed": answers.failed, "switches": len(seconds)}
    return Figure("a switch under load", "0 failed", len(seconds), _median(seconds), counted=counted)


def _singles(workspace: Path, name: str) -> Figure:
    with _both(workspace, name) as (mine, theirs):
        turns = _in_turn(
            lambda: sorted(ask(mine.load(SINGLES // ROUNDS, 1)).each),
            lambda: sorted(ask(theirs.load(SINGLES // ROUNDS, 1)).each),
        )
    own, peer = ([seconds for turn in of_one for seconds in turn] for of_one in turns)
    p99 = [statistics.quantiles(each, n=100)[98] for each in (own, peer)]
    counted = {
        "p99_milliseconds": round(1000 * p99[0], 2),
        "peer_p99_milliseconds": round(1000 * p99[1], 2),
        "p99_ratio": round(p99[0] / p99[1], 3),
    }
    return Figure(f"one row of {name}", "p50, p99 <= 0.5", SINGLES, _median(own), PEER, _median(peer), counted=counted)


def _many(workspace: Path, name: str) -> Figure:
    with _both(workspace, name) as (mine, theirs):
        own, peer = _in_turn(lambda: _throughput(mine), lambda: _throughput(theirs, requests=REQUESTS // 20))
    rates = [_median([one.rate for one in turns]) for turns in (own, peer)]
    counted = {
        "requests_per_second": round(rates[0]),
        "peer_requests_per_second": round(rates[1]),
        "times_as_many": round(_median([one.rate / other.rate for one, other in zip(own, peer, strict=True)]), 2),
        "processor_milliseconds": round(1000 * _median([one.processor for one in own]), 2),
        "peer_processor_milliseconds": round(1000 * _median([one.processor for one in peer]), 2),
    }
    return Figure(f"{MANY} connections to {name}", "times_as_many >= 3", ROUNDS, counted=counted)


class Throughput:
    """Requests in a second, and what one costs the server's processor."""

    def __init__(self, answers: Answers, processor_seconds: float) -> None:
        if answers.failed:
            raise SystemExit(f"not all were answered: {answers.statuses}")
        self.rate = len(answers.each) / answers.seconds
        self.processor = processor_seconds / len(answers.each)


def _throughput(server: Server, headers: str = "", requests: int = REQUESTS // 5) -> Throughput:
    before = server.processor_seconds()
    answers = ask(server.load(requests, MANY, headers))
    return Throughput(answers, server.processor_seconds() - before)


def _in_turn(one: Callable[[], T], other: Callable[[], T]) -> tuple[list[T], list[T]]:
    """Both ROUNDS times, after a first time that does not count, the first of each pair alternating."""
    one()
    other()
    found: tuple[list[T], list[T]] = ([], [])
    for number in range(ROUNDS):
        pair = [(found[0], one), (found[1], other)]
        for taken, act in pair if number % 2 == 0 else reversed(pair):
            taken.append(act())
    return found


@contextmanager
def _bundled(workspace: Path, made: Made) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "bundle"
        folder.mkdir()
        yield made(workspace, folder)


@contextmanager
def _both(workspace: Path, name: str) -> Iterator[tuple[Server, Server]]:
    with ExitStack() as open_until_the_end:
        served = open_until_the_end.enter_context(_bundled(workspace, MODELS[name]))
        yield open_until_the_end.enter_context(ours(served)), open_until_the_end.enter_context(mlflows(served))


@contextmanager
def _two_versions(workspace: Path) -> Iterator[tuple[Served, Served]]:
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / "v1", Path(place) / "v2"]
        for folder in folders:
            folder.mkdir()
        yield fraud_detector(workspace, folders[0], 1), fraud_detector(workspace, folders[1], 2)


def _median(numbers: list[float]) -> float:
    return statistics.median(numbers)
