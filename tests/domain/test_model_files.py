"""What is recorded of a model's files, what is said of those that changed, and which of them run code when loaded."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import pytest

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.model_files import (
    LONGEST_FILES_TAG,
    differences,
    digest_of,
    hashes_below,
    hashes_of,
    model_files,
    recorded_in,
    tags_of,
    what_runs_code,
)

SKOPS = {"python_function": {"loader_module": "mlflow.sklearn"}, "sklearn": {"serialization_format": "skops"}}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}\n")
    (folder / "model.skops").write_bytes(b"data")
    (folder / "sub" / "x.json").write_text("{}")
    return folder


def archive(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as written:
        for name, content in members.items():
            written.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return packed.getvalue()


def test_what_was_recorded_agrees_with_the_same_files_elsewhere(model: Path, tmp_path: Path) -> None:
    recorded = recorded_in(tags_of(hashes_of(model)))
    assert recorded is not None
    (tmp_path / "bundle").mkdir()
    model.rename(tmp_path / "bundle" / "model")
    assert differences(recorded, hashes_below(hashes_of(tmp_path / "bundle"), "model")) == ()


def test_every_file_that_is_another_one_is_named(model: Path) -> None:
    recorded = recorded_in(tags_of(hashes_of(model)))
    assert recorded is not None
    (model / "MLmodel").write_text("flavors: {} \n")
    (model / "model.skops").unlink()
    (model / "evil.py").write_text("")
    assert differences(recorded, hashes_of(model)) == ("missing: model.skops", "extra: evil.py", "changed: MLmodel")


def test_a_renamed_file_is_another_one(model: Path) -> None:
    before = digest_of(hashes_of(model))
    (model / "model.skops").rename(model / "model.bin")
    assert digest_of(hashes_of(model)) != before


def test_what_mlflow_writes_into_the_store_when_somebody_loads_is_no_change(model: Path) -> None:
    before = digest_of(hashes_of(model))
    (model / "registered_model_meta").write_text("model_name: m\n")
    assert digest_of(hashes_of(model)) == before
    (model / "sub" / "registered_model_meta").write_text("")
    assert digest_of(hashes_of(model)) != before


@pytest.mark.parametrize("noted", ["", "{", "[]", "[" * 100_000, '{"model.skops": "0000"}'])
def test_the_digest_decides_whatever_the_list_of_files_says(model: Path, noted: str) -> None:
    tags = tags_of(hashes_of(model)) | {"unipipe.digest.files": noted}
    recorded = recorded_in(tags)
    assert recorded is not None
    assert differences(recorded, hashes_of(model)) == ()
    other = recorded_in(tags | {"unipipe.digest": "0" * 64})
    assert other is not None
    assert differences(other, hashes_of(model)) != ()


def test_a_list_that_tells_no_difference_does_not_hide_one(model: Path) -> None:
    recorded = recorded_in(tags_of(hashes_of(model)) | {"unipipe.digest": "0" * 64})
    assert recorded is not None
    assert differences(recorded, hashes_of(model)) == ("changed: a file, or what the registry recorded",)


def test_of_very_many_files_only_the_digest_is_recorded() -> None:
    tags = tags_of(tuple((f"part-{number:04}.bin", "ab" * 32) for number in range(1000)))
    assert set(tags) == {"unipipe.digest"}
    assert all(len(value) <= LONGEST_FILES_TAG for value in tags.values())


@pytest.mark.parametrize("where", ["link.bin", "sub/link.bin"])
def test_a_link_is_no_file_of_a_model(model: Path, where: str) -> None:
    (model / where).symlink_to(model / "MLmodel")
    with pytest.raises(Failed, match="is a link"):
        hashes_of(model)


def test_a_pipe_is_not_waited_for(model: Path) -> None:
    os.mkfifo(model / "pipe")
    with pytest.raises(Failed, match="special file"):
        model_files(model)


def test_skops_is_only_data(model: Path) -> None:
    (model / "model.skops").write_bytes(archive(schema_dot_json=b"{}", a_dot_npy=b""))
    assert what_runs_code(SKOPS, model_files(model)) == ()


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_known_by_its_first_bytes_whatever_it_is_called(model: Path, protocol: int) -> None:
    (model / "model.skops").write_bytes(pickle.dumps([1], protocol))
    assert what_runs_code(SKOPS, model_files(model)) == ("model.skops is a pickle",)


@pytest.mark.parametrize(
    "name", ["model.pkl", "MODEL.PKL", "a/python_model.pkl", "m.joblib", "weights.pth", "data/model.pt", "x.dill"]
)
def test_a_pickle_is_known_by_its_name_whatever_it_begins_with(model: Path, name: str) -> None:
    (model / name).parent.mkdir(parents=True, exist_ok=True)
    (model / name).write_bytes(b"x\x9c")
    assert what_runs_code(SKOPS, model_files(model)) == (f"{name} is a pickle by its name",)


def test_a_pickle_inside_an_archive_is_found(model: Path) -> None:
    (model / "model.bin").write_bytes(archive(net__data_dot_pkl=b"", net__version=b"3"))
    assert what_runs_code(SKOPS, model_files(model)) == ("model.bin holds a pickle (net/data.pkl)",)


def test_a_damaged_archive_and_an_empty_file_are_just_files(model: Path) -> None:
    (model / "a.bin").write_bytes(b"PK\x03\x04 and no more")
    (model / "b.bin").write_bytes(b"")
    assert what_runs_code(SKOPS, model_files(model)) == ()


@pytest.mark.parametrize(
    ("loader", "flavor", "reason"),
    [
        ("mlflow.sklearn", {"serialization_format": "cloudpickle"}, "scikit-learn saved it as cloudpickle"),
        ("mlflow.sklearn", {}, "scikit-learn saved it as pickle"),
        ("mlflow.lightgbm", {"model_class": "lightgbm.sklearn.LGBMClassifier"}, "LightGBM saved it as cloudpickle"),
        ("mlflow.xgboost", {"model_class": "os.system"}, "it is loaded as os.system, which is no class of XGBoost"),
        ("mlflow.pyfunc.model", {}, "it is Python code of its author (a custom pyfunc)"),
        ("mlflow.pyfunc.loaders.code_model", {}, "it is Python code of its author (a custom pyfunc)"),
        ("mlflow.pytorch", {}, "mlflow.pytorch loads it, which may run code"),
        ("my.own.loader", {}, "my.own.loader loads it, which may run code"),
        ("", {}, "an unknown loader loads it, which may run code"),
        ("mlflow.xgboost", {"model_class": "xgboost.sklearn.XGBClassifier"}, None),
        ("mlflow.lightgbm", {"model_class": "lightgbm.basic.Booster"}, None),
        ("mlflow.onnx", {}, None),
    ],
)
def test_the_flavor_says_whether_the_format_is_data(loader: str, flavor: dict[str, object], reason: str | None) -> None:
    flavors = {"python_function": {"loader_module": loader}, loader.rpartition(".")[2]: flavor}
    assert what_runs_code(flavors, ()) == (() if reason is None else (reason,))


@pytest.mark.parametrize("where", ["python_function", "sklearn"])
def test_modules_that_the_author_added_run_code(where: str) -> None:
    flavors = {name: section | ({"code": "code"} if name == where else {}) for name, section in SKOPS.items()}
    assert what_runs_code(flavors, ()) == ("it brings Python modules of its author (code/)",)


@pytest.mark.parametrize("place", ["/tmp/other.skops", "../other.skops", "a/../../other.skops"])
@pytest.mark.parametrize(("name", "key"), [("python_function", "model_path"), ("sklearn", "pickled_model")])
def test_a_file_that_no_digest_vouches_for_counts_as_code(name: str, key: str, place: str) -> None:
    flavors = {known: section | ({key: place} if known == name else {}) for known, section in SKOPS.items()}
    assert what_runs_code(flavors, ()) == (f"it names {place}, which lies outside of it",)


@pytest.mark.parametrize("flavors", [{}, {"python_function": None}, {"sklearn": "text"}])
def test_what_nothing_loads_runs_nothing(flavors: dict[str, object]) -> None:
    assert what_runs_code(flavors, ()) == ()
