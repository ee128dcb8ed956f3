"""A bundle vouches for every byte, and nothing gets in or out of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from unipipe_tui.domain.bundles import Bundle, read_bundle, seal_bundle, verify_bundle
from unipipe_tui.domain.errors import Failed, UnipipeError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model" / "code").mkdir(parents=True)
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}")
    (tmp_path / "model" / "code" / "part.py").write_text("x = 1")
    return tmp_path


def seal(folder: Path, version: int = 3, threshold: float | None = 0.4) -> Bundle:
    return seal_bundle(
        folder, model="fraud", version=version, run_id="run", threshold=threshold, commit="abc", data="d41d8"
    )


def test_what_was_sealed_is_read_and_verified(folder: Path) -> None:
    bundle = seal(folder)
    assert [path for path, _hash in bundle.files] == ["model/MLmodel", "model/code/part.py"]
    assert read_bundle(folder) == bundle == verify_bundle(folder)


def test_sealing_again_gives_the_same_digest_and_leaves_no_other_file(folder: Path) -> None:
    assert seal(folder).digest == seal(folder).digest
    assert sorted(path.name for path in folder.iterdir()) == ["bundle.json", "model"]


@pytest.mark.parametrize("threshold", [None, 1, 0.1, 1e-9])
def test_every_threshold_survives_writing_and_reading(folder: Path, threshold: float | None) -> None:
    assert seal(folder, threshold=threshold) == verify_bundle(folder)


def test_the_digest_covers_the_facts_as_well_as_the_files(folder: Path) -> None:
    assert len({seal(folder).digest, seal(folder, version=4).digest, seal(folder, threshold=0.5).digest}) == 3


def test_a_folder_without_a_model_is_not_sealed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No MLflow model"):
        seal(tmp_path)


def test_a_folder_without_a_manifest_is_no_bundle(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"bundle\.json is missing"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "model" / "code" / "part.py").write_text("x = 2"), "changed: model/code/part.py"),
        (lambda folder: (folder / "model" / "code" / "part.py").unlink(), "missing: model/code/part.py"),
        (lambda folder: (folder / "model" / "more.pkl").write_text(""), "extra: model/more.pkl"),
        (lambda folder: (folder / "beside.txt").write_text(""), "extra: beside.txt"),
        (lambda folder: (folder / "model" / "link").symlink_to("/etc/hostname"), "a link"),
        (lambda folder: (folder / "model" / "away").symlink_to("/etc"), "a link"),
    ],
)
def test_a_file_that_is_not_as_sealed_is_named(folder: Path, damage: Callable[[Path], object], says: str) -> None:
    seal(folder)
    damage(folder)
    with pytest.raises(Failed, match=says):
        verify_bundle(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [("version", 4), ("threshold", 0.0), ("model", "other"), ("commit", None), ("files", []), ("digest", "0" * 64)],
)
def test_a_manifest_that_was_edited_disagrees_with_its_digest(folder: Path, field: str, value: object) -> None:
    seal(folder)
    edit(folder, field, value)
    with pytest.raises(Failed, match="changed after it was sealed"):
        read_bundle(folder)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../secret", "model/../../x", "model\\x", "./model/x", ".", "bundle.json"]
)
def test_a_manifest_may_not_name_files_outside_the_folder(folder: Path, path: str) -> None:
    seal(folder)
    edit(folder, "files", [[path, "0" * 64]])
    with pytest.raises(Failed, match=r"leaves the bundle|cannot be a model's file"):
        read_bundle(folder)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"format": 1}', '{"format": 2}', '{"format": 1, "files": 3}', "[" * 100_000]
)
def test_a_manifest_of_any_other_form_is_an_error_with_a_hint(folder: Path, content: str) -> None:
    (folder / "bundle.json").write_text(content)
    with pytest.raises(UnipipeError) as caught:
        read_bundle(folder)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("field", "value"), [("version", "3"), ("version", True), ("threshold", "x"), ("files", [["a"]]), ("model", None)]
)
def test_a_field_of_the_wrong_type_is_damage(folder: Path, field: str, value: object) -> None:
    seal(folder)
    edit(folder, field, value)
    with pytest.raises(Failed, match="is damaged"):
        read_bundle(folder)


def edit(folder: Path, field: str, value: object) -> None:
    document = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(document | {field: value}))
