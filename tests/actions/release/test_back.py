"""The way back on a target: one step, then one more, to a named release, and out of one that is on its way."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.actions.release.made import CountingTarget, with_target
from tests.fakes import Listening
from unipipe_tui.actions.going_back import ROLL_BACK, RollBack
from unipipe_tui.actions.models.alias_moves import plan_move
from unipipe_tui.actions.release.difference import DiffReleases, diff_releases
from unipipe_tui.actions.release.history import ReleaseHistory, list_releases
from unipipe_tui.actions.release.starting import StartRelease, plan_release, start_release
from unipipe_tui.actions.release.status import ReleaseStatus, release_status
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.records import How
from unipipe_tui.domain.rollouts.course import RolloutState
from unipipe_tui.domain.rollouts.strategies import StrategyKind

CONFIG = "model: {name: fraud}\ntargets:\n  local: {follows: null}\n"


def released(world: World, *versions: int) -> None:
    for version in versions:
        start_release(plan_release(StartRelease("local", version), world), world, Listening())


def back(world: World, to: str | None = None) -> None:
    ROLL_BACK.apply(ROLL_BACK.plan(RollBack("local", to), world), world, Listening())


def answering(target: CountingTarget) -> int:
    assert target.given is not None
    return target.given.traffic.main.version


def test_going_back_twice_leads_to_the_one_before_the_one_before(project: Path) -> None:
    world, target, _ = with_target(project, CONFIG)
    released(world, 1, 2, 3)
    back(world)
    assert answering(target) == 2
    back(world)
    assert answering(target) == 1
    with pytest.raises(UsageError, match="no other version"):
        back(world)


def test_after_going_back_a_new_release_is_what_one_goes_back_from(project: Path) -> None:
    world, target, _ = with_target(project, CONFIG)
    released(world, 1, 2)
    back(world)
    released(world, 3)
    back(world)
    assert answering(target) == 1


def test_a_release_can_be_named_to_go_back_to(project: Path) -> None:
    world, target, _ = with_target(project, CONFIG)
    released(world, 1, 2, 3)
    first = world.history.releases("local")[-1]
    back(world, first.id)
    assert answering(target) == 1
    back(world, "3")
    assert answering(target) == 3
    with pytest.raises(UsageError, match="never had a release r-nothing"):
        back(world, "r-nothing")


def test_going_back_in_the_middle_of_a_canary_takes_it_back(project: Path) -> None:
    world, target, clock = with_target(project, CONFIG)
    released(world, 1)
    clock.wait(60)
    request = StartRelease("local", 2, StrategyKind.CANARY, "10", by_hand=True)
    start_release(plan_release(request, world), world, Listening())
    back(world)

    assert target.given is not None
    assert target.given.traffic.told == "version 1 100 %"
    newest = list_releases(ReleaseHistory("local"), world).releases[0]
    assert (newest.version, newest.state, newest.reason) == (2, RolloutState.ABORTED, "rolled back")


def test_what_was_live_at_another_time_is_told_from_the_record(project: Path) -> None:
    world, _, clock = with_target(project, CONFIG)
    released(world, 1)
    clock.wait(3600)
    released(world, 2)
    clock.wait(60)
    [then] = release_status(ReleaseStatus("local", at="30m"), world).targets
    [now] = release_status(ReleaseStatus("local"), world).targets

    assert then.stood is not None
    assert then.stood.traffic is not None
    assert then.stood.traffic.main.version == 1
    assert now.live is not None
    assert now.live.traffic is not None
    assert now.live.traffic.main.version == 2
    assert [line.version for line in list_releases(ReleaseHistory("local", at="30m"), world).releases] == [1]


def test_two_releases_are_told_apart_by_what_differs(project: Path) -> None:
    world, _, _ = with_target(project, CONFIG)
    released(world, 1, 2)
    told = diff_releases(DiffReleases("local"), world)

    assert [fact.name for fact in told.different] == ["version", "commit", "run", "bundle"]
    assert told.same == ("data", "image", "strategy")
    with pytest.raises(UsageError, match="first one of local"):
        diff_releases(DiffReleases("local", after=told.before.id), world)


def test_a_release_is_undone_by_putting_the_one_before_back(project: Path) -> None:
    world, target, _ = with_target(project, CONFIG)
    released(world, 1)
    world = dataclasses.replace(world, job_id="job-2")
    plan = plan_release(StartRelease("local", 2), world)
    done = start_release(plan, world, Listening())

    assert done.undo is not None
    assert (done.undo.before, done.undo.after) == (1, 2)
    assert answering(target) == 2


def test_a_promotion_leaves_targets_of_containers_alone_since_only_local_ones_follow_an_alias(project: Path) -> None:
    world, _, _ = with_target(project, "model: {name: fraud}\ntargets:\n  staging: {kind: docker}\n")
    plan = plan_move(world, "fraud", "champion", 2, How.PROMOTE, "")

    assert plan.decided.followers == ()
