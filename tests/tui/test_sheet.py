"""A table as values: its order, its filter, its widths, and what changed in it."""

from __future__ import annotations

import math
import random

import pytest

from unipipe_tui.tui.sheet import BETWEEN_COLUMNS, Cell, Column, Order, Sheet, SheetRow, changed_cells

COLUMNS = (Column("name", "name", stretches=True), Column("f1", "f1", right=True))


def sheet(**rows: float | str | None) -> Sheet:
    def cell(value: float | str | None) -> Cell:
        return Cell("–") if value is None else Cell(str(value), rank=value)

    return Sheet(COLUMNS, tuple(SheetRow(name, (Cell(name), cell(value))) for name, value in rows.items()))


def names(rows: tuple[SheetRow, ...]) -> list[str]:
    return [row.id for row in rows]


def test_numbers_are_ordered_as_numbers_and_what_has_none_stands_last_in_either_direction() -> None:
    found = sheet(a=9.0, b=None, c=10.0, d=math.nan, e=-1.0)

    assert names(found.arranged("", Order("f1"))) == ["e", "a", "c", "b", "d"]
    assert names(found.arranged("", Order("f1", descending=True))) == ["c", "a", "e", "b", "d"]


def test_texts_are_ordered_whatever_their_case_and_after_numbers() -> None:
    assert names(sheet(a="beta", b="Alpha", c=3.0).arranged("", Order("f1"))) == ["c", "b", "a"]


def test_an_order_by_a_column_that_is_not_there_leaves_the_rows_as_they_came() -> None:
    assert names(sheet(b=1.0, a=2.0).arranged("", Order("gone"))) == ["b", "a"]


def test_a_row_must_bear_every_word_of_the_filter_in_whatever_cell() -> None:
    found = sheet(owl=0.5, Owlet=0.75, fox=0.5)

    assert names(found.arranged("OWL", None)) == ["owl", "Owlet"]
    assert names(found.arranged("owl 0.5", None)) == ["owl"]


@pytest.mark.parametrize("room", [10, 40, 80, 200])
def test_columns_fill_the_room_when_one_stretches_and_it_is_enough(room: int) -> None:
    chance = random.Random(room)
    rows = {"n" * chance.randint(1, 30): chance.random() for _ in range(20)}
    found = sheet(**rows)
    widths = found.widths(room)

    assert len(widths) == len(COLUMNS)
    assert all(width > 0 for width in widths)
    if room >= 40:
        assert sum(widths) + BETWEEN_COLUMNS == room


def test_only_cells_that_say_something_else_are_called_changed_and_new_rows_are_not() -> None:
    assert dict(changed_cells(sheet(a=1.0, b=2.0), sheet(b=3.0, a=1.0, c=4.0))) == {"b": frozenset({"f1"})}


def test_a_column_that_comes_anew_changes_nothing() -> None:
    before = Sheet(COLUMNS[:1], (SheetRow("a", (Cell("a"),)),))

    assert dict(changed_cells(before, sheet(a=1.0))) == {}


def test_a_column_is_cut_only_where_there_is_no_room_for_the_whole_of_it() -> None:
    columns = (Column("who", "who", 4), Column("what", "what", 200, stretches=True))
    found = Sheet(columns, (SheetRow("a", (Cell("somebody"), Cell("nothing"))),))

    assert found.widths(40)[0] == len("somebody")
    assert found.widths(13)[0] == 4
