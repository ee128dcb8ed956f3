"""Model servers: starting, stopping, and asking how they are."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done, Look
from unipipe_tui.actions.bundling import bundle_to_serve
from unipipe_tui.actions.release.recording import record_at_once
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.vouching import release_warnings
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import CHAMPION
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.records import Undo, UndoKind
from unipipe_tui.domain.serving import ServerState, ServerStatus
from unipipe_tui.domain.values import frozen


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
    """Start a local HTTP server that answers predictions with the champion and logs every one of them."""
    return plan_server_start(world, world.target(request.target), request.version)


def plan_server_start(world: World, target: str, version: int | None) -> Plan[StartOrder]:
    """Decide what starting a target's server entails.

    Raises:
        UsageError: it runs already, or there is no version to serve.
        CheckSaidNo: the version's files are not those that were registered, or they run code.
    """
    model = world.model.name
    status = world.server_of(target).status()
    if status.state in (ServerState.READY, ServerState.STARTING):
        raise UsageError(f"{target} runs already on {status.url}.", hint=f"unipipe serve stop {target}")
    alias = world.targets[target].alias or CHAMPION
    chosen = version if version is not None else world.tracking.alias(model, alias)
    if chosen is None:
        raise UsageError(f"{model}@{alias} names no version yet.", hint="Train one: unipipe pipeline run")
    warnings = release_warnings(world, model, chosen)
    effects = [plans.write(f"bundle of {model} version {chosen}, sealed with its digest")]
    effects.append(plans.serve(f"{target} listens on {status.url} with {model} version {chosen}", target))
    effects.append(plans.store("release, audit entry"))
    title = f"Start {target} with {model} version {chosen}"
    return Plan(title, tuple(effects), f"unipipe serve stop {target}", StartOrder(target, model, chosen), warnings)


def start_server(plan: Plan[StartOrder], world: World, progress: Progress) -> Done[ServerStatus]:
    """Start a server."""
    order = plan.decided
    with step(progress, "make the bundle", 1, 2):
        folder, bundle = bundle_to_serve(world, order.model, order.version)
    with step(progress, f"start {order.target}", 2, 2):
        status = world.server_of(order.target).start(folder, bundle.digest, progress)
    record_at_once(world, order.target, order.model, order.version, "its server was started", goes_back=False)
    undo = Undo(UndoKind.SERVER_STARTED, order.target, after=order.version)
    return Done(status, undo, detail=f"{order.model} version {order.version} on {status.url}")


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
    """
    status = world.server_of(target).status()
    if status.state is ServerState.STOPPED:
        raise UsageError(f"{target} does not run.", hint=f"unipipe serve start {target}")
    effects = (
        plans.serve(f"{target} on {status.url} answers what it has begun, then ends", target),
        plans.store("audit entry"),
    )
    undo = f"unipipe serve start {target}"
    return Plan(f"Stop {target} on {status.url}", effects, undo, StopOrder(target, status.version))


def stop_server(plan: Plan[StopOrder], world: World, progress: Progress) -> Done[ServerStatus]:
    """Stop a server."""
    order = plan.decided
    with step(progress, f"stop {order.target}", 1, 1):
        status = world.server_of(order.target).stop(progress)
        world.rollouts.record_stop(order.target, world.now(), world.actor, world.job_id)
    undo = Undo(UndoKind.SERVER_STOPPED, order.target, before=order.version)
    return Done(status, undo, detail=f"{order.target} stopped")


@frozen
class ServeStatus:
    """Nothing to say."""


@frozen
class Servers:
    """All targets as they are now."""

    servers: tuple[ServerStatus, ...]


def serve_status(request: ServeStatus, world: World) -> Servers:
    """Say of each target whether it answers, with which version, since when."""
    return Servers(tuple(world.server_of(name).status() for name in world.targets))


START = Change("serve start", StartServer, plan_start, start_server, "unipipe serve start --yes", Danger.CONFIRM)
STOP = Change("serve stop", StopServer, plan_stop, stop_server, "unipipe serve stop --yes", Danger.CONFIRM)
STATUS = Look("serve status", ServeStatus, serve_status, "unipipe serve status")
