"""A source that reads MLflow's database file finds whatever MLflow's own client changed, and only that."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.adapters.conftest_mlflow import Stored
from tests.adapters.held_runs import HeldRuns, held_of
from tests.adapters.said_by_mlflow import said_by_mlflow
from tests.adapters.test_mlflow_sqlite import OLD_SCHEMA, change, contents
from tests.fakes import Listening
from unipipe_tui.actions.runs.sync import SYNC
from unipipe_tui.adapters.mlflow.sqlite.changes import RUNS_AT_ONCE, SqliteRuns, readable_directly
from unipipe_tui.domain.errors import Failed, Stopped, ToolMissing, UsageError

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]

TABLES_OF_A_RUN = ("params", "metrics", "latest_metrics", "tags", "runs")


def collected_for_good(path: Path, run_id: str) -> None:
    """Remove a run's rows as `mlflow gc` does."""
    change(path, "".join(f"DELETE FROM {table} WHERE run_uuid = '{run_id}';" for table in TABLES_OF_A_RUN))


def many_runs(path: Path, count: int) -> None:
    """Add runs with a param, a metric and two tags each, by plain SQL."""
    ids = [(f"{number:032x}", number) for number in range(1, count + 1)]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, experiment_id, source_type) "
            "VALUES (?1, 'r' || ?2, 'FINISHED', ?2, 'active', 0, 'LOCAL')",
            ids,
        )
        connection.executemany("INSERT INTO params (run_uuid, key, value) VALUES (?1, 'depth', ?2)", ids)
        connection.executemany("INSERT INTO tags (run_uuid, key, value) VALUES (?1, 'number', ?2)", ids)
        connection.executemany("INSERT INTO tags (run_uuid, key, value) VALUES (?1, 'twin', ?2)", ids)
        for table in ("metrics", "latest_metrics"):
            sql = f"INSERT INTO {table} (run_uuid, key, value, timestamp, step, is_nan) VALUES (?1, 'auc', ?2, 1, 0, 0)"
            connection.executemany(sql, ids)


@pytest.fixture
def big(empty_database: Path, tmp_path: Path) -> Path:
    """A database with more runs than one batch holds."""
    path = tmp_path / "big.db"
    shutil.copyfile(empty_database, path)
    many_runs(path, 2 * RUNS_AT_ONCE + 500)
    return path


@pytest.fixture
def held(database: Stored) -> HeldRuns:
    """An index that is in step with the database."""
    index = HeldRuns()
    index.follow(SqliteRuns(database.path))
    return index


def a_run(number: int) -> str:
    return f"{number:032x}"


def test_values_that_plain_sql_changed_in_their_place_are_read_from_the_beginning_as_the_help_says(
    database: Stored, held: HeldRuns
) -> None:
    change(database.path, "UPDATE params SET value = 'by hand'; UPDATE latest_metrics SET value = 7.5, is_nan = 0;")
    held.cursor = None
    held.follow(SqliteRuns(database.path))
    assert {*held.params(database.finished).values(), *held.metrics(database.finished).values()} == {"by hand", 7.5}
    said = " ".join(SYNC.help.split())
    assert "with plain SQL (a value in its place, a param that was taken away) may go unseen: --again" in said


@pytest.mark.parametrize(("which", "read"), [(1, 300), (2000, 300), (4500, 4499)], ids=["oldest", "middle", "newest"])
def test_a_run_that_was_collected_for_good_is_gone(which: int, read: int, big: Path) -> None:
    index = HeldRuns()
    index.follow(SqliteRuns(big))
    collected_for_good(big, a_run(which))
    assert len(index.follow(SqliteRuns(big))) <= read
    assert [run_id for batch in index.batches for run_id in batch.gone] == [a_run(which)]
    assert len(index.runs) == 4499
    assert index.follow(SqliteRuns(big)) == set()


