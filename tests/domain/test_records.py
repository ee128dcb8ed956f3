"""Records: where an alias can go back and forward to, when a check passes, and where a chain of hashes breaks."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import pytest

from unipipe_tui.domain.records import (
    GENESIS,
    AuditEntry,
    GateCheck,
    GateResult,
    How,
    Promotion,
    Trail,
    audit_hash,
    broken_link,
    trail_of,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PROMOTE, BACK, FORWARD, UNDO = How.PROMOTE, How.BACK, How.FORWARD, How.UNDO


def moves(*steps: tuple[int | None, int | None, How]) -> list[Promotion]:
    """Moves from the first version of each pair to the second."""
    return [Promotion("m", "champion", to, at, how, "ada", "", NOON, "j") for at, to, how in steps]


@pytest.mark.parametrize(
    ("made", "back", "forward"),
    [
        ([], (), ()),
        ([(None, 1, PROMOTE)], (), ()),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE)], (1,), ()),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 1, BACK)], (), (2,)),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 1, BACK), (1, 2, FORWARD)], (1,), ()),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 3, PROMOTE), (3, 2, BACK), (2, 1, BACK)], (), (3, 2)),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 1, BACK), (1, 4, PROMOTE)], (1,), ()),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 1, UNDO)], (), ()),
        ([(None, 1, PROMOTE), (1, None, UNDO)], (), ()),
        ([(None, 1, PROMOTE), (1, None, UNDO), (None, 1, UNDO)], (), ()),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 1, UNDO), (1, 2, UNDO)], (1,), ()),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 1, UNDO), (1, 2, UNDO), (2, 1, UNDO)], (), ()),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 1, BACK), (1, 2, UNDO)], (1,), ()),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 1, BACK), (1, 2, UNDO), (2, 1, UNDO)], (), (2,)),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 1, BACK), (1, 2, FORWARD), (2, 1, UNDO)], (), (2,)),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 1, BACK), (1, 3, PROMOTE), (3, 1, UNDO)], (), (2,)),
        ([(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 3, PROMOTE), (3, 2, UNDO), (2, 1, BACK)], (), (2,)),
    ],
)
def test_an_alias_goes_back_and_forward_like_the_pages_of_a_browser(
    made: list[tuple[int | None, int | None, How]], back: tuple[int, ...], forward: tuple[int, ...]
) -> None:
    assert trail_of(moves(*made)) == Trail(back, forward)


def test_deleted_versions_that_a_step_skipped_are_left_behind() -> None:
    promoted = [(None, 1, PROMOTE), (1, 2, PROMOTE), (2, 3, PROMOTE)]
    back_over_two = (3, 1, BACK)
    assert trail_of(moves(*promoted, back_over_two)) == Trail((), (3,))
    all_the_way = [(3, 2, BACK), (2, 1, BACK)]
    forward_over_two = (1, 3, FORWARD)
    assert trail_of(moves(*promoted, *all_the_way, forward_over_two)) == Trail((1,), ())
    assert trail_of(moves(*promoted, back_over_two, (1, 3, UNDO))) == Trail((1, 2), ())


def test_an_undo_of_a_move_that_was_never_recorded_changes_no_trail() -> None:
    assert trail_of(moves((None, 1, PROMOTE), (1, 2, PROMOTE), (2, 7, UNDO))) == Trail((1,), ())


def test_a_check_passes_when_every_gate_is_open() -> None:
    check = GateCheck("m", 1, None, "md5", 10, (GateResult("f1", True, 1.0, ">= 0.9"),), NOON, "j")
    assert check.passed
    closed = GateResult("f1", False, 0.1, ">= 0.9", "region=north")
    assert not dataclasses.replace(check, results=(*check.results, closed)).passed


def chain(length: int) -> list[AuditEntry]:
    """Entries that continue each other."""
    entries: list[AuditEntry] = []
    for number in range(1, length + 1):
        previous = entries[-1].hash if entries else GENESIS
        said = ("ada", "models promote", "unipipe …", "j", "done", f"change {number}")
        entries.append(AuditEntry(number, NOON, *said, previous, audit_hash(number, NOON, *said, previous)))
    return entries


def test_a_chain_is_whole_also_when_it_is_empty() -> None:
    assert broken_link([]) is None
    assert broken_link(chain(5)) is None


@pytest.mark.parametrize("field", ["actor", "action", "command", "job", "outcome", "detail", "hash"])
def test_whatever_is_changed_in_an_entry_breaks_the_chain_there(field: str) -> None:
    entries = chain(4)
    entries[1] = dataclasses.replace(entries[1], **{field: "0" * 64})  # type: ignore[arg-type]
    assert broken_link(entries) == (2, "its text was changed after it was written")


def test_an_entry_that_is_missing_is_named_by_its_number() -> None:
    entries = chain(4)
    del entries[2]
    assert broken_link(entries) == (3, "entry 3 is missing: the next one is number 4")


def test_an_entry_hashed_anew_is_given_away_by_the_next_one() -> None:
    entries = chain(4)
    said = ("eve", "models promote", "unipipe …", "j", "done", "nothing")
    entries[1] = AuditEntry(2, NOON, *said, entries[0].hash, audit_hash(2, NOON, *said, entries[0].hash))
    assert broken_link(entries) == (3, "it does not continue the entry before it")


def test_the_hash_of_a_moment_does_not_depend_on_the_zone_that_it_is_told_in() -> None:
    said = ("ada", "a", "c", "j", "done", "d")
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert audit_hash(1, tokyo, *said, GENESIS) == audit_hash(1, NOON, *said, GENESIS)


def test_fields_cannot_be_shifted_into_each_other_unseen() -> None:
    one = audit_hash(1, NOON, "a", "b,c", "", "", "", "", GENESIS)
    other = audit_hash(1, NOON, "a,b", "c", "", "", "", "", GENESIS)
    assert one != other
