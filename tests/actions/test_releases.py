"""Releases: what a target answers with and should, how it does, and what it answered with before."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.actions.made_models import with_models
from tests.fakes import NOON, FakeServer
from unipipe_tui.actions.release.history import ReleaseHistory, list_releases
from unipipe_tui.actions.release.view import ShowRelease, show_release
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.records import Alert, AlertKind, Release, ReversibleChange, Undo, UndoKind


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

    assert (view.target, view.follows, view.wanted, view.server.version) == ("local", "champion", 1, 1)
    assert view.remarks == ()
    assert [alert.id for alert in view.alerts] == ["a"]
    assert view.release is not None
    assert (view.predictions, view.traffic.rows, view.example) == (0, 0, None)


def test_a_target_that_answers_with_another_version_than_it_follows_says_so(project: Path) -> None:
    view = show_release(ShowRelease("local"), with_models(project, champion=2))

    assert view.remarks[0].startswith("It answers with version 1, but champion names version 2")


def test_a_target_that_does_not_answer_says_how_to_start_it_and_what_to_try_it_with(project: Path) -> None:
    world = dataclasses.replace(with_models(project, champion=2), server_of=lambda target: FakeServer())
    view = show_release(ShowRelease("local"), world)

    assert view.remarks == ("It does not answer; start it: unipipe serve start local",)
    assert json.loads(view.example or "") == {"amount": 2.5, "hour": 3}
