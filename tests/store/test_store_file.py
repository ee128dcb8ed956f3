"""The store as a whole: checked, copied, and asked in SQL without any way to change or leave it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store.made import job
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.store.database import Database
from unipipe_tui.store.jobs import JobRecords
from unipipe_tui.store.migrations import shipped_migrations
from unipipe_tui.store.store_file import StoreFile

OUTSIDE = "elsewhere.csv"
FORBIDDEN = {
    "insert": "INSERT INTO notices VALUES (now()::TIMESTAMP, 'x')",
    "delete": "DELETE FROM jobs",
    "drop": "DROP TABLE jobs",
    "create": "CREATE TABLE mine AS SELECT 1",
    "a second statement": "SELECT 1; DROP TABLE jobs",
    "analysed delete": "EXPLAIN ANALYZE DELETE FROM jobs",
    "copy to a file": "COPY jobs TO '{folder}/stolen.csv'",
    "copy over the log of the store": "COPY (SELECT 1) TO '{folder}/unipipe.duckdb.wal'",
    "export": "EXPORT DATABASE '{folder}/stolen'",
    "attach": "ATTACH '{folder}/other.duckdb' AS other",
    "attach the store again": "ATTACH '{folder}/unipipe.duckdb' AS again",
    "detach": "DETACH store",
    "use": "USE memory",
    "read a file": "SELECT * FROM read_text('{folder}/elsewhere.csv')",
    "read a table": "SELECT * FROM '{folder}/elsewhere.csv'",
    "list a folder": "SELECT * FROM glob('{folder}/*')",
    "install": "INSTALL httpfs",
    "load": "LOAD httpfs",
    "set": "SET threads = 4",
    "open the doors": "SET enable_external_access = true",
    "pragma": "PRAGMA threads = 4",
    "secret": "CREATE SECRET s (TYPE s3)",
    "a variable of the program": "SELECT * FROM statements",
    "nothing": "",
    "only a comment": "-- nothing",
    "no SQL": "how are you?",
}


@pytest.fixture
def store(database: Database) -> StoreFile:
    """A store with one job."""
    JobRecords(database).begin(job("only"))
    return StoreFile(database)


@pytest.mark.parametrize("deed", FORBIDDEN)
def test_a_query_cannot_do_harm(store: StoreFile, database: Database, deed: str) -> None:
    (database.folder / OUTSIDE).write_text("a\n1\n")
    before = {path.name: path.read_bytes() for path in database.folder.iterdir()}
    with pytest.raises(UsageError):
        store.query(FORBIDDEN[deed].format(folder=database.folder), 10)
    assert {path.name: path.read_bytes() for path in database.folder.iterdir()} == before


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("SELECT id, exit_code FROM jobs", (("id", "exit_code"), (("only", None),))),
        ("SELECT id FROM jobs WHERE id <> 'a;b'; -- the end", (("id",), (("only",),))),
        ("SELECT started FROM jobs", (("started",), (("2026-11-21T12:00:00",),))),
        ("SELECT TIMESTAMPTZ '2026-11-21 12:00:00+02' AS at -- c", (("at",), (("2026-11-21T10:00:00.000000+00:00",),))),
        ("WITH a AS (FROM jobs) SELECT count(*) AS n FROM a", (("n",), ((1,),))),
        ("VALUES ([1, 2], 'NaN'::DOUBLE)", (("col0", "col1"), (("[1, 2]", None),))),
    ],
)
def test_a_question_is_answered_in_plain_values(store: StoreFile, question: str, answer: object) -> None:
    assert store.query(question, 10) == answer


def test_show_describe_and_explain_are_questions(store: StoreFile) -> None:
    assert ("jobs",) in store.query("SHOW TABLES", 100)[1]
    assert store.query("DESCRIBE jobs", 1)[1][0][0] == "id"
    assert len(store.query("EXPLAIN SELECT 1", 10)[1]) == 1


def test_an_answer_is_cut_at_the_limit(store: StoreFile) -> None:
    assert len(store.query("FROM range(100)", 7)[1]) == 7
    assert store.query("FROM range(100)", -1)[1] == ()


def test_a_query_that_takes_too_long_is_ended_so_that_writers_need_not_wait(database: Database) -> None:
    JobRecords(database).begin(job("only"))
    with pytest.raises(UsageError, match=r"longer than 0\.2 seconds"):
        StoreFile(database, query_seconds=0.2).query("SELECT count(*) FROM range(1000000000000)", 1)
    JobRecords(database).begin(job("next"))


def test_the_store_goes_on_after_questions(store: StoreFile, database: Database) -> None:
    store.query("SELECT 1", 1)
    JobRecords(database).begin(job("next"))
    assert store.query("SELECT count(*) FROM jobs", 1)[1] == ((2,),)


def test_a_check_counts_every_row(store: StoreFile) -> None:
    version = len(shipped_migrations())
    # One job, and a row for each version of the schema.
    assert store.check() == (str(version), 1 + version)


def test_without_a_store_there_is_nothing_to_check_copy_or_ask(tmp_path: Path) -> None:
    store = StoreFile(Database(tmp_path / "none"))
    for use in (store.check, lambda: store.backup(tmp_path / "copy"), lambda: store.query("SELECT 1", 1)):
        with pytest.raises(UsageError, match="no store yet"):
            use()
    assert list(tmp_path.iterdir()) == []


def test_a_copy_never_overwrites_and_leaves_nothing_half_done(store: StoreFile, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        store.backup(taken)
    assert taken.read_text() == "mine"
    assert store.backup(tmp_path / "new" / "copy.duckdb") > 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["copy.duckdb"]


def test_a_copy_can_be_put_back(store: StoreFile, database: Database, tmp_path: Path) -> None:
    store.backup(tmp_path / "copy.duckdb")
    database.path.write_bytes(b"ruined")
    database.path.write_bytes((tmp_path / "copy.duckdb").read_bytes())
    assert [found.id for found in JobRecords(database).latest(5)] == ["only"]
