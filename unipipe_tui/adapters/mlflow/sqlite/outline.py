"""The outline of a metric's history out of MLflow's database, of a million values without reading them into Python."""

# ruff: noqa: S608 - the only names put into the SQL are our own constants, probed columns and indexes; values are bound

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from unipipe_tui.adapters.mlflow.sqlite.readonly import Schema
from unipipe_tui.adapters.mlflow.sqlite.second_reader import answers, second_reader
from unipipe_tui.domain.outlines import (
    BOUNDLESS,
    Logged,
    MetricOutline,
    OutlineAxis,
    OutlineCell,
    is_finite,
    outline_of,
)
from unipipe_tui.domain.values import frozen

FEW = 20_000
"""Up to so many values reading them all is as quick as anything else."""

SAMPLES, SAMPLED_ROWS = 5, 1_000
MOST_FOR_STEPS, MOST_FOR_TIME = 2, 10
"""How many rows may be looked at for one of the run's own, with and without another index that could answer."""

LOOKED_AT_OF_A_STEP = 100
SMALLEST, LARGEST = -(2**63), 2**63 - 1
BY_TIME = "key,timestamp,step,run_uuid,value"
BY_STEP = "run_uuid,key,step"


def outline(
    connection: sqlite3.Connection, schema: Schema, run_id: str, key: str, cells: int, few: int = FEW
) -> MetricOutline:
    """The outline of one metric of one run, as `outline_of` makes it; without cells when it was never logged.

    Two indexes of the table matter. `(run_uuid, key, step)` finds the values of a run but holds none of them: it costs
    one look into the table per value. The primary key `(key, timestamp, step, run_uuid, value, is_nan)` holds
    everything, but by time and with all runs mixed. Of a million values among 2.6 million the extremes of 200 cells
    took 0.59 s over the first and 0.25 s in stretches of time over the second. So cells of steps are looked for as
    stretches of time; where time and steps do not go the same way, or most rows of the stretches belong to other runs,
    the first index answers. Of many values two readers at once count the cells.
    """
    if not schema.has("metrics", "run_uuid", "key", "value", "timestamp"):
        return outline_of(key, (), cells)
    step, nan = schema.column("metrics", "step", "0"), schema.column("metrics", "is_nan", "0")
    asked = _History(connection, step, nan, run_id, key)
    if not asked.has_more_than(few):
        return outline_of(key, asked.all_values(), cells)
    with second_reader(connection) as other:
        axis, found = asked.cells((connection,) if other is None else (connection, other), max(cells, 1))
    if found is None:
        return outline_of(key, asked.all_values(), cells)
    made = tuple(OutlineCell(c.first, c.last, c.low, c.high, c.end, c.count) for c in found)
    return MetricOutline(key, axis, made, sum(c.count for c in found), sum(c.strange for c in found))


@frozen
class _Counted:
    """What the database says of some rows."""

    count: int
    first: int
    last: int
    low: float | None
    high: float | None
    strange: int
    """How many values are no finite numbers."""


@frozen
class _Cell(_Counted):
    """What it says of those of a cell."""

    end: float | None


class _Span(NamedTuple):
    """The places of a cell; both ends belong to it."""

    begin: int
    last: int


@frozen
class _Rows:
    """Rows that lie together in an index."""

    index: str
    where: str
    values: tuple[object, ...]


@frozen
class _Stretch:
    """A cell, and the rows that it should be made of: in no other stretch, and together with the others all rows."""

    span: _Span
    rows: tuple[_Rows, ...]


