"""Jobs as traces, sent to a collector by OpenTelemetry's own library over OTLP (HTTP, protobuf).

The library's standard variables say where to and how (`OTEL_EXPORTER_OTLP_ENDPOINT`, headers, certificates, sampling, ...). It is
imported only where an endpoint is set. A collector that is away costs a job `SECONDS_TO_SEND` at its end, and nothing before.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from unipipe_tui.domain.events import Event, StepEnded, StepStarted
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.telemetry import names_its_service

SECONDS_TO_SEND = 2.0
SERVICE = "unipipe"
LIBRARY = "unipipe_tui"
SENT_FROM = "opentelemetry"


def trace_job(job: Job, environment: Mapping[str, str]) -> TracedJob:
    """Begin the trace of a job that has just begun; it hangs below `TRACEPARENT`, when that is set."""
    # What the library says of a collector that is away would come again with every batch.
    logging.getLogger(SENT_FROM).setLevel(logging.CRITICAL)
    own = {} if names_its_service(environment) else {"service.name": SERVICE}
    # At the end of the process it would wait for a collector as long as that likes.
    provider = TracerProvider(resource=Resource.create(own), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    carrier = {name.lower(): environment[name] for name in ("TRACEPARENT", "TRACESTATE") if environment.get(name)}
    return TracedJob(job, provider, TraceContextTextMapPropagator().extract(carrier))


class TracedJob:
    """One span for the job, and one in it for each of its steps."""

    problem = ""

    def __init__(self, job: Job, provider: TracerProvider, around: Context) -> None:
        self._provider = provider
        self._tracer: Tracer = provider.get_tracer(LIBRARY)
        self._span = self._tracer.start_span(
            job.action,
            around,
            kind=SpanKind.INTERNAL,
            attributes={
                "unipipe.job.id": job.id,
                "unipipe.action": job.action,
                "unipipe.command": job.command,
                "unipipe.actor": job.actor,
            },
        )
        self._step: Span | None = None

    def hear(self, event: Event) -> None:
        """A step begins or ends."""
        match event:
            case StepStarted(name, number, total):
                self._end_step()
                attributes = {"unipipe.step.number": number, "unipipe.step.total": total}
                self._step = self._tracer.start_span(name, set_span_in_context(self._span), attributes=attributes)
            case StepEnded(_, outcome, _):
                self._end_step(outcome)

    def end(self, job: Job) -> None:
        """End the job's span, and send what there is."""
        self._end_step("" if job.state is JobState.DONE else job.state.value)
        self._span.set_attribute("unipipe.job.state", job.state.value)
        if job.exit_code is not None:
            self._span.set_attribute("process.exit.code", job.exit_code)
        if job.state is JobState.FAILED:
            self._span.set_status(Status(StatusCode.ERROR, job.message))
        self._span.end()
        sending = threading.Thread(target=self._provider.shutdown, name="otlp", daemon=True)
        sending.start()
        sending.join(SECONDS_TO_SEND)

    def _end_step(self, outcome: str = "") -> None:
        if self._step is None:
            return
        if outcome:
            self._step.set_attribute("unipipe.step.outcome", outcome)
        if outcome == "failed":
            self._step.set_status(Status(StatusCode.ERROR))
        self._step.end()
        self._step = None
