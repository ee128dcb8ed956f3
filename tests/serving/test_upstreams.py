"""A router before other servers: real HTTP, with servers that behave and servers that do not."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import numpy as np
import pytest

from tests.collector import collecting
from tests.little_server import Quiet
from unipipe_tui.serving.scoring import read_rows

from .servers import Sealed, Server, Start, free_port, logged, payment

pytestmark = pytest.mark.xdist_group("serving")


@dataclass
class Upstream:
    """A server that speaks as MLflow's does, in a thread, and remembers what it was sent."""

    server: ThreadingHTTPServer
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: set[object] = field(default_factory=set)
    sockets: list[socket.socket] = field(default_factory=list)
    status: int = 200
    classes: list[str] = field(default_factory=list)
    """Of a server that says of its model that it tells how likely each of several is."""
    metadata: dict[str, Any] | None = None
    """What it says of its model, if it says more."""

    def go_away(self) -> None:
        """As when its machine is switched off: no new connections, and none of the old."""
        self.server.shutdown()
        self.server.server_close()
        for one in self.sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    one = serving_at(0)
    yield one
    one.go_away()


def serving_at(port: int) -> Upstream:
    """One that gives the second class nine tenths when the amount is above 20."""

    class Handler(Quiet):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            this.sockets.append(self.request)
            super().setup()

        def do_GET(self) -> None:
            told = {"outputs": [], "parameters": {"classes": this.classes}}
            told = this.metadata or told
            self._answer(200, json.dumps(told).encode() if this.classes or this.metadata else b"\n")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            this.bodies.append(body)
            this.headers.append(dict(self.headers))
            this.connections.add(self.client_address)
            amounts = [row[0] for row in body["dataframe_split"]["data"]]
            scores = [[0.1, 0.9] if amount and amount > 20 else [0.8, 0.2] for amount in amounts]
            scores = [[*(one / 2 for one in row), 0.5] for row in scores] if this.classes else scores
            self._answer(this.status, json.dumps({"predictions": scores}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    this = Upstream(ThreadingHTTPServer(("127.0.0.1", port), Handler))
    Thread(target=this.server.serve_forever, daemon=True).start()
    return this


def behind(url: str, name: str, weight: float, version: int, **more: object) -> dict[str, object]:
    columns = [("amount", "double"), ("hour", "long"), ("night", "boolean"), ("region", "string")]
    return {
        "name": name,
        "url": url,
        "weight": weight,
        "digest": f"digest-{version}",
        "model": "fraud",
        "version": version,
        "threshold": 0.5,
        "commit": "c0ffee",
        "columns": [{"name": column, "type": kind} for column, kind in columns],
        **more,
    }


@pytest.fixture(scope="module")
def router(start: Start, bundles: tuple[Sealed, Sealed]) -> Server:
    return start(bundles[0])


def test_a_router_checks_asks_decides_and_logs_for_the_server_behind_it(router: Server, upstream: Upstream) -> None:
    router.share_out(behind(upstream.url, "stable", 100, 3))
    answers = [router.predict([payment(amount=amount)]).json() for amount in (400.0, 1.0, None)]
    assert [one["predictions"][0]["decision"] for one in answers] == [1, 0, 0]
    assert {(one["version"], one["variant"]) for one in answers} == {(3, "stable")}
    assert upstream.bodies[0]["dataframe_split"] == {
        "columns": ["amount", "hour", "night", "region"],
        "data": [[400.0, 3, True, "north"]],
    }
    assert all(headers["Unipipe-Probe"] == "1" for headers in upstream.headers)
    assert len(upstream.connections) < len(answers)
    assert router.predict([payment(hour="late")]).status_code == 422
    rows = {row["prediction_id"]: row["version"] for row in logged(router.log)}
    assert all(rows[one["predictions"][0]["prediction_id"]] == 3 for one in answers)


def test_outputs_of_a_server_that_names_no_parameters_are_known(router: Server, upstream: Upstream) -> None:
    outputs = [{"name": "predictions", "datatype": "FP64", "shape": [-1, 2]}]
    upstream.metadata = {"name": "fraud", "outputs": outputs, "parameters": None}
    router.share_out(behind(upstream.url, "stable", 100, 8))
    told = httpx.get(f"{router.url}/v2/models/fraud").json()
    assert told["outputs"] == outputs
    assert "parameters" not in told


def test_outputs_of_one_of_ours_are_known_before_anybody_asks_it(start: Start, bundles: tuple[Sealed, Sealed]) -> None:
    version, router = start(bundles[0]), start(bundles[0])
    router.share_out(behind(version.url, "stable", 100, int(str(version.ready()["version"]))))
    own, told = (httpx.get(f"{one.url}/v2/models/fraud").json()["outputs"] for one in (version, router))
    assert own == told and told[0]["datatype"] == "FP64"


def test_the_span_of_a_server_hangs_below_that_of_its_router_and_that_below_the_callers(
    start: Start, bundles: tuple[Sealed, Sealed]
) -> None:
    trace, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    with collecting() as collector:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        version, router = (start(bundles[0], env={**told, "OTEL_SERVICE_NAME": name}) for name in ("version", "router"))
        router.share_out(behind(version.url, "stable", 100, int(str(version.ready()["version"]))))
        sent = {"traceparent": f"00-{trace}-{caller}-01", "tracestate": "shop=7"}
        assert httpx.post(f"{router.url}/predict", json={"records": [payment()]}, headers=sent).is_success
        collector.wait_for(lambda: len(collector.spans) == 2)
    spans = {span.name: span for span in collector.spans}
    outer, inner = spans["POST /predict"], spans["POST /invocations"]
    assert {outer.trace_id.hex(), inner.trace_id.hex()} == {trace}
    assert (outer.parent_span_id.hex(), inner.parent_span_id) == (caller, outer.span_id)
    assert inner.trace_state == "shop=7"
    assert outer.start_time_unix_nano <= inner.start_time_unix_nano <= inner.end_time_unix_nano
    assert inner.end_time_unix_nano <= outer.end_time_unix_nano


def test_a_router_that_sends_no_traces_hands_on_what_its_caller_said(router: Server, upstream: Upstream) -> None:
    router.share_out(behind(upstream.url, "stable", 100, 6))
    sent = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "shop=7"}
    assert httpx.post(f"{router.url}/predict", json={"records": [payment()]}, headers=sent).is_success
    assert {name: upstream.headers[-1].get(name) for name in sent} == sent
    assert router.predict([payment()]).is_success
    assert "traceparent" not in upstream.headers[-1]


def test_a_router_learns_from_the_server_behind_it_which_classes_there_are(router: Server, upstream: Upstream) -> None:
    upstream.classes = ["no", "yes", "maybe"]
    router.share_out(behind(upstream.url, "stable", 100, 8))
    (told,) = router.predict([payment(amount=400.0)]).json()["predictions"]
    assert told["decision"] == "maybe"
    (row,) = [row for row in logged(router.log) if row["prediction_id"] == told["prediction_id"]]
    assert [row[f"probability.{name}"] for name in upstream.classes] == [0.05, 0.45, 0.5]


def test_a_server_that_fails_is_told_with_its_own_words_and_counted_against_its_variant(
    router: Server, upstream: Upstream
) -> None:
    router.share_out(behind(upstream.url, "stable", 100, 4))
    for status, told in ((500, 502), (503, 503), (400, 502)):
        upstream.status = status
        refused = router.predict([payment()])
        assert refused.status_code == told
        assert f"answered {status}" in refused.json()["error"]
    assert router.counted("unipipe_requests_total", version=4, status="502") == 2


def test_a_server_that_is_away_is_502_and_readiness_says_which(router: Server, upstream: Upstream) -> None:
    router.share_out(behind(upstream.url, "stable", 100, 5))
    upstream.go_away()
    refused = router.predict([payment()])
    assert refused.status_code == 502
    assert "is away" in refused.json()["error"]

    def tells(state: dict[str, Any]) -> bool:
        (variant,) = state["variants"]
        return not variant["ready"] and "does not answer" in variant["error"]

    router.wait_until(tells)


def test_a_server_that_comes_late_is_switched_to_when_it_is_there(
    router: Server, bundles: tuple[Sealed, Sealed]
) -> None:
    router.want(bundles[0].folder, bundles[0].bundle.digest)
    router.wait_until(lambda state: state["version"] == 1)
    port = free_port()
    with pytest.raises(AssertionError, match="does not answer"):
        router.share_out(behind(f"http://127.0.0.1:{port}", "stable", 100, 6))
    assert router.predict([payment()]).json()["version"] == 1
    late = serving_at(port)
    router.wait_until(lambda state: state["version"] == 6)
    assert router.predict([payment()]).json()["version"] == 6
    late.go_away()


@pytest.mark.parametrize(
    ("predictions", "rows"),
    [
        ([[0.1, 0.9]], [[0.1, 0.9]]),
        ([{"0": 0.1, "1": 0.9}], [[0.1, 0.9]]),
        ([1.5, None], [1.5, np.nan]),
    ],
)
def test_predictions_are_read_in_every_form_that_mlflow_writes(predictions: Any, rows: Any) -> None:
    np.testing.assert_array_equal(read_rows(predictions), np.array(rows))
