"""Traces and metrics of a server reach a collector; one that is away keeps nobody waiting and fails nothing."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.collector import Collector, attributes, collecting
from unipipe_tui.domain.telemetry import Signal
from unipipe_tui.serving.__main__ import open_telemetry
from unipipe_tui.serving.metrics import Answerer, Metrics
from unipipe_tui.serving.otlp import OtlpTelemetry
from unipipe_tui.serving.scoring import Outcome

from .servers import Sealed, Start, free_port, payment

pytestmark = pytest.mark.xdist_group("serving")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STABLE = Answerer("fraud", 1, "stable")
TOKEN = "collectors-own-token"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def answered(telemetry: OtlpTelemetry, status: int = 200, headers: dict[str, str] | None = None) -> None:
    telemetry.begin("POST", "/predict", headers or {}).end(status, STABLE)


def test_a_server_sends_a_span_for_each_request_and_its_own_counters(
    start: Start, bundles: tuple[Sealed, Sealed], collector: Collector
) -> None:
    server = start(
        bundles[0],
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {TOKEN}",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        },
    )
    sent = {"traceparent": f"00-{TRACE}-{PARENT}-01", "Content-Type": "application/json"}
    assert httpx.post(f"{server.url}/predict", json={"records": [payment()] * 3}, headers=sent).status_code == 200
    assert httpx.post(f"{server.url}/predict", json={"records": [{}]}).status_code == 422
    assert httpx.post(f"{server.url}/predict", json={"records": [payment()]}, headers={"Unipipe-Probe": "1"}).is_success
    collector.wait_for(lambda: len(collector.spans) == 2)
    whole, refused = collector.spans
    assert (whole.name, whole.kind) == ("POST /predict", 2)
    assert (whole.trace_id.hex(), whole.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(whole) == {
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "unipipe.model": "fraud",
        "unipipe.version": 1,
        "unipipe.variant": "stable",
    }
    assert 0 < whole.end_time_unix_nano - whole.start_time_unix_nano < 5e9
    assert attributes(refused)["http.response.status_code"] == 422
    assert refused.trace_id != whole.trace_id
    # The metrics come at the end at the latest.
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0
    requests = {
        attributes(point)["status"]: point.as_double for point in collector.metric("unipipe_requests").sum.data_points
    }
    assert requests == {"200": 1, "422": 1}
    assert collector.metric("unipipe_requests").sum.is_monotonic
    assert collector.metric("unipipe_log_rows_behind").gauge.data_points
    resource = collector.metrics[-1].resource_metrics[0].resource
    assert attributes(resource)["service.name"] == "unipipe-serving"
    assert attributes(resource)["deployment.environment.name"] == "test"
    assert {headers["authorization"] for headers in collector.headers} == {f"Bearer {TOKEN}"}
    assert not [body for body in collector.bodies if TOKEN.encode() in body]


def test_histograms_keep_their_limits_and_their_counts(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_METRIC_EXPORT_INTERVAL": "100"}
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    metrics = Metrics()
    for seconds in (0.0005, 0.003, 0.003, 60.0):
        metrics.count_request(STABLE, 200, seconds)
    metrics.count_outcomes(STABLE, [Outcome(0.97, 1)])
    telemetry = OtlpTelemetry([Signal.METRICS], environment, metrics.families)
    answered(telemetry)
    collector.wait_for(lambda: bool(collector.metrics))
    telemetry.close()
    (point,) = collector.metric("unipipe_request_seconds").histogram.data_points
    assert list(point.explicit_bounds)[:3] == [0.001, 0.0025, 0.005]
    assert list(point.bucket_counts) == [1, 0, 2, *[0] * 11, 1]
    assert (point.count, point.sum) == (4, pytest.approx(60.0065))
    assert not point.HasField("min")
    assert attributes(point) == {"model": "fraud", "version": "1", "variant": "stable"}
    assert collector.metric("unipipe_decisions").sum.data_points[0].as_double == 1
    assert not collector.traces


def test_a_failure_of_the_server_is_an_error_and_a_broken_traceparent_begins_a_trace(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    telemetry = OtlpTelemetry([Signal.TRACES], {}, lambda: ())
    answered(telemetry, 503, {"traceparent": "00-not-a-trace-01"})
    telemetry.close()
    (span,) = collector.spans
    assert span.status.code == 2
    assert attributes(span)["error.type"] == "503"
    assert not span.parent_span_id
    assert not collector.metrics


def test_a_caller_who_samples_nothing_is_not_traced(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    telemetry = OtlpTelemetry([Signal.TRACES], {}, lambda: ())
    answered(telemetry, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    answered(telemetry, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    telemetry.close()
    assert len(collector.spans) == 1


def test_a_collector_that_is_away_costs_a_request_nothing_and_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    telemetry = OtlpTelemetry(Signal, {"OTEL_METRIC_EXPORT_INTERVAL": "100"}, Metrics().families)
    began = time.perf_counter()
    for _ in range(5000):
        answered(telemetry)
    assert time.perf_counter() - began < 2.5
    began = time.perf_counter()
    telemetry.close()
    assert time.perf_counter() - began < 3
    told = [record.message for record in caplog.records if record.name == "unipipe_tui.serving.otlp"]
    assert len(told) == len(set(told)) <= 2


def test_without_an_endpoint_nothing_is_imported_and_nothing_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "unipipe_tui.serving.otlp", None)
    assert open_telemetry(Metrics()) is None
    assert capsys.readouterr().err == ""


def test_an_endpoint_without_the_package_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.delitem(sys.modules, "unipipe_tui.serving.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    assert open_telemetry(Metrics()) is None
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "install the package unipipe-tui[otlp]" in said
