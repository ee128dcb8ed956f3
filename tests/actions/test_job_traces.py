"""A job is a trace with a span for each of its steps; nobody who collects them can disturb it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.collector import Collector, attributes, collecting
from tests.conftest import unipipe
from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.perform import perform
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.events import Event, Noted
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.values import frozen
from unipipe_tui.wiring import world_at

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECRET = "correct-horse-battery"


@frozen
class Paint:
    """Nothing to choose."""


@frozen
class Painted:
    """Nothing to say."""


def plan_paint(request: Paint, world: World) -> Plan[None]:
    """Paint."""
    return Plan("Paint", (), "scrape", None, command=("unipipe", "paint", f"--password={SECRET}"))


def paint(plan: Plan[None], world: World, progress: Progress) -> Done[Painted]:
    with step(progress, "first coat", 1, 2):
        progress.emit(Noted(f"token={SECRET}"))
    with step(progress, "second coat", 2, 2):
        pass
    return Done(Painted())


def spill(plan: Plan[None], world: World, progress: Progress) -> Done[Painted]:
    with step(progress, "first coat", 1, 2):
        raise Failed(f"It ran down: password={SECRET}")


def change(apply: Any) -> Change[Any, Any, Any]:
    return Change("paint", Paint, plan_paint, apply, "unipipe paint", Danger.NONE)


def performed(world: World, apply: Any) -> list[Event]:
    heard: list[Event] = []
    perform(change(apply), Paint(), world, heard.append, lambda: False)
    return heard


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


def test_a_job_and_its_steps_are_spans_of_one_trace_without_secrets(
    project: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", f"00-{TRACE}-{PARENT}-01")
    world = world_at(project)
    performed(world, paint)
    spans = {span.name: span for span in collector.spans}
    job = spans.pop("paint")
    assert (job.trace_id.hex(), job.parent_span_id.hex()) == (TRACE, PARENT)
    told = attributes(job)
    assert (told["unipipe.job.id"], told["unipipe.job.state"], told["process.exit.code"]) == (world.job_id, "done", 0)
    assert told["unipipe.command"] == "unipipe paint --password=…"
    assert list(spans) == ["first coat", "second coat"]
    assert {span.parent_span_id for span in spans.values()} == {job.span_id}
    assert attributes(spans["second coat"]) == {
        "unipipe.step.number": 2,
        "unipipe.step.total": 2,
        "unipipe.step.outcome": "done",
    }
    assert not [body for body in collector.bodies if SECRET.encode() in body]
    resource = collector.traces[0].resource_spans[0].resource
    assert attributes(resource)["service.name"] == "unipipe"


def test_a_job_that_fails_is_an_error_with_its_message_and_without_its_secret(
    project: Path, collector: Collector
) -> None:
    with pytest.raises(Failed):
        performed(world_at(project), spill)
    spans = {span.name: span for span in collector.spans}
    assert (spans["paint"].status.code, spans["paint"].status.message) == (2, "It ran down: password=…")
    assert attributes(spans["first coat"])["unipipe.step.outcome"] == "failed"
    assert attributes(spans["paint"])["unipipe.job.state"] == "failed"


def test_a_collector_that_is_away_fails_no_job_and_holds_it_up_for_a_moment_only(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A port that nobody listens on, for only one who is root could.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    world = world_at(project)
    began = time.perf_counter()
    performed(world, paint)
    assert time.perf_counter() - began < 5
    job = world.jobs.find(world.job_id)
    assert job is not None
    assert job.state is JobState.DONE


def test_an_endpoint_without_the_package_is_noted_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.delitem(sys.modules, "unipipe_tui.adapters.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    notes = [event.text for event in performed(world_at(project), paint) if isinstance(event, Noted)]
    assert [note for note in notes if "OTEL" in note] == [
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but nothing is sent: install the package unipipe-tui[otlp]."
    ]


def test_without_an_endpoint_a_job_imports_none_of_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.setitem(sys.modules, "unipipe_tui.adapters.otlp", None)
    assert [event for event in performed(world_at(project), paint) if isinstance(event, Noted)] == [
        Noted("token=…"),
    ]


def test_the_command_line_sends_the_trace_of_its_job(project: Path, collector: Collector) -> None:
    (project / "unipipe.yaml").write_text("slos: {up: {kind: uptime, goal: 99 %}}")
    done = unipipe(
        *("export", "prometheus", "--to", "rules.yml"), cwd=project, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url
    )
    assert done.exit_code == 0, done.stderr
    assert [span.name for span in collector.spans] == ["export prometheus"]
