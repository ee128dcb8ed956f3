"""A database of any age, in any state a writer may leave it, is read without changing it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.adapters.conftest_mlflow import MODEL, Stored
from unipipe_tui.adapters.mlflow.files import TrackingFiles
from unipipe_tui.adapters.mlflow.places import place_of
from unipipe_tui.adapters.mlflow.sqlite.readonly import read_only
from unipipe_tui.domain.errors import Failed, ToolMissing, UsageError
from unipipe_tui.domain.tracking import RunStatus

pytest_plugins = ("tests.adapters.conftest_mlflow",)
pytestmark = [pytest.mark.xdist_group("mlflow"), pytest.mark.usefixtures("one_store_at_a_time")]

OLD_SCHEMA = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256), artifact_location VARCHAR(256),
    lifecycle_stage VARCHAR(32));
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), source_type VARCHAR(20), status VARCHAR(20),
    start_time BIGINT, end_time BIGINT, lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200), experiment_id INTEGER);
CREATE TABLE tags (key VARCHAR(250), value VARCHAR(250), run_uuid VARCHAR(32));
CREATE TABLE params (key VARCHAR(250), value VARCHAR(250), run_uuid VARCHAR(32));
CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32));
CREATE TABLE alembic_version (version_num VARCHAR(32));
INSERT INTO experiments VALUES (0, 'Default', './mlruns/0', 'active');
INSERT INTO runs VALUES ('aa01', '', 'LOCAL', 'FINISHED', 1500000000000, 1500000001000, 'active', './mlruns/0/aa01', 0);
INSERT INTO runs VALUES ('aa02', 'two', 'LOCAL', 'RESTING', NULL, NULL, 'active', NULL, 0);
INSERT INTO tags VALUES ('mlflow.runName', 'named by a tag', 'aa01'), ('none', NULL, 'aa01');
INSERT INTO params VALUES ('lr', '0.1', 'aa01');
INSERT INTO metrics VALUES ('auc', 0.9, 1500000000000, 'aa01'), ('auc', 0.8, 1500000000500, 'aa01');
"""


def files(path: Path, patience_seconds: float = 0.1) -> TrackingFiles:
    return TrackingFiles(place_of(f"sqlite:///{path}", path.parent, "a test"), patience_seconds)


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "mlflow.db"
    change(path, OLD_SCHEMA)
    return path


def test_a_database_of_mlflow_1_is_read_with_what_it_has(old: Path) -> None:
    run = files(old).run("aa01")
    assert (run.name, run.params, run.metric("auc")) == ("named by a tag", {"lr": "0.1"}, 0.8)
    assert run.tags["none"] == ""
    assert run.datasets == ()
    assert [cell.end for cell in files(old).metric_outline("aa01", "auc", 10).cells] == [0.9, 0.8]
    assert files(old).models() == ()
    assert len(files(old).problems()) == 4


def test_a_status_that_nobody_knows_and_a_missing_start_are_shown_as_such(old: Path) -> None:
    page = files(old).runs(5)
    assert [run.run_id for run in page.runs] == ["aa01", "aa02"]
    assert (page.runs[1].status, page.runs[1].started, page.runs[1].last_change) == (RunStatus.UNKNOWN, None, None)


def test_a_registry_of_mlflow_1_has_stages_and_no_aliases(old: Path) -> None:
    change(
        old,
        """
        CREATE TABLE registered_models (name VARCHAR(256) PRIMARY KEY, creation_time BIGINT);
        CREATE TABLE model_versions (name VARCHAR(256), version INTEGER, creation_time BIGINT,
            current_stage VARCHAR(20), source VARCHAR(500), run_id VARCHAR(32), status VARCHAR(20));
        INSERT INTO registered_models VALUES ('churn', 1500000000000);
        INSERT INTO model_versions VALUES ('churn', 1, 1500000000000, 'Archived', 'runs:/aa01/model', 'aa01', 'READY'),
            ('churn', 2, 1500000000000, 'Staging', '/elsewhere/model', '', NULL),
            ('churn', 10, 1500000000000, 'None', 's3://bucket/model', NULL, 'READY'),
            ('churn', 11, 1500000000000, 'Deleted_Internal', NULL, NULL, 'READY');
        """,
    )
    versions = files(old).versions("churn")
    assert [(v.version, v.stage, v.run_id) for v in versions] == [
        (10, None, None),
        (2, "Staging", None),
        (1, "Archived", "aa01"),
    ]
    assert files(old).models()[0].latest == 10
    assert files(old).alias("churn", "champion") is None
    assert [files(old).model_folder(version) for version in versions] == [None, None, None]
    model = old.parent / "mlruns" / "0" / "aa01" / "model"
    model.mkdir(parents=True)
    (model / "MLmodel").touch()
    assert files(old).model_folder(versions[2]) == model


