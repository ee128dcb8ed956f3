"""The history of releases: what each target answered with, from when to when, and what was tried and taken back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.asking import ask, ask_all
from unipipe_tui.actions.release.difference import ALL_RELEASES
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.moments import moment_of
from unipipe_tui.domain.records import Release, UndoKind
from unipipe_tui.domain.rollouts.course import Rollout, RolloutState
from unipipe_tui.domain.values import frozen

Live = tuple[str, str, int]
"""A target, and the model and version that it answers with."""


@frozen
class ReleaseHistory:
    """Of which target, until when, and how many."""

    target: Annotated[str | None, OBJECT, "Target; all of them when left out.", Names.TARGET] = None
    at: Annotated[str | None, "As it was then: 2026-11-21, 2026-11-21T09:30, or an age as 90m, 12h, 7d."] = None
    limit: Annotated[int, "How many, newest first.", Short("n")] = 50


@frozen
class ReleaseLine:
    """A version that a target answered with, from when to when, and how it came there."""

    target: str
    model: str
    version: int
    at: datetime
    until: datetime | None
    """When the next release took its place, or its server was stopped; None: it is the newest, and nothing stopped it."""
    live: bool
    """Whether the target answers with it now."""
    stopped: bool
    """Whether it ended because its server was stopped, not because another one took its place."""
    release: str
    """Its id; empty for those that were recorded before releases had one."""
    strategy: str
    state: RolloutState
    """`done` for one that the target came to answer with alone."""
    reason: str
    """Why it was begun, held or aborted."""
    action: str | None
    """The capability whose job put it there: `models promote`; None when the job is not known."""
    actor: str
    commit: str | None
    data: str | None
    run_id: str
    digest: str
    """The bundle's sha256."""
    job: str


@frozen
class ReleasesSoFar:
    """Releases, newest first."""

    releases: tuple[ReleaseLine, ...]
    total: int


def list_releases(request: ReleaseHistory, world: World) -> ReleasesSoFar:
    """List what was released on the targets, newest first: version, since when and until when, by whom and what.

    Releases that were aborted or are on their way are among them. With --at it is told as it was then.
    """
    if request.limit < 1:
        raise UsageError(f"{request.limit} releases cannot be listed.", hint="--limit 50")
    if request.target is not None:
        world.target(request.target)
    then = None if request.at is None else moment_of(request.at, world.now())
    live = _answering(request.target, world) if then is None else frozenset()
    with world.store.together():
        known = [one for one in world.history.releases(request.target, ALL_RELEASES) if then is None or one.at <= then]
        lines = sorted(
            (*_lines(known, world, then, live), *(_tried(one, world) for one in _others(request.target, then, world))),
            key=lambda line: line.at,
            reverse=True,
        )
    return ReleasesSoFar(tuple(lines[: request.limit]), len(lines))


def newest_until(target: str, then: datetime, world: World) -> ReleaseLine | None:
    """The last version that a target came to answer with until then, and whether it still did; rollouts need not be known."""
    with world.store.together():
        known = [one for one in world.history.releases(target, ALL_RELEASES) if one.at <= then]
        return next(_lines(known, world, then, frozenset()), None)


def _others(target: str | None, then: datetime | None, world: World) -> Iterator[Rollout]:
    """Those that the target had not come to answer with alone."""
    known = world.rollouts.latest(target, ALL_RELEASES)
    found = known if then is None else (_as_it_was(one, then, world) for one in known if one.started <= then)
    return (one for one in found if one.state is not RolloutState.DONE)


def _as_it_was(rollout: Rollout, then: datetime, world: World) -> Rollout:
    """A rollout as its last move until then left it."""
    moves = world.rollouts.moves(rollout.id)
    move = next((one for one in reversed(moves) if one.at <= then), None)
    if move is not None and move is moves[-1]:
        return rollout
    if move is None:
        return replace(rollout, state=RolloutState.MOVING, since=rollout.started, place=0, reason="")
    return replace(rollout, state=move.state, since=move.at, place=move.place, reason=move.why, job=move.job)


def _stops(world: World) -> Sequence[tuple[str, datetime]]:
    """Which target's server was stopped when: a version that nobody could ask was not live until the next one."""
    changes = world.history.changes(ALL_RELEASES)
    return [(change.undo.subject, change.at) for change in changes if change.undo.kind is UndoKind.SERVER_STOPPED]


def _lines(
    newest_first: Sequence[Release], world: World, then: datetime | None, live: Collection[Live]
) -> Iterator[ReleaseLine]:
    stops = [(target, at) for target, at in _stops(world) if then is None or at <= then]
    next_at: dict[str, datetime] = {}
    for release in newest_first:
        ends = [at for target, at in stops if target == release.target and at > release.at]
        if release.target in next_at:
            ends.append(next_at[release.target])
        until = min(ends, default=None)
        # Of another time there is only what was recorded; now there is the target itself to ask.
        is_live = until is None and (then is not None or (release.target, release.model, release.version) in live)
        stopped = until is not None and until != next_at.get(release.target)
        yield _line(release, until, world, live=is_live, stopped=stopped)
        next_at[release.target] = release.at


def _line(release: Release, until: datetime | None, world: World, *, live: bool, stopped: bool) -> ReleaseLine:
    return ReleaseLine(
        target=release.target,
        model=release.model,
        version=release.version,
        at=release.at,
        until=until,
        live=live,
        stopped=stopped,
        release=release.id,
        strategy=release.strategy.value,
        state=RolloutState.DONE,
        reason="",
        action=_action(release.job, world),
        actor=release.actor,
        commit=release.commit,
        data=release.data,
        run_id=release.run_id,
        digest=release.digest,
        job=release.job,
    )


def _tried(rollout: Rollout, world: World) -> ReleaseLine:
    found = world.bundles.find(rollout.candidate.model, rollout.candidate.version)
    bundle = found[1] if found else None
    return ReleaseLine(
        target=rollout.target,
        model=rollout.candidate.model,
        version=rollout.candidate.version,
        at=rollout.started,
        until=rollout.since if rollout.state.is_over else None,
        live=False,
        stopped=False,
        release=rollout.id,
        strategy=rollout.strategy.kind.value,
        state=rollout.state,
        reason=rollout.reason,
        action=_action(rollout.job, world),
        actor=rollout.actor,
        commit=bundle.commit if bundle else None,
        data=bundle.data if bundle else None,
        run_id=bundle.run_id if bundle else "",
        digest=rollout.candidate.digest,
        job=rollout.job,
    )


def _action(job_id: str, world: World) -> str | None:
    job = world.jobs.find(job_id) if job_id else None
    return job.action if job else None


def _answering(target: str | None, world: World) -> frozenset[Live]:
    """What the targets answer with now; asked before the store is held, since one may be slow."""
    asked = ask_all(world) if target is None else (ask(world, target),)
    return frozenset(
        (one.target, variant.model, variant.version) for one in asked if one.live for variant in one.live.answering
    )


HISTORY = Look("release history", ReleaseHistory, list_releases, "unipipe release history production")
