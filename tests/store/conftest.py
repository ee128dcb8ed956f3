"""A store in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from unipipe_tui.store.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A store that nobody has written to yet."""
    return Database(tmp_path / ".unipipe")
