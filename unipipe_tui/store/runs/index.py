"""The index of runs: filled batch by batch from the tools that keep them, asked in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import duckdb

from unipipe_tui.domain.errors import Damaged, UsageError
from unipipe_tui.domain.runs.query import Field, FieldKind, RunQuery
from unipipe_tui.domain.runs.rows import RunBatch, SourceState
from unipipe_tui.domain.tracking import ExperimentRuns, Run, RunPage, moment, no_such_run
from unipipe_tui.domain.unicode import unicode_text
from unipipe_tui.domain.values import frozen
from unipipe_tui.store.rows import aware_or_none, storable
from unipipe_tui.store.runs.filling import drop, fill, replace_runs
from unipipe_tui.store.runs.places import Place
from unipipe_tui.store.runs.reading import runs_with
from unipipe_tui.store.runs.search import count_and_page, experiments_of, fields_of, numbers_that_fit


@frozen
class Known:
    """What the index holds of one source."""

    rows: Callable[[str], Sequence[tuple[Any, ...]]]

    def ids(self) -> frozenset[str]:
        """The ids of all its runs."""
        return frozenset(run_id for (run_id,) in self.rows("SELECT run_id FROM runs WHERE source = ?"))

    def tags_per_run(self) -> Mapping[str, int]:
        """By run id: how many tags it has."""
        sql = "SELECT run_id, count(*) FROM runs JOIN tags USING (run) WHERE runs.source = ? GROUP BY run_id"
        return {str(run_id): int(count) for run_id, count in self.rows(sql)}


class RunIndex:
    """Runs of all sources in one place, see `domain.ports.store.RunIndex`."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def search(self, query: RunQuery) -> RunPage:
        """One page of the runs that fit, and how many fit in all."""
        with self._place.reading() as connection:
            total, numbers = count_and_page(connection, query)
            return RunPage(runs_with(connection, numbers), total)

    def table(self, query: RunQuery, fields: Sequence[Field]) -> tuple[tuple[str | float | None, ...], ...]:
        """One row per run that fits: its id, then these fields."""
        with self._place.reading() as connection:
            return fields_of(connection, query, fields)

    def runs(self, names: Sequence[str]) -> tuple[Run, ...]:
        """The runs with these ids, beginnings of ids or unique names, in this order.

        Raises:
            UsageError: a name names no run, or several.
        """
        with self._place.reading() as connection:
            known = _numbers_of_ids(connection, names)
            return runs_with(connection, [known.get(name) or _number_of(connection, name) for name in names])

    def keys(self, query: RunQuery) -> tuple[tuple[Field, int], ...]:
        """The metrics, params and tags of the runs that fit, and how many have it; the commonest first."""
        with self._place.reading() as connection, numbers_that_fit(connection, query) as fitting:
            return tuple(
                (Field(kind, key), count)
                for kind in (FieldKind.METRIC, FieldKind.PARAM, FieldKind.TAG)
                for key, count in connection.execute(
                    f"SELECT key, count(*) FROM {kind.value} WHERE run IN (SELECT run FROM {fitting}) "  # noqa: S608
                    "GROUP BY key ORDER BY count(*) DESC, key"
                ).fetchall()
            )

    def experiments(self, query: RunQuery) -> tuple[ExperimentRuns, ...]:
        """The experiments that runs which fit are in; the one with the newest run first."""
        with self._place.reading() as connection:
            return tuple(
                ExperimentRuns(name, source, runs, moment(newest))
                for name, source, runs, newest in experiments_of(connection, query)
            )

    def sources(self) -> tuple[SourceState, ...]:
        """What it holds of each source."""
        with self._place.reading() as connection:
            rows = connection.execute(
                "SELECT name, place, cursor, stamp, synced, problem, "
                "(SELECT count(*) FROM runs WHERE runs.source = sources.name) FROM sources ORDER BY name DESC"
            ).fetchall()
        return tuple(
            SourceState(name, place, runs, cursor, stamp, aware_or_none(synced), tuple(told.splitlines()))
            for name, place, cursor, stamp, synced, told, runs in rows
        )

    def turn(self, source: str) -> AbstractContextManager[bool]:
        """Be the one who fills it from this source, for the length of the block; False when somebody else is."""
        return self._place.turn(source)

    def known(self, source: str) -> Known:
        """What it holds of one source."""
        return Known(lambda sql: self._rows(sql, [source]))

    def take(self, source: str, place: str, batch: RunBatch) -> None:
        """Put these runs in the place of what was known of them, all or nothing, and remember the cursor."""
        with self._place.writing() as connection:
            replace_runs(connection, source, batch)
            if batch.experiments is not None:
                connection.execute("DELETE FROM experiments WHERE source = ?", [source])
                columns = ("experiment_id VARCHAR", "name VARCHAR", "lifecycle VARCHAR")
                fill(connection, "experiments", columns, batch.experiments, source=source)
            _note(connection, source, place, cursor=batch.cursor)

    def complete(self, source: str, place: str, stamp: str, at: datetime, problems: Sequence[str] = ()) -> None:
        """Note that a pass over the source is complete, and what there is to say of it all the same."""
        with self._place.writing() as connection:
            _note(connection, source, place, stamp=stamp, synced=storable(at), problem=_lines(problems))

    def trouble(self, source: str, place: str, problem: str) -> None:
        """Note what kept a pass from being complete."""
        with self._place.writing() as connection:
            _note(connection, source, place, problem=_lines([problem]))

    def forget(self, source: str) -> None:
        """Drop all that is known of a source; a damaged index is dropped whole."""
        try:
            with self._place.writing() as connection:
                numbers = [
                    run for (run,) in connection.execute("SELECT run FROM runs WHERE source = ?", [source]).fetchall()
                ]
                drop(connection, numbers)
                for table in ("experiments", "sources"):
                    column = "name" if table == "sources" else "source"
                    connection.execute(f"DELETE FROM {table} WHERE {column} = ?", [source])  # noqa: S608
        except Damaged:
            self._place.discard()

    def _rows(self, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        with self._place.reading() as connection:
            return connection.execute(sql, parameters).fetchall()


def _note(connection: duckdb.DuckDBPyConnection, source: str, place: str, **values: object) -> None:
    known = connection.execute("SELECT 1 FROM sources WHERE name = ?", [source]).fetchone()
    if not known:
        connection.execute("INSERT INTO sources (name, place) VALUES (?, ?)", [source, unicode_text(place)])
    changes = {"place": unicode_text(place), **values}
    sql = f"UPDATE sources SET {', '.join(f'{column} = ?' for column in changes)} WHERE name = ?"  # noqa: S608
    connection.execute(sql, [*changes.values(), source])


def _lines(told: Sequence[str]) -> str:
    """A line for each sentence, whatever of other people's words it holds."""
    return "\n".join(unicode_text(" ".join(one.split())) for one in told)


def _numbers_of_ids(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[str, int]:
    """The numbers of the names that are whole ids: one question for any number of them."""
    sql = "SELECT run_id, run FROM runs WHERE run_id IN (SELECT unnest(?::VARCHAR[]))"
    return dict(connection.execute(sql, [[unicode_text(name) for name in names]]).fetchall())


def _number_of(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    found = connection.execute(
        "SELECT run, run_id, run_id = $1 OR name = $1 FROM runs WHERE starts_with(run_id, $1) OR name = $1 "
        "ORDER BY run_id = $1 DESC, run_id",
        [unicode_text(name)],
    ).fetchall()
    if found and found[0][1] == name:
        return int(found[0][0])
    exact = [row for row in found if row[2]] or found
    if not name or not exact:
        raise no_such_run(name)
    if len(exact) > 1:
        raise _ambiguous(name, [row[1] for row in exact])
    return int(exact[0][0])


def _ambiguous(name: str, ids: Sequence[str]) -> UsageError:
    return UsageError(
        f"{len(ids)} runs are called {name!r} or have ids that start so.", f"For example {', '.join(ids[:5])}."
    )
