"""Two readers of a SQLite file see one moment of it, and leave it alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from unipipe_tui.adapters.mlflow.sqlite.readonly import read_only
from unipipe_tui.adapters.mlflow.sqlite.second_reader import answers, second_reader


@pytest.fixture(params=["delete", "wal"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who writes into the file, with a log or without."""
    with closing(sqlite3.connect(tmp_path / "a.db", timeout=0, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {request.param}")
        connection.execute("CREATE TABLE metrics (value)")
        connection.execute("INSERT INTO metrics VALUES (1)")
        yield connection


def rows(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM metrics").fetchone()[0])


def write(writer: sqlite3.Connection) -> bool:
    try:
        writer.execute("INSERT INTO metrics VALUES (2)")
    except sqlite3.OperationalError:
        return False
    return True


def test_what_is_written_meanwhile_neither_of_two_readers_sees(writer: sqlite3.Connection, tmp_path: Path) -> None:
    def question(first: sqlite3.Connection) -> tuple[int, int]:
        rows(first)
        with second_reader(first) as other:
            assert other is not None
            write(writer)
            return rows(first), rows(other)

    assert read_only(tmp_path / "a.db", question) == (1, 1)


def test_there_is_no_second_reader_when_somebody_wrote_since_the_first_began(
    writer: sqlite3.Connection, tmp_path: Path
) -> None:
    def question(first: sqlite3.Connection) -> tuple[bool, bool, int]:
        rows(first)
        written = write(writer)
        with second_reader(first) as other:
            return written, other is not None, rows(first)

    # Without a log nobody can write while somebody reads.
    assert read_only(tmp_path / "a.db", question) in ((True, False, 2), (False, True, 1))


def test_the_lock_of_the_first_reader_outlasts_the_second(writer: sqlite3.Connection, tmp_path: Path) -> None:
    def question(first: sqlite3.Connection) -> tuple[int, int]:
        before = rows(first)
        with second_reader(first):
            pass
        write(writer)
        return before, rows(first)

    assert read_only(tmp_path / "a.db", question) == (1, 1)


def test_two_readers_leave_nothing_beside_a_file_whose_writer_is_gone(
    writer: sqlite3.Connection, tmp_path: Path
) -> None:
    writer.close()
    before = (tmp_path / "a.db").read_bytes()

    def question(first: sqlite3.Connection) -> int:
        rows(first)
        with second_reader(first) as other:
            assert other is not None
            return rows(other)

    assert read_only(tmp_path / "a.db", question) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]
    assert (tmp_path / "a.db").read_bytes() == before


def test_answers_come_in_the_order_of_their_parts_and_an_error_of_either_reader_is_raised() -> None:
    def double(connection: sqlite3.Connection, part: int) -> int:
        return int(connection.execute("SELECT 2 * ?", (part,)).fetchone()[0])

    def fail(connection: sqlite3.Connection, part: int) -> int:
        return int(connection.execute("SELECT ? FROM missing", (part,)).fetchone()[0])

    with (
        closing(sqlite3.connect(":memory:")) as one,
        closing(sqlite3.connect(":memory:", check_same_thread=False)) as two,
    ):
        assert answers((one, two), double, range(500)) == list(range(0, 1000, 2))
        with pytest.raises(sqlite3.OperationalError, match="missing"):
            answers((one, two), fail, range(50))
        with second_reader(one) as none:
            assert none is None
