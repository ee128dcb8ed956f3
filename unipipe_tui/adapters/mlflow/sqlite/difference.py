"""What is not as it was in a MLflow database, found by what is remembered of its tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from hashlib import blake2b

from unipipe_tui.adapters.mlflow.sqlite.cursor import Marks
from unipipe_tui.adapters.mlflow.sqlite.questions import Database
from unipipe_tui.adapters.mlflow.sqlite.rows import RowTables
from unipipe_tui.adapters.mlflow.sqlite.watched_tables import (
    BLOCKS_AT_MOST,
    BLOCKS_AT_ONCE,
    CHANGING,
    GROWING,
    RUNS,
    TAGS,
    Additions,
    Block,
    Blocks,
    Comparison,
    LastBlock,
    Mark,
    Watch,
    WatchedTable,
)
from unipipe_tui.domain.values import frozen


@frozen
class Difference:
    """What is not as it was, and how everything is now."""

    marks: Marks
    runs: frozenset[str]
    lost_runs: bool
    lost_tags: bool
    untold: bool
    """Whether it cannot be told which runs changed."""


def difference(database: Database, marks: Marks) -> Difference:
    """Compare the tables with what is remembered of them.

    It takes many short transactions. What changes between two of them differs from what is then remembered: the next
    comparison sees it.
    """
    anew = {table.name: _blocks(database, table) for table in CHANGING if _scattered(marks.changing[table.name])}
    changing = {table.name: _compared(database, table, marks.changing[table.name]) for table in CHANGING}
    growing = {table.name: _added(database, table, marks.growing[table.name]) for table in GROWING}
    experiments = database.rows(_experiments)
    runs = [found.runs for _, found in changing.values()] + [added.runs for added in growing.values() if added]
    return Difference(
        Marks(
            {name: blocks for name, (blocks, _) in changing.items()} | anew,
            {
                table.name: added.mark if (added := growing[table.name]) else _newest(database, table)
                for table in GROWING
            },
            experiments,
        ),
        frozenset().union(*runs),
        lost_runs=changing[RUNS.name][1].lost or experiments != marks.experiments,
        lost_tags=changing[TAGS.name][1].lost,
        untold=None in growing.values(),
    )


def marks_of(database: Database) -> Marks:
    """What is to be remembered of the tables, for a comparison later."""
    return Marks(
        {table.name: _blocks(database, table) for table in CHANGING},
        {table.name: _newest(database, table) for table in GROWING},
        database.rows(_experiments),
    )


def _scattered(remembered: Blocks) -> bool:
    return len(remembered.blocks) > BLOCKS_AT_MOST


def _blocks(database: Database, table: WatchedTable) -> Blocks:
    size = database.watch(partial(Watch.size_of_blocks, table=table))
    blocks, _ = _compared(database, table, Blocks(size))
    return blocks


def _compared(database: Database, table: WatchedTable, remembered: Blocks) -> tuple[Blocks, Comparison]:
    first, last = remembered.blocks[:-1], remembered.blocks[-1] if remembered.blocks else None
    now: tuple[Block, ...] = ()
    runs, lost = frozenset[str](), False
    for start in range(0, len(first), BLOCKS_AT_ONCE):
        some = first[start : start + BLOCKS_AT_ONCE]
        found = database.watch(partial(Watch.compared, table=table, before=_end(now), blocks=some))
        now, runs, lost = now + found.blocks, runs | found.runs, lost or found.lost
    last_row, more = remembered.last_row, True
    while more:
        known = LastBlock(_end(now), last, last_row, remembered.size)
        end = database.watch(partial(Watch.end_compared, table=table, known=known))
        now, runs, lost = now + end.found.blocks, runs | end.found.runs, lost or end.found.lost
        last_row, more = end.last_row, end.more
        if more:
            now, last = now[:-1], now[-1]
    return Blocks(remembered.size, now, last_row), Comparison(now, runs, lost)


def _end(blocks: Sequence[Block]) -> int:
    return blocks[-1].last if blocks else 0


def _newest(database: Database, table: WatchedTable) -> Mark:
    return database.watch(partial(Watch.newest, table=table))


def _added(database: Database, table: WatchedTable, mark: Mark) -> Additions | None:
    """All that was added to a table; None when that cannot be told."""
    runs, more = frozenset[str](), True
    while more:
        found = database.watch(partial(Watch.added, table=table, mark=mark))
        if found is None:
            return None
        mark, runs, more = found.mark, runs | found.runs, found.more
    return Additions(mark, runs, more=False)


def _experiments(tables: RowTables) -> str:
    ids = sorted(experiment.experiment_id for experiment in tables.experiments())
    return blake2b(" ".join(ids).encode(), digest_size=9).hexdigest()
