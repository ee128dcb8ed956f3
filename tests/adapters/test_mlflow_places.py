"""Where tracking lives is found from settings and files, in a fixed order, and said with its reason."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from unipipe_tui.adapters.mlflow.places import find_tracking, first_model_folder, local_path, place_of
from unipipe_tui.domain.tracking import TrackingKind


def database(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sqlite3.connect(path).close()
    path.touch()
    return path


def runs_folder(path: Path) -> Path:
    (path / "0").mkdir(parents=True)
    (path / "0" / "meta.yaml").write_text("name: Default\nexperiment_id: '0'\n")
    return path


def test_the_configuration_comes_before_the_environment_and_that_before_files(tmp_path: Path) -> None:
    database(tmp_path / "mlflow.db")
    env = {"MLFLOW_TRACKING_URI": "sqlite:///env.db"}
    configured = find_tracking(tmp_path, env, "sqlite:///configured.db")
    assert (configured.path, configured.because) == (tmp_path / "configured.db", "unipipe.yaml")
    named = find_tracking(tmp_path, env)
    assert (named.path, named.because) == (tmp_path / "env.db", "MLFLOW_TRACKING_URI")
    found = find_tracking(tmp_path, {})
    assert (found.kind, found.path) == (TrackingKind.SQLITE, tmp_path / "mlflow.db")
    assert (found.uri, found.because) == (f"sqlite:///{tmp_path}/mlflow.db", "mlflow.db was found")


def test_a_database_comes_before_a_folder_and_the_other_is_named(tmp_path: Path) -> None:
    folder = runs_folder(tmp_path / "mlruns")
    path = database(tmp_path / "mlflow.db")
    place = find_tracking(tmp_path, {})
    assert (place.path, place.also) == (path, (folder,))


def test_a_folder_of_artifacts_beside_a_database_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "mlruns" / "1" / "models").mkdir(parents=True)
    assert find_tracking(tmp_path, {}).kind is TrackingKind.NOTHING


def test_stores_are_found_one_folder_down_but_not_in_environments(tmp_path: Path) -> None:
    for ignored in (".venv", "node_modules", "venv"):
        database(tmp_path / ignored / "mlflow.db")
    database(tmp_path / "deep" / "er" / "mlflow.db")
    assert find_tracking(tmp_path, {}).kind is TrackingKind.NOTHING
    folder = runs_folder(tmp_path / "notebooks" / "mlruns")
    place = find_tracking(tmp_path, {})
    assert (place.kind, place.path, place.because) == (TrackingKind.FOLDER, folder, "notebooks/mlruns was found")
    assert place.uri == folder.as_uri()


def test_a_project_without_tracking_says_so(tmp_path: Path) -> None:
    place = find_tracking(tmp_path, {"MLFLOW_TRACKING_URI": ""})
    assert (place.kind, place.path, place.uri) == (TrackingKind.NOTHING, None, "")
    assert find_tracking(tmp_path / "absent", {}).kind is TrackingKind.NOTHING


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5000",
        "https://h",
        "databricks",
        "databricks://p",
        "postgresql://u:p@h/d",
        "mysql+pymysql://h/d",
    ],
)
def test_servers_are_remote(tmp_path: Path, uri: str) -> None:
    place = place_of(uri, tmp_path, "a test")
    assert (place.kind, place.path, place.uri) == (TrackingKind.REMOTE, None, uri)


@pytest.mark.parametrize("uri", ["sqlite:///a/b.db", "sqlite+pysqlite:///a/b.db?timeout=5", "SQLITE:///a/b.db"])
def test_a_relative_database_counts_from_the_project(tmp_path: Path, uri: str) -> None:
    assert place_of(uri, tmp_path, "a test").path == tmp_path / "a" / "b.db"


def test_an_absolute_database_stays_where_it_is(tmp_path: Path) -> None:
    assert place_of("sqlite:////srv/mlflow.db", tmp_path, "a test").path == Path("/srv/mlflow.db")


def test_only_paths_of_this_machine_are_local(tmp_path: Path) -> None:
    assert local_path("file:///srv/with%20blank", tmp_path) == Path("/srv/with blank")
    assert local_path("/srv/x", tmp_path) == Path("/srv/x")
    assert local_path("./mlruns/0", tmp_path) == tmp_path / "mlruns" / "0"
    for remote in (
        "C:/Users/x",
        "c:\\Users\\x",
        "file:///C:/Users/x",
        "s3://b/k",
        "mlflow-artifacts:/1/m",
        "runs:/a/m",
        "",
    ):
        assert local_path(remote, tmp_path) is None


def test_a_model_is_looked_for_beside_the_store_but_never_outside(tmp_path: Path) -> None:
    root = tmp_path / "project"
    for folder in (root / "mlruns" / "1" / "m", tmp_path / "outside"):
        folder.mkdir(parents=True)
        (folder / "MLmodel").touch()
    assert first_model_folder(["C:\\Users\\x\\mlruns\\1\\m"], root) == root / "mlruns" / "1" / "m"
    assert first_model_folder(["s3://b/k", "C:/x/mlruns/../../outside", "mlflow-artifacts:/mlruns/1/m"], root) is None