def test_rows_that_take_the_numbers_of_removed_ones_are_not_overlooked(big: Path) -> None:
    index = HeldRuns()
    index.follow(SqliteRuns(big))
    collected_for_good(big, a_run(4500))
    change(
        big,
        f"""INSERT INTO runs (run_uuid, name, status, lifecycle_stage, experiment_id, source_type)
            VALUES ('new', 'new', 'RUNNING', 'active', 0, 'LOCAL');
        INSERT INTO params (run_uuid, key, value) VALUES ('{a_run(7)}', 'late', 'param');
        INSERT INTO tags (run_uuid, key, value) VALUES ('{a_run(8)}', 'late', 'tag'), ('{a_run(8)}', 'two', 'tags');
        INSERT INTO metrics (run_uuid, key, value, timestamp, step, is_nan) VALUES ('{a_run(9)}', 'late', 1, 1, 1, 0);
        INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan)
            VALUES ('{a_run(9)}', 'late', 1, 1, 1, 0);""",
    )
    assert index.follow(SqliteRuns(big)) >= {"new", a_run(7), a_run(8), a_run(9)}
    assert index.runs == read_anew(big)


def test_a_database_whose_rows_were_all_numbered_anew_is_followed(big: Path) -> None:
    index = HeldRuns()
    index.follow(SqliteRuns(big))
    for number in (1, 2, 3):
        collected_for_good(big, a_run(number))
    for table in TABLES_OF_A_RUN:
        change(big, f"CREATE TABLE old AS SELECT * FROM {table}; DELETE FROM {table};")
        change(big, f"INSERT INTO {table} SELECT * FROM old; DROP TABLE old; VACUUM;")
    change(big, f"INSERT INTO params (run_uuid, key, value) VALUES ('{a_run(4)}', 'late', 'param')")
    index.follow(SqliteRuns(big))
    assert index.runs == read_anew(big)
    assert len(index.runs) == 4497


def test_one_changed_tag_among_thousands_makes_few_runs_read_again(big: Path) -> None:
    index = HeldRuns()
    index.follow(SqliteRuns(big))
    change(big, f"UPDATE tags SET value = 'other' WHERE run_uuid = '{a_run(17)}' AND key = 'twin'")
    read = index.follow(SqliteRuns(big))
    assert a_run(17) in read
    assert len(read) <= 100
    assert index.runs == read_anew(big)


def test_a_first_pass_that_was_interrupted_goes_on_behind_the_last_batch_and_sees_what_changed_meanwhile(
    big: Path,
) -> None:
    index = HeldRuns()
    begun = SqliteRuns(big).changes(None, index, Listening())
    index.take(next(begun))
    begun.close()
    first = set(index.runs)
    assert len(first) == RUNS_AT_ONCE
    change(big, f"UPDATE tags SET value = 'other' WHERE run_uuid = '{a_run(3)}'")
    collected_for_good(big, a_run(5))
    read = index.follow(SqliteRuns(big))
    assert len(read & first) <= 200
    assert index.batches[0].done == 2 * RUNS_AT_ONCE - 1
    assert index.runs == read_anew(big)


def test_a_pass_that_nobody_wants_any_more_ends_between_two_batches(big: Path) -> None:
    index = HeldRuns()
    with pytest.raises(Stopped):
        index.follow(SqliteRuns(big), Listening(patience=13))
    assert 0 < len(index.runs) < 4500
    index.follow(SqliteRuns(big))
    assert index.runs == read_anew(big)


def test_many_changes_of_which_some_were_taken_are_all_taken_at_last(big: Path) -> None:
    index = HeldRuns()
    index.follow(SqliteRuns(big))
    change(big, f"UPDATE runs SET status = 'KILLED' WHERE start_time <= {RUNS_AT_ONCE + 100}")
    begun = SqliteRuns(big).changes(index.cursor, index, Listening())
    index.take(next(begun))
    begun.close()
    index.follow(SqliteRuns(big))
    assert index.runs == read_anew(big)


def test_a_deleted_experiment_of_most_runs_is_read_in_the_order_of_the_table(big: Path) -> None:
    index = HeldRuns()
    index.follow(SqliteRuns(big))
    change(big, "UPDATE runs SET lifecycle_stage = 'deleted'")
    index.follow(SqliteRuns(big))
    assert [batch.done for batch in index.batches] == [2000, 4000, 4500, 4500]
    assert {run.run.lifecycle for run in index.runs.values()} == {"deleted"}


