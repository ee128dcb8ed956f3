"""Detached jobs: started and followed from the command line, also those that end before they begin; and late signals."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import unipipe
from tests.journeys.faults import Background, dvc_project, living_in, wait_until
from unipipe_tui.actions.store import BACK_UP, BackUpStore
from unipipe_tui.cli.commands import Options
from unipipe_tui.cli.run import Session
from unipipe_tui.domain.errors import ExitCode
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.domain.ports.store import Audit
from unipipe_tui.domain.records import AuditEntry, ReversibleChange, Undo, UndoKind
from unipipe_tui.wiring import world_at

ONE_STAGE = """\
stages:
  only:
    cmd: echo the stage speaks && echo one > one.txt
    outs: [one.txt]
"""


@pytest.fixture
def stored(project: Path) -> Path:
    """The project with one job in its store."""
    assert unipipe("store", "backup", "first.duckdb", "--yes", cwd=project).exit_code == 0
    return project


@pytest.fixture
def signals() -> Iterator[None]:
    """Puts the signal handlers back that a session replaces."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_detached_job_tells_its_id_and_can_be_followed_before_it_has_begun(stored: Path) -> None:
    started = unipipe("store", "backup", "copy.duckdb", "--yes", "--detach", "--json", cwd=stored)

    assert started.exit_code == 0, started.stderr
    job_id = started.json["job"]
    ended = unipipe("jobs", "attach", job_id, "--json", cwd=stored)
    assert (ended.exit_code, ended.json["job"], ended.json["state"]) == (0, job_id, "done")
    assert (stored / "copy.duckdb").exists()


def test_a_detached_change_of_an_approved_kind_carries_the_plan_that_was_made(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", ONE_STAGE)

    started = unipipe("pipeline", "run", "--yes", "--detach", cwd=project)

    job_id = started.stdout.strip()
    assert unipipe("jobs", "attach", job_id, cwd=project).exit_code == 0
    assert "--plan" in (project / ".unipipe" / "jobs" / job_id / "request.json").read_text()
    assert (project / "one.txt").read_text() == "one\n"


@pytest.mark.parametrize(
    ("words", "env", "exit_code"),
    [
        (("serve", "start", "nowhere"), {}, 2),
        (("store", "backup", "first.duckdb"), {}, 2),
        (("store", "backup", "copy.duckdb"), {"UNIPIPE_READ_ONLY": "1"}, 5),
        (("store", "backup", "copy.duckdb", "--plan", "0123456789ab"), {}, 5),
    ],
)
def test_what_is_forbidden_is_said_at_once_and_no_job_is_launched(
    stored: Path, words: tuple[str, ...], env: dict[str, str], exit_code: int
) -> None:
    before = set((stored / ".unipipe" / "jobs").iterdir())

    said = unipipe(*words, "--yes", "--detach", cwd=stored, **env)

    assert (said.exit_code, said.stdout) == (exit_code, ""), said.stderr
    assert set((stored / ".unipipe" / "jobs").iterdir()) == before


def test_a_job_that_ended_before_it_began_tells_its_last_words(stored: Path) -> None:
    words = ("store", "backup", "copy.duckdb", "--yes", "--plan", "0123456789ab")
    job_id = world_at(stored).processes.launch(words, stored, stored)

    for look in ("attach", "show", "logs"):
        said = unipipe("jobs", look, job_id, cwd=stored)
        assert said.exit_code == 1
        assert f"Job {job_id} ended before it began: " in said.stderr
        assert "something moved" in said.stderr
    assert unipipe("jobs", "show", f"../jobs/{job_id}", cwd=stored).exit_code == 2


def test_an_empty_name_of_a_detached_job_means_an_attended_one(tmp_path: Path) -> None:
    project = dvc_project(tmp_path / "project", ONE_STAGE)

    said = unipipe("pipeline", "run", "--yes", cwd=project, UNIPIPE_DETACHED_JOB="")

    assert said.exit_code == 0
    assert "the stage speaks" in said.stderr


def test_a_demo_that_is_stopped_leaves_no_job_running_that_has_not_begun_yet(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with Background("demo", str(folder), "--headless", cwd=tmp_path) as demo:
        wait_until(lambda: list(folder.glob(".unipipe/jobs/*/request.json")))
        demo.signal(signal.SIGTERM)
        said = demo.end()
        assert said.exit_code == 130
        assert "The demo was stopped" in said.stderr
        wait_until(lambda: not living_in(folder), seconds=10)


@dataclasses.dataclass(frozen=True)
class _Interrupting:
    """An audit during whose writing the process is asked to end."""

    audit: Audit
    number: int

    def append(
        self, *, at: datetime, actor: str, action: str, command: str, job: str, outcome: str, detail: str
    ) -> AuditEntry:
        """Append, interrupted."""
        os.kill(os.getpid(), self.number)
        return self.audit.append(
            at=at, actor=actor, action=action, command=command, job=job, outcome=outcome, detail=detail
        )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_when_the_work_is_done_does_not_keep_it_from_being_recorded(
    stored: Path, signals: None, number: int
) -> None:
    world = world_at(stored)
    before = world.audit.total()
    interrupted = dataclasses.replace(world, audit=_Interrupting(world.audit, number))  # type: ignore[arg-type]
    session = Session(lambda _: interrupted)

    session.handle(BACK_UP, BackUpStore(stored / "copy.duckdb"), Options(yes=True))

    assert session.ended.exit_code == ExitCode.DONE
    job = world.jobs.find(world.job_id)
    assert job is not None and job.state is JobState.DONE
    assert world.audit.total() == before + 1


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--watch", "--interval", "0"),
        ("status", "--watch", "--interval", "nan"),
        ("drift", "check", "--rows", "0"),
        ("jobs", "logs", "last", "--lines", "0"),
    ],
)
def test_a_number_that_makes_no_sense_is_a_usage_error(stored: Path, words: tuple[str, ...]) -> None:
    said = unipipe(*words, cwd=stored, timeout=20)

    assert said.exit_code == 2
    assert "must be" in said.stderr


def test_a_part_of_an_id_that_several_reversible_jobs_share_undoes_none(stored: Path) -> None:
    world = world_at(stored)
    for job in ("20260309-120001-aaaaaa", "20260309-120002-aaaaaa"):
        undo = Undo(UndoKind.ALIAS, "scorer", "champion", before=1, after=2)
        world.history.add_change(ReversibleChange(job, f"unipipe of {job}", undo, world.now()))

    ambiguous = unipipe("undo", "20260309", "--dry-run", cwd=stored)
    assert ambiguous.exit_code == 2
    assert "2 jobs have 20260309 in their id" in ambiguous.stderr
    # Found, and held against the registry, where nobody made that change.
    for name in ("last", "20260309-120001-aaaaaa", "120002"):
        found = unipipe("undo", name, "--dry-run", cwd=stored)
        assert (found.exit_code, "scorer" in found.stderr) == (5, True), found.stderr
