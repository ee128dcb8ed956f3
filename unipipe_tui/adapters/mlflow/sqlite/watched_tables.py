"""What is remembered of MLflow's tables to find out later which runs changed: MLflow keeps no time of change.

Two kinds of table. In `runs` and `tags` rows change in place, so a digest of every block of rows is remembered. To
`metrics`, `params` and `inputs` rows are only added, so the last row is remembered with its number. SQLite gives a new
row the number after the highest; therefore as long as the remembered row is found under its number, all that was added
since stands behind it. Where it is not (the newest run was removed with `mlflow gc`, an older copy was put in place, all
rows were numbered anew), everything is read again.
"""

# ruff: noqa: S608 - the only names put into the SQL are our own constants and probed columns; values are bound

from __future__ import annotations

import sqlite3
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from unipipe_tui.adapters.mlflow.sqlite.readonly import Schema
from unipipe_tui.domain.values import frozen

ROWS_IN_THE_SMALLEST_BLOCK = 64
BLOCKS_AT_FIRST = 1_000
BLOCKS_AT_MOST = 3_000
"""The blocks become more as the table grows; with more than these they are made anew, larger ones."""
BLOCKS_AT_ONCE = 200
ROWS_AT_ONCE = 200_000
"""What is compared in one read transaction: as long as it lasts no writer can commit."""

_NEXT_COLUMN, _NEXT_ROW, _NOTHING = "'\x1e'", "'\x1d'", "'\x18\x1f\x18'"


class Block(NamedTuple):
    """A range of rows, from after the block before it up to `last`."""

    last: int
    rows: int
    digest: str


class Mark(NamedTuple):
    """The last row of a table, under its number; without one the table was empty."""

    rowid: int = 0
    row: str = ""


@frozen
class Blocks:
    """What a table held whose rows change in place."""

    size: int
    """How many rows a block has at most."""
    blocks: tuple[Block, ...] = ()
    last_row: str = ""
    """Which row was the last."""


@frozen
class Comparison:
    """What is different in some blocks, and the blocks that they are now."""

    blocks: tuple[Block, ...]
    runs: frozenset[str]
    lost: bool
    """Whether rows may have been removed."""


@frozen
class LastBlock:
    """The last block of a table, if there is one, after the row `before`."""

    before: int
    block: Block | None
    row: str
    """Which row was the last in it."""
    size: int
    """How many rows a block has at most."""


@frozen
class EndComparison:
    """The same for the last block and what follows it."""

    found: Comparison
    last_row: str
    more: bool
    """Whether more rows follow than one look takes in."""


@frozen
class Additions:
    """What was added to a table; `mark` is where to look for more."""

    mark: Mark
    runs: frozenset[str]
    more: bool


