"""The outline of a long history that SQLite counts itself is the one that would be made of all its values."""

from __future__ import annotations

import math
import random
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest

from tests.adapters.conftest_mlflow import Stored
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.adapters.mlflow.sqlite import outline as sqlite_outline
from unipipe_tui.adapters.mlflow.sqlite.readonly import probe, read_only
from unipipe_tui.domain.outlines import BOUNDLESS, Logged, MetricOutline, OutlineAxis, outline_of

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]

MANY = sqlite_outline.FEW + 1_000
BEGUN = 1_700_000_000_000
OLD_METRICS = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR);
CREATE TABLE runs (run_uuid VARCHAR PRIMARY KEY, status VARCHAR, start_time BIGINT, experiment_id INTEGER);
CREATE TABLE metrics (key VARCHAR, value FLOAT, timestamp BIGINT, run_uuid VARCHAR);
"""


def files(path: Path) -> TrackingFiles:
    return TrackingFiles(place_of(f"sqlite:///{path}", path.parent, "a test"))


def add(path: Path, rows: Iterable[tuple[str, Logged]], key: str = "loss") -> None:
    """Log values of runs as MLflow stores them: a NaN as 0 with a mark, an infinity as the largest number."""
    stored = (
        (key, 0.0 if math.isnan(one.value) else max(min(one.value, BOUNDLESS), -BOUNDLESS), one.at, run_id, one.step,
         int(math.isnan(one.value)))
        for run_id, one in rows
    )  # fmt: skip
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)", stored
        )


def steady(count: int, at: Callable[[int], int] = lambda step: BEGUN + step * 10) -> list[Logged]:
    chance = random.Random(7)
    return [Logged(step, at(step), chance.gauss(0, 1)) for step in range(count)]


def numbers_of(outline: MetricOutline) -> tuple[object, ...]:
    lows = [cell.low for cell in outline.cells if cell.low is not None]
    highs = [cell.high for cell in outline.cells if cell.high is not None]
    return outline.axis, outline.count, outline.not_finite, min(lows), max(highs), outline.cells[-1].end


def check_each_cell(outline: MetricOutline, history: list[Logged]) -> None:
    """Every cell says what is true of the steps that it spans, and all steps are in one."""
    assert sum(cell.count for cell in outline.cells) == len(history)
    for cell in outline.cells:
        values = [one.value for one in history if cell.first <= one.step <= cell.last]
        finite = [value for value in values if math.isfinite(value) and abs(value) < BOUNDLESS]
        assert (cell.count, cell.low, cell.high) == (len(values), min(finite, default=None), max(finite, default=None))


def test_a_long_history_has_the_cells_that_its_values_would_make(database: Stored) -> None:
    history = steady(MANY)
    add(database.path, [(database.finished, one) for one in history])
    outline = files(database.path).metric_outline(database.finished, "loss", 50)
    check_each_cell(outline, history)
    assert 45 <= len(outline.cells) <= 50
    assert numbers_of(outline) == numbers_of(outline_of("loss", history, 50))


def test_in_a_long_history_what_is_no_number_is_a_gap(database: Stored) -> None:
    history = steady(MANY)
    strange = {5: math.nan, 700: math.inf, 701: -math.inf, **dict.fromkeys(range(3_000, 4_200), math.nan)}
    history = [one._replace(value=strange.get(one.step, one.value)) for one in history]
    add(database.path, [(database.finished, one) for one in history])
    outline = files(database.path).metric_outline(database.finished, "loss", 50)
    check_each_cell(outline, history)
    assert outline.not_finite == 1203
    assert any(cell.low is None and cell.end is None for cell in outline.cells)


@pytest.mark.parametrize(
    "at",
    [
        lambda step: BEGUN + (MANY - step) * 10,
        lambda step: BEGUN,
        lambda step: BEGUN + random.Random(step).randrange(10**6),
        lambda step: BEGUN + (step % 1000) * 10,
    ],
    ids=["backwards", "all at once", "in disorder", "again and again"],
)
def test_steps_that_do_not_follow_time_are_still_cells_of_steps(database: Stored, at: Callable[[int], int]) -> None:
    history = steady(MANY, at)
    add(database.path, [(database.finished, one) for one in history])
    outline = files(database.path).metric_outline(database.finished, "loss", 50)
    check_each_cell(outline, history)
    assert len(outline.cells) == 50


def test_what_other_runs_logged_at_the_same_time_does_not_count(database: Stored) -> None:
    history = steady(MANY)
    others = [(run, one._replace(value=99.0)) for run in (database.failed, database.running) for one in history]
    add(database.path, [*((database.finished, one) for one in history), *others])
    add(database.path, [(database.finished, one._replace(value=-99.0)) for one in history], key="other")
    outline = files(database.path).metric_outline(database.finished, "loss", 50)
    check_each_cell(outline, history)


def test_a_long_history_without_steps_is_laid_out_over_time(database: Stored) -> None:
    history = [one._replace(step=0) for one in steady(MANY)]
    add(database.path, [(database.finished, one) for one in history])
    outline = files(database.path).metric_outline(database.finished, "loss", 50)
    assert outline.axis is OutlineAxis.TIME
    assert [(c.first, c.last, c.low, c.high, c.end, c.count) for c in outline.cells] == [
        (c.first, c.last, c.low, c.high, c.end, c.count) for c in outline_of("loss", history, 50).cells
    ]


def test_the_last_value_of_a_cell_is_the_one_that_was_logged_last(database: Stored) -> None:
    history = [*steady(MANY), Logged(MANY - 1, BEGUN + 10**9, 5.0), Logged(MANY - 1, BEGUN + 10**8, 6.0)]
    add(database.path, [(database.finished, one) for one in history])
    assert files(database.path).metric_outline(database.finished, "loss", 50).cells[-1].end == 5.0


def test_a_short_history_in_either_form_of_store_is_the_same(store: Stored) -> None:
    tracking = TrackingFiles(place_of(store.uri, store.path.parent, "a test"))
    outline = tracking.metric_outline(store.finished, "auc", 10)
    assert [(cell.first, cell.end) for cell in outline.cells] == [(0, 0.5), (1, 0.9), (2, 0.7)]
    broken = tracking.metric_outline(store.finished, "broken", 10)
    logged = len(store.client().get_metric_history(store.finished, "broken"))
    assert (broken.count, broken.not_finite, broken.cells[0].low) == (logged, logged, None)
    assert tracking.metric_outline(store.finished, "never", 10).cells == ()
    assert tracking.metric_outline("no such run", "auc", 10).count == 0


def test_a_database_of_before_steps_is_laid_out_over_time(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    rows = [("loss", float(n), BEGUN + n, "aa01") for n in range(MANY)]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(OLD_METRICS)
        connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?)", rows)
    outline = files(path).metric_outline("aa01", "loss", 20)
    assert (outline.axis, outline.count, len(outline.cells)) == (OutlineAxis.TIME, MANY, 20)
    assert (outline.cells[0].low, outline.cells[-1].end) == (0.0, float(MANY - 1))


def test_looking_at_a_long_history_changes_no_byte_and_takes_no_second(database: Stored) -> None:
    add(database.path, [(database.finished, one) for one in steady(200_000)])
    before = database.path.stat()
    started = time.perf_counter()
    outline = files(database.path).metric_outline(database.finished, "loss", 200)
    seconds = time.perf_counter() - started
    after = database.path.stat()
    assert outline.count == 200_000
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    assert seconds < 1.0  # some 60 ms when the machine is free


def disorderly(chance: random.Random) -> list[Logged]:
    """A history of ties, gaps, negative steps, values that are no numbers, and moments in or out of order."""
    steps, order = chance.choice([1, 2, 30, 700, 10**6]), chance.choice(["onwards", "ties", "one", "any"])
    moments = {
        "onwards": lambda n, _: n * 10,
        "ties": lambda _, step: step // 3,
        "one": lambda *_: 5,
        "any": lambda *_: 0,
    }
    values = (math.nan, math.inf, -math.inf, 0.0, -1.5, 2.0)
    history = []
    for number, step in enumerate(sorted(chance.randrange(-steps // 2, steps) for _ in range(900))):
        at = BEGUN + (chance.randrange(300) if order == "any" else moments[order](number, step))
        history.append(Logged(step, at, chance.choice(values) if chance.random() < 0.1 else chance.gauss(0, 9)))
    # The table takes a row once.
    history = list({(one.step, one.at, repr(one.value)): one for one in history}.values())
    chance.shuffle(history)
    return history


@pytest.mark.parametrize("seed", range(40))
def test_two_readers_count_whatever_was_logged_as_outline_of_does(database: Stored, seed: int) -> None:
    chance = random.Random(seed)
    history = disorderly(chance)
    add(database.path, [(database.finished, one) for one in history])
    add(database.path, [(database.failed, one) for one in disorderly(chance)[: chance.choice([0, 100, 900])]])
    # Of values for one step and moment the largest counts as the last, or what is no number.
    stored = sorted(history, key=lambda one: (math.isnan(one.value), 0.0 if math.isnan(one.value) else one.value))
    for cells in (-1, 1, 7, 200):
        found = read_only(
            database.path,
            lambda open_, cells=cells: sqlite_outline.outline(
                open_, probe(open_), database.finished, "loss", cells, few=20
            ),
        )
        assert found == outline_of("loss", stored, cells)
