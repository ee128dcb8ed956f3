"""Many processes write to one store at once, one of them is killed, and nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.store.made import appended
from unipipe_tui.store.audit import Audit
from unipipe_tui.store.database import Database
from unipipe_tui.store.jobs import JobRecords
from unipipe_tui.store.store_file import StoreFile

WRITERS, WRITES = 8, 50
REPOSITORY = Path(__file__).parents[2]


def start_writer(folder: Path, name: str, writes: int = WRITES) -> subprocess.Popen[str]:
    """A process that writes, and tells every write that was acknowledged."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", str(folder), name, str(writes)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Reader(threading.Thread):
    """Reads the store again and again, as an open terminal does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._records = JobRecords(Database(folder))
        self._enough = threading.Event()
        self.seen: list[int] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            while not self._enough.wait(0.02):
                self.seen.append(self._records.total())
        except Exception as error:
            self.error = error

    def __enter__(self) -> Reader:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self.join()


def ids(folder: Path) -> set[str]:
    return {job.id for job in JobRecords(Database(folder)).latest(10_000)}


def test_eight_processes_that_write_fifty_times_each_lose_nothing_while_a_reader_looks_on(tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        writers = [start_writer(tmp_path, f"w{number}") for number in range(WRITERS)]
        said = [writer.communicate(timeout=120) for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * WRITERS, said
    assert [errors for _, errors in said] == [""] * WRITERS
    assert ids(tmp_path) == {f"w{number}-{write}" for number in range(WRITERS) for write in range(WRITES)}
    assert reader.error is None
    assert reader.seen == sorted(reader.seen)
    assert len(set(reader.seen)) > 2


def test_a_writer_that_is_killed_in_the_middle_takes_nothing_with_it(tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, f"w{number}", writes=20) for number in range(5)]
    victim = start_writer(tmp_path, "victim", writes=10_000)
    assert victim.stdout is not None
    acknowledged = {victim.stdout.readline().strip() for _ in range(5)}
    victim.send_signal(signal.SIGKILL)
    acknowledged |= set(victim.stdout.read().split())
    said = [writer.communicate(timeout=120) for writer in writers]
    victim.wait()
    assert [errors for _, errors in said] == [""] * len(writers)
    kept = ids(tmp_path)
    assert {f"w{number}-{write}" for number in range(5) for write in range(20)} <= kept
    assert acknowledged <= kept
    assert not list(tmp_path.glob("*.damaged-*"))
    StoreFile(Database(tmp_path)).check()


def test_threads_that_append_to_the_audit_at_once_keep_its_chain_whole(tmp_path: Path) -> None:
    audits = [Audit(Database(tmp_path)) for _ in range(4)]

    def append(audit: Audit) -> None:
        for number in range(10):
            appended(audit, f"entry {number}")

    threads = [threading.Thread(target=append, args=(audit,)) for audit in audits]
    for thread in threads:
        thread.start()
    verdicts = [Audit(Database(tmp_path)).verify()[1] for _ in range(10)]
    for thread in threads:
        thread.join()
    assert verdicts == [""] * 10
    assert Audit(Database(tmp_path)).verify() == (40, "")
    assert (tmp_path / "audit.head").read_text().startswith("40 ")


def test_one_database_serves_several_threads_in_turn(database: Database) -> None:
    records = JobRecords(database)
    with database.writing() as connection:
        connection.execute("INSERT INTO notices VALUES (now()::TIMESTAMP, 'begun')")
    errors: list[Exception] = []

    def look() -> None:
        try:
            for _ in range(20):
                records.latest(5)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_copy_made_while_others_write_is_a_whole_store(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    writer = start_writer(folder, "w", writes=30)
    assert writer.stdout is not None
    for _ in range(5):
        writer.stdout.readline()
    copy = tmp_path / "copies" / "unipipe.duckdb"
    size = StoreFile(Database(folder)).backup(copy)
    writer.communicate(timeout=60)
    assert size == copy.stat().st_size
    assert 5 <= len(ids(copy.parent)) <= 30
    StoreFile(Database(copy.parent)).check()
