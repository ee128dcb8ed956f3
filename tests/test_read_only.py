"""Whoever says in the environment that nothing may be changed is believed, in whatever words."""

from __future__ import annotations

from pathlib import Path

import pytest

from unipipe_tui.wiring import build_world


@pytest.mark.parametrize("said", ["1", "true", "YES", "on", " 1 ", "please"])
def test_any_word_for_yes_makes_a_project_read_only(project: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("UNIPIPE_READ_ONLY", said)

    assert build_world(project).read_only == "UNIPIPE_READ_ONLY is set"


@pytest.mark.parametrize("said", ["", "0", "false", "No", "off"])
def test_a_word_for_no_does_not(project: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("UNIPIPE_READ_ONLY", said)

    assert build_world(project).read_only is None


def test_a_flag_is_named_as_the_reason(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNIPIPE_READ_ONLY", "--serve")

    assert "served to a browser" in str(build_world(project).read_only)