def test_a_database_without_the_newest_tables_still_tells_the_rest(database: Stored) -> None:
    change(
        database.path,
        """
        DROP TABLE logged_models; DROP TABLE registered_model_aliases; DROP TABLE inputs; DROP TABLE datasets;
        DROP TABLE latest_metrics; DROP TABLE registered_model_tags;
        """,
    )
    run = files(database.path).run(database.finished)
    assert (run.metric("auc"), run.metric("late"), run.datasets) == (0.7, 1.0, ())
    assert files(database.path).version(MODEL, 1).aliases == ()
    assert files(database.path).version(MODEL, 1).stage == "Production"
    assert [problem.partition(": ")[2][:13] for problem in files(database.path).problems()] == [
        "it has no ali",
        "its runs name",
        "it has no log",
    ]


def test_a_database_of_a_newer_mlflow_is_read_as_long_as_the_columns_are_there(database: Stored) -> None:
    change(
        database.path,
        "UPDATE alembic_version SET version_num = 'ffffffffffff'; ALTER TABLE runs ADD COLUMN mood TEXT; "
        "CREATE TABLE later (x INTEGER); PRAGMA user_version = 99;",
    )
    assert files(database.path).runs(9).total == 4
    assert files(database.path).alias(MODEL, "champion") == 1


def test_a_schema_that_lacks_what_every_mlflow_had_is_refused_by_name(database: Stored) -> None:
    change(database.path, "ALTER TABLE runs RENAME COLUMN run_uuid TO run_key")
    with pytest.raises(UsageError, match="tables runs are not as expected"):
        files(database.path).runs(9)


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    change(tmp_path / "mlflow.db", "CREATE TABLE notes (text TEXT)")
    with pytest.raises(UsageError, match="no MLflow database"):
        files(tmp_path / "mlflow.db").models()


def test_an_empty_file_holds_nothing_yet_and_others_are_told_apart_from_a_store(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    assert files(tmp_path / "mlflow.db").runs(1).total == 0
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("CREATE TABLE cats (name TEXT)")
    with pytest.raises(UsageError, match="no MLflow database"):
        files(tmp_path / "mlflow.db").runs(1)
    (tmp_path / "mlflow.db").write_text("not a database " * 100)
    with pytest.raises(Failed, match="damaged or not a SQLite database"):
        files(tmp_path / "mlflow.db").runs(1)


def test_models_in_other_workspaces_are_hidden_as_mlflow_hides_them_and_told(database: Stored) -> None:
    change(database.path, "INSERT INTO registered_models (name, workspace) VALUES ('theirs', 'team-b')")
    assert "theirs" not in {model.name for model in files(database.path).models()}
    assert files(database.path).problems() == (
        "mlflow.db: 1 registered models are in other workspaces and are not shown.",
    )


def test_a_version_without_a_run_gets_the_one_of_its_logged_model(database: Stored) -> None:
    change(database.path, "UPDATE model_versions SET run_id = NULL")
    assert files(database.path).version(MODEL, 1).run_id == database.finished


def test_a_version_from_a_run_is_found_in_the_logged_model_of_that_name(database: Stored) -> None:
    expected = files(database.path).model_folder(files(database.path).version(MODEL, 1))
    source = f"runs:/{database.finished}/model"
    change(database.path, f"UPDATE model_versions SET storage_location = NULL, source = '{source}'")
    assert expected is not None
    assert files(database.path).model_folder(files(database.path).version(MODEL, 1)) == expected


def test_a_writer_in_the_midst_of_a_transaction_does_not_hinder_reading(database: Stored) -> None:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM tags")
        assert files(database.path).runs(9).total == 4
        writer.execute("ROLLBACK")


def test_a_database_that_stays_locked_is_told_and_left_alone(database: Stored) -> None:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ToolMissing, match="locked by a program that is writing"):
            files(database.path).runs(9)
        writer.execute("ROLLBACK")
    assert files(database.path).runs(9).total == 4


def test_a_database_in_wal_mode_that_nobody_has_open_gets_no_files_beside_it(database: Stored) -> None:
    change(database.path, "PRAGMA journal_mode = wal")
    before = contents(database.path.parent)
    assert files(database.path).runs(9).total == 4
    assert contents(database.path.parent) == before


def test_what_a_live_writer_has_in_its_wal_is_seen_without_touching_it(database: Stored) -> None:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("UPDATE runs SET name = 'renamed'")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE runs SET name = 'not committed'")
        before = contents(database.path.parent)
        assert {run.name for run in files(database.path).runs(9).runs} == {"renamed"}
        assert contents(database.path.parent) == before


def test_an_answer_during_which_somebody_wrote_is_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    change(path, "PRAGMA journal_mode = wal; CREATE TABLE t (x); INSERT INTO t VALUES (1)")
    asked: list[int] = []

    def question(connection: sqlite3.Connection) -> int:
        asked.append(1)
        if len(asked) == 1:
            change(path, "INSERT INTO t VALUES (2)")
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])

    assert (read_only(path, question), len(asked)) == (2, 2)


