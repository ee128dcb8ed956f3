"""The standard variables of OpenTelemetry are read as they are meant."""

from __future__ import annotations

import pytest

from unipipe_tui.domain.telemetry import Signal, header_secrets, names_its_service, wanted_of

HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "signals"),
    [
        ({}, set()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, set()),
        (HERE, {Signal.TRACES, Signal.METRICS}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, {Signal.TRACES}),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:4318/v1/metrics"}, {Signal.METRICS}),
        ({**HERE, "OTEL_SDK_DISABLED": "TRUE"}, set()),
        ({**HERE, "OTEL_TRACES_EXPORTER": "none"}, {Signal.METRICS}),
        ({**HERE, "OTEL_METRICS_EXPORTER": "console", "OTEL_TRACES_EXPORTER": "console, otlp"}, {Signal.TRACES}),
        ({**HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, {Signal.TRACES, Signal.METRICS}),
    ],
)
def test_a_signal_is_sent_where_its_endpoint_is_set(environment: dict[str, str], signals: set[Signal]) -> None:
    wanted = wanted_of(environment)
    assert (wanted.signals, wanted.problem) == (signals, "")


def test_another_way_of_speaking_is_told_and_nothing_is_sent_by_it() -> None:
    wanted = wanted_of({**HERE, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"})
    assert wanted.signals == {Signal.METRICS}
    assert wanted.problem == "OTEL_EXPORTER_OTLP_PROTOCOL is grpc; only http/protobuf is spoken, so nothing is sent."


def test_values_of_headers_are_secrets_as_they_are_written_and_as_they_are_sent() -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abcdefgh,x=1",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "api-key=12345678",
    }
    assert header_secrets(environment) == ("Bearer%20abcdefgh", "Bearer abcdefgh", "12345678")
    assert header_secrets({}) == ()


@pytest.mark.parametrize(
    ("environment", "named"),
    [({}, False), ({"OTEL_SERVICE_NAME": "mine"}, True), ({"OTEL_RESOURCE_ATTRIBUTES": "a=b,service.name=c"}, True)],
)
def test_a_service_that_is_named_keeps_its_name(environment: dict[str, str], named: bool) -> None:
    assert names_its_service(environment) is named
