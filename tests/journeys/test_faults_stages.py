"""Work that breaks or is broken off: a failing stage, Ctrl-C, SIGTERM, `jobs cancel`, SIGKILL. Nothing runs on unseen."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import unipipe
from tests.journeys.faults import Background, dvc_project, living_in, wait_until

A_SECOND = 1.0

FAILING = """\
stages:
  first:
    cmd: echo ran >> runs-of-first.log && echo one > one.txt
    outs: [one.txt]
  second:
    cmd: echo the table has no column amount && test -e mended && echo two > two.txt
    deps: [one.txt]
    outs: [two.txt]
  third:
    cmd: cp two.txt three.txt
    deps: [two.txt]
    outs: [three.txt]
"""

# The first sleeper has lost its parent, and both it and the second one do not end when they are asked to.
SILENT = """\
stages:
  before:
    cmd: echo ran >> runs-of-before.log && echo one > one.txt
    outs: [one.txt]
  silent:
    cmd: "trap '' TERM; (sleep 1800 &); sleep 1800"
    deps: [one.txt]
    outs: [never.txt]
"""


def _job(project: Path, number: int = 0) -> dict[str, Any]:
    job: dict[str, Any] = unipipe("jobs", "list", "--json", cwd=project).json["jobs"][number]
    return job


def _step(project: Path, name: str) -> dict[str, Any]:
    steps = unipipe("status", "--json", cwd=project).json["steps"]
    return next(step for step in steps if step["name"] == name)


def _wait_for_sleepers(project: Path) -> None:
    wait_until(lambda: len(living_in(project, "sleep 1800")) >= 2)


def _seconds_until_alone(project: Path, *but: int) -> float:
    return wait_until(lambda: not living_in(project) - set(but))


def test_a_stage_that_fails_tells_its_last_lines_registers_nothing_and_the_next_run_does_what_is_left(
    tmp_path: Path,
) -> None:
    project = dvc_project(tmp_path / "project", FAILING, "model: {name: scorer, run_file: run.json}\n")

    failed = unipipe("pipeline", "run", "--yes", cwd=project)

    assert failed.exit_code == 1
    complaint = failed.stderr[failed.stderr.index("unipipe: ") :]
    assert "second failed" in complaint and "the table has no column amount" in complaint
    assert "run again" in complaint
    assert unipipe("models", "list", "--json", cwd=project).json["models"] == []
    job = _job(project)
    assert job["state"] == "failed" and "the table has no column amount" in job["message"]
    shown = unipipe("jobs", "show", job["id"], "--json", cwd=project).json
    outcomes = {step["step"]: step["outcome"] for step in shown["steps"]}
    assert outcomes["first"] == "done" and outcomes["second"] == "failed" and "third" not in outcomes
    timed = {s["stage"]: s["last_seconds"] for s in unipipe("pipeline", "show", "--json", cwd=project).json["stages"]}
    assert timed["first"] > 0 and timed["second"] is None
    assert _step(project, "train")["state"] == "failed"

    (project / "mended").touch()
    again = unipipe("pipeline", "run", "--yes", "--json", cwd=project)

    assert again.exit_code == 0, again.stderr
    assert {s["stage"]: s["outcome"] for s in again.json["stages"]} == {
        "first": "skipped",
        "second": "ran",
        "third": "ran",
    }
    assert (project / "runs-of-first.log").read_text() == "ran\n"
    assert _step(project, "train")["state"] != "failed"


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["Ctrl-C", "SIGTERM", "a closed terminal"]
)
def test_a_stopped_run_ends_its_stages_within_a_second_and_exits_with_130(tmp_path: Path, number: int) -> None:
    project = dvc_project(tmp_path / "project", SILENT)
    with Background("pipeline", "run", "--yes", cwd=project) as running:
        _wait_for_sleepers(project)
        assert _job(project)["state"] == "running"

        running.signal(number)

        assert _seconds_until_alone(project, running.pid) < A_SECOND
        said = running.end()
    assert said.exit_code == 130
    assert "Stopped on request" in said.stderr and "Traceback" not in said.stderr
    assert _job(project)["state"] == "stopped"

    (project / "dvc.yaml").write_text(SILENT.replace("\"trap '' TERM; (sleep 1800 &); sleep 1800\"", "touch never.txt"))
    assert unipipe("pipeline", "run", "--yes", cwd=project).exit_code == 0
    assert (project / "runs-of-before.log").read_text() == "ran\n"


def test_a_silent_tool_is_cancelled_from_another_process_and_its_children_are_gone_within_a_second(
    tmp_path: Path,
) -> None:
    project = dvc_project(tmp_path / "project", SILENT)
    with Background("pipeline", "run", "--yes", cwd=project) as running:
        _wait_for_sleepers(project)
        with Background("jobs", "cancel", "last", "--yes", "--json", cwd=project) as cancelling:
            wait_until(lambda: len(list((project / ".unipipe" / "jobs").iterdir())) == 2)
            assert _seconds_until_alone(project, running.pid, cancelling.pid) < A_SECOND
            cancelled = cancelling.end()
        assert cancelled.exit_code == 0, cancelled.stderr
        assert cancelled.json["state"] == "stopped"
        assert running.end().exit_code == 130
    assert (_job(project, 1)["action"], _job(project, 1)["state"]) == ("pipeline run", "stopped")


def test_a_detached_run_is_followed_and_cancelled_by_its_id(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", SILENT)
    job = unipipe("pipeline", "run", "--yes", "--detach", cwd=project).stdout.strip()
    _wait_for_sleepers(project)

    with Background("jobs", "attach", job, cwd=project) as following:
        cancelled = unipipe("jobs", "cancel", job, "--yes", cwd=project)
        followed = following.end()

    assert cancelled.exit_code == 0, cancelled.stderr
    assert followed.exit_code == 130 and "Running stage 'silent'" in followed.stderr
    assert not living_in(project)


def test_a_killed_job_is_lost_not_running_and_cancelling_it_ends_what_it_left_behind(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", SILENT)
    with Background("pipeline", "run", "--yes", cwd=project) as running:
        _wait_for_sleepers(project)
        running.signal(signal.SIGKILL)
        running.end()
        assert living_in(project, "sleep 1800")

        assert _job(project)["state"] == "lost"
        shown = unipipe("jobs", "show", "last", "--json", cwd=project).json
        assert shown["job"]["state"] == "lost"
        assert {step["outcome"] for step in shown["steps"] if step["step"] == "silent"} == {"lost"}
        assert "lost" in unipipe("status", cwd=project).stdout
        followed = unipipe("jobs", "attach", "last", cwd=project)
        assert followed.exit_code == 1 and "ended without saying how" in followed.stdout

        cancelled = unipipe("jobs", "cancel", "last", "--yes", cwd=project)

        assert cancelled.exit_code == 0, cancelled.stderr
        assert not living_in(project)
    assert _job(project, 1)["state"] == "stopped"
    twice = unipipe("jobs", "cancel", _job(project, 1)["id"], "--yes", cwd=project)
    assert twice.exit_code == 2 and "has ended already" in twice.stderr


def test_what_a_killed_tool_left_behind_is_ended_too(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", SILENT)
    with Background("pipeline", "run", "--yes", cwd=project) as running:
        _wait_for_sleepers(project)
        for pid in living_in(project, "dvc repro") | {running.pid}:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not living_in(project, "dvc repro"))
        assert living_in(project, "sleep 1800")

        assert unipipe("jobs", "cancel", "last", "--yes", cwd=project).exit_code == 0

        assert not living_in(project)


def test_two_runs_at_once_of_one_project_do_not_spoil_each_other(tmp_path: Path) -> None:
    stages = "stages:\n  slow:\n    cmd: sleep 4 && echo done > done.txt\n    outs: [done.txt]\n"
    project = dvc_project(tmp_path / "project", stages)
    with Background("pipeline", "run", "--yes", cwd=project) as first:
        wait_until(lambda: living_in(project, "sleep 4"))

        second = unipipe("pipeline", "run", "--yes", cwd=project)
        looked = unipipe("status", "--json", cwd=project)

        assert second.exit_code == 1 and "Traceback" not in second.stderr
        assert "busy" in second.stderr or "lock" in second.stderr
        assert looked.exit_code == 0
        assert first.end().exit_code == 0
    states = {job["state"] for job in unipipe("jobs", "list", "--json", cwd=project).json["jobs"]}
    assert states == {"done", "failed"}
    assert unipipe("pipeline", "plan", "--json", cwd=project).json["will_run"] == 0
