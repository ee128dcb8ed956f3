"""What a user configured and said, as the command line keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import unipipe
from unipipe_tui.wiring import build_world


def test_the_doctor_names_every_fault_of_the_users_configuration_and_its_line(project: Path) -> None:
    config = project / "my config.yaml"
    config.write_text("theme: pink\nkeys:\n  no.such: x\n  everywhere.help: ctrl+h\n")

    said = unipipe("doctor", "--json", cwd=project, UNIPIPE_CONFIG=str(config))

    check = next(check for check in said.json["checks"] if check["name"] == "your configuration")
    assert not check["ok"]
    assert all(f"line {line}" in check["found"] for line in (1, 3, 4))
    assert str(config) in check["remedy"]
    # Nobody is kept from working by the colours of the workbench.
    assert not check["needed"]


def test_a_sound_configuration_is_named_by_the_doctor(project: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("theme: light\nkeys: {models.check: C}\n")

    said = unipipe("doctor", "--json", cwd=project, UNIPIPE_CONFIG=str(config))

    (check,) = (check for check in said.json["checks"] if check["name"] == "your configuration")
    assert (check["ok"], check["found"]) == (True, str(config))


def test_with_read_only_a_change_is_refused_before_anybody_is_asked(project: Path) -> None:
    refused = unipipe("--read-only", "store", "backup", "copy.duckdb", cwd=project)
    looked = unipipe("--read-only", "jobs", "list", "--json", cwd=project)

    assert (refused.exit_code, looked.exit_code) == (5, 0)
    assert "opened with --read-only" in refused.stderr
    assert not (project / "copy.duckdb").exists()


def test_a_user_can_make_every_project_read_only(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    monkeypatch.setenv("UNIPIPE_CONFIG", str(config))
    assert build_world(project).read_only is None

    config.write_text("read_only: true\n")

    assert build_world(project).read_only == f"{config} says `read_only`"
