"""The chain and the audit as tables: what stands above and below, and which entries can be trusted."""

from __future__ import annotations

import pytest

from tests.fakes import NOON
from unipipe_tui.actions.audit import AuditList, AuditVerdict, ListAudit
from unipipe_tui.domain.records import AuditEntry
from unipipe_tui.domain.things import Neighbour, Thing, ThingKind, Walk
from unipipe_tui.tui.sheets.lineage import (
    ABOVE,
    BELOW,
    audit_request,
    audit_sheet,
    chain_sheet,
    first_row,
    texts_of_thing,
    thing_of,
    trail_line,
    verdict_words,
)


def thing(name: str) -> Thing:
    return Thing(f"run:{name}", ThingKind.RUN, name, "", NOON)


WALK = Walk(
    thing("b"),
    (),
    (Neighbour("child of", thing("a")),),
    (Neighbour("made", thing("c")), Neighbour("made", thing("d"))),
    (),
)


def test_the_chain_reads_from_what_came_before_to_what_came_after() -> None:
    sheet = chain_sheet(WALK)

    assert [row.cells[0].text for row in sheet.rows] == ["┌", "●", "├", "└"]
    assert [thing_of(row.id) for row in sheet.rows] == ["run:a", "run:b", "run:c", "run:d"]
    assert len({row.id for row in sheet.rows}) == 4


def test_the_cursor_goes_on_the_way_it_came_and_turns_at_an_end() -> None:
    assert thing_of(first_row(WALK, ABOVE)) == "run:a"
    assert thing_of(first_row(WALK, BELOW)) == "run:c"
    end = Walk(thing("a"), (), (), (Neighbour("made", thing("b")),), ())
    assert thing_of(first_row(end, ABOVE)) == "run:b"
    assert thing_of(first_row(Walk(thing("x"), (), (), (), ()), BELOW)) == "run:x"


def test_what_is_asked_for_at_a_thing_is_filled_in_with_it() -> None:
    assert texts_of_thing("version:team/fraud/3") == {
        "thing": "version:team/fraud/3",
        "model": "team/fraud",
        "version": "3",
    }
    assert texts_of_thing("job:j1") == {"thing": "job:j1", "job": "j1"}
    assert texts_of_thing("production") == {"thing": "production"}


def test_the_trail_begins_where_one_stands() -> None:
    text = "".join(piece for piece, _ in trail_line(("production", "version:fraud/2"), "run:c0ffee"))

    assert text == "● run c0ffee  ‹ version fraud/2  ‹ production"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("", ListAudit(200)),
        ("spain late", ListAudit(200, "spain late")),
        ("actor:ada since:7d spain", ListAudit(200, "spain", "ada", since="7d")),
        ("action:'models promote'", ListAudit(200, action="models promote")),
        ("action:'models pro", ListAudit(200, "pro", action="'models")),
        ("http://x", ListAudit(200, "http://x")),
    ],
)
def test_what_is_typed_at_the_audit_becomes_a_question(typed: str, asked: ListAudit) -> None:
    assert audit_request(typed, 200) == asked


def entry(number: int) -> AuditEntry:
    return AuditEntry(number, NOON, "ada", "retrain", "unipipe retrain", "job-1", "done", "version 2", "00", "11")


def test_entries_stand_newest_first_and_only_those_before_the_break_are_trusted() -> None:
    listed = AuditList((entry(1), entry(2), entry(3)), 9, 40)
    glyphs = {
        "whole": AuditVerdict(True, 40, "", None),
        "broken": AuditVerdict(False, 40, "entry 2: its text was changed after it was written", 2),
        "unknown": None,
    }
    shown = {name: [row.cells[0].text for row in audit_sheet(listed, one).rows] for name, one in glyphs.items()}

    assert shown == {"whole": ["✓"] * 3, "broken": ["✗", "✗", "✓"], "unknown": ["·"] * 3}
    assert [row.id for row in audit_sheet(listed, None).rows] == ["3", "2", "1"]
    assert audit_sheet(listed, None).total == 9
    assert verdict_words(glyphs["whole"])[0] == "✓ the chain of 40 is whole"
    assert verdict_words(glyphs["broken"])[0].startswith("✗ entry 2")