@frozen
class WatchedTable:
    """A table, the columns that tell its rows apart, and all that matter."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    run: str = "run_uuid"
    where: str = "1"

    def among(self, schema: Schema) -> WatchedTable:
        """The same with those of its columns that this schema has."""
        return WatchedTable(
            self.name,
            tuple(column for column in self.key if schema.has(self.name, column)),
            tuple(column for column in self.columns if schema.has(self.name, column)),
            self.run,
            self.where,
        )


RUNS = WatchedTable(
    "runs",
    key=("run_uuid",),
    columns=(
        "run_uuid",
        "name",
        "experiment_id",
        "status",
        "lifecycle_stage",
        "user_id",
        "start_time",
        "end_time",
        "artifact_uri",
    ),
)
TAGS = WatchedTable("tags", key=("run_uuid", "key"), columns=("run_uuid", "key", "value"))
CHANGING = (RUNS, TAGS)
METRICS = WatchedTable("metrics", key=("run_uuid", "key", "step", "timestamp", "value", "is_nan"), columns=())
PARAMS = WatchedTable("params", key=("run_uuid", "key", "value"), columns=())
INPUTS = WatchedTable(
    "inputs",
    key=("source_type", "source_id", "destination_type", "destination_id"),
    columns=(),
    run="destination_id",
    where="destination_type = 'RUN'",
)
GROWING = (METRICS, PARAMS, INPUTS)


@frozen
class Watch:
    """The tables in an open database: every question about them is answered as of one moment."""

    connection: sqlite3.Connection
    schema: Schema

    def size_of_blocks(self, table: WatchedTable) -> int:
        """How many rows a block should have for the table to be in not too many of them."""
        (rows,) = self.connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()
        return max(ROWS_IN_THE_SMALLEST_BLOCK, -(-int(rows) // BLOCKS_AT_FIRST))

    def compared(self, table: WatchedTable, before: int, blocks: Sequence[Block]) -> Comparison:
        """What is different in these blocks, which follow each other after the row `before`."""
        table, now, runs, lost = table.among(self.schema), [], set[str](), False
        for block in blocks:
            found = self._block(table, before, block.last)
            if found != block:
                runs |= self._runs(table, before, block.last)
                lost |= found.rows < block.rows
            if found.rows:
                now.append(found)
            before = block.last
        return Comparison(tuple(now), frozenset(runs), lost)

    def end_compared(self, table: WatchedTable, known: LastBlock) -> EndComparison:
        """What is different in the last block, and the blocks of the rows that follow it, not more than some.

        A block that is not full takes in the rows that were added; what it held is compared in the same moment.
        """
        block, last = known.block, known.block.last if known.block else 0
        old = self.compared(table, known.before, [block] if block else [])
        full = block is not None and old.blocks == (block,) and block.rows >= known.size
        table = table.among(self.schema)
        new = self._new_blocks(table, last if full else known.before, known.size)
        upto = new[-1].last if new else last
        return EndComparison(
            Comparison(
                (*(old.blocks if full else ()), *new),
                old.runs | self._runs(table, last, upto),
                old.lost or (block is not None and self._row(table, last) != known.row),
            ),
            last_row=self._row(table, upto),
            more=self._highest(table) > upto,
        )

    def newest(self, table: WatchedTable) -> Mark:
        """The row behind which all stands that will be added."""
        if not self.schema.has(table.name, table.run):
            return Mark()
        last = self._highest(table)
        return Mark(last, self._row(table.among(self.schema), last))

    def added(self, table: WatchedTable, mark: Mark) -> Additions | None:
        """Which runs got rows since, as far as one look goes; None if that cannot be told."""
        if not self.schema.has(table.name, table.run):
            return Additions(Mark(), frozenset(), more=False)
        table = table.among(self.schema)
        if self._row(table, mark.rowid) != mark.row:
            return None
        last = self._rowid_at(table, mark.rowid, ROWS_AT_ONCE)
        runs = self._runs(table, mark.rowid, last)
        return Additions(Mark(last, self._row(table, last)), runs, more=last < self._highest(table))

    def _new_blocks(self, table: WatchedTable, last: int, size: int) -> list[Block]:
        blocks: list[Block] = []
        while len(blocks) < BLOCKS_AT_ONCE and (end := self._rowid_at(table, last, size)) > last:
            blocks.append(self._block(table, last, end))
            last = end
        return blocks

    def _block(self, table: WatchedTable, before: int, last: int) -> Block:
        # Column by column takes half the time of row by row.
        columns = (f"group_concat(coalesce({column}, {_NOTHING}), {_NEXT_ROW})" for column in table.columns)
        rows, text = self.connection.execute(
            f"SELECT count(*), CAST({f' || {_NEXT_COLUMN} || '.join(columns)} AS BLOB) FROM {table.name} NOT INDEXED "
            "WHERE rowid > ? AND rowid <= ?",
            (before, last),
        ).fetchone()
        return Block(last, rows, _digest(text or b""))

    def _runs(self, table: WatchedTable, before: int, last: int) -> frozenset[str]:
        # An index that holds the column tempts SQLite to read all of it instead of these few rows.
        rows = f"{table.name} NOT INDEXED WHERE rowid > ? AND rowid <= ?"
        sql = f"SELECT DISTINCT {table.run} FROM {rows} AND {table.where}"
        return frozenset(run for (run,) in self.connection.execute(sql, (before, last)))

    def _row(self, table: WatchedTable, rowid: int) -> str:
        """What tells the row with this number from every other; empty when there is none."""
        sql = f"SELECT {', '.join(table.key)} FROM {table.name} WHERE rowid = ?"
        row = self.connection.execute(sql, (rowid,)).fetchone()
        return "" if row is None else _digest(repr(row).encode())

    def _rowid_at(self, table: WatchedTable, after: int, rows: int) -> int:
        """The number of the row that many rows further, or of the last."""
        these = f"SELECT rowid FROM {table.name} NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT ?"
        sql = f"SELECT max(rowid) FROM ({these})"
        (last,) = self.connection.execute(sql, (after, rows)).fetchone()
        return after if last is None else int(last)

    def _highest(self, table: WatchedTable) -> int:
        (last,) = self.connection.execute(f"SELECT max(rowid) FROM {table.name}").fetchone()
        return last or 0


def _digest(content: bytes) -> str:
    # The swiftest of the good ones where the processor knows it.
    return b64encode(sha256(content).digest()[:9]).decode()
