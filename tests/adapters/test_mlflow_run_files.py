"""What runs left as files on this machine, held against real stores of MLflow and folders that are odd."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.conftest_mlflow import MODEL, Stored
from unipipe_tui.actions.perform import make_plan
from unipipe_tui.actions.runs.registration import REGISTER, RegisterRun
from unipipe_tui.adapters.mlflow import run_files
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.run_files import RunFiles
from unipipe_tui.domain.tracking import Run, RunStatus
from unipipe_tui.wiring import world_at

pytest_plugins = ("tests.adapters.conftest_mlflow",)

RUN = Run("aaaa1111", "a", "e", RunStatus.FINISHED, None, None)


def at(folder: Path) -> Run:
    return replace(RUN, artifact_uri=(folder / RUN.run_id / "artifacts").as_uri())


def only(runs: Sequence[RunFiles | None]) -> RunFiles:
    (found,) = runs
    assert found is not None
    return found


@pytest.mark.xdist_group("mlflow")
@pytest.mark.usefixtures("one_store_at_a_time")
def test_the_files_and_packages_of_a_run_that_mlflow_wrote_are_found(store: Stored) -> None:
    tracking = TrackingFiles(place_of(store.uri, store.path.parent, "a test"))
    run = tracking.run(store.finished)
    found = only(tracking.files_of([run]))
    folder = tracking.model_folder(tracking.version(MODEL, 1))
    assert folder is not None
    logged = {f"model/{path.name}": path.stat().st_size for path in folder.iterdir() if path.is_file()}
    assert logged.items() <= found.sizes.items()
    assert found.packages is not None
    wanted = [line for line in (folder / "requirements.txt").read_text().splitlines() if "==" in line]
    assert wanted
    assert {f"{name}=={version}" for name, version in found.packages.items()} >= set(wanted)
    assert "python" in found.packages


@pytest.mark.xdist_group("mlflow")
@pytest.mark.usefixtures("one_store_at_a_time")
def test_a_store_tells_which_runs_logged_a_model_as_mlflow_would_find_it(store: Stored, tmp_path: Path) -> None:
    tracking = TrackingFiles(place_of(store.uri, store.path.parent, "a test"))
    logged, without = tracking.run(store.finished), tracking.run(store.failed)
    assert (tracking.logged_model(logged), tracking.logged_model(without)) == (True, False)
    elsewhere = replace(without, artifact_uri="s3://bucket/artifacts")
    assert tracking.logged_model(elsewhere) is None
    older = tmp_path / "artifacts"
    (older / "model").mkdir(parents=True)
    assert tracking.logged_model(replace(without, artifact_uri=older.as_uri())) is False
    (older / "model" / "MLmodel").write_text("flavors: {}\n")
    assert tracking.logged_model(replace(without, artifact_uri=older.as_uri())) is True


@pytest.mark.xdist_group("mlflow")
@pytest.mark.usefixtures("one_store_at_a_time")
def test_a_plan_refuses_to_register_a_run_that_logged_no_model(database: Stored, project: Path) -> None:
    (project / "unipipe.yaml").write_text(f"mlflow: {database.uri}\nmodel: {{name: {MODEL}}}\n")
    with pytest.raises(UsageError, match="logged no model") as refused:
        make_plan(REGISTER, RegisterRun(database.failed), world_at(project))
    assert "log_model" in refused.value.hint
    assert make_plan(REGISTER, RegisterRun(database.finished, "other"), world_at(project)).decided.model == "other"


def test_a_model_of_an_older_mlflow_lies_among_the_artifacts(tmp_path: Path) -> None:
    model = tmp_path / RUN.run_id / "artifacts" / "deep" / "model"
    model.mkdir(parents=True)
    (model / "MLmodel").write_text("run_id: aaaa1111\n")
    (model / "requirements.txt").write_text("xgboost==3.0\n")
    found = only(run_files.files_of([at(tmp_path)], tmp_path))
    assert found.packages == {"xgboost": "3.0"}
    assert set(found.sizes) == {"deep/model/MLmodel", "deep/model/requirements.txt"}


def test_a_model_of_another_run_is_not_taken(tmp_path: Path) -> None:
    model = tmp_path / "models" / "m-1" / "artifacts"
    model.mkdir(parents=True)
    (model / "MLmodel").write_text("run_id: bbbb2222\n")
    assert only(run_files.files_of([at(tmp_path)], tmp_path)) == RunFiles({}, None)


def test_the_second_model_of_a_run_is_told_apart(tmp_path: Path) -> None:
    for name in ("m-1", "m-2"):
        model = tmp_path / "models" / name / "artifacts"
        model.mkdir(parents=True)
        (model / "MLmodel").write_text("run_id: 'aaaa1111'\n")
    assert set(only(run_files.files_of([at(tmp_path)], tmp_path)).sizes) == {"model/MLmodel", "model-2/MLmodel"}


@pytest.mark.parametrize(
    "conda", ["dependencies: [", "[]", "dependencies: {a: b}", "dependencies: [1, {pip: no}, null]", "\x00", "&a [*a]"]
)
def test_an_environment_that_cannot_be_read_names_no_packages(tmp_path: Path, conda: str) -> None:
    model = tmp_path / RUN.run_id / "artifacts" / "model"
    model.mkdir(parents=True)
    (model / "MLmodel").write_text("")
    (model / "conda.yaml").write_text(conda)
    assert only(run_files.files_of([at(tmp_path)], tmp_path)).packages is None


@pytest.mark.parametrize("uri", [None, "", "s3://bucket/aaaa1111/artifacts", "mlflow-artifacts:/1/aaaa1111/artifacts"])
def test_artifacts_that_are_elsewhere_are_not_known(tmp_path: Path, uri: str | None) -> None:
    assert run_files.files_of([replace(RUN, artifact_uri=uri)], tmp_path) == (None,)


def test_the_folder_of_a_store_that_was_moved_is_found_beside_it(tmp_path: Path) -> None:
    kept = tmp_path / "mlruns" / "1" / RUN.run_id / "artifacts"
    kept.mkdir(parents=True)
    (kept / "a.txt").write_text("x")
    moved = replace(RUN, artifact_uri=f"file:///nobody/was/here/mlruns/1/{RUN.run_id}/artifacts")
    assert only(run_files.files_of([moved], tmp_path)).sizes == {"a.txt": 1}


def test_links_are_not_followed_and_count_as_themselves(tmp_path: Path) -> None:
    folder = tmp_path / RUN.run_id / "artifacts"
    folder.mkdir(parents=True)
    (folder / "round").symlink_to(folder)
    (folder / "gone").symlink_to(tmp_path / "nowhere")
    assert set(only(run_files.files_of([at(tmp_path)], tmp_path)).sizes) == {"round", "gone"}


def test_a_run_with_too_many_files_is_told_to_be_incomplete(tmp_path: Path) -> None:
    folder = tmp_path / RUN.run_id / "artifacts"
    folder.mkdir(parents=True)
    for number in range(run_files.MOST_FILES + 1):
        (folder / str(number)).touch()
    found = only(run_files.files_of([at(tmp_path)], tmp_path))
    assert (found.complete, len(found.sizes)) == (False, run_files.MOST_FILES)
    shutil.rmtree(folder)
