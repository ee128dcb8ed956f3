"""Sinks: who is told of alerts, how bringing goes, and a test of one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done, Look
from unipipe_tui.actions.alerts.delivering import send
from unipipe_tui.actions.alerts.settling import source
from unipipe_tui.actions.request import OBJECT
from unipipe_tui.actions.world import World
from unipipe_tui.config import SinkKind
from unipipe_tui.domain import plans
from unipipe_tui.domain.alerts import trial_event
from unipipe_tui.domain.deliveries import SinkState
from unipipe_tui.domain.errors import Failed, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.values import frozen


@frozen
class ListSinks:
    """Nothing to say."""


@frozen
class SinkLine:
    """One configured sink."""

    name: str
    kind: SinkKind
    severities: tuple[str, ...]
    """Of the alerts that go there; empty: all."""
    kinds: tuple[str, ...]
    waiting: int
    delivered: int
    given_up: int
    last: datetime | None
    """When it took an event last."""
    attempts: int
    """How often bringing the oldest waiting event was tried."""
    problem: str
    """Why that failed."""


@frozen
class SinkList:
    """In the order of the configuration."""

    sinks: tuple[SinkLine, ...]


def list_sinks(request: ListSinks, world: World) -> SinkList:
    """List the sinks that are told of alerts, what waits for each, and why it waits."""
    known = {state.name: state for state in world.history.sink_states()}
    lines = []
    for name, sink in world.config.alerts.sinks.items():
        state = known.get(name, SinkState(name, 0, 0, 0, None, ""))
        lines.append(
            SinkLine(
                name=name,
                kind=sink.kind,
                severities=tuple(severity.value for severity in sink.severities),
                kinds=tuple(kind.value for kind in sink.kinds),
                waiting=state.waiting,
                delivered=state.delivered,
                given_up=state.given_up,
                last=state.last,
                attempts=state.attempts,
                problem=state.problem,
            )
        )
    return SinkList(tuple(lines))


@frozen
class TestSink:
    """Which one."""

    __test__ = False

    sink: Annotated[str, OBJECT, "Name of a configured sink."]


@frozen
class SinkTested:
    """A sink that took the test."""

    sink: str
    kind: SinkKind
    event: str
    """The id of the event that it took."""


def plan_test(request: TestSink, world: World) -> Plan[str]:
    """Send a test event to a sink, at once and once only; exit code 1 with the reason when it was not taken."""
    config = world.config.alerts.sinks.get(request.sink)
    if config is None:
        known = ", ".join(world.config.alerts.sinks) or "none; name one in unipipe.yaml under `alerts: sinks:`"
        raise UsageError(f"There is no sink {request.sink!r}.", hint=f"Sinks: {known}.")
    effect = plans.serve(f"one test event to {request.sink} ({config.kind.value}); no alert is opened")
    return Plan(f"Test the sink {request.sink}", (effect,), "nothing to undo: a test changes nothing", request.sink)


def test_sink(plan: Plan[str], world: World, progress: Progress) -> Done[SinkTested]:
    """Test a sink."""
    name = plan.decided
    event = trial_event(name, world.job_id, source(world), world.now())
    with step(progress, f"send a test event to {name}", 1, 1):
        problem = send(world, name, event)
        if problem:
            raise Failed(f"The sink {name} did not take it: {problem}", hint="See `alerts: sinks:` in unipipe.yaml.")
    return Done(SinkTested(name, world.config.alerts.sinks[name].kind, event.id), detail=f"{name} took a test event")


SINKS = Look("alerts sinks", ListSinks, list_sinks, "unipipe alerts sinks")
TEST = Change("alerts test-sink", TestSink, plan_test, test_sink, "unipipe alerts test-sink team", Danger.NONE)
