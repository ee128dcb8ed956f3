"""What a run says of its origin: it is marked when its commit does not hold what was trained."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tracking import uncommitted


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in a folder of a larger repository, all of it committed."""
    project = tmp_path / "models" / "fraud"
    (project / "reports").mkdir(parents=True)
    (project / "data").mkdir()
    for name in ("train.py", "dvc.lock", "reports/run.json", "data/.gitignore", "../other.py"):
        (project / name).write_text("before\n")
    person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for words in (["init", "--quiet"], ["add", "--all"], [*person, "commit", "--quiet", "-m", "Begin"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return project


def test_what_the_pipeline_writes_what_is_new_and_what_lies_outside_is_no_change(project: Path) -> None:
    for name in ("dvc.lock", "reports/run.json", "data/.gitignore", "../other.py", "notes.txt"):
        (project / name).write_text("after\n")
    assert not uncommitted(project)


@pytest.mark.parametrize("stage_it", [False, True])
def test_a_changed_file_is_a_change_whether_it_is_staged_or_not(project: Path, stage_it: bool) -> None:
    (project / "train.py").write_text("after\n")
    if stage_it:
        subprocess.run(["git", "add", "train.py"], cwd=project, check=True)
    assert uncommitted(project)


def test_outside_of_git_nothing_is_said(tmp_path: Path) -> None:
    assert not uncommitted(tmp_path)
