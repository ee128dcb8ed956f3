"""Ways of counting that must agree: sorted, where the rows lie, and from values that were read for another purpose."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unipipe_tui.domain.errors import Failed, Stopped
from unipipe_tui.domain.events import Advanced, Event
from unipipe_tui.monitoring.counting.large import count_where_they_lie, has_few_values
from unipipe_tui.monitoring.counting.numbers import count_sorted, different, in_order
from unipipe_tui.monitoring.distributions import NumericDistribution, Profile, profile_of
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.rows import Numbers, open_rows
from unipipe_tui.monitoring.sources import Files, Relation
from unipipe_tui.monitoring.working import work_through

ROWS = 3_000
ENDLESS = "SELECT sum(sqrt(a.range * b.range)) FROM range(1000000) a, range(1000000) b"
SOON = 5.0


class Listening:
    """Hears everything, and says stop after so many events."""

    def __init__(self, stop_after: float = math.inf) -> None:
        self.events: list[Event] = []
        self._stop_after = stop_after

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def stopped(self) -> bool:
        return len(self.events) >= self._stop_after


def write(path: Path, **columns: Any) -> Files:
    pq.write_table(pa.table(columns), path)
    return Files((str(path),))


def mixed(seed: int) -> dict[str, Any]:
    chance = np.random.default_rng(seed)
    gaps = chance.random(ROWS) < 0.1
    return {
        "number": chance.normal(size=ROWS),
        "single": chance.normal(size=ROWS).astype(np.float32),
        "gaps": pa.array(chance.normal(size=ROWS), mask=gaps),
        "wild": np.where(gaps, math.inf, np.where(chance.random(ROWS) < 0.1, math.nan, chance.normal(size=ROWS))),
        "whole": chance.integers(-500, 500, ROWS),
        "whole with gaps": pa.array(chance.integers(0, 5000, ROWS), mask=gaps),
        "huge": pa.array([2**62 + int(value) for value in chance.integers(0, 2**40, ROWS)], pa.int64()),
        "unsigned": pa.array([2**64 - 1 - int(value) for value in chance.integers(0, 2**40, ROWS)], pa.uint64()),
        "exact": pa.array(chance.integers(0, 9999, ROWS)).cast(pa.decimal128(30, 2)),
        "few": chance.integers(0, 7, ROWS),
        "few with gaps": pa.array(chance.integers(0, 7, ROWS), mask=gaps),
        "text": pa.array([f"é{value}" for value in chance.integers(0, 400, ROWS)], mask=gaps),
        "flag": chance.random(ROWS) < 0.3,
        "nothing": pa.array([None] * ROWS, pa.float64()),
    }


def test_a_column_counted_from_its_values_is_counted_as_in_a_profile(tmp_path: Path) -> None:
    reference = profile(write(tmp_path / "then.parquet", **mixed(1)))
    now = {**mixed(2), "few": np.append(np.full(ROWS - 2, 1.0), [2.5, math.nan]), "number": ["n/a"] * ROWS}
    del now["flag"]
    current = write(tmp_path / "now.parquet", **now)
    with open_rows(current, like=reference) as rows:
        counted = {name: rows.counted_like(name, known) for name, known in reference.columns}
    assert profile_of(ROWS, counted) == profile(current, like=reference)


def test_values_that_were_counted_are_those_that_are_answered_with_next(tmp_path: Path) -> None:
    columns = mixed(1)
    files = write(tmp_path / "rows.parquet", **columns)
    reference = profile(files)
    # Deleted when one column is counted: what is answered with then was not read again.
    with pytest.raises(Failed), open_rows(files) as rows:
        read = rows.numbers("number")
        rows.counted_like("number", dict(reference.columns)["number"])
        (tmp_path / "rows.parquet").unlink()
        assert np.array_equal(rows.numbers("number").values, read.values)
        rows.numbers("whole")


def test_rows_in_another_order_have_the_same_digest(tmp_path: Path) -> None:
    columns = mixed(3) | {"zeros": np.where(np.arange(ROWS) % 2, 0.0, -0.0) * np.arange(ROWS)}
    order = np.random.default_rng(4).permutation(ROWS)
    turned = {name: pa.array(values).take(pa.array(order)) for name, values in columns.items()}
    then, now = write(tmp_path / "then.parquet", **columns), write(tmp_path / "now.parquet", **turned)
    assert profile(then).digest == profile(now).digest
    assert profile(now, like=profile(then)).digest == profile(then, like=profile(now)).digest


floats = st.one_of(
    st.floats(), st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, 1e150])
)


@settings(max_examples=60)
@given(st.lists(st.none() | floats, max_size=40), st.lists(floats.filter(math.isfinite), max_size=6, unique=True))
def test_sorted_values_and_values_where_they_lie_are_counted_alike(
    values: list[float | None], edges: list[float]
) -> None:
    known = tuple(sorted({edge + 0.0 for edge in edges}))
    with duckdb.connect() as connection:
        connection.execute('CREATE TABLE source AS SELECT unnest(?::DOUBLE[]) AS "x"', [values])
        there = count_where_they_lie(connection, "x", len(values), known, 20)
        fetched = connection.execute('SELECT "x" AS value FROM source').fetchnumpy()["value"]
    here = in_order(fetched)
    counted = count_sorted(here, len(values) - len(here), known, 20)
    assert (counted.edges, counted.counts, counted.missing) == (there.edges, there.counts, there.missing)
    assert (counted.minimum, counted.maximum) == (there.minimum, there.maximum)
    if counted.mean is None:
        assert there.mean is there.std is None
    else:
        scale = max(abs(value) for value in values if value is not None and abs(value) < 1e150)
        assert counted.mean == pytest.approx(there.mean, rel=1e-9, abs=1e-9 * scale)
        assert counted.std == pytest.approx(there.std, rel=1e-6, abs=1e-6 * scale)


@settings(max_examples=60)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=60), st.integers(1, 25))
def test_new_bins_hold_every_value_and_begin_and_end_with_it(values: list[float], bins: int) -> None:
    counted = count_sorted(np.sort(np.array(values)), 0, None, bins)
    finite = [value for value in values if math.isfinite(value)]
    assert sum(counted.counts) == len(values)
    assert list(counted.edges) == sorted(set(counted.edges))
    if finite:
        assert counted.counts[-1] == sum(value == math.inf for value in values)
        assert counted.edges[-1] == max(finite)
        assert len(counted.edges) <= bins + 1


def test_a_set_too_long_to_hold_gets_nearly_equal_masses() -> None:
    with duckdb.connect() as connection:
        connection.execute('CREATE TABLE source AS SELECT (range * 7919) % 100003 AS "x" FROM range(100003)')
        counted = count_where_they_lie(connection, "x", 100_003, None, 20)
        assert not has_few_values(connection, "x", 20)
    assert (counted.present, counted.minimum, counted.maximum) == (100_003, 0.0, 100_002.0)
    assert all(count == pytest.approx(5_000, rel=0.25) for count in counted.counts[1:-1])


def test_few_values_are_counted_each_and_more_are_not() -> None:
    assert different(np.array([-1, 2, 2, 2**63 - 1]), 3) == [(-1, 1), (2, 2), (2**63 - 1, 1)]
    assert different(np.array([1, 2, 3, 4]), 3) is None
    assert different(np.array([], dtype=np.int64), 3) == []


def test_progress_tells_how_many_columns_are_counted(tmp_path: Path) -> None:
    heard = Listening()
    columns = mixed(1)
    profile(write(tmp_path / "rows.parquet", **columns), progress=heard)
    told = [event for event in heard.events if isinstance(event, Advanced)]
    assert [event.done for event in told] == sorted({event.done for event in told})
    assert told[-1] == Advanced(len(columns), len(columns), "columns")


def test_a_stop_ends_a_profile_and_its_connection_can_be_closed(tmp_path: Path) -> None:
    files = write(tmp_path / "rows.parquet", **{f"c{place}": [str(place)] * 9 for place in range(200)})
    with pytest.raises(Stopped):
        profile(files, progress=Listening(stop_after=2))


def test_what_runs_when_it_is_stopped_is_interrupted_and_what_waits_never_begins() -> None:
    begun: list[int] = []

    def endless(connection: duckdb.DuckDBPyConnection) -> None:
        begun.append(1)
        connection.execute(ENDLESS).fetchall()

    with duckdb.connect() as connection:
        before = time.monotonic()
        with pytest.raises(Stopped):
            work_through(connection, [endless] * 50, Listening(stop_after=0))
        assert time.monotonic() - before < SOON
    assert len(begun) <= 2


def count_for_ever() -> None:
    profile(Relation(ENDLESS))


def read_for_ever() -> None:
    with open_rows(Relation(ENDLESS)):
        pass


def work_for_ever() -> None:
    with duckdb.connect() as connection:
        work_through(connection, [lambda cursor: cursor.execute(ENDLESS).fetchall()] * 9, Listening())


@pytest.mark.parametrize("endless", [count_for_ever, read_for_ever, work_for_ever])
def test_ctrl_c_ends_what_would_take_for_ever(endless: Callable[[], None]) -> None:
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        endless()
    timer.join()
    assert time.monotonic() - before < SOON


def test_a_part_that_fails_ends_the_others() -> None:
    def fails(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("SELECT * FROM nowhere")

    endless: Callable[[duckdb.DuckDBPyConnection], object] = lambda cursor: cursor.execute(ENDLESS).fetchall()  # noqa: E731
    before = time.monotonic()
    with duckdb.connect() as connection, pytest.raises(duckdb.CatalogException):
        work_through(connection, [fails, endless, endless, endless], Listening())
    assert time.monotonic() - before < SOON


def test_what_is_not_there_or_of_another_type_is_counted_from_values_as_a_problem(tmp_path: Path) -> None:
    reference = profile(write(tmp_path / "then.parquet", x=np.arange(100.0)))
    known = reference.column("x")
    assert isinstance(known, NumericDistribution)
    with open_rows(write(tmp_path / "now.parquet", y=[1, 2])) as rows:
        counted = rows.counted_like("x", known)
        assert rows.numbers("x") == Numbers(rows.numbers("x").values)
    assert profile_of(2, {"x": counted}) == profile(write(tmp_path / "now.parquet", y=[1, 2]), like=reference)


def test_no_rows_are_counted_from_values_as_nothing() -> None:
    reference: Profile = profile(Relation("SELECT range AS x, 'a' AS who FROM range(100)"))
    with open_rows(Files(()), like=reference) as rows:
        counted = {name: rows.counted_like(name, known) for name, known in reference.columns}
    assert profile_of(0, counted) == profile(Files(()), like=reference)
