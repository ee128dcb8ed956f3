"""Whether traces and metrics go out, and as what: the standard variables of OpenTelemetry, read once."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import unquote

from unipipe_tui.domain.events import Event
from unipipe_tui.domain.jobs import Job
from unipipe_tui.domain.values import frozen

SPOKEN = "http/protobuf"
"""The one way of speaking that is known here; it is also what the standard takes when nothing is said."""
MISSING = "OTEL_EXPORTER_OTLP_ENDPOINT is set, but nothing is sent: install the package unipipe-tui[otlp]."
SHORTEST_SECRET = 8


class Signal(StrEnum):
    """What can be sent."""

    TRACES = "TRACES"
    METRICS = "METRICS"


@frozen
class Wanted:
    """What the environment asks for."""

    signals: frozenset[Signal] = frozenset()
    problem: str = ""
    """Why something that is asked for cannot be sent; empty: it can."""


def wanted_of(environment: Mapping[str, str]) -> Wanted:
    """What shall be sent: a signal whose endpoint is set, unless `otlp` is not among its exporters or everything is off."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Wanted()
    asked = [signal for signal in Signal if _is_asked(signal, environment)]
    foreign = {signal: way for signal in asked if (way := _way(signal, environment)) != SPOKEN}
    told = ", ".join(sorted(set(foreign.values())))
    problem = f"OTEL_EXPORTER_OTLP_PROTOCOL is {told}; only {SPOKEN} is spoken, so nothing is sent." if foreign else ""
    return Wanted(frozenset(asked) - foreign.keys(), problem)


def _is_asked(signal: Signal, environment: Mapping[str, str]) -> bool:
    endpoints = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    exporters = environment.get(f"OTEL_{signal}_EXPORTER", "").strip().lower() or "otlp"
    listed = [one.strip() for one in exporters.split(",")]
    return "otlp" in listed and any(environment.get(name, "").strip() for name in endpoints)


def _way(signal: Signal, environment: Mapping[str, str]) -> str:
    names = (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    said = (environment.get(name, "").strip() for name in names)
    return next((way for way in said if way), SPOKEN)


def names_its_service(environment: Mapping[str, str]) -> bool:
    """Whether the environment says what the service is called."""
    listed = environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return bool(environment.get("OTEL_SERVICE_NAME")) or "service.name=" in listed


def header_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of headers that go to the collector: tokens, mostly."""
    names = ("OTEL_EXPORTER_OTLP_HEADERS", *(f"OTEL_EXPORTER_OTLP_{signal}_HEADERS" for signal in Signal))
    pairs = (pair for name in names for pair in environment.get(name, "").split(","))
    written = (pair.partition("=")[2].strip() for pair in pairs)
    values = (value for one in written for value in (one, unquote(one)))
    return tuple(dict.fromkeys(value for value in values if len(value) >= SHORTEST_SECRET))


class UntracedJob:
    """The trace of a job that nobody wants."""

    problem = ""
    """Why there is none, when there should be."""

    def __init__(self, problem: str = "") -> None:
        self.problem = problem

    def hear(self, event: Event) -> None:
        """Keep nothing."""

    def end(self, job: Job) -> None:
        """Send nothing."""


def untraced(job: Job) -> UntracedJob:
    """No trace, and nothing to say about it."""
    return UntracedJob()
