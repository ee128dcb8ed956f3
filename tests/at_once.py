"""Much that is written to a store in one transaction: a fixture that tells of hundreds of things takes no seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import duckdb

from unipipe_tui.actions.world import World
from unipipe_tui.adapters.workspace import FOLDER
from unipipe_tui.store.audit import Audit
from unipipe_tui.store.database import Database
from unipipe_tui.store.history import History
from unipipe_tui.store.jobs import JobRecords


@contextmanager
def at_once(world: World) -> Iterator[World]:
    """The world with a history, jobs and an audit that are written when the block ends; in it no other world may write."""
    database = _OneTransaction(world.root / FOLDER)
    with database.held():
        yield replace(world, history=History(database), jobs=JobRecords(database), audit=Audit(database))


class _OneTransaction(Database):
    """A store that opens its file once for a block of reads and writes."""

    @contextmanager
    def held(self) -> Iterator[None]:
        with super().writing() as connection:
            self._shared.connection = connection
            try:
                yield
            finally:
                self._shared.connection = None

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        held = self._connection_of_this_thread()
        assert held is not None, "written outside of the block"
        yield held
