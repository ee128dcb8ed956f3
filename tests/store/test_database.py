"""The store's file: made on the first write, brought up to date, refused when newer, set aside when damaged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.store.made import job
from unipipe_tui.domain.errors import ExitCode, Failed, Refused
from unipipe_tui.store.database import Database
from unipipe_tui.store.history import History
from unipipe_tui.store.jobs import JobRecords
from unipipe_tui.store.migrations import schema_version, shipped_migrations
from unipipe_tui.store.store_file import StoreFile

FIRST = shipped_migrations()[:1]
SECOND = "ALTER TABLE notices ADD COLUMN urgent BOOLEAN DEFAULT false; CREATE TABLE approvals (job VARCHAR);"


def noted(database: Database, text: str) -> None:
    with database.writing() as connection:
        connection.execute("INSERT INTO notices (moment, text) VALUES (now()::TIMESTAMP, ?)", [text])


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def spoil(path: Path, at: int = 12_288) -> None:
    """Overwrite the end of a file, from its metadata on, with noise."""
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + os.urandom(len(whole) - at))


def test_a_reader_of_a_store_that_does_not_exist_sees_nothing_and_makes_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "nowhere")
    assert JobRecords(database).latest(10) == ()
    assert JobRecords(database).find("last") is None
    with database.together():
        assert History(database).alerts() == ()
    assert list(tmp_path.iterdir()) == []


def test_a_store_in_a_folder_whose_name_is_no_utf8_is_written_and_read_and_left_closed(tmp_path: Path) -> None:
    database = Database(tmp_path / os.fsdecode(b"lat\xe9in") / ".unipipe")
    before = len(os.listdir("/proc/self/fd"))
    noted(database, "kept")
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        connection.execute("INSERT INTO notices VALUES (now()::TIMESTAMP, 'lost')")
        raise ZeroDivisionError
    noted(database, "kept as well")
    assert Database(database.folder).rows("SELECT text FROM notices ORDER BY moment") == [("kept",), ("kept as well",)]
    assert sorted(path.name for path in database.folder.iterdir()) == ["store.lock", "unipipe.duckdb"]
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_a_block_wrote_is_gone_when_the_block_fails(database: Database) -> None:
    noted(database, "kept")
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        connection.execute("INSERT INTO notices VALUES (now()::TIMESTAMP, 'lost')")
        raise ZeroDivisionError
    assert database.rows("SELECT text FROM notices") == [("kept",)]


def test_nobody_keeps_the_file_open(database: Database) -> None:
    noted(database, "x")
    database.rows("SELECT 1 FROM notices")
    opened = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    assert [path for path in opened if path.startswith(str(database.folder))] == []
    with duckdb.connect(str(database.path)) as other:
        assert other.execute("SELECT text FROM notices").fetchall() == [("x",)]


def test_a_wrong_query_of_the_program_stays_a_bug_and_harms_nothing(database: Database) -> None:
    noted(database, "x")
    with pytest.raises(duckdb.CatalogException):
        database.rows("SELECT * FROM no_such_table")
    assert database.rows("SELECT text FROM notices") == [("x",)]


def test_a_folder_with_quotes_and_spaces_in_its_name_holds_a_store_as_well(tmp_path: Path) -> None:
    database = Database(tmp_path / 'it\'s a "newer" workspace; version number')
    noted(database, "x")
    assert database.rows("SELECT text FROM notices") == [("x",)]


def test_reads_in_one_block_share_one_connection_and_see_one_moment(database: Database) -> None:
    noted(database, "before")
    with database.together():
        with database.reading() as one, database.reading() as other:
            assert one is other
        assert database.rows("SELECT text FROM notices") == [("before",)]
        with database.together():
            assert database.rows("SELECT count(*) FROM notices") == [(1,)]
        assert database.rows("SELECT count(*) FROM notices") == [(1,)]
    noted(database, "after")
    assert database.rows("SELECT count(*) FROM notices") == [(2,)]


def test_the_store_made_first_has_the_newest_schema(database: Database) -> None:
    noted(database, "x")
    assert database.rows("SELECT max(version) FROM schema_version") == [(len(shipped_migrations()),)]


def test_an_empty_duckdb_file_is_a_store_of_version_0_and_is_migrated_by_the_first_write(database: Database) -> None:
    database.folder.mkdir()
    duckdb.connect(str(database.path)).close()
    assert JobRecords(database).latest(5) == ()
    JobRecords(database).begin(job("first"))
    assert [found.id for found in JobRecords(database).latest(5)] == ["first"]
    assert not list(database.folder.glob("*.damaged-*"))


def test_an_older_store_is_read_as_if_it_were_new_without_a_byte_of_it_changing(tmp_path: Path) -> None:
    noted(Database(tmp_path, FIRST), "old")
    before = (tmp_path / "unipipe.duckdb").read_bytes()
    newer = Database(tmp_path, (*FIRST, SECOND))
    assert newer.rows("SELECT text, urgent FROM notices") == [("old", False)]
    assert newer.rows("SELECT count(*) FROM approvals") == [(0,)]
    assert (tmp_path / "unipipe.duckdb").read_bytes() == before


def test_a_write_brings_an_older_store_up_to_date_and_keeps_its_rows(tmp_path: Path) -> None:
    noted(Database(tmp_path, FIRST), "old")
    newer = Database(tmp_path, (*FIRST, SECOND))
    noted(newer, "new")
    assert newer.rows("SELECT text, urgent FROM notices ORDER BY moment") == [("old", False), ("new", False)]
    with newer.reading() as connection:
        assert schema_version(connection) == 2


def test_a_migration_that_fails_leaves_the_older_store_as_it_was(tmp_path: Path) -> None:
    noted(Database(tmp_path, FIRST), "old")
    with pytest.raises(duckdb.Error):
        noted(Database(tmp_path, (*FIRST, SECOND + "ALTER TABLE nothing ADD COLUMN x INTEGER")), "new")
    older = Database(tmp_path, FIRST)
    assert older.rows("SELECT text FROM notices") == [("old",)]
    assert older.rows("SELECT max(version) FROM schema_version") == [(1,)]


def test_a_newer_store_is_refused_for_reading_and_writing_and_stays_as_it_is(tmp_path: Path) -> None:
    noted(Database(tmp_path, (*FIRST, SECOND)), "of the future")
    before = (tmp_path / "unipipe.duckdb").read_bytes()
    older = Database(tmp_path, FIRST)
    with pytest.raises(Refused, match="newer Unipipe") as refused:
        older.rows("SELECT 1 FROM notices")
    assert refused.value.exit_code is ExitCode.REFUSED
    with pytest.raises(Refused, match="newer Unipipe"):
        noted(older, "x")
    with pytest.raises(Refused, match="newer Unipipe"):
        StoreFile(older).backup(tmp_path / "copy.duckdb")
    assert (tmp_path / "unipipe.duckdb").read_bytes() == before
    assert not list(tmp_path.glob("*.damaged-*"))


@pytest.mark.parametrize("damage", ["metadata", "noise", "empty", "cut"])
def test_a_damaged_store_is_set_aside_by_the_next_write_with_all_its_bytes(tmp_path: Path, damage: str) -> None:
    noted(Database(tmp_path), "once")
    path = tmp_path / "unipipe.duckdb"
    if damage == "metadata":
        spoil(path)
    else:
        path.write_bytes({"noise": os.urandom(50_000), "empty": b"", "cut": path.read_bytes()[:5000]}[damage])
    wal = tmp_path / "unipipe.duckdb.wal"
    wal.write_bytes(b"what was written last")
    spoiled = path.read_bytes()

    database = Database(tmp_path)
    with pytest.raises(Failed, match="damaged"):
        JobRecords(database).latest(1)
    assert path.read_bytes() == spoiled

    JobRecords(database).begin(job("after"))
    (aside,) = [file for file in tmp_path.glob("*.damaged-*") if file.suffix != ".wal"]
    assert aside.read_bytes() == spoiled
    assert aside.with_name(aside.name + ".wal").read_bytes() == b"what was written last"
    ((_, notice),) = History(database).notices()
    assert aside.name in notice
    assert [found.id for found in JobRecords(database).latest(5)] == ["after"]


def test_a_store_that_is_damaged_twice_is_set_aside_twice(tmp_path: Path) -> None:
    for _ in range(2):
        (tmp_path / "unipipe.duckdb").write_bytes(b"no database at all")
        noted(Database(tmp_path), "x")
    assert len(list(tmp_path.glob("*.damaged-*"))) == 2


def test_damage_in_the_rows_is_told_by_the_check_and_found_by_the_first_write(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with database.writing() as connection:
        connection.execute("INSERT INTO notices SELECT now()::TIMESTAMP, repeat(i::VARCHAR, 50) FROM range(50000) r(i)")
    size = database.path.stat().st_size
    with database.path.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(1000))
    with pytest.raises(Failed, match="damaged"):
        StoreFile(Database(tmp_path)).check()
    noted(Database(tmp_path), "after")
    assert len(list(tmp_path.glob("*.damaged-*"))) == 1


def test_a_store_that_another_program_holds_open_is_not_taken_for_a_damaged_one(tmp_path: Path) -> None:
    database = Database(tmp_path)
    noted(database, "x")
    script = f"import duckdb; c = duckdb.connect({str(database.path)!r}); print('open', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert other.stdout is not None
    other.stdout.readline()
    try:
        with pytest.raises(Failed, match="held open by another program"):
            noted(database, "y")
        with pytest.raises(Failed, match="held open by another program"):
            database.rows("SELECT 1 FROM notices")
    finally:
        other.communicate(b"\n")
    assert not list(tmp_path.glob("*.damaged-*"))
    noted(database, "y")
    assert database.rows("SELECT count(*) FROM notices") == [(2,)]


def test_a_store_whose_place_is_a_folder_is_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "unipipe.duckdb").mkdir()
    with pytest.raises(Failed):
        noted(Database(tmp_path), "x")
    assert (tmp_path / "unipipe.duckdb").is_dir()


LOOK_AS_NOBODY = """
import os, pathlib, sys
from unipipe_tui.domain.errors import Failed
from unipipe_tui.store.database import Database
from unipipe_tui.store.jobs import JobRecords
records = JobRecords(Database(pathlib.Path(sys.argv[1])))
if os.geteuid() == 0:  # to whom no folder is closed
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
jobs = records.latest(5)
print([job.id for job in jobs])
try:
    records.end(jobs[0])
