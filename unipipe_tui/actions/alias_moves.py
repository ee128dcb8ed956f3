"""Moving an alias, with all that follows from it: promotion, rollback, forward and undo are this one change."""

from __future__ import annotations

from unipipe_tui.actions.action import Done
from unipipe_tui.actions.bundling import bundle_to_serve
from unipipe_tui.actions.release.recording import record_at_once, refuse_when_in_hand
from unipipe_tui.actions.vouching import release_warnings
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import by_tag, reason_tag
from unipipe_tui.domain.errors import Refused
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.ports.tools import Registry
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.records import How, Promotion, Undo, UndoKind
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.values import frozen


@frozen
class AliasMove:
    """What was decided: let the alias name this version, and these targets serve it."""

    model: str
    alias: str
    version: int | None
    """None: take the alias away."""
    previous: int | None
    """What it names now; applying refuses when that is no longer so."""
    how: How
    reason: str
    followers: tuple[str, ...]
    """Targets that run now and follow the alias."""


@frozen
class Moved:
    """An alias that names another version now."""

    model: str
    alias: str
    version: int | None
    previous: int | None
    released: tuple[str, ...]
    """Targets that serve the version now."""


def plan_move(
    world: World, model: str, alias: str, version: int | None, how: How, reason: str, warnings: tuple[str, ...] = ()
) -> Plan[AliasMove]:
    """Decide what moving the alias entails."""
    previous = world.tracking.alias(model, alias)
    followers = _followers(world, model, alias) if version is not None else ()
    for target in followers:
        refuse_when_in_hand(world, target)
    if followers and version is not None:
        warnings = (*warnings, *release_warnings(world, model, version, goes_back=how in (How.BACK, How.UNDO)))
    move = AliasMove(model, alias, version, previous, how, reason, followers)
    before = "nothing" if previous is None else f"version {previous}"
    after = "nothing" if version is None else f"version {version}"
    effects = [plans.registry(f"{model}@{alias}: {before} -> {after}")]
    if version is not None:
        effects.append(plans.registry(f"{model} version {version}: tags unipipe.{alias}.by, unipipe.{alias}.reason"))
    for target in followers:
        effects.append(plans.serve(f"{target} switches to version {version}; no request is dropped", target))
    effects.append(plans.store(f"promotion{'' if not followers else ', release'}, audit entry"))
    title = f"{_verb(how)} {model} {alias}: {before} -> {after}"
    return Plan(title, tuple(effects), undo="unipipe undo", decided=move, warnings=warnings)


def move_alias(plan: Plan[AliasMove], world: World, progress: Progress) -> Done[Moved]:
    """Move the alias; when a target cannot serve the version, the alias goes back to where it was.

    Raises:
        Refused: somebody moved the alias since the plan was made.
    """
    move = plan.decided
    _refuse_if_moved(world, move)
    with step(progress, "open the registry", 1, 1 + _steps(move)):
        registry = world.open_registry()
    undo = carry_out(move, registry, world, progress, after=1)
    moved = Moved(move.model, move.alias, move.version, move.previous, move.followers)
    return Done(moved, undo, detail=plan.title)


def carry_out(move: AliasMove, registry: Registry, world: World, progress: Progress, *, after: int) -> Undo:
    """Move the alias, let its targets switch and record it; `after` steps of the same change have been told already.

    Raises:
        Refused: somebody moved the alias since it was decided.
    """
    total = after + _steps(move)
    with step(progress, f"move {move.alias}", after + 1, total):
        _refuse_if_moved(world, move)
        _set(registry, move.model, move.alias, move.version)
    try:
        _switch_followers(move, registry, world, progress, after + 2, total)
        record_move(move, registry, world)
    except BaseException:
        _take_back(move, registry, world, progress)
        raise
    for target in move.followers:
        if move.version is not None:
            back = move.how is How.BACK
            record_at_once(world, target, move.model, move.version, move.reason or move.how.value, goes_back=back)
    return Undo(UndoKind.ALIAS, move.model, move.alias, move.previous, move.version, move.reason)


def _steps(move: AliasMove) -> int:
    """Move the alias; make the bundle and switch each target when there is one."""
    return 1 + (1 + len(move.followers) if move.followers else 0)


def _take_back(move: AliasMove, registry: Registry, world: World, progress: Progress) -> None:
    """Alias and targets as they were: a move is recorded and everywhere, or it is nowhere."""
    _set(registry, move.model, move.alias, move.previous)
    before = None if move.previous is None else world.bundles.find(move.model, move.previous)
    for target in move.followers:
        server = world.server_of(target)
        if before is not None and server.status().version == move.version:
            server.switch(before[0], before[1].digest, progress)


def record_move(move: AliasMove, registry: Registry, world: World) -> None:
    """Record a move where a teammate looks (tags of the version) and in the store."""
    if move.version is not None:
        registry.set_version_tag(move.model, move.version, by_tag(move.alias), world.actor)
        why = move.reason or move.how.value
        registry.set_version_tag(move.model, move.version, reason_tag(move.alias), why)
    world.history.add_promotion(
        Promotion(
            model=move.model,
            alias=move.alias,
            version=move.version,
            previous=move.previous,
            how=move.how,
            actor=world.actor,
            reason=move.reason,
            at=world.now(),
            job=world.job_id,
        )
    )


def _followers(world: World, model: str, alias: str) -> tuple[str, ...]:
    configured = world.config.model
    if configured is None or configured.name != model:
        return ()
    following = (name for name, target in world.targets.items() if target.alias == alias)
    return tuple(name for name in following if world.server_of(name).status().state is ServerState.READY)


def _refuse_if_moved(world: World, move: AliasMove) -> None:
    now = world.tracking.alias(move.model, move.alias)
    if now != move.previous:
        was = "nothing" if move.previous is None else f"version {move.previous}"
        names = "nothing" if now is None else f"version {now}"
        raise Refused(
            f"{move.model}@{move.alias} names {names} now, not {was}: somebody moved it since the plan.",
            hint=f"Look at it again: unipipe models show {move.model}",
        )


def _set(registry: Registry, model: str, alias: str, version: int | None) -> None:
    if version is None:
        registry.delete_alias(model, alias)
    else:
        registry.set_alias(model, alias, version)


def _switch_followers(
    move: AliasMove, registry: Registry, world: World, progress: Progress, first: int, total: int
) -> None:
    if not move.followers or move.version is None:
        return
    with step(progress, "make the bundle", first, total):
        folder, bundle = bundle_to_serve(world, move.model, move.version, registry)
    for number, target in enumerate(move.followers, start=first + 1):
        with step(progress, f"switch {target}", number, total):
            world.server_of(target).switch(folder, bundle.digest, progress)


def _verb(how: How) -> str:
    return {How.PROMOTE: "Promote", How.BACK: "Roll back", How.FORWARD: "Go forward with", How.UNDO: "Undo:"}[how]
