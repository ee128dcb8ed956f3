"""What every keeper of processes promises: the same sentences, held against the fake and this machine."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes import FakeProcesses
from unipipe_tui.adapters import process
from unipipe_tui.adapters.processes import LocalProcesses
from unipipe_tui.domain.jobs import LAUNCH_FILE, Launch, launch_of
from unipipe_tui.domain.ports.tools import Processes

WATCHING = ("status", "--watch")
"""A command line of ours that runs until it is ended."""


@dataclass(frozen=True)
class Machine:
    """Processes, and how a new one comes to be: answers with its pid and when it was created."""

    processes: Processes
    begin: Callable[[], tuple[int, float]]


@pytest.fixture(params=["fake", "real"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """Each kind in turn; whatever was begun is gone afterwards."""
    if request.param == "fake":
        yield pretended()
        return
    begun: list[subprocess.Popen[bytes]] = []

    def begin() -> tuple[int, float]:
        begun.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True))
        return begun[-1].pid, process.started_at(begun[-1].pid) or 0.0

    yield Machine(LocalProcesses(), begin)
    for one in begun:
        one.kill()
        one.wait()


def pretended() -> Machine:
    fake = FakeProcesses()

    def begin() -> tuple[int, float]:
        pid, created = 800_000 + len(fake.created), time.time()
        fake.alive |= {pid}
        fake.created[pid] = created
        return pid, created

    return Machine(fake, begin)


@pytest.fixture
def launched(machine: Machine, project: Path) -> Iterator[Launch]:
    """What the folder of a job tells that has just been launched; it is ended afterwards."""
    launch = told(project, machine.processes.launch(WATCHING, project, project))
    yield launch
    machine.processes.stop_tree(launch.pid)


def told(project: Path, job_id: str) -> Launch:
    launch = launch_of((project / ".unipipe" / "jobs" / job_id / LAUNCH_FILE).read_text())
    assert launch is not None
    return launch


def is_gone(machine: Machine, pid: int, created: float, within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while (alive := machine.processes.is_alive(pid, created)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive


def test_a_process_is_alive_and_known_by_when_it_was_created(machine: Machine) -> None:
    pid, created = machine.begin()
    assert machine.processes.is_alive(pid)
    assert machine.processes.is_alive(pid, created)
    assert not machine.processes.is_alive(pid, created - 3600), "an older process with the same number is another"


def test_a_process_that_never_was_is_not_alive_and_can_be_ended(machine: Machine) -> None:
    never = 2**22 + 1
    machine.processes.terminate(never)
    machine.processes.stop_tree(never)
    assert not machine.processes.is_alive(never)


def test_a_process_that_is_asked_to_end_ends_and_the_others_live_on(machine: Machine) -> None:
    (pid, created), (other, _) = machine.begin(), machine.begin()
    machine.processes.terminate(pid)
    assert is_gone(machine, pid, created, within_seconds=5)
    assert machine.processes.is_alive(other)


def test_a_process_is_gone_when_it_was_stopped_and_the_others_live_on(machine: Machine) -> None:
    (pid, created), (other, _) = machine.begin(), machine.begin()
    machine.processes.stop_tree(pid)
    assert not machine.processes.is_alive(pid, created)
    assert machine.processes.is_alive(other)


def test_a_launched_job_is_told_in_its_folder_and_lives(machine: Machine, launched: Launch) -> None:
    assert launched.argv == ("unipipe", *WATCHING)
    assert machine.processes.is_alive(launched.pid, launched.pid_started)
    assert abs(launched.at - launched.pid_started) < 5


def test_a_launched_job_can_be_stopped(machine: Machine, launched: Launch) -> None:
    machine.processes.stop_tree(launched.pid)
    assert not machine.processes.is_alive(launched.pid, launched.pid_started)


def test_each_launch_is_a_job_of_its_own_whose_id_sorts_by_time(machine: Machine, project: Path) -> None:
    ids = [machine.processes.launch(("--version",), project) for _ in range(2)]
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", job_id) for job_id in ids)
    for job_id in ids:
        machine.processes.stop_tree(told(project, job_id).pid)


def test_a_command_line_in_the_background_lives_and_is_no_job(machine: Machine, tmp_path: Path) -> None:
    pid = machine.processes.background(WATCHING, tmp_path)
    assert machine.processes.is_alive(pid)
    machine.processes.stop_tree(pid)
    assert not machine.processes.is_alive(pid)
    assert not (tmp_path / ".unipipe" / "jobs").exists()
