"""What of a table outlives another sheet, another order and another filter: a cursor and marks that know their rows."""

from __future__ import annotations

import pytest

from unipipe_tui.tui.sheet import Cell, Column, Order, Sheet, SheetRow
from unipipe_tui.tui.table import CHANGED_FOR_SECONDS, MORE_WITHIN_ROWS, Table

COLUMNS = (Column("name", "name"), Column("f1", "f1", right=True))


def sheet(total: int | None = None, **rows: float) -> Sheet:
    found = (SheetRow(name, (Cell(name), Cell(f"{f1:g}", rank=f1))) for name, f1 in rows.items())
    return Sheet(COLUMNS, tuple(found), total)


def table_of(**rows: float) -> Table:
    table = Table()
    table.show(sheet(**rows))
    return table


def names(table: Table) -> list[str]:
    return [row.id for row in table.rows]


def test_the_cursor_begins_on_the_first_row_and_stops_at_either_end() -> None:
    table = table_of(a=1.0, b=2.0, c=3.0)
    assert table.cursor == "a"
    table.go_to(99)
    assert (table.cursor, table.place) == ("c", 2)
    table.go_to(-1)
    assert (table.cursor, table.place) == ("a", 0)


def test_a_table_without_rows_has_a_cursor_nowhere() -> None:
    table = Table()
    table.go_to(3)
    table.show(sheet())
    assert (table.cursor, table.place) == (None, None)


def test_the_cursor_goes_with_its_row_into_another_order_and_another_sheet() -> None:
    table = table_of(a=3.0, b=1.0, c=2.0)
    table.go_to(1)
    table.arrange_by(Order("f1", descending=True))
    assert (names(table), table.cursor, table.place) == (["a", "c", "b"], "b", 2)
    table.show(sheet(new=9.0, a=3.0, b=5.0))
    assert (names(table), table.cursor, table.place) == (["new", "b", "a"], "b", 1)


@pytest.mark.parametrize(("stood", "left", "stands"), [(1, "ac", "c"), (2, "ab", "b"), (0, "bc", "b")])
def test_when_its_row_goes_the_cursor_stands_on_the_one_in_its_place(stood: int, left: str, stands: str) -> None:
    table = table_of(a=1.0, b=2.0, c=3.0)
    table.go_to(stood)
    table.show(sheet(**dict.fromkeys(left, 1.0)))
    assert table.cursor == stands


def test_the_cursor_waits_for_its_row_while_none_is_shown() -> None:
    table = table_of(a=1.0, b=2.0, c=3.0)
    table.go_to(2)
    table.filter("nothing like that")
    assert (names(table), table.place) == ([], None)
    table.filter("")
    assert (table.cursor, table.place) == ("c", 2)


def test_an_awaited_row_gets_the_cursor_if_it_is_among_the_next_rows_and_is_awaited_no_longer() -> None:
    table = Table()
    table.await_row("b")
    table.show(sheet())
    table.show(sheet(a=1.0, b=2.0))
    assert table.cursor == "b"
    table.await_row("gone")
    table.show(sheet(a=1.0, b=2.0))
    table.show(sheet(a=1.0, b=2.0, gone=3.0))
    assert table.cursor == "b"


def test_marks_keep_the_order_in_which_they_were_made_and_outlive_what_hides_their_rows() -> None:
    table = table_of(a=1.0, b=2.0, c=3.0)
    for row in ("c", "a", "b", "a"):
        table.turn_mark(row)
    table.filter("a")
    table.show(sheet(b=2.0))
    assert table.marks == ("c", "b")
    assert table.is_marked("c")
    assert not table.is_marked("a")


def test_a_table_that_others_arrange_shows_rows_as_they_came() -> None:
    table = Table(arranges=False)
    table.show(sheet(b=1.0, a=2.0))
    table.filter("a")
    table.arrange_by(Order("f1", descending=True))
    assert names(table) == ["b", "a"]
    assert (table.words, table.order) == ("a", Order("f1", descending=True))


def test_orders_go_through_the_columns_and_then_to_none() -> None:
    table = table_of(a=1.0)
    seen = []
    for _ in range(4):
        table.arrange_by(table.next_order())
        seen.append(table.order.key if table.order else None)
    assert seen == ["name", "f1", None, "name"]


def test_to_order_by_the_same_column_again_turns_it_around() -> None:
    table = table_of(a=1.0)
    table.arrange_by(table.order_by("f1"))
    assert table.order == Order("f1")
    table.arrange_by(table.order_by("f1"))
    assert table.order == Order("f1", descending=True)
    assert table.order_by("f1") == Order("f1")
    assert table.order_by("name") == Order("name")


def test_a_changed_cell_is_told_for_a_while_and_not_when_another_thing_is_shown() -> None:
    at = 0.0
    table = Table(now=lambda: at)
    table.show(sheet(a=1.0, b=1.0))
    table.show(sheet(a=1.0, b=2.0))
    assert (table.has_changed("b", "f1"), table.has_changed("b", "name"), table.has_changed("a", "f1")) == (
        True,
        False,
        False,
    )
    at = CHANGED_FOR_SECONDS - 0.1
    table.show(sheet(a=1.0, b=2.0))
    assert table.has_changed("b", "f1")
    at = CHANGED_FOR_SECONDS + 0.1
    table.show(sheet(a=1.0, b=2.0))
    assert not table.has_changed("b", "f1")
    table.show(sheet(a=7.0, b=7.0), changed=False)
    assert not table.has_changed("a", "f1")


def test_more_are_wanted_near_the_end_of_what_is_here_when_there_are_more() -> None:
    rows = {f"r{number}": 1.0 for number in range(2 * MORE_WITHIN_ROWS)}
    table = Table()
    table.show(sheet(**rows))
    assert not table.wants_more(2 * MORE_WITHIN_ROWS - 1)
    table.show(sheet(104_312, **rows))
    assert table.wants_more(MORE_WITHIN_ROWS)
    assert not table.wants_more(MORE_WITHIN_ROWS - 1)
