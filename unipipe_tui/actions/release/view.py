"""One target as a whole: what it should answer with, what it does, what is on its way there, how it does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.alerts.settling import open_alerts
from unipipe_tui.actions.asking import way_to_start
from unipipe_tui.actions.release.history import ReleaseHistory, ReleaseLine, list_releases
from unipipe_tui.actions.release.status import TargetStatus, target_status
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.ports.targets import LiveTarget
from unipipe_tui.domain.records import Alert
from unipipe_tui.domain.rollouts.traffic import STABLE, Variant
from unipipe_tui.domain.serving import ServerState, TrafficWindow
from unipipe_tui.domain.values import frozen


@frozen
class ShowRelease:
    """Which target."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None


@frozen
class TargetView:
    """One target: what it should answer with, what it does answer with, and how it does."""

    target: str
    kind: str
    status: TargetStatus
    """Read from the target itself, with what is on its way there."""
    follows: str | None
    """The alias whose moves are released here at once."""
    wanted: int | None
    """The version that the alias names now."""
    release: ReleaseLine | None
    """The newest one."""
    requests: int | None
    """Since its variants were started; None when it does not answer."""
    predictions: int
    """All that were logged."""
    labels: int
    traffic: TrafficWindow
    """The latest predictions of the version that answers now, or of all when none does."""
    alerts: tuple[Alert, ...]
    """Open ones."""
    example: str | None
    """A record to try it with, as JSON: the first row of the example that the model was saved with."""
    remarks: tuple[str, ...]
    """What does not fit, one sentence each, with what to do."""


def show_release(request: ShowRelease, world: World) -> TargetView:
    """Show a target: the version it answers with and the one it should, since when, its traffic, latency and alerts."""
    name = world.target(request.target)
    config = world.targets[name]
    status = target_status(name, None, world)
    main = _main(status.live)
    newest = list_releases(ReleaseHistory(name, limit=1), world).releases
    predictions, labels = world.predictions.totals(name)
    model = world.config.model.name if world.config.model else None
    wanted = world.tracking.alias(model, config.alias) if model and config.alias else None
    return TargetView(
        target=name,
        kind=config.kind.value,
        status=status,
        follows=config.alias,
        wanted=wanted,
        release=newest[0] if newest else None,
        requests=_requests(name, world) if main else None,
        predictions=predictions,
        labels=labels,
        traffic=world.predictions.window(name, world.config.monitoring.window_rows, main.version if main else None),
        alerts=tuple(alert for alert in open_alerts(world) if alert.target == name),
        example=_example(world, model, main.version if main else wanted),
        remarks=tuple(_remarks(status, config.alias, wanted, way_to_start(world, name))),
    )


def _main(live: LiveTarget | None) -> Variant | None:
    """The variant that answers most, of two halves the stable one; while pods come and go the shares need not make a whole."""
    answering = [one.variant for one in live.variants if not one.variant.mirrored] if live else []
    return max(answering, key=lambda one: (one.weight, one.name == STABLE), default=None)


def _example(world: World, model: str | None, version: int | None) -> str | None:
    if model is None or version is None:
        return None
    try:
        signature = world.tracking.signature(world.tracking.version(model, version))
    except UnipipeError:
        return None
    example = signature.example if signature else None
    return None if example is None else json.dumps(dict(example), ensure_ascii=False)


def _requests(target: str, world: World) -> int | None:
    try:
        return sum(variant.requests for variant in world.target_of(target).measures())
    except UnipipeError:
        return None


def _remarks(status: TargetStatus, follows: str | None, wanted: int | None, start: str) -> Iterator[str]:
    live, way, main = status.live, status.rollout, _main(status.live)
    if way is not None and way.interrupted:
        yield f"Release {way.release} was interrupted while {way.state.value}; go on: unipipe release status {status.target}"
    if live is None:
        return
    yield from live.remarks
    if main is None and live.state in (ServerState.STOPPED, ServerState.DIED):
        yield f"It does not answer; start it: {start}"
    elif main is not None and follows and wanted not in (None, main.version) and way is None:
        yield (
            f"It answers with version {main.version}, but {follows} names version {wanted}: "
            f"unipipe models promote {main.model} {main.version}, or stop and start it."
        )


SHOW = Look("release show", ShowRelease, show_release, "unipipe release show local")
