"""Reading together: one connection for many questions, and the store is free again after it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from unipipe_tui.store.audit import Audit
from unipipe_tui.store.database import Database


def test_a_writer_waits_until_those_who_read_together_are_done(tmp_path: Path) -> None:
    database = Database(tmp_path)
    _append(database)
    writer = threading.Thread(target=_append, args=(Database(tmp_path),))
    with database.together():
        before = Audit(database).total()
        writer.start()
        writer.join(0.3)
        assert writer.is_alive()
        assert Audit(database).total() == before
    writer.join(10)
    assert Audit(database).total() == before + 1


def test_the_store_is_free_again_after_an_error_in_the_block(tmp_path: Path) -> None:
    database = Database(tmp_path)
    _append(database)
    with pytest.raises(ZeroDivisionError), database.together():
        raise ZeroDivisionError
    _append(database)
    assert Audit(database).total() == 2


def _append(database: Database) -> None:
    Audit(database).append(
        at=datetime(2026, 3, 9, tzinfo=UTC), actor="ada", action="a", command="c", job="j", outcome="done", detail=""
    )
