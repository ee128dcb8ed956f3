"""How distributions are counted from files or a query: every column is read once, and at most a few are held."""

# The SQL here is put together from our own text, names that `quoted_name` made safe, and numbers.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import duckdb

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.events import Advanced
from unipipe_tui.domain.progress import Progress, Silent
from unipipe_tui.monitoring.counting.column import (
    Counted,
    Wanted,
    absent,
    counted_in_place,
    sorted_and_counted,
    uncounted,
)
from unipipe_tui.monitoring.distributions import Profile, make_profile, profile_of
from unipipe_tui.monitoring.opening import open_source, unreadable, workbench
from unipipe_tui.monitoring.sources import Files, Source
from unipipe_tui.monitoring.working import work_through

VALUES_FETCHED = 1_000_000
"""In one query: a few columns of a long set, many of a short one."""
COLUMNS_FETCHED = 16


def profile(
    source: Source,
    columns: Sequence[str] | None = None,
    like: Profile | None = None,
    bins: int = 20,
    progress: Progress | None = None,
) -> Profile:
    """Count the columns of a source (all of them, or those of `like`, unless they are named).

    Numbers are counted in about `bins` bins of equal mass, between two further bins for what lies below the smallest
    and above the largest value. Whole numbers with at most 20 different values, booleans and texts are counted by
    value, of which the 200 most frequent are named. With `like`, its edges and kinds are used, so the two can be
    compared. A column that cannot be counted is a `ColumnProblem` in the result. Counts are always exact; beyond
    twenty million rows the edges are approximate quantiles (a t-digest), and masses only nearly equal.

    `progress` hears how many columns are counted, and can stop the work.

    Raises `Failed` when the rows cannot be read, or when there is no row and no `like` to say what to expect, and
    `Stopped` when somebody asked for the end.
    """
    asked = tuple(columns) if columns is not None else _known_columns(like)
    if isinstance(source, Files):
        source = source.with_content()
        if not source.paths:
            return _profile_of_nothing(asked, like)
    with workbench() as connection:
        try:
            return _count(connection, source, asked, like, bins, progress or Silent())
        except duckdb.Error as error:
            raise unreadable(error) from error


CountedColumns = list[tuple[str, Counted]]
Part = Callable[[duckdb.DuckDBPyConnection], CountedColumns]


def _count(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    asked: tuple[str, ...] | None,
    like: Profile | None,
    bins: int,
    progress: Progress,
) -> Profile:
    (types,) = work_through(connection, [lambda cursor: open_source(cursor, source, like)], progress)
    rows: int = connection.execute("SELECT count(*) FROM source").fetchall()[0][0]
    names = tuple(asked if asked is not None else types)
    found: dict[str, Counted] = {}
    wanted = []
    for name in names:
        reference = like.column(name) if like else None
        if name in types:
            wanted.append(Wanted(name, types[name], reference))
        else:
            found[name] = absent(name, rows, reference)

    def take(counted: CountedColumns) -> None:
        found.update(counted)
        progress.emit(Advanced(len(found), len(names), "columns"))

    work_through(connection, list(_parts(wanted, rows, bins)), progress, take)
    return profile_of(rows, {name: found[name] for name in names})


def _parts(wanted: Sequence[Wanted], rows: int, bins: int) -> Iterator[Part]:
    """The queries that count these columns, what is fetched to be sorted in several columns at once."""
    sorted_here = [one for one in wanted if one.is_sorted_here(rows)]
    at_once = max(1, min(COLUMNS_FETCHED, VALUES_FETCHED // max(rows, 1)))
    for begin in range(0, len(sorted_here), at_once):
        yield partial(_fetched, some=sorted_here[begin : begin + at_once], bins=bins)
    for one in wanted:
        if not one.is_sorted_here(rows):
            yield partial(_alone, one=one, rows=rows, bins=bins)


def _fetched(connection: duckdb.DuckDBPyConnection, some: Sequence[Wanted], bins: int) -> CountedColumns:
    """Count columns of numbers that are fetched together."""
    values = ", ".join(f"{one.number_sql} AS v{place}" for place, one in enumerate(some))
    fetched: dict[str, Any] = connection.execute(f"SELECT {values} FROM source").fetchnumpy()
    # Each is given up before the next one is sorted.
    return [(one.name, sorted_and_counted(one, fetched.pop(f"v{place}"), bins)) for place, one in enumerate(some)]


def _alone(connection: duckdb.DuckDBPyConnection, one: Wanted, rows: int, bins: int) -> CountedColumns:
    return [(one.name, counted_in_place(connection, one, rows, bins))]


# --- without rows ----------------------------------------------------------------------------------------------------


def _profile_of_nothing(asked: tuple[str, ...] | None, like: Profile | None) -> Profile:
    if like is None:
        raise Failed("There is no file with rows to profile.", "Check the path or pattern of the data.")
    expected = [(name, like.column(name)) for name in asked or ()]
    return make_profile(0, [(name, uncounted(known, 0, 0)) for name, known in expected if known is not None])


def _known_columns(like: Profile | None) -> tuple[str, ...] | None:
    return tuple(name for name, _ in like.columns) if like else None
