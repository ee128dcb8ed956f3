"""What stands by for jobs: the next one begins at once, is a detached job like any other, and nothing stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from unipipe_tui.actions.world import World
from unipipe_tui.adapters.processes import LocalProcesses
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.wiring import world_at


@pytest.fixture
def processes() -> Iterator[LocalProcesses]:
    processes = LocalProcesses()
    yield processes
    processes.stand_down()


@pytest.fixture
def world(project: Path, processes: LocalProcesses) -> World:
    return replace(world_at(project), processes=processes)


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not come true in time"
        time.sleep(0.02)


def beside() -> psutil.Process:
    return next(child for child in psutil.Process().children() if "--stand-by" in child.cmdline())


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def backed_up(world: World, to: str) -> Job:
    job_id = world.processes.launch(("store", "backup", to, "--yes"), world.root, world.root)
    until(lambda: (job := world.jobs.find(job_id)) and job.state.ended)
    found = world.jobs.find(job_id)
    assert found
    # It tells its result after its state is written.
    until(lambda: has_ended(found.pid))
    return found


def test_a_job_is_a_fork_of_what_stands_by_and_otherwise_like_any_other(
    world: World, processes: LocalProcesses, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A job begins in the project, whose own modules are not taken for a library's.
    (world.root / "yaml.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(world.root)
    before = backed_up(world, "first.duckdb")
    processes.stand_by()
    until(lambda: processes.begins_at_once)
    begun = time.monotonic()
    forked = backed_up(world, "second.duckdb")
    took = time.monotonic() - begun

    assert (before.state, forked.state) == (JobState.DONE, JobState.DONE)
    assert forked.command == before.command.replace("first", "second")
    assert (world.root / "second.duckdb").is_file()
    told = world.job_folders.output(before.id).replace("first", "second").splitlines()
    assert [line.split()[0] for line in world.job_folders.output(forked.id).splitlines()] == [
        line.split()[0] for line in told
    ]
    assert took < 5
    assert capfd.readouterr() == ("", "")
    until(lambda: not psutil.pid_exists(forked.pid))


def test_what_stands_by_ends_when_it_is_let_go_and_a_killed_one_is_not_needed(
    world: World, processes: LocalProcesses
) -> None:
    processes.stand_by()
    until(lambda: processes.begins_at_once)
    standing = beside()
    standing.kill()
    until(lambda: has_ended(standing.pid))
    assert backed_up(world, "without.duckdb").state is JobState.DONE

    processes.stand_down()
    processes.stand_by()
    standing = beside()
    processes.stand_down()
    assert not standing.is_running()


def test_what_stands_by_does_not_outlive_a_workbench_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import time\n"
        "from unipipe_tui.adapters.processes import LocalProcesses\n"
        "LocalProcesses().stand_by(); print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=tmp_path) as workbench:
        assert workbench.stdout
        workbench.stdout.readline()
        (standing,) = psutil.Process(workbench.pid).children()
        os.kill(workbench.pid, 9)
    until(lambda: has_ended(standing.pid))
