"""Whether a project may be written, told before anything is tried."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from unipipe_tui.adapters.workspace import FOLDER, claim

CLAIMED_BY_ANOTHER = """
import os, pathlib, sys
from unipipe_tui.adapters.workspace import claim
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
print(claim(pathlib.Path(sys.argv[1])))
"""


def claimed_by_another(root: Path) -> str:
    closed = [folder for folder in (root, *root.parents) if not folder.stat().st_mode & 0o001]
    modes = {folder: folder.stat().st_mode for folder in closed}
    for folder in closed:
        folder.chmod(0o755)
    try:
        words = [sys.executable, "-c", CLAIMED_BY_ANOTHER, str(root)]
        said = subprocess.run(words, capture_output=True, text=True, timeout=60)
    finally:
        for folder, mode in modes.items():
            folder.chmod(mode)
    assert said.returncode == 0, said.stderr
    return said.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / ".git" / "info").mkdir(parents=True)
    (root / ".git" / "info" / "exclude").write_text(f"{FOLDER}/\n")
    assert claim(root) is None
    (root / FOLDER / "unipipe.duckdb").touch()
    return root


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_folder_that_somebody_else_made_cannot_be_written(project: Path) -> None:
    assert claimed_by_another(project) == f"{project / FOLDER} cannot be written (Permission denied)"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_store_that_somebody_else_made_in_a_folder_of_all_cannot_be_written(project: Path) -> None:
    (project / FOLDER).chmod(0o777)
    store = project / FOLDER / "unipipe.duckdb"

    assert claimed_by_another(project) == f"{store} cannot be written (Permission denied)"
    store.chmod(0o666)
    assert claimed_by_another(project) == "None"


def test_what_no_change_writes_may_be_closed(project: Path) -> None:
    (project / FOLDER / "notes.txt").touch(mode=0o400)

    assert claim(project) is None
