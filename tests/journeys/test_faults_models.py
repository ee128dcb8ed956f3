"""Promotion that must not happen, and every way back: undo, rollback, forward, with somebody else moving the alias."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import free_port, made_once, own_environment, unipipe
from tests.journeys.faults import Background, wait_until

MODEL = "fraud-detector"
PASSED, CLOSED, UNCHECKED = 2, 3, 4
MOVE = """\
import sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
first = client.get_model_version("fraud-detector", "1")
for word in sys.argv[2:]:
    if word == "register":
        client.create_model_version("fraud-detector", first.source, first.run_id)
    else:
        client.set_registered_model_alias("fraud-detector", "champion", word)
"""


def _with_mlflow(workspace: Path, *words: str) -> None:
    """What somebody else does with MLflow's own client."""
    uri = f"sqlite:///{workspace / 'mlflow.db'}"
    command = [sys.executable, "-c", MOVE, uri, *words]
    done = subprocess.run(command, cwd=workspace, env=own_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _register_elsewhere(workspace: Path, version: int, files: dict[str, str]) -> None:
    """Let a version be of these files, as if somebody had registered them from the beginning."""
    folder = workspace / "elsewhere"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with _registry(workspace) as connection:
        connection.execute(
            "UPDATE model_versions SET source = ?, storage_location = ? WHERE version = ?",
            (str(folder), str(folder), version),
        )
        connection.execute(
            "DELETE FROM model_version_tags WHERE version = ? AND key LIKE 'unipipe.digest%'", (version,)
        )


@pytest.fixture(scope="session")
def judged_template(trained_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Beside version 1, the champion: 2 passed its gates, 3 found them closed, 4 was never checked."""

    def make(folder: Path) -> None:
        shutil.copytree(trained_template, folder, symlinks=True)
        _with_mlflow(folder, "register", "register", "register")
        assert unipipe("models", "check", MODEL, str(PASSED), cwd=folder).exit_code == 0
        config = folder / "unipipe.yaml"
        usual = config.read_text()
        config.write_text(usual.replace("at_least: 0.95}", "at_least: 0.9999}", 1))
        checked = unipipe("models", "check", MODEL, str(CLOSED), cwd=folder)
        config.write_text(usual)
        assert checked.exit_code == 4, checked.stderr

    return made_once(tmp_path_factory, "judged-template", make)


@pytest.fixture
def judged(judged_template: Path, tmp_path: Path) -> Path:
    """A copy of the judged workspace; nothing is served there."""
    return Path(shutil.copytree(judged_template, tmp_path / "workspace", symlinks=True))


@contextlib.contextmanager
def _registry(workspace: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(workspace / "mlflow.db")
    with contextlib.closing(connection), connection:
        yield connection


def _champion(workspace: Path) -> int:
    with _registry(workspace) as connection:
        (version,) = connection.execute(
            "SELECT version FROM registered_model_aliases WHERE alias = 'champion'"
        ).fetchone()
    return int(version)


def test_a_version_that_does_not_exist_is_not_promoted_and_what_exists_is_named(judged: Path) -> None:
    version = unipipe("models", "promote", MODEL, "9", "--yes", cwd=judged)
    model = unipipe("models", "promote", "fraud-detektor", "1", "--yes", cwd=judged)
    alias = unipipe("models", "promote", MODEL, "2", "--to", "the best", "--yes", cwd=judged)

    assert version.exit_code == model.exit_code == 4
    assert alias.exit_code == 2
    assert "no version 9" in version.stderr and "1, 2, 3, 4" in _sorted(version.stderr)
    assert "fraud-detektor" in model.stderr and MODEL in model.stderr
    assert "the best" in alias.stderr
    assert _champion(judged) == 1


def _sorted(said: str) -> str:
    return said.replace("4, 3, 2, 1", "1, 2, 3, 4")


def test_a_version_whose_gates_are_closed_or_were_never_checked_is_not_promoted(judged: Path) -> None:
    closed = unipipe("models", "promote", MODEL, str(CLOSED), "--yes", cwd=judged)
    unchecked = unipipe("models", "promote", MODEL, str(UNCHECKED), "--yes", cwd=judged)

    assert closed.exit_code == unchecked.exit_code == 4
    assert "precision is 0." in closed.stderr and "wanted >= 0.9999" in closed.stderr
    assert "never checked" in unchecked.stderr and f"unipipe models check {MODEL} {UNCHECKED}" in unchecked.stderr
    assert _champion(judged) == 1
    assert unipipe("models", "promote", MODEL, "1", "--yes", cwd=judged).exit_code == 2


def test_a_plan_is_refused_when_somebody_moved_the_alias_after_it_was_made(judged: Path) -> None:
    promote = ("models", "promote", MODEL, str(PASSED))
    plan = unipipe(*promote, "--dry-run", "--json", cwd=judged).json["plan"]
    assert unipipe(*promote, "--dry-run", "--json", cwd=judged).json["plan"] == plan
    _with_mlflow(judged, str(UNCHECKED))

    said = unipipe(*promote, "--yes", "--plan", plan, cwd=judged)

    assert said.exit_code == 5
    assert plan in said.stderr and "next: " in said.stderr
    assert _champion(judged) == UNCHECKED


def test_a_promotion_is_refused_when_the_alias_moves_while_it_begins(judged: Path) -> None:
    jobs = judged / ".unipipe" / "jobs"
    before = len(list(jobs.iterdir()))
    with Background("models", "promote", MODEL, str(PASSED), "--yes", cwd=judged) as promoting:
        # It begins by importing MLflow, which takes seconds.
        wait_until(lambda: len(list(jobs.glob("*/events.jsonl"))) > before)
        with _registry(judged) as connection:
            connection.execute("UPDATE registered_model_aliases SET version = ?", [CLOSED])
        said = promoting.end()

    assert said.exit_code == 5, said.stderr
    assert "somebody moved it since the plan" in said.stderr
    assert _champion(judged) == CLOSED
    job = unipipe("jobs", "list", "--limit", "1", "--json", cwd=judged).json["jobs"][0]
    assert job["state"] == "refused"


def test_the_alias_that_a_training_gave_can_be_taken_back_and_given_again(judged: Path) -> None:
    undone = unipipe("undo", "--yes", "--json", cwd=judged)
    assert undone.exit_code == 0, undone.stderr
    assert undone.json["command"].startswith("unipipe pipeline run")
    with _registry(judged) as connection:
        assert connection.execute("SELECT count(*) FROM registered_model_aliases").fetchone() == (0,)
    again = unipipe("undo", undone.json["job"][:15], "--yes", cwd=judged)
    assert again.exit_code == 2 and "was undone already" in again.stderr
    taken_back = unipipe("undo", "--yes", cwd=judged)
    assert taken_back.exit_code == 0, taken_back.stderr
    assert _champion(judged) == 1


def test_where_nothing_was_changed_there_is_no_way_back(judged: Path, project: Path) -> None:
    undone = unipipe("undo", "--yes", cwd=project)
    back = unipipe("rollback", "--yes", cwd=judged)
    forward = unipipe("rollback", "--forward", "--yes", cwd=judged)
    other = unipipe("undo", "nobody-made-this", "--yes", cwd=judged)

    assert [said.exit_code for said in (undone, back, forward, other)] == [2, 2, 2, 2]
    assert "nothing to undo" in undone.stderr
    assert "cannot go back: it has named no other version" in back.stderr
    assert "cannot go forward: nothing was rolled back" in forward.stderr
    assert "nobody-made-this" in other.stderr
    assert _champion(judged) == 1


def test_a_promotion_is_undone_and_the_undo_is_undone_unless_somebody_moved_the_alias(judged: Path) -> None:
    assert unipipe("models", "promote", MODEL, str(PASSED), "--yes", cwd=judged).exit_code == 0
    assert _champion(judged) == PASSED
    assert unipipe("undo", "--yes", cwd=judged).exit_code == 0
    assert _champion(judged) == 1
    assert unipipe("undo", "--yes", cwd=judged).exit_code == 0
    assert _champion(judged) == PASSED

    with _registry(judged) as connection:
        connection.execute("UPDATE registered_model_aliases SET version = ?", [UNCHECKED])
    refused = unipipe("undo", "--yes", cwd=judged)

    assert refused.exit_code == 5
    assert "Somebody moved it since" in refused.stderr and "version 4" in refused.stderr.replace("names 4", "version 4")
    assert _champion(judged) == UNCHECKED


def test_a_rollback_goes_one_step_back_and_forward_again_and_no_further(judged: Path) -> None:
    assert unipipe("models", "promote", MODEL, str(PASSED), "--yes", cwd=judged).exit_code == 0
    assert unipipe("rollback", "--yes", cwd=judged).exit_code == 0
    assert _champion(judged) == 1
    assert unipipe("rollback", "--yes", cwd=judged).exit_code == 2
    assert unipipe("rollback", "--forward", "--yes", cwd=judged).exit_code == 0
    assert _champion(judged) == PASSED
    assert unipipe("rollback", "--forward", "--yes", cwd=judged).exit_code == 2
    assert _champion(judged) == PASSED
    verified = unipipe("audit", "verify", "--json", cwd=judged)
    assert verified.exit_code == 0 and verified.json["whole"]


def test_a_version_that_cannot_be_served_is_not_promoted_however_often_it_is_tried(judged: Path) -> None:
    config = judged / "unipipe.yaml"
    config.write_text(config.read_text().replace("port: 8765", f"port: {free_port()}"))
    _register_elsewhere(judged, PASSED, {"MLmodel": "flavors: {}\n"})
    try:
        refused_start = unipipe("serve", "start", "--version", str(PASSED), "--yes", cwd=judged)
        started = unipipe("serve", "start", "--yes", cwd=judged)
        first = unipipe("models", "promote", MODEL, str(PASSED), "--yes", cwd=judged)
        again = unipipe("models", "promote", MODEL, str(PASSED), "--yes", cwd=judged)
        time.sleep(1)
        server = unipipe("serve", "status", "--json", cwd=judged).json["servers"][0]
    finally:
        unipipe("serve", "stop", "--yes", cwd=judged)
    assert refused_start.exit_code == 1
    assert started.exit_code == 0, started.stderr
    assert first.exit_code == again.exit_code == 1
    assert "cannot be served" in again.stderr
    assert (server["version"], _champion(judged)) == (1, 1)
