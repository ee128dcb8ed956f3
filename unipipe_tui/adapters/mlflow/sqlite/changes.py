"""The runs of a MLflow database in a SQLite file, read from the file itself: all of them, or those that changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from unipipe_tui.adapters.mlflow.places import sqlite_uri
from unipipe_tui.adapters.mlflow.sqlite.cursor import Cursor, cursor_of
from unipipe_tui.adapters.mlflow.sqlite.difference import difference, marks_of
from unipipe_tui.adapters.mlflow.sqlite.questions import Database, unreadable
from unipipe_tui.adapters.mlflow.sqlite.readonly import glance, probe, read_only, settled
from unipipe_tui.adapters.mlflow.sqlite.rows import RowTables
from unipipe_tui.adapters.stamps import database_stamp
from unipipe_tui.domain.errors import Failed, ToolMissing
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.runs.rows import MLFLOW, ExperimentRow, KnownRuns, RunBatch, emptied
from unipipe_tui.domain.unicode import unicode_text

Experiments = tuple[ExperimentRow, ...] | None

RUNS_AT_ONCE = 2_000
"""A batch: read in one transaction, which holds up whoever writes for some tenths of a second."""


def readable_directly(path: Path) -> str | None:
    """Why this database has to be read through MLflow's client, in half a sentence; None when it has not.

    It costs a few milliseconds and never waits. A file that is locked or damaged is not told here but when it is read.
    """
    if _holds_nothing(path) or glance(path, _is_as_needed):
        return None
    try:
        # The tables may be in the log still.
        return read_only(path, lambda connection: unreadable(connection, probe(connection)), patience_seconds=0.1)
    except (ToolMissing, Failed):
        return None


def _is_as_needed(connection: sqlite3.Connection) -> bool:
    return unreadable(connection, probe(connection)) is None


class SqliteRuns:
    """A source of runs, see `domain.runs.rows.RunSource`: reading never changes the file, nor creates one beside it."""

    name = MLFLOW
    remark = ""

    def __init__(self, path: Path, patience_seconds: float = 2.0) -> None:
        self._path = path
        self._patience_seconds = patience_seconds

    @property
    def place(self) -> str:
        """The URI under which MLflow knows it, in letters that everybody can write."""
        return unicode_text(sqlite_uri(self._path))

    def stamp(self) -> str:
        """Time, size and identity of the file and of the log beside it."""
        return database_stamp(self._path)

    def changes(self, cursor: str | None, known: KnownRuns, progress: Progress) -> Iterator[RunBatch]:
        """All runs that are new, changed or gone since the cursor, each batch as of one moment.

        Raises:
            ToolMissing: it is locked for longer than the patience lasts.
            UsageError: it is no MLflow database, or none that is known.
            Failed: it is damaged or cannot be read, or holds nothing any more.
            Stopped: somebody asked for the end.
        """
        if _holds_nothing(self._path):
            yield self._nothing(cursor, known.ids())
            return
        with settled(self._path, self._patience_seconds) as path:
            identity = self._path.resolve().stat().st_ino
            database = Database(path, self._path, self._patience_seconds, progress)
            described = f"{identity} {database.form()}"
            remembered = cursor_of(cursor)
            if remembered is None or remembered.database != described:
                yield from _everything(database, Cursor(described, marks_of(database), read_to=0), known)
                return
            if remembered.read_to is not None:
                yield from _everything(database, remembered, known)
            yield from _changed(database, remembered.at(None), known)

    def _nothing(self, cursor: str | None, known: frozenset[str]) -> RunBatch:
        """What is to be taken from a file that is not there, or has no byte."""
        is_there = self._path.exists()
        if known and cursor is not None:
            raise emptied(f"{self._path} {'is empty' if is_there else 'is not there any more'}", len(known))
        missing = () if is_there else (f"There is no file {self._path}: MLflow makes it when it logs the first run.",)
        return RunBatch("", experiments=(), gone=tuple(sorted(known)), unreadable=missing)


def _everything(database: Database, cursor: Cursor, known: KnownRuns) -> Iterator[RunBatch]:
    """All runs in the order of their table, from where the cursor stands; then what is gone."""
    at = cursor.read_to or 0
    done, total = database.rows(lambda tables: (tables.count(at), tables.count()))
    experiments: Experiments = database.rows(RowTables.experiments)
    while True:
        (at, ids), whole = database.rows(partial(_next, at))
        if not ids:
            break
        done += len(ids)
        yield _batch(cursor.at(at), whole, experiments, done=done, total=max(total, done))
        experiments = None
    gone = known.ids() - database.rows(RowTables.ids)
    yield _batch(cursor.at(None), whole, experiments, gone, done=done, total=done)


def _next(after: int, tables: RowTables) -> tuple[tuple[int, tuple[str, ...]], RunBatch]:
    at, ids = tables.ids_after(after, RUNS_AT_ONCE)
    return (at, ids), tables.whole(ids)


def _changed(database: Database, remembered: Cursor, known: KnownRuns) -> Iterator[RunBatch]:
    """The runs that are not as they were, whole, and what is gone."""
    found = difference(database, remembered.marks)
    cursor = Cursor(remembered.database, found.marks)
    if found.untold or len(found.runs) > database.rows(RowTables.count) // 2:
        yield from _everything(database, cursor.at(0), known)
        return
    runs, gone = found.runs, frozenset[str]()
    if found.lost_runs:
        there, here = database.rows(RowTables.ids), known.ids()
        runs, gone = runs | (there - here), here - there
    if found.lost_tags:
        runs |= _differing(database.rows(RowTables.tags_per_run), known.tags_per_run())
    yield from _chosen(database, sorted(runs), gone, remembered, cursor)


def _differing(there: Mapping[str, int], here: Mapping[str, int]) -> frozenset[str]:
    return frozenset(run for run in there.keys() | here.keys() if there.get(run, 0) != here.get(run, 0))


def _chosen(
    database: Database, runs: Sequence[str], gone: frozenset[str], before: Cursor, after: Cursor
) -> Iterator[RunBatch]:
    experiments: Experiments = database.rows(RowTables.experiments)
    starts = range(0, len(runs), RUNS_AT_ONCE) or (0,)
    for start in starts:
        ids = runs[start : start + RUNS_AT_ONCE]
        whole = database.rows(partial(RowTables.whole, ids=ids))
        cursor = after if start == starts[-1] else before
        yield _batch(cursor, whole, experiments, gone, done=start + len(ids), total=len(runs))
        experiments, gone = None, frozenset()


def _batch(
    cursor: Cursor,
    whole: RunBatch,
    experiments: Experiments,
    gone: frozenset[str] = frozenset(),
    *,
    done: int,
    total: int,
) -> RunBatch:
    return replace(
        whole, cursor=cursor.text(), experiments=experiments, gone=tuple(sorted(gone)), done=done, total=total
    )


def _holds_nothing(path: Path) -> bool:
    """Whether there is no file, or an empty one: what SQLite leaves where a program asked for one and then did nothing."""
    try:
        return path.stat().st_size == 0
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # what is wrong is told when it is read
