"""The audit: whatever is done to its entries behind its back, `verify` finds it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.store.made import NOON, appended
from unipipe_tui.domain.errors import Failed
from unipipe_tui.store.audit import Audit
from unipipe_tui.store.database import Database

FORGED = "(2, TIMESTAMP '2026-11-21 12:00:00', 'eve', 'a', 'c', 'j', 'done', 'forged', "
LAST_HASH = "(SELECT hash FROM audit WHERE number = 1)"

FORGERIES = {
    "a changed text": (
        "UPDATE audit SET detail = 'nothing happened' WHERE number = 2",
        "entry 2: its text was changed",
    ),
    "a changed time": (
        "UPDATE audit SET moment = moment + INTERVAL 1 SECOND WHERE number = 3",
        "entry 3: its text was",
    ),
    "a changed actor": ("UPDATE audit SET actor = 'eve' WHERE number = 1", "entry 1: its text was changed"),
    "a removed beginning": ("DELETE FROM audit WHERE number = 1", "entry 1: entry 1 is missing"),
    "a removed middle": ("DELETE FROM audit WHERE number = 2", "entry 2: entry 2 is missing"),
    "a removed end": ("DELETE FROM audit WHERE number = 4", "there should be an entry 4"),
    "a removed whole": ("DELETE FROM audit", "there should be an entry 4"),
    "swapped entries": (
        "UPDATE audit SET number = CASE number WHEN 2 THEN 30 WHEN 3 THEN 2 ELSE number END; "
        "UPDATE audit SET number = 3 WHERE number = 30",
        "entry 2: it does not continue",
    ),
    "an entry put in between": (
        "UPDATE audit SET number = 5 WHERE number = 4; UPDATE audit SET number = 4 WHERE number = 3; "
        f"UPDATE audit SET number = 3 WHERE number = 2; INSERT INTO audit VALUES {FORGED} {LAST_HASH}, repeat('0', 64))",
        "entry 2: its text was changed",
    ),
    "an entry that was hashed anew": (
        "UPDATE audit SET detail = 'nothing', hash = repeat('0', 64) WHERE number = 2",
        "entry 2: its text was changed",
    ),
}


@pytest.fixture
def audit(database: Database) -> Audit:
    """An audit of four entries."""
    audit = Audit(database)
    for number in range(1, 5):
        appended(audit, f"change {number}", NOON + timedelta(seconds=number, microseconds=7))
    return audit


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_found(audit: Audit, database: Database, forgery: str) -> None:
    statements, finding = FORGERIES[forgery]
    for statement in statements.split("; "):
        with database.writing() as connection:
            connection.execute(statement)
    _, problem = audit.verify()
    assert problem.startswith(finding)


def test_a_whole_chain_is_whole(audit: Audit) -> None:
    assert audit.verify() == (4, "")


def test_an_audit_that_was_never_begun_is_whole(tmp_path: Path) -> None:
    assert Audit(Database(tmp_path / "nowhere")).verify() == (0, "")
    assert not (tmp_path / "nowhere").exists()


def test_entries_come_oldest_first_and_the_newest_of_them_when_limited(audit: Audit) -> None:
    assert [entry.number for entry in audit.entries()] == [1, 2, 3, 4]
    assert [entry.detail for entry in audit.entries(2)] == ["change 3", "change 4"]
    assert audit.entries(0) == audit.entries(-3) == ()
    assert audit.total() == 4


def test_a_chain_whose_head_was_not_kept_says_that_its_end_cannot_be_proven(audit: Audit, database: Database) -> None:
    (database.folder / "audit.head").unlink()
    assert audit.verify() == (4, "the chain's head was not kept, so a missing end could not be seen")
    (database.folder / "audit.head").write_text("not a head")
    assert "head was not kept" in audit.verify()[1]


def test_a_crash_between_the_entry_and_its_head_is_no_forgery(audit: Audit, database: Database) -> None:
    head = (database.folder / "audit.head").read_text()
    appended(audit, "the last one before the crash")
    (database.folder / "audit.head").write_text(head)
    assert audit.verify() == (5, "")


def test_a_store_that_was_replaced_by_a_fresh_one_is_found(audit: Audit, database: Database) -> None:
    database.path.unlink()
    with database.writing() as connection:
        connection.execute("INSERT INTO notices VALUES (now()::TIMESTAMP, 'a fresh store')")
    assert audit.verify()[1].startswith("there should be an entry 4")


def test_a_time_in_another_zone_and_text_that_is_no_unicode_are_kept_and_stay_provable(database: Database) -> None:
    audit = Audit(database)
    tokyo = datetime(2026, 11, 21, 21, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    appended(audit, "bytes \udcff, a NUL \0, 'quotes', \x1b[31mred\x1b[0m and 猫", tokyo)
    (entry,) = audit.entries()
    assert entry.at == tokyo
    assert entry.detail == "bytes \\udcff, a NUL \0, 'quotes', \x1b[31mred\x1b[0m and 猫"
    assert audit.verify() == (1, "")


def test_a_head_that_cannot_be_written_is_told_and_the_entry_stays(audit: Audit, database: Database) -> None:
    (database.folder / "audit.partial").mkdir()
    with pytest.raises(Failed):
        appended(audit, "one more")
    assert audit.verify() == (5, "")


def test_entries_that_are_gone_stay_missed_however_many_are_written_after_them(
    audit: Audit, database: Database
) -> None:
    with database.writing() as connection:
        connection.execute("DELETE FROM audit WHERE number >= 3")
    for number in range(5):
        appended(audit, f"change {number}")
    assert "entry 4" in audit.verify()[1]
