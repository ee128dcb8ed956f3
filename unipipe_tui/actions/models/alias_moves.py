"""Moving an alias, with all that follows from it: promotion, rollback, forward and undo are this one change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unipipe_tui.actions.action import Done
from unipipe_tui.actions.bundling import bundle_to_serve
from unipipe_tui.actions.release.recording import (
    at_once,
    bring_at_once,
    put_back,
    record_at_once,
    refuse_when_in_hand,
)
from unipipe_tui.actions.vouching import release_warnings
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import by_tag, reason_tag
from unipipe_tui.domain.errors import Refused
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.ports.targets import LiveTarget
from unipipe_tui.domain.ports.tools import Registry
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.records import How, Promotion, Undo, UndoKind
from unipipe_tui.domain.rollouts.course import Rollout
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
    followers: tuple[LiveTarget, ...]
    """Targets that run now and follow the alias, as they were found."""


@frozen
class Moved:
    """An alias that names another version now."""

    model: str
    alias: str
    version: int | None
    previous: int | None
    released: tuple[str, ...]
    """Targets that serve the version now."""


def plan_move(world: World, model: str, alias: str, version: int | None, how: How, reason: str) -> Plan[AliasMove]:
    """Decide what moving the alias entails."""
    previous = world.tracking.alias(model, alias)
    followers = _followers(world, model, alias) if version is not None else ()
    for live in followers:
        refuse_when_in_hand(world, live.target)
    warnings: tuple[str, ...] = ()
    if followers and version is not None:
        warnings = release_warnings(world, model, version, goes_back=how in (How.BACK, How.UNDO))
    move = AliasMove(model, alias, version, previous, how, reason, followers)
    before = "nothing" if previous is None else f"version {previous}"
    after = "nothing" if version is None else f"version {version}"
    effects = [plans.registry(f"{model}@{alias}: {before} -> {after}")]
    if version is not None:
        effects.append(plans.registry(f"{model} version {version}: tags unipipe.{alias}.by, unipipe.{alias}.reason"))
    for live in followers:
        switches = f"{live.target} switches to version {version}; no request is dropped"
        effects.append(plans.serve(switches, live.target))
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
    released = tuple(live.target for live in move.followers)
    moved = Moved(move.model, move.alias, move.version, move.previous, released)
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
    begun: list[Rollout] = []
    try:
        for rollout in _switch_followers(move, registry, world, progress, after + 2, total):
            begun.append(rollout)
        record_move(move, registry, world)
    except BaseException:
        _take_back(move, begun, registry, world, progress)
        raise
    for rollout in begun:
        record_at_once(rollout, world)
    return Undo(UndoKind.ALIAS, move.model, move.alias, move.previous, move.version, move.reason)


def _steps(move: AliasMove) -> int:
    """Move the alias; make the bundle and switch each target when there is one."""
    return 1 + (1 + len(move.followers) if move.followers else 0)


def _take_back(move: AliasMove, begun: Sequence[Rollout], registry: Registry, world: World, progress: Progress) -> None:
    """Alias and targets as they were: a move is recorded and everywhere, or it is nowhere."""
    _set(registry, move.model, move.alias, move.previous)
    found = {live.target: live for live in move.followers}
    for rollout in begun:
        put_back(rollout, found[rollout.target], world, progress)


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


def _followers(world: World, model: str, alias: str) -> tuple[LiveTarget, ...]:
    configured = world.config.model
    if configured is None or configured.name != model:
        return ()
    following = (world.target_of(name).live() for name, target in world.targets.items() if target.alias == alias)
    return tuple(live for live in following if live.state is ServerState.READY)


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
) -> Iterator[Rollout]:
    """Let one target after the other answer with the version; each release is told before it is brought."""
    if not move.followers or move.version is None:
        return
    with step(progress, "make the bundle", first, total):
        folder, bundle = bundle_to_serve(world, move.model, move.version, registry)
    reason = move.reason or move.how.value
    for number, live in enumerate(move.followers, start=first + 1):
        with step(progress, f"switch {live.target}", number, total):
            rollout = at_once(live, bundle, reason, world, goes_back=move.how is How.BACK)
            yield rollout
            bring_at_once(rollout, folder, bundle, world, progress)


def _verb(how: How) -> str:
    return {How.PROMOTE: "Promote", How.BACK: "Roll back", How.FORWARD: "Go forward with", How.UNDO: "Undo:"}[how]
