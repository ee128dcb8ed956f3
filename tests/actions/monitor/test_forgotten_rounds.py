"""Rounds of which nothing came neither fill the list of jobs nor the store, and no alert loses what it rests on."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import unipipe
from tests.fakes import NOON, Listening
from unipipe_tui.actions.jobs.listing import ListJobs, list_jobs
from unipipe_tui.actions.monitor.forgetting import forget_old_rounds
from unipipe_tui.actions.monitor.run import RUN, Monitored, RunMonitor
from unipipe_tui.actions.perform import perform
from unipipe_tui.actions.world import World
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.records import DriftCheck
from unipipe_tui.wiring import world_at

CONFIG = """
project: fraud
monitoring: {freshness: {data: [{data: reference.csv, older_than: 24h}]}}
"""


@pytest.fixture
def world(project: Path) -> World:
    """A project in which nothing is wrong: its only data was written just now."""
    (project / "unipipe.yaml").write_text(CONFIG)
    (project / "reference.csv").write_text("id\n1\n")
    return world_at(project)


def watched(world: World, rounds: int) -> Monitored:
    answer: Monitored = perform(
        RUN, RunMonitor(every="1s", rounds=rounds), dataclasses.replace(world, job_id="watch"), lambda _: None, bool
    )
    return answer


def a_round(world: World, number: int, quiet: bool = True) -> str:
    """A recorded round with files and a drift check, five minutes after the one before."""
    name, at = f"round-{number:03}", NOON + timedelta(minutes=5 * number)
    job = Job(name, "monitor run", "unipipe monitor run --once", "ada", JobState.DONE, at, 1, 0.0, at, quiet=quiet)
    world.jobs.end(job)
    world.job_folders.write_result(name, "{}")
    world.history.add_drift_check(DriftCheck("local", "fraud", 1, 400, False, (), "{}", at, name))
    return name


def test_rounds_that_found_nothing_new_are_listed_only_when_asked_for(world: World) -> None:
    watched(world, 3)
    first = list_jobs(ListJobs(), world)
    assert ([job.id for job in first.jobs], first.total, first.rounds_left_out) == (["watch"], 1, 3)
    everything = list_jobs(ListJobs(all=True), world)
    assert (len(everything.jobs), everything.total, everything.rounds_left_out) == (4, 4, 0)


def test_a_round_that_moves_an_alert_or_finds_a_new_fault_is_listed(world: World) -> None:
    (world.root / "reference.csv").unlink()
    watched(world, 2)
    moved = [job for job in list_jobs(ListJobs(), world).jobs if "alerts moved" in job.message]
    assert len(moved) == 1
    assert list_jobs(ListJobs(), world).rounds_left_out == 1


def test_a_person_is_told_how_many_rounds_are_left_out(world: World) -> None:
    for number in range(3):
        a_round(world, number)
    said = unipipe("jobs", "list", cwd=world.root)
    assert "rounds left out  3" in said.stdout
    assert said.stdout.count("round-") == 0
    assert unipipe("jobs", "list", "--all", "--json", cwd=world.root).json["jobs"][0]["id"] == "round-002"


def test_old_quiet_rounds_go_with_their_files_and_the_newest_and_all_others_stay(world: World) -> None:
    rounds = [a_round(world, number, quiet=number != 1) for number in range(10)]
    forget_old_rounds(world, Listening(), keep=4)
    assert {job.id for job in world.jobs.latest(100, with_quiet=True)} == {rounds[1], *rounds[6:]}
    assert {path.name for path in world.job_folders.path("x").parent.iterdir()} == {rounds[1], *rounds[6:]}


def test_of_the_drift_checks_of_rounds_that_are_gone_the_first_of_each_hour_stays(world: World) -> None:
    rounds = [a_round(world, number) for number in range(30)]
    forget_old_rounds(world, Listening(), keep=2)
    assert [check.job for check in world.history.drift_checks()] == [
        *reversed(rounds[28:]), rounds[24], rounds[12], rounds[0]
    ]  # fmt: skip


def test_the_round_that_an_alerts_evidence_is_of_stays_with_its_check(world: World) -> None:
    rounds = [a_round(world, number) for number in range(10)]
    for number in (2, 5):
        evidence = json.dumps({"check": "drift", "job": rounds[number]})
        found = Finding(AlertKind.DRIFT, "local", "", FindingState.PROBLEM, Severity.WARNING, "drift", evidence)
        world.history.settle([found], NOON + timedelta(minutes=5 * number), rounds[number])
    fine = Finding(AlertKind.DRIFT, "local", "", FindingState.FINE, Severity.WARNING, "no drift")
    world.history.settle([fine], NOON + timedelta(hours=1), rounds[8])
    forget_old_rounds(world, Listening(), keep=0)
    assert {job.id for job in world.jobs.latest(100, with_quiet=True)} == {rounds[2], rounds[5]}
    assert {rounds[2], rounds[5]} <= {check.job for check in world.history.drift_checks()}
    assert world.job_folders.result(rounds[5]) == "{}"


def test_the_last_job_is_not_a_quiet_round(world: World) -> None:
    a_round(world, 1, quiet=False)
    a_round(world, 2)
    last = world.jobs.find("last")
    assert last is not None
    assert last.id == "round-001"
