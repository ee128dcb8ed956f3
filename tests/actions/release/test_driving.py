"""A rollout on its way: brought there by steps, watched, taken back, taken over, and never half forgotten."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.actions.release.made import Clock, CountingTarget, with_target
from tests.fakes import Listening
from unipipe_tui.actions.perform import make_plan
from unipipe_tui.actions.release.driving import Driver
from unipipe_tui.actions.release.moving import ABORT, ADVANCE, HOLD, AbortRelease, AdvanceRelease, HoldRelease
from unipipe_tui.actions.release.starting import START, StartRelease, plan_release, start_release
from unipipe_tui.actions.release.status import (
    RESUME,
    STATUS,
    ReleaseStatus,
    ResumeRelease,
    answer_at_once,
    is_interrupted,
    plan_status,
    release_status,
)
from unipipe_tui.actions.world import World
from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.errors import CheckSaidNo, Failed, Refused, Stopped, ToolMissing, UsageError
from unipipe_tui.domain.ports.targets import LiveTarget, LiveVariant, Package, Wanted
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.rollouts.course import Rollout, RolloutState
from unipipe_tui.domain.rollouts.strategies import StrategyKind
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.domain.serving import ServerState

CANARY = StartRelease("local", 2, StrategyKind.CANARY, "10,50", pause=5.0)


def released(world: World, version: int) -> None:
    start_release(plan_release(StartRelease("local", version), world), world, Listening())


def begun(world: World, request: StartRelease) -> Rollout:
    """A rollout that is recorded and not yet driven, as a job that was killed at once leaves it."""
    driver_world = dataclasses.replace(world, target_of=lambda _: Away())
    with pytest.raises(ToolMissing):
        start_release(plan_release(request, world), driver_world, Listening())
    rollout = world.rollouts.current("local")
    assert rollout is not None
    return rollout


class Away(CountingTarget):
    """A target that cannot be reached by the time that something is brought there."""

    def apply(self, wanted: Wanted, progress: Progress) -> LiveTarget:
        raise ToolMissing("The cluster does not answer.", hint="Look at its network.")


def drive(rollout: Rollout, world: World, clock: Clock, listening: Listening | None = None) -> Rollout:
    return Driver(rollout, world, listening or Listening(), clock.wait).drive()


def watching(target: CountingTarget, errors: int = 0) -> Callable[[], None]:
    """Traffic of some seconds, in which the canary failed so often."""

    def seen() -> None:
        assert target.given is not None
        share = next((one.weight for one in target.given.traffic.variants if one.name == "canary"), 0.0)
        done = sum(one.requests for one in target.counts.values()) + 1000
        target.saw("stable", round(done * (100 - share) / 100))
        target.saw("canary", round(done * share / 100), errors)

    return seen


def test_the_first_release_of_an_empty_target_goes_there_at_once(project: Path) -> None:
    world, target, _ = with_target(project)
    released(world, 1)

    assert target.given is not None
    assert target.given.traffic.told == "version 1 100 %"
    assert [release.version for release in world.history.releases("local")] == [1]
    assert world.rollouts.current("local") is None


def test_a_canary_goes_through_its_steps_while_nothing_is_worse(project: Path) -> None:
    world, target, clock = with_target(project)
    released(world, 1)
    rollout = begun(world, CANARY)
    clock.meanwhile = [watching(target) for _ in range(20)]
    done = drive(rollout, world, clock)
    stood = [move.traffic.told for move in world.rollouts.moves(done.id) if move.stands and move.traffic]

    assert done.state is RolloutState.DONE
    assert stood == [
        "version 2 10 % (canary) · version 1 90 %",
        "version 2 50 % (canary) · version 1 50 %",
        "version 2 100 %",
    ]


def test_a_canary_that_fails_is_taken_back_by_itself_and_the_figures_are_kept(project: Path) -> None:
    world, target, clock = with_target(project)
    released(world, 1)
    rollout = begun(world, CANARY)
    clock.meanwhile = [watching(target, errors=20)]
    with pytest.raises(CheckSaidNo, match="error"):
        drive(rollout, world, clock)

    assert target.given is not None
    assert target.given.traffic.told == "version 1 100 %"
    [ended] = world.rollouts.latest(rollout.target, 1)
    assert ended.state is RolloutState.ABORTED
    [evidence] = [move.evidence for move in world.rollouts.moves(rollout.id) if move.evidence]
    assert evidence.checks[0].candidate_count == 100
    assert [release.version for release in world.history.releases("local")] == [1]


def test_a_version_that_does_not_answer_leaves_the_one_before_in_its_place(project: Path) -> None:
    world, target, _ = with_target(project)
    released(world, 1)
    plan = plan_release(StartRelease("local", 2), world)

    class Broken(CountingTarget):
        def apply(self, wanted: Wanted, progress: Progress) -> LiveTarget:
            if any(variant.version == 2 for variant in wanted.traffic.variants):
                raise Failed("version 2 never became ready: CrashLoopBackOff")
            return target.apply(wanted, progress)

    with pytest.raises(Failed, match="CrashLoopBackOff"):
        start_release(plan, dataclasses.replace(world, target_of=lambda _: Broken(given=target.given)), Listening())

    assert target.given is not None
    assert target.given.traffic.main.version == 1
    assert world.rollouts.current("local") is None


def test_a_version_that_cannot_be_packed_changes_nothing_on_the_target(project: Path) -> None:
    world, target, _ = with_target(project)
    released(world, 1)
    plan = plan_release(StartRelease("local", 2), world)

    class Unbuilt(CountingTarget):
        def package(self, folder: Path, bundle: Bundle, progress: Progress) -> Package:
            raise Failed("The image could not be built.")

        def apply(self, wanted: Wanted, progress: Progress) -> LiveTarget:
            raise AssertionError("nothing is there to bring")

    with pytest.raises(Failed, match="could not be built"):
        start_release(plan, dataclasses.replace(world, target_of=lambda _: Unbuilt(given=target.given)), Listening())
    assert world.rollouts.current("local") is None
    assert world.rollouts.latest("local", 1)[0].state is RolloutState.ABORTED


def test_the_way_back_goes_by_the_image_that_answers_already(project: Path) -> None:
    world, target, _ = with_target(project)
    released(world, 1)
    plan = plan_release(StartRelease("local", 2), world)

    class Running(CountingTarget):
        """Whatever is built by now does not start."""

        def live(self) -> LiveTarget:
            live = super().live()
            return dataclasses.replace(live, variants=tuple(dataclasses.replace(v, image="old") for v in live.variants))

        def package(self, folder: Path, bundle: Bundle, progress: Progress) -> Package:
            return Package(folder, bundle, "new")

        def apply(self, wanted: Wanted, progress: Progress) -> LiveTarget:
            if any(package.image == "new" for package in wanted.packages.values()):
                raise Failed("The container ended.")
            return super().apply(wanted, progress)

    running = Running(given=target.given)
    with pytest.raises(Failed, match="container ended"):
        start_release(plan, dataclasses.replace(world, target_of=lambda _: running), Listening())
    assert running.given is not None
    assert [package.image for package in running.given.packages.values()] == ["old"]
    assert world.rollouts.current("local") is None


def test_who_may_change_nothing_leaves_no_release_on_its_way(project: Path) -> None:
    world, target, _ = with_target(project)
    released(world, 1)
    plan = plan_release(StartRelease("local", 2), world)

    class Forbidden(CountingTarget):
        def apply(self, wanted: Wanted, progress: Progress) -> LiveTarget:
            raise Failed("The cluster does not allow it.")

    with pytest.raises(Failed, match="does not allow"):
        start_release(plan, dataclasses.replace(world, target_of=lambda _: Forbidden(given=target.given)), Listening())
    assert world.rollouts.current("local") is None


def test_two_people_who_release_at_once_are_told_apart(project: Path) -> None:
    world, _, _ = with_target(project)
    released(world, 1)
    first, second = plan_release(StartRelease("local", 2), world), plan_release(StartRelease("local", 3), world)
    begun(world, CANARY)
    with pytest.raises(Refused, match="is moving on local"):
        start_release(second, world, Listening())
    with pytest.raises(Refused, match="is moving on local"):
        plan_release(StartRelease("local", 3), world)
    assert first.decided.version == 2


def test_a_release_that_a_teammate_overtook_ends_and_does_not_stand_in_the_way(project: Path) -> None:
    world, target, clock = with_target(project)
    released(world, 1)
    rollout = begun(world, CANARY)
    assert target.given is not None
    theirs = dataclasses.replace(target.given, release="r-theirs")
    target.given = theirs
    with pytest.raises(Refused, match="r-theirs"):
        drive(rollout, world, clock)

    assert target.given is theirs
    assert world.rollouts.current("local") is None


def test_what_a_dead_job_left_is_told_and_gone_on_with(project: Path) -> None:
    world, target, clock = with_target(project)
    released(world, 1)
    rollout = begun(world, CANARY)

    assert is_interrupted(rollout, world)
    assert answer_at_once(ReleaseStatus(), world) is None
    assert "go on with release" in plan_status(ReleaseStatus(), world).lines[2]
    [shown] = release_status(ReleaseStatus(), world).targets
    assert shown.rollout is not None
    assert shown.rollout.interrupted
    clock.meanwhile = [watching(target) for _ in range(20)]
    assert drive(rollout, world, clock).state is RolloutState.DONE
    assert answer_at_once(ReleaseStatus(), world) is not None


def test_what_was_interrupted_on_a_protected_target_goes_on_without_its_name_typed_again(project: Path) -> None:
    world, _, _ = with_target(project, "model: {name: fraud}\ntargets:\n  local: {follows: null, protected: true}\n")
    released(world, 1)
    begun(world, CANARY)

    assert make_plan(ABORT, AbortRelease("local"), world).name_to_type == "local"
    for change, request in ((STATUS, ReleaseStatus()), (RESUME, ResumeRelease("local"))):
        assert make_plan(change, request, world).name_to_type == ""


def test_a_step_by_hand_rests_until_somebody_goes_on(project: Path) -> None:
    world, target, _ = with_target(project)
    released(world, 1)
    by_hand = dataclasses.replace(CANARY, by_hand=True)
    plan = plan_release(by_hand, world)
    start_release(plan, world, Listening())
    rollout = world.rollouts.current("local")

    assert rollout is not None
    assert (rollout.state, rollout.place) == (RolloutState.WAITING, 0)
    assert not is_interrupted(rollout, world)
    for place in (1, 2):
        ADVANCE.apply(ADVANCE.plan(AdvanceRelease("local"), world), world, Listening())
        known = world.rollouts.current("local")
        assert (known.place if known else 2) == place
    assert target.given is not None
    assert target.given.traffic.main.version == 2


def test_whoever_holds_a_rollout_takes_it_from_the_job_that_drives_it(project: Path) -> None:
    world, target, clock = with_target(project)
    released(world, 1)
    rollout = begun(world, CANARY)

    def hold() -> None:
        other = dataclasses.replace(world, actor="bob", job_id="job-of-bob")
        HOLD.apply(HOLD.plan(HoldRelease("local", "lunch"), other), other, Listening())

    clock.meanwhile = [hold]
    with pytest.raises(Refused, match="Somebody else goes on"):
        drive(rollout, world, clock)
    held = world.rollouts.current("local")
    assert held is not None
    assert (held.state, held.actor, held.reason) == (RolloutState.HELD, "bob", "lunch")
    ABORT.apply(ABORT.plan(AbortRelease("local"), world), world, Listening())
    assert target.given is not None
    assert target.given.traffic.main.version == 1


def test_a_job_that_is_asked_to_end_holds_the_rollout_where_it_is(project: Path) -> None:
    world, _, clock = with_target(project)
    released(world, 1)
    rollout = begun(world, CANARY)
    with pytest.raises(Exception, match="is held where it is"):
        drive(rollout, world, clock, Listening(patience=1))
    held = world.rollouts.current("local")
    assert held is not None
    assert held.state is RolloutState.HELD


def test_ctrl_c_holds_the_rollout_where_it_is(project: Path) -> None:
    world, _, clock = with_target(project)
    released(world, 1)
    rollout = begun(world, CANARY)

    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.meanwhile = [interrupt]
    with pytest.raises(Stopped, match="is held where it is"):
        drive(rollout, world, clock)
    held = world.rollouts.current("local")
    assert held is not None
    assert held.state is RolloutState.HELD


def test_shares_that_do_not_make_a_hundred_while_a_target_moves_can_be_told(project: Path) -> None:
    stable, canary = Variant("stable", "fraud", 1, "a" * 64, 25.0), Variant("canary", "fraud", 2, "b" * 64, 25.0)
    live = LiveTarget("k", ServerState.READY, "", (LiveVariant(stable, True), LiveVariant(canary, False)))

    assert live.traffic is not None
    assert [one.weight for one in live.traffic.variants] == [50.0, 50.0]


def test_a_frozen_target_takes_a_release_only_with_a_reason(project: Path) -> None:
    world, _, _ = with_target(
        project, "model: {name: fraud}\ntargets:\n  local: {follows: null, freezes: [{reason: holidays}]}\n"
    )
    with pytest.raises(Refused, match="frozen: holidays"):
        plan_release(StartRelease("local", 1), world)
    with pytest.raises(UsageError, match="needs a reason"):
        plan_release(StartRelease("local", 1, despite_freeze=True), world)
    assert plan_release(StartRelease("local", 1, despite_freeze=True, reason="outage"), world).decided.version == 1


def test_the_plan_names_every_step_and_the_way_back(project: Path) -> None:
    world, _, _ = with_target(project)
    released(world, 1)
    lines = "\n".join(START.plan(CANARY, world).lines)

    assert "step 1 of 3: version 2 10 % (canary) · version 1 90 %, at least 5 s, compared all the time" in lines
    assert "step 3 of 3: version 2 100 %" in lines
    assert "undo      unipipe rollback local (now: version 1 100 %)" in lines
    assert "version 2 is not the champion: that is version 1" in lines
