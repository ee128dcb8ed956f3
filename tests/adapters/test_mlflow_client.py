"""What is written to MLflow is what MLflow and our own reader find afterwards."""

from __future__ import annotations

import logging
import socket
import sqlite3
import subprocess
import sys
import warnings
from pathlib import Path

import mlflow
import numpy
import pandas
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from tests.adapters.conftest_mlflow import MODEL, Stored, log_model, payments
from unipipe_tui.adapters.mlflow.client.registry import MlflowRegistry
from unipipe_tui.adapters.mlflow.client.scoring import score_rows
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.domain.errors import ExitCode, Failed, ToolMissing, UsageError

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]


def files(stored: Stored) -> TrackingFiles:
    return TrackingFiles(place_of(stored.uri, stored.path.parent, "a test"))


def logged_run(stored: Stored, *names: str, threshold: float | None = None) -> str:
    """A run of one's own that logged models of these names."""
    mlflow.set_tracking_uri(stored.uri)
    mlflow.set_registry_uri(stored.uri)
    with mlflow.start_run(experiment_id=mlflow.get_experiment_by_name("payments").experiment_id) as run:
        for name in names:
            log_model(name, threshold=threshold)
    return str(run.info.run_id)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    payments().assign(fraud=[number % 2 for number in range(40)]).to_parquet(path)
    return path


def test_a_runs_model_is_registered_once_however_often_it_is_asked_for(store: Stored) -> None:
    registry = MlflowRegistry(store.uri)
    run_id = logged_run(store, "model")
    version = registry.register_run("fresh", run_id, {"job": "7"})
    assert version == 1
    assert registry.register_run("fresh", run_id, {"job": "8"}) == 1
    found = files(store).version("fresh", 1)
    assert (found.run_id, found.status, found.tags["job"]) == (run_id, "READY", "8")
    assert files(store).model_folder(found) is not None


def test_another_run_of_the_same_model_becomes_the_next_version(database: Stored) -> None:
    registry = MlflowRegistry(database.uri)
    assert registry.register_run("fresh", logged_run(database, "model")) == 1
    assert registry.register_run("fresh", logged_run(database, "model")) == 2


def test_of_several_logged_models_the_last_is_registered(database: Stored) -> None:
    run_id = logged_run(database, "first", "last")
    version = MlflowRegistry(database.uri).register_run("fresh", run_id)
    model_id = files(database).version("fresh", version).model_id
    assert model_id is not None
    assert database.client().get_logged_model(model_id).name == "last"


def test_a_model_among_an_older_runs_artifacts_is_registered(database: Stored, tmp_path: Path) -> None:
    client = database.client()
    run_id = client.create_run("0").info.run_id
    mlflow.sklearn.save_model(DummyRegressor().fit([[0]], [1]), tmp_path / "m", pip_requirements=["scikit-learn"])
    client.log_artifacts(run_id, str(tmp_path / "m"), "model")
    version = MlflowRegistry(database.uri).register_run("fresh", run_id)
    found = files(database).version("fresh", version)
    assert found.run_id == run_id
    assert files(database).model_folder(found) is not None


def test_a_run_without_a_model_and_an_unknown_run_are_refused(store: Stored) -> None:
    registry = MlflowRegistry(store.uri)
    with pytest.raises(UsageError, match="logged no model"):
        registry.register_run("fresh", store.failed)
    for unknown in ("0" * 32, "no such run"):
        with pytest.raises(UsageError, match="There is no run"):
            registry.register_run("fresh", unknown)
    with pytest.raises(UsageError, match="holds '/'"):
        registry.register_run("a/b", store.finished)
    assert "fresh" not in {model.name for model in files(store).models()}


def test_an_alias_moves_and_goes(store: Stored) -> None:
    registry = MlflowRegistry(store.uri)
    registry.set_alias(MODEL, "champion", 2)
    assert files(store).alias(MODEL, "champion") == 2
    registry.delete_alias(MODEL, "champion")
    registry.delete_alias(MODEL, "champion")
    assert files(store).alias(MODEL, "champion") is None


def test_an_alias_for_what_does_not_exist_is_refused_with_what_exists(store: Stored) -> None:
    registry = MlflowRegistry(store.uri)
    with pytest.raises(UsageError) as no_version:
        registry.set_alias(MODEL, "champion", 9)
    assert (no_version.value.hint, no_version.value.exit_code) == ("It has 2, 1.", ExitCode.USAGE)
    with pytest.raises(UsageError) as no_model:
        registry.set_alias("fraud", "champion", 1)
    assert MODEL in no_model.value.hint
    with pytest.raises(UsageError, match="keeps the alias 'latest'"):
        registry.set_alias(MODEL, "latest", 1)
    assert files(store).alias(MODEL, "champion") == 1


