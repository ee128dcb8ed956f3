"""The last problem of a target: from its first sign over what was done about it to its end, and what to run meanwhile."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from tests.fakes import NOON
from unipipe_tui.actions.monitor.story import ShowStory, Story, show_story
from unipipe_tui.actions.world import World
from unipipe_tui.domain.alerts import AlertMarks, Turn
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.records import Alert, AlertKind, DriftCheck, Release
from unipipe_tui.wiring import world_at


@pytest.fixture
def world(project: Path) -> World:
    return world_at(project)


def alert(kind: AlertKind, opened: int, columns: tuple[str, ...] = ()) -> Alert:
    moment = NOON + timedelta(minutes=opened)
    return Alert(f"{kind}-{opened}", kind, "local", "m", moment, "j", columns=columns, command=f"unipipe look {opened}")


def record_check(world: World, minutes: int, precision: float) -> None:
    state = "below" if precision < 0.9 else "ok"
    figures = {"metric": "precision", "value": precision, "low": None, "high": None, "threshold": 0.9, "labels": 900}
    report = json.dumps({"columns": [], "performance": {**figures, "state": state, "sentence": ""}, "window": None})
    moment = NOON + timedelta(minutes=minutes)
    world.history.add_drift_check(DriftCheck("local", "fraud", 1, 100, False, (), report, moment, f"c{minutes}"))


def train(world: World, minutes: int, state: JobState) -> None:
    """One that began then; one that runs is this very process."""
    this = psutil.Process()
    started = NOON + timedelta(minutes=minutes)
    job = Job(
        f"t{minutes}", "retrain", "unipipe retrain", "ada", JobState.RUNNING, started, this.pid, this.create_time()
    )
    world.jobs.begin(job)
    if state is not JobState.RUNNING:
        world.jobs.end(dataclasses.replace(job, state=state, ended=started + timedelta(minutes=1), message="version 2"))


def release(world: World, minutes: int, version: int) -> None:
    moment = NOON + timedelta(minutes=minutes)
    world.history.add_release(
        Release("local", "fraud", version, "d" * 64, None, None, "run", "ada", moment, f"j{minutes}")
    )


def story(world: World) -> Story:
    return show_story(ShowStory(), world)


def told(world: World) -> list[str]:
    return [part.short for part in story(world).parts]


def test_a_problem_is_told_from_its_first_sign_to_its_end_while_it_lasts_and_after(world: World) -> None:
    release(world, 0, 1)
    train(world, 1, JobState.DONE)
    world.history.open_alert(alert(AlertKind.DRIFT, 10, ("amount", "region")))
    found = story(world)
    assert (found.began, found.ended, found.command) == (NOON + timedelta(minutes=10), None, "unipipe look 10")
    record_check(world, 20, 0.755)
    world.history.open_alert(alert(AlertKind.PERFORMANCE, 20))
    train(world, 30, JobState.FAILED)
    assert (told(world), story(world).command) == (["drift in 2 columns", "precision 0.755"], "unipipe look 20")
    train(world, 40, JobState.RUNNING)
    assert (told(world)[-1], story(world).command) == ("training", "")
    assert [part.under_way for part in story(world).parts] == [False, False, True]
    this = world.jobs.latest(1)[0]
    world.jobs.end(dataclasses.replace(this, state=JobState.DONE, ended=NOON + timedelta(minutes=45)))
    release(world, 50, 2)
    world.history.close_alerts(AlertKind.DRIFT, "local", NOON + timedelta(minutes=60))
    assert (story(world).ended, story(world).command) == (None, "unipipe drift check local")
    record_check(world, 70, 0.98)
    world.history.close_alerts(AlertKind.PERFORMANCE, "local", NOON + timedelta(minutes=70))
    release(world, 80, 1)
    found = story(world)
    assert (found.ended, found.command, found.checks) == (NOON + timedelta(minutes=70), "", 2)
    assert told(world) == ["drift in 2 columns", "precision 0.755", "trained", "version 2 live", "well again"]
    assert found.parts[-1].text == "no problem is found any more, precision 0.980"


def test_only_the_last_problem_is_told_and_none_where_there_was_none(world: World) -> None:
    assert (story(world).began, story(world).parts, story(world).checks) == (None, (), 0)
    world.history.open_alert(alert(AlertKind.DRIFT, 10, ("amount",)))
    world.history.close_alerts(AlertKind.DRIFT, "local", NOON + timedelta(minutes=20))
    assert told(world) == ["drift in 1 column", "well again"]
    world.history.open_alert(alert(AlertKind.FRESHNESS, 30))
    assert (told(world), story(world).began) == (["freshness"], NOON + timedelta(minutes=30))


def test_a_problem_that_somebody_closed_ends_with_who_did(world: World) -> None:
    found = alert(AlertKind.DRIFT, 10, ("amount",))
    closed = NOON + timedelta(minutes=15)
    world.history.open_alert(found)
    world.history.mark_alert(found.id, AlertMarks(closed=closed, closed_by="ada"), Turn.CLOSED, closed, "j")
    last = story(world).parts[-1]
    assert (last.short, last.text) == ("closed by hand", "by ada")
