"""A local target that follows an alias: what a promotion brings there is a release, and a promotion that fails is nowhere."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.actions.release.made import CountingTarget, with_target
from tests.fakes import FakeRegistry, FakeTarget, Listening
from unipipe_tui.actions.going_back import UNDO, UndoChange
from unipipe_tui.actions.models.alias_moves import AliasMove, move_alias, plan_move
from unipipe_tui.actions.release.history import ReleaseHistory, list_releases
from unipipe_tui.actions.release.starting import StartRelease, plan_release, start_release
from unipipe_tui.actions.release.status import ReleaseStatus, release_status
from unipipe_tui.actions.serve import StartServer, StopServer, plan_start, plan_stop, start_server, stop_server
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Failed, Refused, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.ports.targets import LiveTarget, Package
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.records import How, ReversibleChange
from unipipe_tui.domain.rollouts.traffic import Variant, only
from unipipe_tui.domain.serving import ServerState

TWO = "model: {name: fraud}\ntargets:\n  local: {port: 8765, follows: champion}\n  second: {port: 8766, follows: champion}\n"
FAR = "model: {name: fraud}\ntargets:\n  local: {kind: docker, port: 8765}\n"


def promotion(world: World, version: int = 2) -> Plan[AliasMove]:
    return plan_move(world, "fraud", "champion", version, How.PROMOTE, "it is better")


def started(world: World, version: int = 1) -> None:
    start_server(plan_start(StartServer("local", version), world), world, Listening())


def answers(target: FakeTarget) -> tuple[str | None, list[int]]:
    live = target.live()
    return live.release, [one.version for one in live.answering]


def aliases(world: World) -> dict[tuple[str, str], int]:
    registry = world.open_registry()
    assert isinstance(registry, FakeRegistry)
    return registry.aliases


class Refusing(CountingTarget):
    """One that cannot load version 2."""

    def _load(self, package: Package, variant: Variant) -> None:
        if variant.version == 2:
            raise Failed("The model cannot be served: it is of another planet.")
        super()._load(package, variant)


def test_what_starts_stops_or_promotes_is_told_alike_by_target_history_and_status(project: Path) -> None:
    world, target, clock = with_target(project)
    started(world)
    clock.wait(3600)
    done = move_alias(promotion(world), world, Listening())

    assert (done.result.released, aliases(world)) == (("local",), {("fraud", "champion"): 2})
    newest, first = list_releases(ReleaseHistory("local"), world).releases
    assert answers(target) == (newest.release, [2])
    assert [(one.version, one.live) for one in (newest, first)] == [(2, True), (1, False)]
    [now] = release_status(ReleaseStatus("local"), world).targets
    assert now.live is not None and now.stood is not None
    assert now.live.traffic == now.stood.traffic == only(Variant("stable", "fraud", 2, newest.digest))
    assert (now.live.release, now.live.since, now.live.actor) == (now.stood.rollout, clock.now, "ada")
    assert world.rollouts.latest(newest.target, 1)[0].replaces == first.release
    [then] = release_status(ReleaseStatus("local", at="30m"), world).targets
    assert then.stood is not None and then.stood.rollout == first.release

    clock.wait(60)
    stopped = stop_server(plan_stop(StopServer("local"), world), world, Listening())
    assert (stopped.result.state, stopped.result.version) == (ServerState.STOPPED, None)
    stood = world.rollouts.stood_at("local")
    assert stood is not None and stood.traffic is None


def test_after_a_promotion_a_release_that_was_decided_before_is_refused(project: Path) -> None:
    world, target, _ = with_target(project)
    started(world)
    plan = plan_release(StartRelease("local", 3), world)
    move_alias(promotion(world), world, Listening())

    with pytest.raises(Refused, match="meanwhile"):
        start_release(plan, world, Listening())
    assert answers(target)[1] == [2]


def test_a_promotion_that_one_target_cannot_follow_leaves_all_as_they_were(project: Path) -> None:
    second = Refusing("second")
    world, target, _ = with_target(project, TWO, {"second": second})
    started(world)
    start_server(plan_start(StartServer("second", 1), world), world, Listening())
    before = target.live(), second.live()

    with pytest.raises(Failed, match="another planet"):
        move_alias(promotion(world), world, Listening())

    assert (target.live(), second.live()) == before
    assert aliases(world) == {("fraud", "champion"): 1}
    assert [one.version for one in list_releases(ReleaseHistory("local"), world).releases] == [1]
    assert world.history.promotions("fraud") == ()


def test_a_promotion_does_not_take_the_place_of_what_somebody_else_released_since(project: Path) -> None:
    world, target, _ = with_target(project)
    started(world)
    plan = promotion(world)
    start_release(plan_release(StartRelease("local", 3), world), world, Listening())
    theirs = answers(target)

    with pytest.raises(Refused, match="meanwhile"):
        move_alias(plan, world, Listening())
    assert answers(target) == theirs
    assert aliases(world) == {("fraud", "champion"): 1}


def test_a_promotion_that_is_stopped_while_a_target_switches_is_taken_back(project: Path) -> None:
    class Interrupted(CountingTarget):
        """Somebody presses ctrl+c as soon as it answers with version 2."""

        def apply(self, wanted: object, progress: Progress) -> LiveTarget:
            live = super().apply(wanted, progress)  # type: ignore[arg-type]
            if [one.version for one in live.answering] == [2]:
                raise KeyboardInterrupt
            return live

    target = Interrupted()
    world, _, _ = with_target(project, targets={"local": target})
    started(world)
    before = target.live()
    with pytest.raises(KeyboardInterrupt):
        move_alias(promotion(world), world, Listening())

    assert target.live() == before
    assert aliases(world) == {("fraud", "champion"): 1}


def test_the_second_of_two_who_start_a_server_is_told(project: Path) -> None:
    world, target, _ = with_target(project)
    plan = plan_start(StartServer("local", 2), world)
    started(world, 1)

    with pytest.raises(Refused, match="Somebody else started local"):
        start_server(plan, world, Listening())
    assert answers(target)[1] == [1]


def test_a_target_that_follows_nobody_starts_again_with_what_was_released_there_last(project: Path) -> None:
    world, target, _ = with_target(project, TWO.replace("follows: champion", "follows: null", 1))
    start_release(plan_release(StartRelease("local", 2), world), world, Listening())
    stop_server(plan_stop(StopServer("local"), world), world, Listening())

    registry = world.open_registry()
    registry.set_alias("fraud", "champion", 1)
    start_server(plan_start(StartServer("local"), world), world, Listening())

    assert answers(target)[1] == [2]


def test_a_target_of_containers_is_started_by_a_release_and_so_is_its_stop_undone(project: Path) -> None:
    world, target, _ = with_target(project, FAR)
    with pytest.raises(UsageError, match="by a release") as refused:
        plan_start(StartServer("local"), world)
    assert refused.value.hint == "unipipe release start local"

    start_release(plan_release(StartRelease("local", 2), world), world, Listening())
    plan = plan_stop(StopServer("local"), world)
    assert plan.undo == "unipipe release start local"
    done = stop_server(plan, world, Listening())
    assert done.undo is not None
    world.history.add_change(ReversibleChange("job-1", "unipipe serve stop local", done.undo, world.now()))

    back = dataclasses.replace(world, job_id="job-2")
    UNDO.apply(UNDO.plan(UndoChange("job-1"), back), back, Listening())
    assert answers(target)[1] == [2]
