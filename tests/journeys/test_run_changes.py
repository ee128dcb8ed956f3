"""Writing on MLflow runs by the command line: what MLflow has afterwards, what the index says of it, and the way back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.conftest import unipipe

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]


@pytest.fixture
def run(project: Path, empty_database: Path) -> str:
    """A run in the project's own store."""
    shutil.copyfile(empty_database, project / "mlflow.db")
    (project / "unipipe.yaml").write_text("mlflow: sqlite:///mlflow.db\n")
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    made = client.create_run("0", run_name="first", tags={"stage": "draft"}).info.run_id
    client.set_terminated(made)
    return str(made)


def shown(project: Path, run: str) -> Any:
    return unipipe("runs", "show", run, "--json", cwd=project).json["run"]


def test_what_is_written_on_a_run_is_in_mlflow_and_in_the_list_at_once_and_undo_takes_it_back(
    project: Path, run: str
) -> None:
    assert shown(project, "first")["tags"]["stage"] == "draft"
    tagged = unipipe("runs", "tag", "first", "stage", "final", "--yes", "--json", cwd=project)
    assert (tagged.json["before"], tagged.json["after"]) == ("draft", "final")
    assert shown(project, run[:6])["tags"]["stage"] == "final"
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    assert client.get_run(run).data.tags["stage"] == "final"
    undone = unipipe("undo", "--yes", cwd=project)
    assert undone.exit_code == 0, undone.stderr
    assert client.get_run(run).data.tags["stage"] == shown(project, run)["tags"]["stage"] == "draft"


def test_a_deleted_run_is_gone_from_the_list_until_it_is_restored(project: Path, run: str) -> None:
    deleted = unipipe("runs", "delete", run, "--yes", cwd=project)
    assert deleted.exit_code == 0, deleted.stderr
    assert unipipe("runs", "list", "--where", "name:first", "--json", cwd=project).json["total"] == 0
    assert unipipe("runs", "restore", run[:8], "--yes", cwd=project).exit_code == 0
    listed = unipipe("runs", "list", "--where", "name:first", "--json", cwd=project).json
    assert [one["run_id"] for one in listed["runs"]] == [run]


def test_without_a_yes_nothing_is_written_and_the_plan_can_be_asked_for(project: Path, run: str) -> None:
    before = (project / "mlflow.db").read_bytes()
    assert unipipe("runs", "note", "first", "Best so far.", cwd=project).exit_code == 2
    plan = unipipe("runs", "note", "--dry-run", "--", "first", "-- best", cwd=project)
    assert f"run {run[:8]} (`first`): note none -> `-- best`" in plan.stdout
    assert (project / "mlflow.db").read_bytes() == before
