"""Recording what went live: in the history of releases, and as a rollout, for changes that bring a version at once too."""

from __future__ import annotations

import hashlib

from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Refused
from unipipe_tui.domain.records import Release
from unipipe_tui.domain.rollouts.course import Rollout, RolloutState
from unipipe_tui.domain.rollouts.strategies import Strategy, course_of
from unipipe_tui.domain.rollouts.traffic import STABLE, Variant


def refuse_when_in_hand(world: World, target: str) -> None:
    """Raise Refused when a release is on its way to the target."""
    current = world.rollouts.current(target)
    if current is not None:
        what = f"Release {current.id} of version {current.candidate.version} by {current.actor}"
        raise Refused(
            f"{what} is {current.state.value} on {target}.",
            hint=f"Go on with it (unipipe release advance {target}) or take it back (unipipe release abort {target}).",
        )


def release_id(target: str, version: int, replaces: str | None, number: int) -> str:
    """`r-` and eight hexadecimal digits: told apart by the target, the version, what it replaces and how many there were."""
    text = "\n".join((target, str(version), replaces or "", str(number)))
    return f"r-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def record_as_live(rollout: Rollout, world: World, image: str | None = None) -> None:
    """Record that a version is what the target answers with."""
    found = world.bundles.find(rollout.candidate.model, rollout.candidate.version)
    if found is None:
        return
    _, bundle = found
    world.history.add_release(
        Release(
            target=rollout.target,
            model=bundle.model,
            version=bundle.version,
            digest=bundle.digest,
            commit=bundle.commit,
            data=bundle.data,
            run_id=bundle.run_id,
            actor=rollout.actor,
            at=world.now(),
            job=world.job_id,
            id=rollout.id,
            strategy=rollout.strategy.kind,
            image=image,
            goes_back=rollout.goes_back,
        )
    )


def record_at_once(world: World, target: str, model: str, version: int, reason: str, *, goes_back: bool) -> None:
    """Record a release that is done already: the target switched with an alias, or was started with the version."""
    found = world.bundles.find(model, version)
    if found is None:
        return
    before = world.rollouts.stood_at(target)
    replaces = before.rollout if before else None
    candidate = Variant(STABLE, model, version, found[1].digest)
    now = world.now()
    rollout = Rollout(
        id=release_id(target, version, replaces, world.rollouts.total(target)),
        target=target,
        strategy=Strategy(),
        before=before.traffic if before else None,
        candidate=candidate,
        steps=course_of(Strategy(), None, candidate),
        place=0,
        state=RolloutState.DONE,
        started=now,
        since=now,
        actor=world.actor,
        job=world.job_id,
        replaces=replaces,
        goes_back=goes_back,
        reason=reason,
    )
    world.rollouts.begin(rollout, reason)
    record_as_live(rollout, world)
