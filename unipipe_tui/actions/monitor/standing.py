"""How every target stands: whether it answers, what its last check found, how good its decisions are, what is open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.alerts.settling import open_alerts
from unipipe_tui.actions.asking import ask, ask_all
from unipipe_tui.actions.drift.recorded import RecordedPerformance, read_check
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.records import Alert
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.values import frozen


@frozen
class MonitorStatus:
    """Of which target."""

    target: Annotated[str | None, OBJECT, "Only this target.", Names.TARGET] = None
    ask: Annotated[bool, "Ask the targets whether they answer; otherwise only what is recorded is told."] = True


@frozen
class TargetStanding:
    """One target, from what checks recorded and, where it was asked, from itself."""

    target: str
    kind: str
    """`local`, `docker` or `kubernetes`."""
    state: ServerState | None
    """None: it was not asked."""
    version: int | None
    """The one that answers; of the last check where it was not asked, or does not answer."""
    checked: datetime | None
    """When it was checked for drift last; None: never."""
    columns: int
    """How many that check compared."""
    drifted: tuple[str, ...]
    performance: RecordedPerformance | None
    """As that check judged it."""
    predictions: int
    labels: int
    open: int
    asking: int
    """Open alerts that nobody has acknowledged."""
    problem: str
    """What is not as it was asked for, or why it cannot be asked."""


@frozen
class MonitorStanding:
    """All targets."""

    targets: tuple[TargetStanding, ...]
    """In the order of `unipipe.yaml`."""


def show_standing(request: MonitorStatus, world: World) -> MonitorStanding:
    """Show how every target stands: state, last drift check, performance, traffic and open alerts, a line each."""
    names = tuple(world.targets) if request.target is None else (world.target(request.target),)
    with world.store.together():
        alerts = open_alerts(world)
        recorded = [_recorded(name, alerts, world) for name in names]
    found = [_with_traffic(one, world) for one in recorded]
    if request.ask:
        every = ask_all(world) if request.target is None else (ask(world, *names),)
        asked = {one.target: one.status for one in every}
        found = [
            replace(
                one,
                state=asked[one.target].state,
                version=asked[one.target].version or one.version,
                problem=asked[one.target].error or "",
            )
            for one in found
        ]
    return MonitorStanding(tuple(found))


def _recorded(target: str, alerts: Sequence[Alert], world: World) -> TargetStanding:
    checks = [read_check(check) for check in world.history.drift_checks(target, 1)]
    last = checks[0] if checks else None
    mine = [alert for alert in alerts if alert.target == target]
    return TargetStanding(
        target=target,
        kind=world.targets[target].kind.value,
        state=None,
        version=last.version if last else None,
        checked=last.at if last else None,
        columns=len(last.columns) if last else 0,
        drifted=tuple(column.column for column in last.columns if column.drifted) if last else (),
        performance=last.performance if last else None,
        predictions=0,
        labels=0,
        open=len(mine),
        asking=sum(alert.asks for alert in mine),
        problem="",
    )


def _with_traffic(one: TargetStanding, world: World) -> TargetStanding:
    # Not while the store is open: whoever writes waits for that.
    predictions, labels = world.predictions.totals(one.target)
    return replace(one, predictions=predictions, labels=labels)


SHOW = Look("monitor status", MonitorStatus, show_standing, "unipipe monitor status", repeatable=True)
