"""Traces and metrics of the server, sent to a collector by OpenTelemetry's own library over OTLP (HTTP, protobuf).

A span begins with its request, so that whoever is asked in turn can hang below it, and is queued when the request is over; a
thread sends the queue. When it is full, because the collector is away or slow, spans are dropped. Metrics are the very counters
that `/metrics` tells, read every `OTEL_METRIC_EXPORT_INTERVAL` milliseconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span as OpenSpan
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Metric

from unipipe_tui.domain.telemetry import Signal, names_its_service
from unipipe_tui.serving.metrics import Answerer
from unipipe_tui.serving.otlp_metrics import data_of
from unipipe_tui.serving.scoring import TraceHeaders
from unipipe_tui.serving.telemetry import NotCollected, Span

SERVICE = "unipipe-serving"
LIBRARY = "unipipe_tui.serving"
SECONDS_TO_SEND_AT_THE_END = 2.0
USUAL_INTERVAL_SECONDS = 60.0
SENT_FROM = "opentelemetry"
_PROPAGATOR = TraceContextTextMapPropagator()
_log = logging.getLogger(__name__)


class OtlpTelemetry:
    """Spans and metrics of one server."""

    def __init__(
        self, signals: Iterable[Signal], environment: Mapping[str, str], collect: Callable[[], Iterable[Metric]]
    ) -> None:
        # What the library says of a collector that is away would come again with every batch; it is told once here.
        logging.getLogger(SENT_FROM).setLevel(logging.CRITICAL)
        resource = Resource.create({} if names_its_service(environment) else {"service.name": SERVICE})
        wanted = frozenset(signals)
        self._provider = _traces(resource) if Signal.TRACES in wanted else None
        self._tracer = self._provider.get_tracer(LIBRARY) if self._provider else None
        interval = _interval_seconds(environment)
        self._metrics = _MetricSender(resource, collect, interval) if Signal.METRICS in wanted else None

    def begin(self, method: str, route: str, headers: TraceHeaders) -> Span:
        """A span below that of the caller, if it said of one."""
        if self._tracer is None:
            return NotCollected(headers)
        try:
            span = self._tracer.start_span(
                f"{method} {route}",
                _PROPAGATOR.extract(headers),
                kind=SpanKind.SERVER,
                attributes={"http.request.method": method, "http.route": route},
            )
        except Exception:
            # Whatever is wrong with a trace, the request is answered.
            _log.debug("a span was not made", exc_info=True)
            return NotCollected(headers)
        return _Request(span)

    def close(self) -> None:
        """Send what there is; a collector that is away is not waited for."""
        ends = [
            one for one in (self._metrics and self._metrics.close, self._provider and self._provider.shutdown) if one
        ]
        threads = [threading.Thread(target=end, name="otlp-end", daemon=True) for end in ends]
        for thread in threads:
            thread.start()
        until = time.monotonic() + SECONDS_TO_SEND_AT_THE_END
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))


class _Request:
    """The span of one request; it is queued when the request is over."""

    def __init__(self, span: OpenSpan) -> None:
        self._span = span

    @property
    def headers(self) -> TraceHeaders:
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, set_span_in_context(self._span))
        return carrier

    def end(self, status: int, answerer: Answerer | None) -> None:
        told: dict[str, str | int] = {"http.response.status_code": status}
        if answerer is not None:
            told["unipipe.model"] = answerer.model
            told["unipipe.version"] = answerer.version
            told["unipipe.variant"] = answerer.variant
        if status >= 500:
            told["error.type"] = str(status)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.set_attributes(told)
        self._span.end()


def _traces(resource: Resource) -> TracerProvider:
    # At the end of the process it would wait for a collector as long as that likes.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_SpansTold(OTLPSpanExporter())))
    return provider


def _interval_seconds(environment: Mapping[str, str]) -> float:
    try:
        return max(0.1, float(environment.get("OTEL_METRIC_EXPORT_INTERVAL", "")) / 1000)
    except ValueError:
        return USUAL_INTERVAL_SECONDS


class _Word:
    """Says once that a collector is away, and once that it is there again."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._away = False

    def say(self, taken: bool) -> None:
        if taken == self._away:
            self._away = not taken
            again = "are taken again" if taken else "are not taken by the collector; requests are answered all the same"
            _log.warning("%s %s", self._what, again)


class _SpansTold(SpanExporter):
    """Sends spans, and says when that fails."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._word = _Word("spans")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        self._word.say(result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class _MetricSender:
    """A thread that reads the counters every so often and sends them."""

    def __init__(self, resource: Resource, collect: Callable[[], Iterable[Metric]], interval_seconds: float) -> None:
        self._resource = resource
        self._collect = collect
        self._interval_seconds = interval_seconds
        self._exporter = OTLPMetricExporter()
        self._began = time.time_ns()
        self._stopping = threading.Event()
        self._word = _Word("metrics")
        self._thread = threading.Thread(target=self._work, name="otlp-metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send once more."""
        self._stopping.set()
        self._thread.join()
        self._exporter.shutdown(timeout_millis=SECONDS_TO_SEND_AT_THE_END * 1000)

    def _work(self) -> None:
        while not self._stopping.wait(self._interval_seconds):
            self._send()
        self._send()

    def _send(self) -> None:
        try:
            taken = self._exporter.export(self._data()) is MetricExportResult.SUCCESS
        except Exception:
            _log.debug("metrics were not sent", exc_info=True)
            taken = False
        self._word.say(taken)

    def _data(self) -> MetricsData:
        return data_of(self._collect(), self._resource, LIBRARY, self._began, time.time_ns())
