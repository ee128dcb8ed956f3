"""Starting a release: which version, on which target, by which steps; decided and shown before anything is built."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.bundling import bundle_to_serve
from unipipe_tui.actions.release.driving import Driver, told_step
from unipipe_tui.actions.release.recording import refuse_when_in_hand, release_id
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.vouching import refuse_rejected, release_warnings
from unipipe_tui.actions.world import World
from unipipe_tui.config import TargetConfig
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import CHAMPION
from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.ports.targets import LiveTarget, Package, Wanted
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.records import Undo, UndoKind
from unipipe_tui.domain.rollouts.course import Rollout, RolloutState
from unipipe_tui.domain.rollouts.freezes import freeze_at
from unipipe_tui.domain.rollouts.strategies import Step, Strategy, StrategyKind, course_of, read_steps
from unipipe_tui.domain.rollouts.traffic import STABLE, Variant
from unipipe_tui.domain.values import frozen


@frozen
class StartRelease:
    """Which version goes where, and how."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    version: Annotated[int | None, "Version; the champion when left out.", Names.VERSION] = None
    strategy: Annotated[StrategyKind | None, "How it gets there; what the target is configured for when left out."] = (
        None
    )
    steps: Annotated[
        str | None, "Percent at each step of a canary, as 10,25,50; of an A/B test the share of the new one, as 50."
    ] = None
    pause: Annotated[float | None, "Seconds that a step lasts at least."] = None
    by_hand: Annotated[bool, "Wait at each step for `release advance`."] = False
    sticky: Annotated[str | None, "Input column whose value keeps a caller with one variant."] = None
    despite_freeze: Annotated[bool, "Release in spite of a freeze window; say why with --reason."] = False
    reason: Annotated[str, "Why; kept with the release and in the audit.", Short("r")] = ""


@frozen
class ReleaseOrder:
    """What was decided; the rollout itself is made of it when the version's bundle is there."""

    target: str
    model: str
    version: int
    strategy: Strategy
    live: LiveTarget
    """The target as it was found."""
    id: str
    reason: str
    goes_back: bool = False


@frozen
class Released:
    """A release and where its rollout stands."""

    release: str
    target: str
    model: str
    version: int
    state: RolloutState
    step: int
    """Counted from 1."""
    steps: int
    reason: str


def plan_release(request: StartRelease, world: World) -> Plan[ReleaseOrder]:
    """Release a version to a target: at once, or by the steps of a strategy that are watched on the way.

    The version is packed as the target needs it, brought there, and asked for real before and after it gets traffic; when
    it does not answer, or does worse than the one before, that one answers on and everything goes back. Exit code 4 when
    the version was rejected or the rollout was aborted; 5 when the target is frozen or another release is on its way.
    """
    target = world.target(request.target)
    config = world.targets[target]
    version = request.version if request.version is not None else _champion(world)
    strategy = _strategy(request, config)
    _refuse_when_frozen(request, target, config, world.now())
    return plan_rollout(world, target, version, strategy, request.reason)


def plan_rollout(
    world: World, target: str, version: int, strategy: Strategy, reason: str, *, goes_back: bool = False
) -> Plan[ReleaseOrder]:
    """Decide what bringing a version to a target entails.

    Raises:
        CheckSaidNo: the version was rejected, its files are not those that were registered, or they run code.
        Refused: another release is on its way there.
        UsageError: it is all that answers there already, or there is no such version.
        ToolMissing: the target cannot be asked.
    """
    model = world.model.name
    refuse_rejected(world, model, version)
    refuse_when_in_hand(world, target)
    live = world.target_of(target).live()
    if live.traffic is not None and {v.version for v in live.traffic.variants if v.weight} == {version}:
        raise UsageError(f"{target} answers with version {version} already.", hint=f"unipipe release status {target}")
    name = release_id(target, version, live.release, world.rollouts.total(target))
    order = ReleaseOrder(target, model, version, strategy, live, name, reason, goes_back)
    return _plan(world, order)


def start_release(plan: Plan[ReleaseOrder], world: World, progress: Progress) -> Done[Released]:
    """Start a release.

    Raises:
        Refused: somebody else began one meanwhile.
    """
    order = plan.decided
    with step(progress, "make the bundle", 1, 1):
        _, bundle = bundle_to_serve(world, order.model, order.version)
    rollout = _rollout(world, order, Variant(STABLE, order.model, order.version, bundle.digest))
    world.rollouts.begin(rollout, rollout.reason)
    rollout = Driver(rollout, world, progress).drive()
    before = None if rollout.before is None else rollout.before.main.version
    undo = Undo(UndoKind.RELEASE, rollout.target, before=before, after=rollout.candidate.version, key=rollout.id)
    return Done(released(rollout), undo, detail=told(rollout))