def test_a_file_that_took_the_place_of_another_is_read_anew_and_the_runs_of_the_other_are_gone(
    big: Path, database: Stored
) -> None:
    index = HeldRuns()
    index.follow(SqliteRuns(big))
    shutil.move(database.path, big)
    index.follow(SqliteRuns(big))
    assert index.runs == read_anew(big)
    assert index.runs.keys().isdisjoint({a_run(1)})


def test_an_older_copy_that_was_written_over_the_file_is_followed(big: Path, tmp_path: Path) -> None:
    older = tmp_path / "older.db"
    shutil.copyfile(big, older)
    index = HeldRuns()
    index.follow(SqliteRuns(big))
    change(big, f"INSERT INTO params (run_uuid, key, value) VALUES ('{a_run(4)}', 'late', 'param')")
    index.follow(SqliteRuns(big))
    big.write_bytes(older.read_bytes())
    index.follow(SqliteRuns(big))
    assert index.runs == read_anew(big)


@pytest.mark.parametrize("cursor", ["", "x", "[]", '{"format": 0}', '{"format": 1}', '{"format": 1, "database": null}'])
def test_a_cursor_that_means_nothing_counts_as_none(cursor: str, database: Stored) -> None:
    index = HeldRuns()
    index.cursor = cursor
    assert len(index.follow(SqliteRuns(database.path))) == len(index.runs) > 0


def test_a_database_of_mlflow_1_is_read_with_what_it_has(tmp_path: Path) -> None:
    path, index = tmp_path / "old.db", HeldRuns()
    change(path, OLD_SCHEMA)
    assert readable_directly(path) is None
    index.follow(SqliteRuns(path))
    assert index.runs["aa01"].run.name == "named by a tag"
    assert index.runs["aa01"].metrics == {("auc", "0.8", 0, 1500000000500)}
    assert ("none", "") in index.runs["aa01"].tags
    assert index.runs["aa02"].run.status == "RESTING"
    change(path, "INSERT INTO metrics VALUES ('auc', 0.7, 1600000000000, 'aa01')")
    index.follow(SqliteRuns(path))
    assert index.runs["aa01"].metrics == {("auc", "0.7", 0, 1600000000000)}


def test_tables_that_are_not_as_expected_are_named_and_refused(database: Stored) -> None:
    change(database.path, "ALTER TABLE params RENAME COLUMN value TO content")
    assert "params" in str(readable_directly(database.path))
    with pytest.raises(UsageError, match="params"):
        list(SqliteRuns(database.path).changes(None, HeldRuns(), Listening()))


def test_a_table_whose_rows_have_no_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    change(path, OLD_SCHEMA + "DROP TABLE tags; CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT, "
           "PRIMARY KEY (key, run_uuid)) WITHOUT ROWID;")  # fmt: skip
    assert "tags" in str(readable_directly(path))