def test_tags_reach_versions_and_runs(store: Stored) -> None:
    registry = MlflowRegistry(store.uri)
    registry.set_version_tag(MODEL, 1, "gate", "[bold]open[/]")
    registry.set_run_tag(store.failed, "cause", "disk full")
    run = files(store).run(store.failed)
    assert files(store).version(MODEL, 1).tags["gate"] == "[bold]open[/]"
    assert run.tags["cause"] == "disk full"
    registry.delete_version_tag(MODEL, 1, "gate")
    registry.delete_version_tag(MODEL, 1, "never there")
    assert "gate" not in files(store).version(MODEL, 1).tags
    with pytest.raises(UsageError, match="has no version 9"):
        registry.set_version_tag(MODEL, 9, "a", "b")
    with pytest.raises(UsageError, match="There is no run"):
        registry.set_run_tag("0" * 32, "a", "b")


def test_scores_are_the_probabilities_of_the_second_class(store: Stored, rows: Path) -> None:
    scored = MlflowRegistry(store.uri).score(MODEL, 1, rows, ["fraud", "region"])
    data = payments()
    assert len(scored.scores) == 40
    assert all(0.0 <= score <= 1.0 for score in scored.scores)
    assert numpy.corrcoef(scored.scores, data["amount"])[0, 1] > 0.5
    assert scored.columns == {"fraud": tuple(n % 2 for n in range(40)), "region": tuple(data["region"])}


def test_a_folder_scores_as_its_version_does(database: Stored, rows: Path) -> None:
    registry = MlflowRegistry(database.uri)
    folder = files(database).model_folder(files(database).version(MODEL, 1))
    assert folder is not None
    assert score_rows(folder, rows) == registry.score(MODEL, 1, rows)


def test_a_model_without_a_signature_gets_all_but_the_columns_asked_for(tmp_path: Path) -> None:
    data = pandas.DataFrame({"x": [1.0, 2.0], "y": [3.0, 5.0]})
    data.to_parquet(tmp_path / "rows.parquet")
    mlflow.sklearn.save_model(
        DummyRegressor().fit(data[["x"]], data["y"]), tmp_path / "m", pip_requirements=["scikit-learn"]
    )
    scored = score_rows(tmp_path / "m", tmp_path / "rows.parquet", ["y"])
    assert (scored.scores, scored.columns) == ((4.0, 4.0), {"y": (3.0, 5.0)})


def test_rows_that_do_not_fit_are_refused_by_name(database: Stored, rows: Path, tmp_path: Path) -> None:
    registry = MlflowRegistry(database.uri)
    with pytest.raises(UsageError, match="lacks label"):
        registry.score(MODEL, 1, rows, ["label"])
    pandas.read_parquet(rows).drop(columns="hour").to_parquet(tmp_path / "short.parquet")
    with pytest.raises(UsageError, match="lacks hour"):
        registry.score(MODEL, 1, tmp_path / "short.parquet")
    with pytest.raises(UsageError, match="does not exist"):
        registry.score(MODEL, 1, tmp_path / "absent.parquet")
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(UsageError, match="not a readable Parquet file"):
        registry.score(MODEL, 1, tmp_path / "text.parquet")
    pandas.read_parquet(rows).assign(hour="noon").to_parquet(tmp_path / "typed.parquet")
    with pytest.raises(Failed, match="hour"):
        registry.score(MODEL, 1, tmp_path / "typed.parquet")


def test_a_model_that_gives_no_single_figure_a_row_is_refused(rows: Path, tmp_path: Path) -> None:
    for name, labels, method, told in (
        ("three", [0, 1, 2], "predict_proba", r"shape \(40, 3\)"),
        ("words", ["yes", "no", "no"], "predict", "are no numbers"),
    ):
        model = DummyClassifier().fit([[0], [1], [2]], labels)
        mlflow.sklearn.save_model(model, tmp_path / name, pyfunc_predict_fn=method, pip_requirements=["scikit-learn"])
        with pytest.raises(Failed, match=told):
            score_rows(tmp_path / name, rows)