except Failed as error:
    print(error.message)
"""


def test_a_store_in_a_folder_that_may_not_be_written_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / ".unipipe"
    JobRecords(Database(folder)).begin(job("kept"))
    before = files_of(folder)
    closed = [parent for parent in (tmp_path, *tmp_path.parents) if not parent.stat().st_mode & 0o001]
    modes = {parent: parent.stat().st_mode for parent in closed}
    for parent in closed:
        parent.chmod(0o711)
    folder.chmod(0o555)
    try:
        said = subprocess.run(
            [sys.executable, "-c", LOOK_AS_NOBODY, str(folder)], capture_output=True, text=True, timeout=60
        )
    finally:
        folder.chmod(0o755)
        for parent, mode in modes.items():
            parent.chmod(mode)
    assert said.stdout.startswith("['kept']\n"), said.stderr
    assert "cannot be reached" in said.stdout
    assert files_of(folder) == before


HELD_AT_THE_END = """
import pathlib, sys, threading, time
from unipipe_tui.store.database import Database
from unipipe_tui.store.jobs import JobRecords

def look_and_stay():
    records = JobRecords(Database(pathlib.Path(sys.argv[1])))
    print(records.total(), flush=True)
    time.sleep(60)

records = JobRecords(Database(pathlib.Path(sys.argv[1])))
print(records.total(), flush=True)
records.itself = records
threading.Thread(target=look_and_stay, daemon=True).start()
time.sleep(0.5)
"""


def test_a_program_that_ends_while_its_threads_hold_the_store_says_nothing_of_it(tmp_path: Path) -> None:
    JobRecords(Database(tmp_path)).begin(job("kept"))
    said = subprocess.run(
        [sys.executable, "-c", HELD_AT_THE_END, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert (said.stdout, said.stderr) == ("1\n1\n", "")
