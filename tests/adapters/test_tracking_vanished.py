"""A store that was there and is not any more is no empty store."""

from __future__ import annotations

from pathlib import Path

import pytest

from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.domain.errors import ToolMissing
from unipipe_tui.domain.runs.rows import PUT_BACK


def test_a_store_that_never_was_is_empty(tmp_path: Path) -> None:
    assert TrackingFiles(place_of("sqlite:///mlflow.db", tmp_path, "a test")).models() == ()


@pytest.mark.parametrize("uri", ["sqlite:///mlflow.db", "mlruns"])
def test_a_store_that_was_there_refuses_every_question(tmp_path: Path, uri: str) -> None:
    place = place_of(uri, tmp_path, "a test")
    files = TrackingFiles(place, last_seen_at=lambda: place.shown)

    for question in (files.models, lambda: files.runs(1), lambda: files.versions("m"), lambda: files.alias("m", "a")):
        with pytest.raises(ToolMissing, match="is not there any more") as refused:
            question()
        assert refused.value.hint == PUT_BACK


def test_a_database_that_was_emptied_is_gone_as_well(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    place = place_of("sqlite:///mlflow.db", tmp_path, "a test")

    with pytest.raises(ToolMissing, match=r"mlflow\.db is not there any more"):
        TrackingFiles(place, last_seen_at=lambda: place.shown).models()


def test_nobody_is_asked_about_a_store_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "mlruns").mkdir()

    def asked() -> str:
        raise AssertionError("it is there")

    assert TrackingFiles(place_of("mlruns", tmp_path, "a test"), last_seen_at=asked).models() == ()