def test_whether_a_file_can_be_read_is_told_at_once_though_it_is_locked_or_damaged(big: Path) -> None:
    with closing(sqlite3.connect(big, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        assert readable_directly(big) is None
        assert time.monotonic() - begun < 1
    big.write_bytes(b"no database at all")
    assert readable_directly(big) is None
    with pytest.raises(Failed, match="not a SQLite database"):
        HeldRuns().follow(SqliteRuns(big))


def test_tables_that_are_in_the_log_only_are_seen(tmp_path: Path) -> None:
    path, index = tmp_path / "old.db", HeldRuns()
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.executescript(OLD_SCHEMA)
        assert readable_directly(path) is None
        index.follow(SqliteRuns(path))
        writer.execute("UPDATE runs SET status = 'KILLED'")
        writer.commit()
        index.follow(SqliteRuns(path))
    assert {run.run.status for run in index.runs.values()} == {"KILLED"}


def test_a_migration_makes_everything_be_read_again(database: Stored, held: HeldRuns) -> None:
    change(database.path, "ALTER TABLE runs ADD COLUMN mood TEXT")
    assert held.follow(SqliteRuns(database.path)) == set(held.runs)


def test_a_store_that_does_not_exist_yet_holds_no_runs_and_that_is_told_until_there_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "nope.db"
    assert readable_directly(path) is None
    held = held_of(SqliteRuns(path))
    assert held.unreadable == [f"There is no file {path}: MLflow makes it when it logs the first run."]
    path.touch()
    held = held_of(SqliteRuns(path))
    assert (held.runs, held.experiments, held.unreadable) == ({}, {}, [])


@pytest.mark.parametrize(
    ("harm", "told"), [(Path.unlink, "is not there any more"), (lambda path: path.write_bytes(b""), "is empty")]
)
def test_a_store_that_vanished_or_was_emptied_is_refused_and_its_runs_stay_known_until_all_is_read_again(
    harm: Callable[[Path], object], told: str, database: Stored, held: HeldRuns
) -> None:
    known = dict(held.runs)
    harm(database.path)
    with pytest.raises(Failed) as refused:
        held.follow(SqliteRuns(database.path))
    assert refused.value.message == f"{database.path} {told}, although {len(known)} runs of it are known."
    assert "unipipe runs sync --again" in refused.value.hint
    assert held.runs == known
    held.cursor = None
    held.follow(SqliteRuns(database.path))
    assert (held.runs, held.experiments) == ({}, {})


def test_runs_of_other_workspaces_are_left_out_as_mlflow_leaves_them_out(database: Stored, held: HeldRuns) -> None:
    change(database.path, "UPDATE experiments SET workspace = 'other' WHERE name = 'payments'")
    held.follow(SqliteRuns(database.path))
    assert database.finished not in held.runs
    change(database.path, "UPDATE experiments SET workspace = 'default'")
    held.follow(SqliteRuns(database.path))
    assert held.runs == said_by_mlflow(database.client())


def test_a_text_that_is_no_utf8_and_a_tag_without_value_do_not_stop_the_reading(
    database: Stored, held: HeldRuns
) -> None:
    change(database.path, "UPDATE tags SET value = CAST(x'ff61' AS TEXT) WHERE key = 'author'")
    change(database.path, "UPDATE tags SET value = NULL WHERE key = 'empty'")
    held.follow(SqliteRuns(database.path))
    assert {("author", "\ufffda"), ("empty", "")} < held.runs[database.finished].tags


def test_a_locked_database_is_told_and_what_was_taken_stays(big: Path) -> None:
    index = HeldRuns()
    source = SqliteRuns(big, patience_seconds=0.1)
    begun = source.changes(None, index, Listening())
    index.take(next(begun))
    with closing(sqlite3.connect(big, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ToolMissing, match="locked"):
            next(begun)
        with pytest.raises(ToolMissing, match="locked"):
            index.follow(source)
    index.follow(source)
    assert index.runs == read_anew(big)


def test_a_database_that_was_copied_by_half_is_told_as_damaged(big: Path) -> None:
    big.write_bytes(big.read_bytes()[: big.stat().st_size // 2])
    index = HeldRuns()
    with pytest.raises(Failed, match="damaged"):
        index.follow(SqliteRuns(big))


def test_a_writer_can_commit_between_two_batches(big: Path) -> None:
    index = HeldRuns()
    begun = SqliteRuns(big).changes(None, index, Listening())
    for batch in begun:
        index.take(batch)
        with closing(sqlite3.connect(big, timeout=0.1)) as writer, writer:
            writer.execute("UPDATE runs SET status = 'KILLED' WHERE start_time = 1")
    index.follow(SqliteRuns(big))
    assert index.runs == read_anew(big)


def test_reading_changes_no_byte_and_leaves_no_file(big: Path, tmp_path: Path) -> None:
    change(big, "PRAGMA journal_mode = WAL")
    before = contents(tmp_path)
    index = HeldRuns()
    index.follow(SqliteRuns(big))
    index.follow(SqliteRuns(big))
    assert contents(tmp_path) == before
    assert len(index.runs) == 4500


def test_what_a_killed_writer_left_in_its_log_is_read_from_one_copy(big: Path, tmp_path: Path) -> None:
    index = HeldRuns()
    index.follow(SqliteRuns(big))
    killed = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode = WAL'); "
        "c.execute(\"UPDATE runs SET status = 'KILLED'\"); c.commit(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(big)], check=False, timeout=60)
    (tmp_path / "big.db-shm").unlink()
    before = contents(tmp_path)
    index.follow(SqliteRuns(big))
    assert {run.run.status for run in index.runs.values()} == {"KILLED"}
    assert contents(tmp_path) == before


def test_the_stamp_is_another_after_every_change_and_the_same_without_one(database: Stored) -> None:
    source = SqliteRuns(database.path)
    before = source.stamp()
    assert source.stamp() == before
    database.client().set_tag(database.finished, "author", "somebody else")
    assert source.stamp() != before


def test_the_stamp_sees_what_is_only_in_the_log(database: Stored) -> None:
    change(database.path, "PRAGMA journal_mode = WAL")
    source = SqliteRuns(database.path)
    with closing(sqlite3.connect(database.path)) as writer:
        before = source.stamp()
        writer.execute("UPDATE runs SET status = 'KILLED'")
        writer.commit()
        assert source.stamp() != before


@pytest.mark.parametrize("seed", range(2))
def test_after_any_changes_what_is_held_is_what_a_fresh_reading_finds(
    seed: int, empty_database: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mlflow.db"
    shutil.copyfile(empty_database, path)
    many_runs(path, 150)
    chance, index = random.Random(seed), HeldRuns()
    for _ in range(25):
        for _ in range(chance.choice((0, 1, 1, 3, 10))):
            change(path, chance.choice(RANDOM_CHANGES)(chance))
        if chance.random() < 0.2:
            begun = SqliteRuns(path).changes(index.cursor, index, Listening())
            index.take(next(begun))
            begun.close()
        index.follow(SqliteRuns(path))
        assert index.runs == read_anew(path)


def read_anew(path: Path) -> object:
    index = HeldRuns()
    index.follow(SqliteRuns(path))
    return index.runs


def some(chance: random.Random) -> str:
    """SQL for the id of some run, mostly one of the newest."""
    newest = "SELECT run_uuid FROM runs ORDER BY rowid DESC LIMIT 1 OFFSET"
    anywhere = f"{chance.random()} * (SELECT count(*) FROM runs)"
    return f"({newest} CAST({anywhere if chance.random() < 0.5 else chance.randrange(5)} AS INTEGER))"


def new_run(chance: random.Random) -> str:
    run_id = f"{chance.getrandbits(128):032x}"
    return (
        "INSERT INTO runs (run_uuid, name, status, lifecycle_stage, experiment_id, source_type) "
        f"VALUES ('{run_id}', 'new', 'RUNNING', 'active', 0, 'LOCAL'); "
        f"INSERT INTO tags (run_uuid, key, value) VALUES ('{run_id}', 'a', '1'), ('{run_id}', 'b', NULL);"
    )


def new_metric(chance: random.Random) -> str:
    row = f"({some(chance)}, 'k{chance.getrandbits(30)}', {chance.random()}, 5, {chance.randrange(9)}, 0)"
    return "".join(
        f"INSERT INTO {table} (run_uuid, key, value, timestamp, step, is_nan) VALUES {row};"
        for table in ("metrics", "latest_metrics")
    )


def removed_run(chance: random.Random) -> str:
    statements = [f"DELETE FROM {table} WHERE run_uuid IN (SELECT id FROM chosen);" for table in TABLES_OF_A_RUN]
    return f"CREATE TEMP TABLE chosen AS SELECT {some(chance)} AS id; {' '.join(statements)}"


RANDOM_CHANGES: tuple[Callable[[random.Random], str], ...] = (
    new_run,
    new_run,
    new_metric,
    removed_run,
    lambda chance: (
        f"INSERT INTO params (run_uuid, key, value) VALUES ({some(chance)}, 'p{chance.getrandbits(30)}', '1')"
    ),
    lambda chance: f"INSERT INTO tags (run_uuid, key, value) VALUES ({some(chance)}, 't{chance.getrandbits(30)}', '1')",
    lambda chance: f"UPDATE tags SET value = '{chance.random()}' WHERE key = 'twin' AND run_uuid = {some(chance)}",
    lambda chance: f"DELETE FROM tags WHERE key != 'number' AND run_uuid = {some(chance)}",
    lambda chance: (
        f"UPDATE runs SET status = 'KILLED', end_time = {chance.getrandbits(40)} WHERE run_uuid = {some(chance)}"
    ),
    lambda chance: f"UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid = {some(chance)}",
    lambda chance: f"UPDATE runs SET name = 'n{chance.getrandbits(30)}' WHERE run_uuid = {some(chance)}",
    lambda _: "VACUUM",
)