def released(rollout: Rollout) -> Released:
    """A rollout as an answer."""
    return Released(
        release=rollout.id,
        target=rollout.target,
        model=rollout.candidate.model,
        version=rollout.candidate.version,
        state=rollout.state,
        step=rollout.place + 1,
        steps=len(rollout.steps),
        reason=rollout.reason,
    )


def told(rollout: Rollout) -> str:
    """A rollout in one line, for the audit."""
    what = f"{rollout.candidate.model} version {rollout.candidate.version} on {rollout.target}"
    if rollout.state is RolloutState.DONE:
        return f"{what}: {rollout.step.traffic.told}"
    return f"{what}: {rollout.state.value} at step {rollout.place + 1} of {len(rollout.steps)}"


def _champion(world: World) -> int:
    model = world.model.name
    version = world.tracking.alias(model, CHAMPION)
    if version is None:
        raise UsageError(f"{model}@{CHAMPION} names no version yet.", hint="Name one with --version, or promote one.")
    return version


def _strategy(request: StartRelease, config: TargetConfig) -> Strategy:
    known = config.strategy
    return Strategy(
        kind=request.strategy or known.kind,
        steps=known.steps if request.steps is None else read_steps(request.steps),
        pause_seconds=known.pause_seconds if request.pause is None else request.pause,
        automatic=known.automatic and not request.by_hand,
        sticky=request.sticky or known.sticky,
    )


def _refuse_when_frozen(request: StartRelease, target: str, config: TargetConfig, now: datetime) -> None:
    freeze = freeze_at(config.freezes, now)
    if freeze is None:
        return
    if not request.despite_freeze:
        raise Refused(
            f"{target} is frozen: {freeze.reason}.",
            hint="When it must be: --despite-freeze --reason '…'. Rolling back is always allowed.",
        )
    if not request.reason:
        raise UsageError(
            f"{target} is frozen ({freeze.reason}); a release in spite of it needs a reason.", hint="--reason '…'"
        )


def _rollout(world: World, order: ReleaseOrder, candidate: Variant) -> Rollout:
    now = world.now()
    steps, _ = _possible(world, order, candidate)
    return Rollout(
        id=order.id,
        target=order.target,
        strategy=order.strategy,
        before=order.live.traffic,
        candidate=candidate,
        steps=steps,
        place=0,
        state=RolloutState.MOVING,
        started=now,
        since=now,
        actor=world.actor,
        job=world.job_id,
        replaces=order.live.release,
        goes_back=order.goes_back,
        reason=order.reason,
    )


def _plan(world: World, order: ReleaseOrder) -> Plan[ReleaseOrder]:
    found = world.bundles.find(order.model, order.version)
    candidate = Variant(STABLE, order.model, order.version, found[1].digest if found else "")
    steps, remarks = _possible(world, order, candidate)
    packages = {found[1].digest: Package(*found)} if found else {}
    wanted = Wanted(order.id, steps[0].traffic, packages, world.actor, world.now(), order.live.release)
    effects = [
        plans.write(f"bundle of {order.model} version {order.version}, sealed with its digest"),
        *world.target_of(order.target).effects(wanted, order.live),
        *(plans.serve(told_step(number, len(steps), one), order.target) for number, one in enumerate(steps, start=1)),
        plans.store("release, each of its moves, audit entry"),
    ]
    before = order.live.traffic
    way = f"unipipe rollback {order.target}" if before else f"unipipe serve stop {order.target}"
    undo = f"{way} (now: {before.told if before else 'nothing answers'})"
    verb = "Roll back to" if order.goes_back else "Release"
    title = f"{verb} {order.model} version {order.version} on {order.target} ({order.strategy.kind.value})"
    files = release_warnings(world, order.model, order.version, goes_back=order.goes_back)
    return Plan(title, tuple(effects), undo, order, (*_warnings(world, order), *files, *remarks))


def _possible(world: World, order: ReleaseOrder, candidate: Variant) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The steps as the target can take them, and what to say of those that it cannot take as they were asked for."""
    target = world.target_of(order.target)
    stable = None if order.live.traffic is None else order.live.traffic.main
    steps: list[Step] = []
    remarks: dict[str, None] = {}
    for one in course_of(order.strategy, stable, candidate):
        traffic, remark = target.possible(one.traffic)
        if remark:
            remarks[remark] = None
        # Two weights that come to the same one are one step.
        if not steps or steps[-1].traffic != traffic:
            steps.append(dataclasses.replace(one, traffic=traffic))
    return tuple(steps), tuple(remarks)


def _warnings(world: World, order: ReleaseOrder) -> tuple[str, ...]:
    champion = world.tracking.alias(order.model, CHAMPION)
    if champion == order.version:
        return ()
    return (
        f"version {order.version} is not the champion: that is {'nothing' if champion is None else f'version {champion}'}",
    )


START = Change(
    "release start",
    StartRelease,
    plan_release,
    start_release,
    "unipipe release start production --version 3 --strategy canary --yes",
    Danger.CONFIRM,
)
