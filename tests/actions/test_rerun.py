"""A job is run again by its own command line: planned anew, recorded as what it is, refused when it cannot be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import NOON, Listening
from unipipe_tui.actions.action import Change
from unipipe_tui.actions.catalog import action_named
from unipipe_tui.actions.perform import make_plan, perform
from unipipe_tui.actions.rerun import RerunJob, RunAgain
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.wiring import build_world

RERUN = action_named("jobs rerun")


@pytest.fixture
def world(project: Path) -> World:
    return build_world(project)


def ended(world: World, command: str, name: str = "20260309-112000-00000a") -> Job:
    job = Job(name, "anything", command, "ada", JobState.RUNNING, NOON, 4711, 0.0)
    world.jobs.begin(job)
    world.jobs.end(replace(job, state=JobState.DONE, ended=NOON))
    return job


def test_the_plan_is_line_by_line_that_of_the_command_itself(world: World) -> None:
    assert isinstance(RERUN, Change)
    ended(world, "unipipe store backup 'a copy.duckdb'")
    backup = action_named("store backup")
    assert isinstance(backup, Change)

    again = make_plan(RERUN, RerunJob("00000a"), world)
    itself = make_plan(backup, backup.request(Path("a copy.duckdb")), world)

    assert again.lines == itself.lines
    assert again.id == itself.id


def test_the_new_job_is_recorded_under_the_name_and_the_command_of_the_old_one(world: World) -> None:
    assert isinstance(RERUN, Change)
    before = ended(world, f"unipipe store backup {world.root}/copy.duckdb")
    answer = perform(RERUN, RerunJob("last"), world, Listening().emit, lambda: False)

    after = world.jobs.latest(1)[0]
    assert isinstance(answer, RunAgain)
    assert (answer.job, answer.action) == (before.id, "store backup")
    assert (world.root / "copy.duckdb").exists()
    assert (after.action, after.command, after.state) == ("store backup", before.command, JobState.DONE)
    assert after.id != before.id
    assert world.audit.entries()[-1].command == before.command


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("unipipe store forget everything", "cannot read"),
        ("unipipe store backup --no-such-flag=3 copy", "does not take --no-such-flag=3"),
        ("unipipe models promote fraud-detector three", "cannot read"),
        ("rm -rf /", "cannot read"),
        ("unipipe store backup 'half a quote", "cannot read"),
        ("unipipe init .", "folder of its own"),
    ],
)
def test_what_cannot_be_read_or_belongs_elsewhere_is_refused_with_the_command(
    world: World, command: str, why: str
) -> None:
    assert isinstance(RERUN, Change)
    ended(world, command)
    with pytest.raises(UsageError, match=why):
        make_plan(RERUN, RerunJob("last"), world)