@frozen
class _History:
    """The questions about one metric of one run."""

    connection: sqlite3.Connection
    step: str
    nan: str
    """SQL for the columns, which older databases lack."""
    run_id: str
    key: str

    def has_more_than(self, count: int) -> bool:
        """Whether there are more values than this; stops counting there."""
        sql = "SELECT 1 FROM metrics WHERE run_uuid = ? AND key = ? LIMIT 1 OFFSET ?"
        return self.connection.execute(sql, (self.run_id, self.key, count)).fetchone() is not None

    def all_values(self) -> Iterator[Logged]:
        """Everything that was logged; of several values for one step and moment the largest last, or what is no number."""
        sql = (
            f"SELECT {self.step}, timestamp, value, {self.nan} FROM metrics WHERE run_uuid = ? AND key = ? "
            f"ORDER BY {self.nan} + 0, value"
        )
        for step, at, value, is_nan in self.connection.execute(sql, (self.run_id, self.key)):
            yield Logged(int(step), int(at or 0), float("nan") if is_nan else float(value))

    def cells(self, readers: Sequence[sqlite3.Connection], cells: int) -> tuple[OutlineAxis, list[_Cell] | None]:
        """The cells that hold something, and along what; None where no index helps to find them."""
        by_time, by_step = self._index(BY_TIME), self._index(BY_STEP)
        if not by_time or not by_step or self._has_unknown_moments(by_time):
            return OutlineAxis.STEP, None
        counting = _Counting(self, OutlineAxis.STEP, by_time, by_step)
        low, high = (self._end_of(by_step, "step", order) for order in ("ASC", "DESC"))
        if low == high:
            counting = _Counting(self, OutlineAxis.TIME, by_time, by_step)
            low, high = (self._end_of(by_time, "timestamp", order) for order in ("ASC", "DESC"))
            spans = _spans(low, high, cells)
            if self._is_crowded(by_time, [(span.begin, SMALLEST) for span in spans], MOST_FOR_TIME):
                return OutlineAxis.TIME, None
            return OutlineAxis.TIME, counting.counted(readers, [counting.in_span_of_time(span) for span in spans])
        spans = _spans(low, high, cells)
        marks = self._marks(by_step, spans)
        found = None
        if marks == sorted(marks) and not self._is_crowded(by_time, marks, MOST_FOR_STEPS):
            found = counting.counted(readers, counting.in_stretches_of_time(spans, marks))
        return OutlineAxis.STEP, found if found is not None else counting.counted(
            readers, [counting.in_span_of_steps(one) for one in spans]
        )

    def _index(self, columns: str) -> str:
        """The index that begins with these columns, as it is named in SQL; empty when there is none."""
        sql = (
            "SELECT l.name, (SELECT group_concat(i.name) FROM (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno) i) "
            "FROM pragma_index_list('metrics') l WHERE l.partial = 0"
        )
        for name, found in self.connection.execute(sql):
            if f"{found},".startswith(f"{columns},"):
                return '"' + str(name).replace('"', '""') + '"'
        return ""

    def _has_unknown_moments(self, by_time: str) -> bool:
        sql = f"SELECT 1 FROM metrics INDEXED BY {by_time} WHERE key = ? AND timestamp IS NULL LIMIT 1"
        return self.connection.execute(sql, (self.key,)).fetchone() is not None

    def _end_of(self, index: str, place: str, order: str) -> int:
        """The smallest or the largest step or moment."""
        sql = f"SELECT {place} FROM metrics INDEXED BY {index} WHERE run_uuid = ? AND key = ? ORDER BY {place} {order} LIMIT 1"
        return int(self.connection.execute(sql, (self.run_id, self.key)).fetchone()[0])

    def _marks(self, by_step: str, spans: Sequence[_Span]) -> list[tuple[int, int]]:
        """When the first step of each span was logged first, and where the span begins."""
        of_run = f"FROM metrics INDEXED BY {by_step} WHERE run_uuid = ?1 AND key = ?2"
        sql = (
            f"SELECT min(timestamp) FROM (SELECT timestamp {of_run} AND step = "
            f"(SELECT step {of_run} AND step >= ?3 ORDER BY step LIMIT 1) LIMIT {LOOKED_AT_OF_A_STEP})"
        )
        found = (self.connection.execute(sql, (self.run_id, self.key, span.begin)).fetchone() for span in spans)
        return [(int(at), span.begin) for (at,), span in zip(found, spans, strict=True)]

    def _is_crowded(self, by_time: str, marks: Sequence[tuple[int, int]], most: int) -> bool:
        """Whether too much of what was logged under this key since these moments and steps belongs to other runs."""
        sql = (
            "SELECT count(*), coalesce(sum(run_uuid = ?), 0) FROM (SELECT run_uuid FROM metrics "
            f"INDEXED BY {by_time} WHERE key = ? AND (timestamp, step) >= (?, ?) LIMIT {SAMPLED_ROWS})"
        )
        sampled = [marks[number * len(marks) // SAMPLES] for number in range(SAMPLES)]
        found = [self.connection.execute(sql, (self.run_id, self.key, *mark)).fetchone() for mark in sampled]
        return bool(sum(own for _, own in found) * most < sum(rows for rows, _ in found))


@frozen
class _Counting:
    """How cells along one axis are counted; each question goes to whatever reader is free."""

    history: _History
    axis: OutlineAxis
    by_time: str
    by_step: str

    def in_stretches_of_time(self, spans: Sequence[_Span], marks: Sequence[tuple[int, int]]) -> list[_Stretch]:
        """Stretches from mark to mark in the order of moments, then steps; the first and the last reach to all of time."""
        edges = [(SMALLEST, SMALLEST), *marks[1:], (LARGEST, LARGEST + 1)]
        return [_Stretch(span, self._between(*two)) for span, two in zip(spans, pairwise(edges), strict=True)]

    def in_span_of_steps(self, span: _Span) -> _Stretch:
        """The rows with these steps."""
        where = "run_uuid = ? AND key = ? AND step >= ? AND step <= ?"
        return _Stretch(span, (_Rows(self.by_step, where, (self.history.run_id, self.history.key, *span)),))

    def in_span_of_time(self, span: _Span) -> _Stretch:
        """The rows of these moments."""
        where = "run_uuid = ? AND key = ? AND timestamp >= ? AND timestamp <= ?"
        return _Stretch(span, (_Rows(self.by_time, where, (self.history.run_id, self.history.key, *span)),))

    def counted(self, readers: Sequence[sqlite3.Connection], stretches: Sequence[_Stretch]) -> list[_Cell] | None:
        """The cells that hold something; None when a stretch has rows of another cell."""
        found = answers(readers, self._cell, stretches)
        pairs = [(one, stretch.span) for one, stretch in zip(found, stretches, strict=True) if one is not None]
        if any(cell.first < span.begin or cell.last > span.last for cell, span in pairs):
            return None
        return [cell for cell, _ in pairs]

    def _between(self, begin: tuple[int, int], end: tuple[int, int]) -> tuple[_Rows, ...]:
        """Rows at the first moment from its step on, of all moments between, and at the last moment before its step."""
        (since, step), (until, before) = begin, end
        if since == until:
            return (self._at(since, step, before - 1),)
        where = "run_uuid = ? AND key = ? AND timestamp > ? AND timestamp < ?"
        between = _Rows(self.by_time, where, (self.history.run_id, self.history.key, since, until))
        return self._at(since, step, LARGEST), between, self._at(until, SMALLEST, before - 1)

    def _at(self, moment: int, first: int, last: int) -> _Rows:
        where = "run_uuid = ? AND key = ? AND timestamp = ? AND step >= ? AND step <= ?"
        return _Rows(self.by_time, where, (self.history.run_id, self.history.key, moment, first, last))

    def _cell(self, reader: sqlite3.Connection, stretch: _Stretch) -> _Cell | None:
        parts = [part for rows in stretch.rows if (part := self._count(reader, rows)) is not None]
        if not parts:
            return None
        first, last = min(part.first for part in parts), max(part.last for part in parts)
        return _Cell(
            sum(part.count for part in parts),
            first,
            last,
            min((part.low for part in parts if part.low is not None), default=None),
            max((part.high for part in parts if part.high is not None), default=None),
            sum(part.strange for part in parts),
            self._end(reader, last),
        )

    def _count(self, reader: sqlite3.Connection, rows: _Rows) -> _Counted | None:
        place = "step" if self.axis is OutlineAxis.STEP else "timestamp"
        source = f"FROM metrics INDEXED BY {rows.index} WHERE {rows.where}"
        count, first, last, low, high, nan = reader.execute(
            f"SELECT count(*), min({place}), max({place}), min(value), max(value), sum({self.history.nan}) {source}",
            rows.values,
        ).fetchone()
        if not count:
            return None
        if not nan and is_finite(low) and is_finite(high):
            return _Counted(count, first, last, low, high, 0)
        # A NaN is kept as 0 and an infinity as the largest number: only where there are some the values are sifted.
        low, high, numbers = reader.execute(
            f"SELECT min(value), max(value), count(*) {source} "
            f"AND {self.history.nan} = 0 AND value > {-BOUNDLESS!r} AND value < {BOUNDLESS!r}",
            rows.values,
        ).fetchone()
        return _Counted(count, first, last, low, high, count - numbers)

    def _end(self, reader: sqlite3.Connection, place: int) -> float | None:
        """The value that was logged last of those with this step, or at this moment."""
        column, index = ("step", self.by_step) if self.axis is OutlineAxis.STEP else ("timestamp", self.by_time)
        value, is_nan = reader.execute(
            f"SELECT value, {self.history.nan} AS strange FROM metrics INDEXED BY {index} "
            f"WHERE run_uuid = ? AND key = ? AND {column} = ? ORDER BY timestamp DESC, strange DESC, value DESC LIMIT 1",
            (self.history.run_id, self.history.key, place),
        ).fetchone()
        return None if is_nan or not is_finite(value) else float(value)


def _spans(low: int, high: int, cells: int) -> list[_Span]:
    """The cells of `outline_of`: the places of equal `(place - low) * cells // width`."""
    width = high - low + 1
    begins = {low - (-number * width // cells) for number in range(cells)} | {high + 1}
    return [_Span(begin, after - 1) for begin, after in pairwise(sorted(begins))]
