"""What a model's author noted beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from unipipe_tui.adapters.mlflow.model import model_signature, model_threshold
from unipipe_tui.domain.errors import Failed


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("metadata:\n  threshold: 0.35\n", 0.35),
        ("metadata:\n  threshold: '0.5'\n", 0.5),
        ("metadata:\n  owner: me\n", None),
        ("metadata: null\n", None),
        ("flavors: {}\n", None),
        ("", None),
    ],
)
def test_the_threshold_is_what_the_metadata_says(tmp_path: Path, text: str, threshold: float | None) -> None:
    (tmp_path / "MLmodel").write_text(text)
    assert model_threshold(tmp_path) == threshold


def test_a_threshold_that_is_no_number_and_a_model_without_its_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="cannot be read"):
        model_threshold(tmp_path)
    (tmp_path / "MLmodel").write_text("metadata: {threshold: high}")
    with pytest.raises(Failed, match=r"'high' .* is no number"):
        model_threshold(tmp_path)
    (tmp_path / "MLmodel").write_text("metadata: [")
    with pytest.raises(Failed, match="cannot be read"):
        model_threshold(tmp_path)


SIGNED = """\
signature:
  inputs: '[{"type": "double", "name": "amount", "required": true}, {"type": "string", "name": "region", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]'
"""


def test_a_signature_names_what_goes_in_and_what_comes_out(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(SIGNED)
    (tmp_path / "input_example.json").write_text('{"columns": ["amount", "region"], "data": [[2.5, "gulf"], [1, "x"]]}')
    found = model_signature(tmp_path)
    assert found is not None
    assert [(one.name, one.type, one.required) for one in found.inputs] == [
        ("amount", "double", True),
        ("region", "string", False),
    ]
    assert [one.type for one in found.outputs] == ["float64[-1, 2]"]
    assert found.example == {"amount": 2.5, "region": "gulf"}


@pytest.mark.parametrize(
    "text",
    ["", "signature: null", "signature: [", "signature: {inputs: 'no json'}", "signature: {inputs: '[1, null]'}"],
)
def test_what_a_folder_does_not_say_is_not_guessed(tmp_path: Path, text: str) -> None:
    assert model_signature(tmp_path) is None
    (tmp_path / "MLmodel").write_text(text)
    found = model_signature(tmp_path)
    assert found is None or (found.inputs, found.outputs, found.example) == ((), (), None)


@pytest.mark.parametrize(
    "kept", ["[[1, 2]]", '{"columns": ["a"], "data": []}', '{"columns": ["a"], "data": [[[1]]]}', "x"]
)
def test_an_example_that_is_no_table_of_plain_values_is_left_alone(tmp_path: Path, kept: str) -> None:
    (tmp_path / "MLmodel").write_text(SIGNED)
    (tmp_path / "input_example.json").write_text(kept)
    found = model_signature(tmp_path)
    assert found is not None
    assert found.example is None
