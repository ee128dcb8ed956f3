"""An `mlruns` folder as it comes out of a Git checkout: of any age, half broken, from another system."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.adapters.conftest_mlflow import MODEL, Stored
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.domain.tracking import RunStatus

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]


def files(path: Path) -> TrackingFiles:
    return TrackingFiles(place_of(str(path), path.parent, "a test"))


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store as MLflow 1 wrote it, without the empty folders that Git does not keep."""
    store = tmp_path / "mlruns"
    write(store / "0" / "meta.yaml", "artifact_location: C:/Users/me/mlruns/0\nexperiment_id: 0\nname: Default\n")
    run = store / "0" / "aa01"
    write(
        run / "meta.yaml",
        "artifact_uri: C:/Users/me/mlruns/0/aa01/artifacts\r\nend_time: null\r\nexperiment_id: 0\r\nname: ''\r\n"
        "run_uuid: aa01\r\nsource_type: 4\r\nstart_time: 1500000000000\r\nstatus: 4\r\ntags: []\r\n",
    )
    write(run / "params" / "train" / "lr", "0.1")
    write(run / "tags" / "mlflow.runName", "named by a tag")
    write(run / "metrics" / "auc", "1500000000 0.9 0\r\n1500000001 0.8 1 payments d41d8\r\n")
    return store


def test_a_store_of_mlflow_1_on_windows_is_read(old: Path) -> None:
    run = files(old).run("aa")
    assert (run.name, run.status, run.experiment) == ("named by a tag", RunStatus.FAILED, "Default")
    assert (run.params, run.metric("auc"), run.ended) == ({"train/lr": "0.1"}, 0.8, None)
    assert files(old).problems() == ()


def test_a_metric_line_that_was_cut_short_is_left_out(old: Path) -> None:
    with (old / "0" / "aa01" / "metrics" / "auc").open("a") as file:
        file.write("1500000002\n1500000003 zero 3\n\n")
    write(old / "0" / "aa01" / "metrics" / "empty", "")
    assert [cell.last for cell in files(old).metric_outline("aa01", "auc", 10).cells] == [0, 1]
    assert [metric.key for metric in files(old).run("aa01").metrics] == ["auc"]


def test_the_value_of_a_metric_with_a_data_set_keeps_its_step(old: Path) -> None:
    [_, last] = files(old).metric_outline("aa01", "auc", 10).cells
    assert (last.first, last.last, last.end) == (1, 1, 0.8)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty or no mapping"),
        ("- a\n- b\n", "is empty or no mapping"),
        ("a: [", "is not valid YAML"),
        ("run_id: aa02\n", "lacks experiment_id"),
        ("experiment_id: '7'\n", "names another experiment"),
        ("experiment_id: \x00\n", "is not valid YAML"),
    ],
)
def test_a_broken_run_is_left_out_and_told_while_the_others_are_read(old: Path, text: str, told: str) -> None:
    write(old / "0" / "aa02" / "meta.yaml", text)
    page = files(old).runs(9)
    assert ([run.run_id for run in page.runs], page.total) == (["aa01"], 1)
    [problem] = files(old).problems()
    assert told in problem
    assert "aa02" in problem


def test_a_broken_experiment_is_told_and_the_others_are_read(old: Path) -> None:
    write(old / "1" / "meta.yaml", "{")
    assert files(old).runs(9).total == 1
    assert "not valid YAML" in files(old).problems()[0]


def test_folders_that_hold_artifacts_only_are_no_runs(old: Path) -> None:
    (old / "0" / "bb01" / "artifacts").mkdir(parents=True)
    (old / "2" / "cc01").mkdir(parents=True)
    assert files(old).runs(9).total == 1
    assert files(old).problems() == ()


def test_deleted_experiments_in_the_bin_are_left_out(old: Path) -> None:
    shutil.copytree(old / "0", old / ".trash" / "5")
    assert files(old).runs(9).total == 1


def test_no_bin_and_no_models_folder_are_created(old: Path) -> None:
    files(old).runs(9)
    files(old).models()
    assert [path.name for path in old.iterdir()] == ["0"]


def test_a_broken_version_is_told_and_the_others_are_read(folder: Stored) -> None:
    write(folder.path / "models" / MODEL / "version-2" / "meta.yaml", "- no")
    write(folder.path / "models" / "torn" / "meta.yaml", "name")
    assert [version.version for version in files(folder.path).versions(MODEL)] == [1]
    assert [model.name for model in files(folder.path).models()] == ["empty-model", MODEL]
    assert sorted("torn" in problem for problem in files(folder.path).problems()) == [False, True]


def test_an_alias_that_is_no_number_is_no_alias(folder: Stored) -> None:
    write(folder.path / "models" / MODEL / "aliases" / "champion", "first")
    assert files(folder.path).alias(MODEL, "champion") is None
    assert files(folder.path).alias(MODEL, "challenger") == 2


def test_versions_are_ordered_by_number_not_by_name(folder: Stored) -> None:
    models = folder.path / "models" / MODEL
    shutil.copytree(models / "version-2", models / "version-10")
    (models / "version-").mkdir()
    write(models / "version-" / "meta.yaml", "version: x")
    assert [version.version for version in files(folder.path).versions(MODEL)] == [10, 2, 1]


def test_a_store_that_was_copied_from_another_machine_finds_its_models_beside_it(
    made_folder: Stored, tmp_path: Path
) -> None:
    copied = made_folder.copied_to(tmp_path)
    for meta in copied.path.rglob("meta.yaml"):
        text = meta.read_text().replace(made_folder.path.parent.as_uri(), "file:///C:/Users/me")
        meta.write_text(text.replace(str(made_folder.path.parent), "C:/Users/me"))
    version = files(copied.path).version(MODEL, 1)
    found = files(copied.path).model_folder(version)
    assert found is not None
    assert found.is_relative_to(tmp_path)
    shutil.rmtree(found)
    assert files(copied.path).model_folder(version) is None


def test_a_name_that_climbs_out_of_the_store_reads_nothing(folder: Stored) -> None:
    write(folder.path.parent / "secret" / "meta.yaml", "name: secret")
    assert files(folder.path).alias("../../secret", "champion") is None
    assert "../../secret" not in {model.name for model in files(folder.path).models()}
