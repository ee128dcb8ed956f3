"""Releases: what a target answers with and should, how it does, and what it answered with before."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.actions.models.made import with_models
from tests.actions.release.made import Clock, with_target
from tests.actions.release.made_rollouts import a_canary
from tests.fakes import NOON, FakeTarget, Listening, Unreachable
from unipipe_tui.actions.overview import Status, status
from unipipe_tui.actions.release.driving import look
from unipipe_tui.actions.release.history import ReleaseHistory, list_releases
from unipipe_tui.actions.release.moving import AbortRelease, AdvanceRelease, move_release, plan_abort, plan_advance
from unipipe_tui.actions.release.starting import StartRelease, plan_release, start_release
from unipipe_tui.actions.release.status import ReleaseStatus, release_status
from unipipe_tui.actions.release.view import ShowRelease, show_release
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.records import Alert, AlertKind, Release, ReversibleChange, Undo, UndoKind
from unipipe_tui.domain.rollouts.analysis import Measures
from unipipe_tui.domain.rollouts.course import RolloutState
from unipipe_tui.domain.rollouts.strategies import StrategyKind
from unipipe_tui.domain.rollouts.traffic import Variant


def released(world: World, *versions: int, target: str = "local") -> None:
    """One version after the other, an hour apart."""
    for number, version in enumerate(versions):
        at, job = NOON + timedelta(hours=number), f"job-{number}"
        world.history.add_release(
            Release(target, "fraud", version, "ab" * 32, "c" * 40, "dd" * 16, f"r{version}", "ada", at, job)
        )


def test_each_release_tells_when_the_next_one_took_its_place(project: Path) -> None:
    world = with_models(project)
    released(world, 2, 1)
    newest, oldest = list_releases(ReleaseHistory(), world).releases

    assert (newest.version, newest.until, newest.live) == (1, None, True)
    assert (oldest.version, oldest.until, oldest.live) == (2, newest.at, False)


def test_a_release_ends_when_its_server_is_stopped_not_only_when_another_one_takes_its_place(project: Path) -> None:
    world = with_models(project)
    released(world, 2, 1)
    stopped = NOON + timedelta(minutes=10)
    world.history.add_change(
        ReversibleChange("job-stop", "unipipe serve stop", Undo(UndoKind.SERVER_STOPPED, "local", before=2), stopped)
    )
    newest, oldest = list_releases(ReleaseHistory(), world).releases

    assert (oldest.until, newest.until) == (stopped, None)
    assert (oldest.stopped, newest.stopped) == (True, False)


def test_what_was_live_before_rollouts_were_recorded_is_told_by_the_history(project: Path) -> None:
    world = with_models(project)
    released(world, 1)
    [later] = release_status(ReleaseStatus("local", at=(NOON + timedelta(days=1)).isoformat()), world).targets
    assert later.stood is not None and later.stood.traffic is not None
    assert later.stood.traffic.main.version == 1
    [earlier] = release_status(ReleaseStatus("local", at=(NOON - timedelta(days=1)).isoformat()), world).targets
    assert earlier.stood is None


def test_releases_of_other_targets_do_not_take_its_place(project: Path) -> None:
    world = with_models(project)
    released(world, 1)
    released(world, 2, 3, target="gone")
    found = {(line.target, line.version): line for line in list_releases(ReleaseHistory(), world).releases}

    assert (found["local", 1].until, found["local", 1].live) == (None, True)
    assert (found["gone", 3].until, found["gone", 3].live) == (None, False)
    assert found["gone", 2].until == found["gone", 3].at


def test_the_newest_release_is_not_live_when_the_target_answers_with_another_version(project: Path) -> None:
    world = with_models(project)
    released(world, 1, 2)

    assert [line.live for line in list_releases(ReleaseHistory("local"), world).releases] == [False, False]


def test_a_release_names_the_capability_that_made_it(project: Path) -> None:
    world = with_models(project)
    world.jobs.begin(
        Job("job-0", "models promote", "unipipe models promote fraud 1", "ada", JobState.RUNNING, NOON, 1, 0.0)
    )
    released(world, 1, 2)

    assert [line.action for line in list_releases(ReleaseHistory("local"), world).releases] == [None, "models promote"]


def test_the_number_of_all_releases_is_told_when_only_some_are_listed(project: Path) -> None:
    world = with_models(project)
    released(world, 1, 2, 1)
    found = list_releases(ReleaseHistory(limit=2), world)

    assert (len(found.releases), found.total) == (2, 3)


@pytest.mark.parametrize("request_", [ReleaseHistory("nowhere"), ReleaseHistory(limit=0)])
def test_what_cannot_be_listed_is_told(project: Path, request_: ReleaseHistory) -> None:
    with pytest.raises(UsageError):
        list_releases(request_, with_models(project))


def test_a_target_that_answers_with_what_it_follows_needs_nothing(project: Path) -> None:
    world = with_models(project)
    released(world, 1)
    world.history.open_alert(Alert("a", AlertKind.DRIFT, "local", "drift in hour", NOON, "j"))
    world.history.open_alert(Alert("b", AlertKind.DRIFT, "elsewhere", "drift in x", NOON, "j"))
    view = show_release(ShowRelease(), world)

    assert view.status.live is not None
    assert view.status.live.traffic is not None
    assert (view.target, view.follows, view.wanted, view.status.live.traffic.main.version) == (
        "local",
        "champion",
        1,
        1,
    )
    assert view.remarks == ()
    assert [alert.id for alert in view.alerts] == ["a"]
    assert view.release is not None
    assert (view.requests, view.predictions, view.traffic.rows, view.example) == (0, 0, 0, None)


def test_a_target_that_answers_with_another_version_than_it_follows_says_so(project: Path) -> None:
    view = show_release(ShowRelease("local"), with_models(project, champion=2))

    assert view.remarks[0].startswith("It answers with version 1, but champion names version 2")


def test_a_target_that_does_not_answer_says_how_to_start_it_and_what_to_try_it_with(project: Path) -> None:
    world = dataclasses.replace(with_models(project, champion=2), target_of=lambda name: FakeTarget())
    view = show_release(ShowRelease("local"), world)

    assert view.remarks == ("It does not answer; start it: unipipe serve start local",)
    assert json.loads(view.example or "") == {"amount": 2.5, "hour": 3}


def test_of_a_target_that_cannot_be_asked_the_history_is_told_all_the_same_and_nothing_is_called_live(
    project: Path,
) -> None:
    away = Unreachable("The cluster does not answer.")
    world = dataclasses.replace(with_models(project), target_of=lambda name: away)
    released(world, 2, 1)

    assert [line.live for line in list_releases(ReleaseHistory(), world).releases] == [False, False]
    view = show_release(ShowRelease("local"), world)
    assert view.status.live is None
    assert view.status.problem == "The cluster does not answer."
    assert (view.requests, view.remarks) == (None, ())


def test_all_versions_that_get_requests_are_live_and_one_that_only_listens_is_not(project: Path) -> None:
    both = FakeTarget.answering(
        Variant("stable", "fraud", 1, "ab" * 32, 90.0),
        Variant("canary", "fraud", 2, "cd" * 32, 10.0),
        Variant("shadow", "fraud", 3, "ef" * 32, 0.0, mirrored=True),
    )
    world = dataclasses.replace(with_models(project), target_of=lambda name: both)
    for version in (1, 2, 3):
        released(world, version)
        newest = list_releases(ReleaseHistory(), world).releases[0]
        assert (newest.version, newest.live) == (version, version != 3)


TRIED = StartRelease("local", 2, StrategyKind.CANARY, "10", by_hand=True)


def with_a_canary(project: Path) -> tuple[World, Clock]:
    """Version 1 answers since an hour, and version 2 has begun by hand."""
    world, _, clock = with_target(project)
    start_release(plan_release(StartRelease("local", 1), world), world, Listening())
    clock.wait(3600)
    start_release(plan_release(TRIED, world), world, Listening())
    return world, clock


def test_a_release_that_was_aborted_is_told_with_its_reason_and_was_never_live(project: Path) -> None:
    world, _ = with_a_canary(project)
    waiting = list_releases(ReleaseHistory("local"), world).releases[0]
    move_release(plan_abort(AbortRelease("local", "looks odd"), world), world, Listening())
    aborted, live = list_releases(ReleaseHistory("local"), world).releases

    assert (waiting.state, waiting.until, waiting.live) == (RolloutState.WAITING, None, False)
    assert (aborted.version, aborted.state, aborted.reason, aborted.live) == (
        2,
        RolloutState.ABORTED,
        "looks odd",
        False,
    )
    assert (live.version, live.state, live.live, live.until) == (1, RolloutState.DONE, True, None)
    assert aborted.release == waiting.release


def test_the_history_of_another_time_tells_what_was_on_its_way_then_not_what_became_of_it(project: Path) -> None:
    world, clock = with_a_canary(project)
    clock.wait(600)
    move_release(plan_abort(AbortRelease("local", "looks odd"), world), world, Listening())
    clock.wait(600)
    start_release(plan_release(TRIED, world), world, Listening())
    clock.wait(600)
    move_release(plan_advance(AdvanceRelease("local"), world), world, Listening())
    clock.wait(600)

    def told(at: str | None) -> list[tuple[int, str, str]]:
        lines = list_releases(ReleaseHistory("local", at=at), world).releases
        return [(line.version, line.state.value, line.reason) for line in lines]

    assert told("35m") == [(2, "waiting", ""), (1, "done", "")]
    assert told("25m") == [(2, "aborted", "looks odd"), (1, "done", "")]
    assert told("15m") == [(2, "waiting", ""), (2, "aborted", "looks odd"), (1, "done", "")]
    assert told("5m") == told(None) == [(2, "done", ""), (2, "aborted", "looks odd"), (1, "done", "")]


def _same(moment: datetime) -> datetime:
    return moment


def test_what_is_on_its_way_tells_all_its_steps_and_how_long_the_pause_still_lasts(project: Path) -> None:
    world = with_models(project)
    world.rollouts.begin(a_canary(since=NOON), "")
    ways = []
    for seconds in (18, 90):
        moment = NOON + timedelta(seconds=seconds)
        ways.append(release_status(ReleaseStatus("local"), dataclasses.replace(world, now=partial(_same, moment))))
    early, late = (found.targets[0].rollout for found in ways)

    assert early is not None
    assert late is not None
    assert (early.step, early.steps, [one.pause_seconds for one in early.course]) == (1, 4, [60.0, 60.0, 60.0, 0.0])
    assert (early.left_seconds, late.left_seconds) == (42.0, 0.0)


def test_what_a_version_did_by_another_name_before_the_step_is_not_compared(project: Path) -> None:
    world = with_models(project)
    before = (Measures("stable", 1, 900, 9), Measures("stable", 2, 400, 40))
    now = (*before, Measures("canary", 2, 10, 0), Measures("stable", 1, 990, 9))

    class Told(FakeTarget):
        def measures(self) -> tuple[Measures, ...]:
            return now[1:]

    analysis = look(a_canary(baseline=before), Told(), world)

    assert [(one.candidate_count, one.stable_count) for one in analysis.checks] == [(10, 90)]


def test_the_overview_tells_what_is_on_its_way_and_what_its_step_answers_with(project: Path) -> None:
    world = with_models(project)
    assert status(Status(), world).on_their_way == ()
    world.rollouts.begin(a_canary(RolloutState.WAITING, 1), "")
    [way] = status(Status(), world).on_their_way

    assert (way.target, way.version, way.strategy, way.step, way.steps) == ("local", 2, "canary", 2, 4)
    assert way.traffic is not None
    assert way.traffic.told == "version 2 25 % (canary) · version 1 75 %"
