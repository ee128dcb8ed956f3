"""Recording what went live: in the history of releases, and as a rollout, for changes that bring a version at once too."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from unipipe_tui.actions.world import World
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.errors import Refused
from unipipe_tui.domain.ports.targets import LiveTarget, Wanted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.records import Release
from unipipe_tui.domain.rollouts.course import Rollout, RolloutState
from unipipe_tui.domain.rollouts.strategies import Strategy, course_of
from unipipe_tui.domain.rollouts.traffic import STABLE, Variant


def refuse_when_in_hand(world: World, target: str) -> None:
    """Raise Refused when a release is on its way to the target."""
    current = world.rollouts.current(target)
    if current is not None:
        what = f"Release {current.id} of version {current.candidate.version} by {current.actor}"
        ways = f"Go on with it (unipipe release advance {target}) or take it back (unipipe release abort {target})."
        moves = f"unipipe release status {target} tells how far it is, and goes on with it when its job is gone."
        raise Refused(f"{what} is {current.state.value} on {target}.", hint=ways if current.stands else moves)


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


def at_once(live: LiveTarget, bundle: Bundle, reason: str, world: World, *, goes_back: bool = False) -> Rollout:
    """A release that a change of another kind brings whole: with an alias that the target follows, or when it is started."""
    stood = world.rollouts.stood_at(live.target)
    # A server that an older Unipipe started tells no release; the record knows it.
    replaces = live.release or (stood.rollout if stood else "") or None
    candidate = Variant(STABLE, bundle.model, bundle.version, bundle.digest)
    now = world.now()
    return Rollout(
        id=release_id(live.target, bundle.version, replaces, world.rollouts.total(live.target)),
        target=live.target,
        strategy=Strategy(),
        before=live.traffic,
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


def bring_at_once(rollout: Rollout, folder: Path, bundle: Bundle, world: World, progress: Progress) -> LiveTarget:
    """Let the target answer with a release that is brought whole; what answered before goes on when that fails.

    Raises:
        Refused: somebody else released to the target since it was looked at.
        Failed: the version cannot be served.
    """
    target = world.target_of(rollout.target)
    package = target.package(folder, bundle, progress)
    return target.apply(
        Wanted(
            release=rollout.id,
            traffic=rollout.step.traffic,
            packages={bundle.digest: package},
            actor=rollout.actor,
            at=rollout.started,
            replaces=rollout.replaces,
        ),
        progress,
    )


def put_back(rollout: Rollout, found: LiveTarget, world: World, progress: Progress) -> None:
    """Let the target answer as it was found, if it answers with this release; it needs the bundles of what answered."""
    target = world.target_of(rollout.target)
    if found.traffic is None or target.live().release != rollout.id:
        return
    known = [world.bundles.find(variant.model, variant.version) for variant in found.traffic.variants]
    packages = {bundle.digest: target.package(folder, bundle, progress) for folder, bundle in filter(None, known)}
    if not {variant.digest for variant in found.traffic.variants} <= packages.keys():
        return
    target.apply(
        Wanted(
            release=rollout.replaces or "",
            traffic=found.traffic,
            packages=packages,
            actor=found.actor or rollout.actor,
            at=found.since or rollout.started,
            replaces=rollout.id,
        ),
        progress,
    )


def record_at_once(rollout: Rollout, world: World) -> None:
    """Record a release that the target answers with by now."""
    world.rollouts.begin(dataclasses.replace(rollout, since=world.now()), rollout.reason)
    record_as_live(rollout, world)
