"""Model servers: starting, stopping, and asking how they are."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done, Look
from unipipe_tui.actions.asking import ask_all, way_to_start
from unipipe_tui.actions.bundling import bundle_to_serve
from unipipe_tui.actions.release.recording import at_once, bring_at_once, record_at_once
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.vouching import release_warnings
from unipipe_tui.actions.world import World
from unipipe_tui.config import TargetKind
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import CHAMPION
from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.records import Undo, UndoKind
from unipipe_tui.domain.server_status import ServerStatus, server_status
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.values import frozen

RUNS = (ServerState.READY, ServerState.STARTING)


@frozen
class StartServer:
    """Which target, with which version."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    version: Annotated[
        int | None, "Version to serve; the one that the followed alias names when left out.", Names.VERSION
    ] = None


@frozen
class StartOrder:
    """What was decided."""

    target: str
    model: str
    version: int


def plan_start(request: StartServer, world: World) -> Plan[StartOrder]:
    """Start a local HTTP server that answers predictions with the champion and logs every one of them.

    On a target that follows no alias it is the version that was released there last.
    """
    return plan_server_start(world, world.target(request.target), request.version)


def plan_server_start(world: World, target: str, version: int | None) -> Plan[StartOrder]:
    """Decide what starting a target's server entails.

    Raises:
        UsageError: it runs already, there is no version to serve, or a version gets to this target by a release only.
        CheckSaidNo: the version's files are not those that were registered, or they run code.
    """
    model = world.model.name
    if world.targets[target].kind is not TargetKind.LOCAL:
        raise UsageError(f"A version gets to {target} by a release.", hint=way_to_start(world, target))
    live = world.target_of(target).live()
    if live.state in RUNS:
        raise UsageError(f"{target} runs already on {live.url}.", hint=f"unipipe serve stop {target}")
    chosen = version if version is not None else _version_to_start(world, target)
    if chosen is None:
        alias = world.targets[target].alias or CHAMPION
        raise UsageError(f"{model}@{alias} names no version yet.", hint="Train one: unipipe pipeline run")
    warnings = release_warnings(world, model, chosen)
    effects = [plans.write(f"bundle of {model} version {chosen}, sealed with its digest")]
    effects.append(plans.serve(f"{target} listens on {live.url} with {model} version {chosen}", target))
    effects.append(plans.store("release, audit entry"))
    title = f"Start {target} with {model} version {chosen}"
    return Plan(title, tuple(effects), f"unipipe serve stop {target}", StartOrder(target, model, chosen), warnings)


def _version_to_start(world: World, target: str) -> int | None:
    """What its alias names; a target that follows none goes on with what was released there last."""
    alias = world.targets[target].alias
    last = world.history.releases(target, 1) if alias is None else ()
    return last[0].version if last else world.tracking.alias(world.model.name, alias or CHAMPION)


def start_server(plan: Plan[StartOrder], world: World, progress: Progress) -> Done[ServerStatus]:
    """Start a server."""
    order = plan.decided
    with step(progress, "make the bundle", 1, 2):
        folder, bundle = bundle_to_serve(world, order.model, order.version)
    with step(progress, f"start {order.target}", 2, 2):
        before = world.target_of(order.target).live()
        if before.state in RUNS:
            raise Refused(
                f"Somebody else started {order.target} meanwhile.", hint=f"unipipe release status {order.target}"
            )
        rollout = at_once(before, bundle, "its server was started", world)
        live = bring_at_once(rollout, folder, bundle, world, progress)
    record_at_once(rollout, world)
    undo = Undo(UndoKind.SERVER_STARTED, order.target, after=order.version)
    return Done(server_status(live), undo, detail=f"{order.model} version {order.version} on {live.url}")


@frozen
class StopServer:
    """Which target."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None


@frozen
class StopOrder:
    """What was decided."""

    target: str
    version: int | None


def plan_stop(request: StopServer, world: World) -> Plan[StopOrder]:
    """Stop a local server; it answers what it has begun, then ends."""
    return plan_server_stop(world, world.target(request.target))


def plan_server_stop(world: World, target: str) -> Plan[StopOrder]:
    """Decide what stopping a target's server entails.

    Raises:
        UsageError: it does not run.
        ToolMissing: it cannot be asked.
    """
    live = world.target_of(target).live()
    start = way_to_start(world, target)
    if live.state is ServerState.STOPPED:
        raise UsageError(f"{target} does not run.", hint=start)
    effects = (
        plans.serve(f"{target} on {live.url} answers what it has begun, then ends", target),
        plans.store("audit entry"),
    )
    version = live.traffic.main.version if live.traffic else None
    return Plan(f"Stop {target} on {live.url}", effects, start, StopOrder(target, version))


def stop_server(plan: Plan[StopOrder], world: World, progress: Progress) -> Done[ServerStatus]:
    """Stop a server."""
    order = plan.decided
    with step(progress, f"stop {order.target}", 1, 1):
        live = world.target_of(order.target).stop(progress)
        world.rollouts.record_stop(order.target, world.now(), world.actor, world.job_id)
    undo = Undo(UndoKind.SERVER_STOPPED, order.target, before=order.version)
    return Done(server_status(live), undo, detail=f"{order.target} stopped")


@frozen
class ServeStatus:
    """Nothing to say."""


@frozen
class Servers:
    """All targets as they are now."""

    servers: tuple[ServerStatus, ...]


def serve_status(request: ServeStatus, world: World) -> Servers:
    """Say of each target whether it answers, with which version, since when."""
    return Servers(tuple(asked.status for asked in ask_all(world)))


START = Change("serve start", StartServer, plan_start, start_server, "unipipe serve start --yes", Danger.CONFIRM)
STOP = Change("serve stop", StopServer, plan_stop, stop_server, "unipipe serve stop --yes", Danger.CONFIRM)
STATUS = Look("serve status", ServeStatus, serve_status, "unipipe serve status")
