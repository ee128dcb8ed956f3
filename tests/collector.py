"""A collector of traces and metrics on this machine: it parses what comes and keeps it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.little_server import Quiet, serving

FORMS: dict[str, Any] = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}


@dataclass
class Collector:
    """What came."""

    url: str = ""
    traces: list[Any] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[Any]:
        """All spans, oldest batch first."""
        groups = [scope for one in self.traces for resource in one.resource_spans for scope in resource.scope_spans]
        return [span for group in groups for span in group.spans]

    def metric(self, name: str) -> Any:
        """The newest points of a metric."""
        for one in reversed(self.metrics):
            for resource in one.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name == name:
                            return metric
        raise KeyError(name)

    def wait_for(self, there: Callable[[], bool], seconds: float = 10.0) -> None:
        """Until it is there."""
        until = time.monotonic() + seconds
        while not there():
            assert time.monotonic() < until, (len(self.traces), len(self.metrics))
            time.sleep(0.02)


def attributes(one: Any) -> dict[str, Any]:
    """Attributes of a span, a point or a resource as plain values."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in one.attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens on a port of its own."""
    collector = Collector()

    class Handler(Quiet):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            form = FORMS[self.path]()
            form.ParseFromString(body)
            collector.bodies.append(body)
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            (collector.traces if self.path == "/v1/traces" else collector.metrics).append(form)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Handler) as collector.url:
        yield collector