def test_a_file_that_never_rests_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    change(path, "PRAGMA journal_mode = wal; CREATE TABLE t (x)")
    with pytest.raises(ToolMissing, match="changes faster than it can be read"):
        read_only(path, lambda _: change(path, "INSERT INTO t VALUES (randomblob(5000))"))


def test_a_link_to_a_database_is_read_with_the_wal_of_the_real_file(database: Stored, tmp_path: Path) -> None:
    link = tmp_path / "project" / "mlflow.db"
    link.parent.mkdir()
    link.symlink_to(database.path)
    with closing(sqlite3.connect(database.path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("UPDATE runs SET name = 'renamed'")
        assert {run.name for run in files(link).runs(9).runs} == {"renamed"}


@pytest.mark.parametrize("left", ["-wal -shm", "-wal"])
def test_what_a_killed_writer_left_in_its_wal_is_seen_without_touching_it(
    database: Stored, tmp_path: Path, left: str
) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with closing(sqlite3.connect(database.path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("UPDATE runs SET name = 'renamed'")
        for ending in ("", *left.split()):
            shutil.copyfile(f"{database.path}{ending}", f"{crashed / 'mlflow.db'}{ending}")
    before = contents(crashed)
    assert {run.name for run in files(crashed / "mlflow.db").runs(9).runs} == {"renamed"}
    assert contents(crashed) == before


def test_what_a_killed_writer_had_not_committed_is_not_seen_and_its_journal_is_kept(database: Stored) -> None:
    spill = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size = 1')\n"
        "c.execute('PRAGMA cache_spill = 1')\n"
        "c.execute('BEGIN')\n"
        "c.execute(\"UPDATE runs SET name = 'not committed'\")\n"
        "c.execute('CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)"
        " SELECT i, randomblob(500) AS b FROM n')\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", spill, str(database.path)], check=False, timeout=60)
    before = contents(database.path.parent)
    assert before["mlflow.db-journal"], "the writer left no journal: this test proves nothing"
    page = files(database.path).runs(9)
    assert page.total == 4
    assert "not committed" not in {run.name for run in page.runs}
    assert contents(database.path.parent) == before


def test_a_text_that_is_no_utf8_does_not_hide_the_run(database: Stored) -> None:
    change(database.path, f"UPDATE params SET value = CAST(x'ff41' AS TEXT) WHERE run_uuid = '{database.finished}'")
    assert files(database.path).run(database.finished).params["depth"] == "\ufffdA"


def test_a_folder_that_may_not_be_written_is_still_read(database: Stored) -> None:
    change(database.path, "PRAGMA journal_mode = wal")
    database.path.chmod(0o444)
    database.path.parent.chmod(0o555)
    try:
        assert files(database.path).runs(9).total == 4
    finally:
        database.path.parent.chmod(0o755)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_told(database: Stored) -> None:
    database.path.chmod(0)
    with pytest.raises(Failed, match="cannot be read"):
        files(database.path).runs(9)


def test_an_ambiguous_run_id_names_candidates(old: Path) -> None:
    with pytest.raises(UsageError) as ambiguous:
        files(old).run("aa")
    assert "aa01" in ambiguous.value.hint
    assert "aa02" in ambiguous.value.hint


def test_two_thousand_runs_are_counted_and_the_newest_hundred_read_at_once(
    empty_database: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mlflow.db"
    shutil.copyfile(empty_database, path)
    with closing(sqlite3.connect(path)) as connection, connection:
        ids = [f"{number:032x}" for number in range(2000)]
        connection.executemany(
            "INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, experiment_id) "
            "VALUES (?, 'r', 'FINISHED', ?, 'active', 0)",
            [(run_id, 1_700_000_000_000 + number) for number, run_id in enumerate(ids)],
        )
        keys = [(f"key{key}", run_id) for run_id in ids for key in range(10)]
        connection.executemany("INSERT INTO params (key, run_uuid, value) VALUES (?, ?, '1')", keys)
        connection.executemany("INSERT INTO tags (key, run_uuid, value) VALUES (?, ?, 'x')", keys)
        connection.executemany(
            "INSERT INTO latest_metrics (key, run_uuid, value, step, is_nan, timestamp) VALUES (?, ?, 0.5, 0, 0, 1)",
            keys,
        )
    started = time.perf_counter()
    page = files(path).runs(100)
    seconds = time.perf_counter() - started
    assert (len(page.runs), page.total, page.runs[0].run_id) == (100, 2000, ids[-1])
    assert all(len(run.params) == len(run.metrics) == len(run.tags) == 10 for run in page.runs)
    assert seconds < 0.5  # some 20 ms when the machine is free
    print(f"{seconds * 1000:.1f} ms")