def test_a_folder_that_holds_no_model_is_refused(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    with pytest.raises(Failed, match="cannot be loaded"):
        score_rows(tmp_path / "broken", rows)
    (tmp_path / "broken" / "MLmodel").write_text("flavors: {python_function: {loader_module: no_such_module}}")
    with pytest.raises(Failed, match="no_such_module"):
        score_rows(tmp_path / "broken", rows)


def test_no_rows_give_no_scores(database: Stored, rows: Path, tmp_path: Path) -> None:
    pandas.read_parquet(rows).head(0).to_parquet(tmp_path / "none.parquet")
    scored = MlflowRegistry(database.uri).score(MODEL, 1, tmp_path / "none.parquet", ["fraud"])
    assert (scored.scores, scored.columns) == ((), {"fraud": ()})


def test_a_version_is_copied_whole_into_an_empty_place(store: Stored, tmp_path: Path) -> None:
    registry = MlflowRegistry(store.uri)
    copied = registry.download(MODEL, 1, tmp_path / "bundle" / "model")
    original = files(store).model_folder(files(store).version(MODEL, 1))
    assert original is not None
    names = {path.relative_to(copied) for path in copied.rglob("*")}
    assert names == {path.relative_to(original) for path in original.rglob("*")}
    assert [path.name for path in (tmp_path / "bundle").iterdir()] == ["model"]
    with pytest.raises(UsageError, match="not empty"):
        registry.download(MODEL, 1, copied)
    with pytest.raises(UsageError, match="has no version 9"):
        registry.download(MODEL, 9, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_the_threshold_is_the_one_in_the_models_metadata(database: Stored) -> None:
    registry = MlflowRegistry(database.uri)
    assert registry.threshold(MODEL, 1) == 0.35
    assert registry.threshold("plain", registry.register_run("plain", logged_run(database, "model"))) is None


def test_a_server_that_is_not_there_is_told_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ToolMissing, match=f"127.0.0.1:{port} does not answer"):
        MlflowRegistry(f"http://someone:secret@127.0.0.1:{port}")


def test_a_folder_store_that_mlflow_refuses_is_told_with_the_way_out(
    folder: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    with pytest.raises(UsageError) as refused:
        MlflowRegistry(folder.uri).set_alias(MODEL, "champion", 2)
    assert "migrate-filestore" in refused.value.hint


def test_a_database_of_a_newer_mlflow_is_not_written(database: Stored, capfd: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(database.path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    connection.close()
    before = database.path.read_bytes()
    capfd.readouterr()
    with pytest.raises(ToolMissing) as refused:
        MlflowRegistry(database.uri).set_alias(MODEL, "champion", 2)
    assert "Use the MLflow that made the database" in refused.value.hint
    assert database.path.read_bytes() == before
    assert capfd.readouterr() == ("", "")


def test_logging_and_warnings_are_left_as_they_were(database: Stored) -> None:
    filters = list(warnings.filters)
    MlflowRegistry(database.uri).set_alias(MODEL, "champion", 1)
    assert logging.root.manager.disable == logging.NOTSET
    assert list(warnings.filters) == filters


def test_a_new_database_is_made_without_a_word(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from unipipe_tui.adapters.mlflow.client.registry import MlflowRegistry\n"
        "from unipipe_tui.domain.errors import UsageError\n"
        "try:\n    MlflowRegistry(sys.argv[1]).set_alias('m', 'champion', 1)\n"
        "except UsageError as error:\n    print(error.hint)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'new.db'}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        },
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("There is none yet.\n", "", 0)
    assert (tmp_path / "new.db").exists()


def test_what_is_written_on_a_run_is_what_mlflow_and_our_reader_find(store: Stored) -> None:
    registry = MlflowRegistry(store.uri)
    registry.rename_run(store.failed, "second [try]")
    registry.set_run_tag(store.failed, "mlflow.note.content", "It broke.")
    registry.delete_run_tag(store.finished, "author")
    theirs, ours = store.client().get_run(store.failed), files(store).run(store.failed)
    assert theirs.info.run_name == ours.name == "second [try]"
    assert theirs.data.tags["mlflow.note.content"] == ours.tags["mlflow.note.content"] == "It broke."
    assert "author" not in files(store).run(store.finished).tags


def test_a_deleted_run_is_hidden_from_everybody_and_comes_back_whole(store: Stored) -> None:
    before = files(store).run(store.finished)
    registry = MlflowRegistry(store.uri)
    registry.delete_run(store.finished)
    with pytest.raises(UsageError, match="There is no run"):
        files(store).run(store.finished)
    found = store.client().search_runs(["0", *(e.experiment_id for e in store.client().search_experiments())])
    assert store.finished not in {run.info.run_id for run in found}
    registry.restore_run(store.finished)
    assert files(store).run(store.finished).params == before.params
    assert [metric.key for metric in files(store).run(store.finished).metrics] == [m.key for m in before.metrics]
