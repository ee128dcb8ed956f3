"""What a model's author noted beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from unipipe_tui.adapters.mlflow.model import model_threshold
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
