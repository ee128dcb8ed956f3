"""What is wrong before anything begins: no repository, a broken `unipipe.yaml`, tools that are missing or too old."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Said, unipipe
from tests.journeys.faults import dvc_project

ONE_STAGE = "stages:\n  only:\n    cmd: echo one > one.txt\n    outs: [one.txt]\n"


def test_outside_of_a_git_repository_looks_answer_and_say_so_and_a_run_records_no_commit(tmp_path: Path) -> None:
    folder = tmp_path / "somewhere"
    folder.mkdir()

    looked = unipipe("status", cwd=folder)

    assert looked.exit_code == 0
    assert "not a Git repository" in looked.stdout and "git init" in looked.stdout
    assert list(folder.iterdir()) == []
    run = unipipe("pipeline", "run", "--yes", cwd=folder)
    assert run.exit_code == 2 and "no pipeline here" in run.stderr and "unipipe init" in run.stderr
    commit = _without_git(folder)
    assert commit.exit_code == 2, commit.stderr
    assert "not a Git repository" in commit.stderr and "git init" in commit.stderr
    assert not (folder / "one.txt").exists()


def _without_git(folder: Path) -> Said:
    (folder / ".dvc").mkdir()
    (folder / ".dvc" / "config").write_text("[core]\n    no_scm = true\n")
    (folder / "dvc.yaml").write_text(ONE_STAGE)
    return unipipe("pipeline", "run", "--commit", "--yes", cwd=folder)


BROKEN = {
    "unknown key": ("project: p\nmodle: {name: m}\n", "line 2", "modle", "model"),
    "unknown key inside": ("model:\n  name: m\n  run: x\n", "line 3", "model.run", "run_file"),
    "missing key": ("model: {experiment: e}\n", "line 1", "model.name", "name"),
    "wrong type": ("targets:\n  local:\n    port: soon\n", "line 3", "targets.local.port", "a whole number"),
    "port out of range": ("targets:\n  local:\n    port: 99999\n", "line 3", "targets.local.port", "65535"),
    "not a mapping": ("- one\n- two\n", "line 1", "the file", "a mapping"),
    "not a list": ("gates: {metric: precision}\n", "line 1", "gates", "a list"),
    "wrong choice": ("gates:\n  - metric: speed\n", "line 2", "gates.0.metric", "precision, recall"),
    "not true or false": ("read_only: maybe\n", "line 1", "read_only", "true or false"),
    "bad target name": ("targets:\n  ../up: {port: 1234}\n", "line 2", "targets", "letters, digits"),
    "not YAML": ("model: {name: m\ngates: [\n", "line 2", "unipipe.yaml", "Mend the YAML"),
    "a tab": ("model:\n\tname: m\n", "line 2", "unipipe.yaml", "Mend the YAML"),
    "control characters": ("project: a\x1b[31mb\n", "unipipe.yaml", "unipipe.yaml", "Mend the YAML"),
    "two documents": ("project: a\n---\nproject: b\n", "line 2", "unipipe.yaml", "Mend the YAML"),
}


@pytest.mark.parametrize(("text", "line", "key", "allowed"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_configuration_is_refused_with_its_line_its_key_and_what_is_allowed(
    project: Path, text: str, line: str, key: str, allowed: str
) -> None:
    (project / "unipipe.yaml").write_text(text)

    said = unipipe("status", cwd=project)

    assert said.exit_code == 2
    assert said.stdout == "" and "Traceback" not in said.stderr and "\x1b" not in said.stderr
    for word in ("unipipe.yaml", line, key, allowed):
        assert word in said.stderr


@pytest.fixture(scope="module")
def other_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with all of our packages but MLflow, and no `dvc` beside it."""
    folder = tmp_path_factory.mktemp("other") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (own,) = (folder / "lib").glob("python*/site-packages")
    for packages in {Path(p) for p in sys.path if p.endswith("site-packages")}:
        for package in packages.iterdir():
            if not package.name.lower().startswith(("mlflow", "dvc-")) and not (own / package.name).exists():
                (own / package.name).symlink_to(package)
    return folder / "bin" / "python"


def _with_tools(python: Path, project: Path, tools: dict[str, str], *words: str, mlflow: str = "") -> Said:
    """Run a command line where PATH holds these scripts and nothing else; `mlflow` is the version said to be installed."""
    tools_folder = project.parent / "tools"
    tools_folder.mkdir()
    for name, body in tools.items():
        (tools_folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools_folder / name).chmod(0o755)
    packages = project.parent / "packages"
    if mlflow:
        info = packages / f"mlflow-{mlflow}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mlflow\nVersion: {mlflow}\n")
    source = Path(__file__).parents[2]
    done = subprocess.run(
        [python, "-m", "unipipe_tui", *words],
        cwd=project,
        env={**os.environ, "PATH": str(tools_folder), "PYTHONPATH": f"{packages}{os.pathsep}{source}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def _real(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    return f'exec "{beside if beside.exists() else shutil.which(name)}" "$@"'


def test_the_doctor_names_every_tool_that_is_missing_or_too_old_with_its_remedy(
    project: Path, other_python: Path
) -> None:
    old = {"git": "echo git version 2.11.0", "dvc": "echo 2.10.1"}

    said = _with_tools(other_python, project, old, "doctor", mlflow="2.1.0")

    assert said.exit_code == 3, said.stderr
    assert "Git is too old: git version 2.11.0" in said.stdout and "2.25 or newer" in said.stdout
    assert "dvc 2.10.1 is too old" in said.stdout and "pip install" in said.stdout
    assert "MLflow 2.1.0 is too old" in said.stdout and "pip install" in said.stdout


def test_the_doctor_tells_a_missing_tool_from_one_that_does_not_answer(project: Path, other_python: Path) -> None:
    said = _with_tools(other_python, project, {"dvc": "echo cannot import name dvc >&2; exit 1"}, "doctor")

    assert said.exit_code == 3, said.stderr
    assert "Git is not installed" in said.stdout and "apt install git" in said.stdout
    assert "dvc is installed but does not answer" in said.stdout
    assert "MLflow is not installed" in said.stdout and "mlflow" in said.stdout


def test_a_run_without_dvc_ends_with_3_and_names_the_remedy(tmp_path: Path, other_python: Path) -> None:
    project = dvc_project(tmp_path / "project", ONE_STAGE)

    said = _with_tools(other_python, project, {"git": _real("git")}, "pipeline", "run", "--yes")

    assert said.exit_code == 3, said.stderr
    assert "dvc" in said.stderr and "next: " in said.stderr and "Traceback" not in said.stderr


def test_a_look_without_git_ends_with_3_and_names_the_remedy(tmp_path: Path, other_python: Path) -> None:
    project = dvc_project(tmp_path / "project", ONE_STAGE)

    said = _with_tools(other_python, project, {"dvc": _real("dvc")}, "status")

    assert said.exit_code == 3, said.stderr
    assert "git" in said.stderr.lower() and "next: " in said.stderr and "Traceback" not in said.stderr
