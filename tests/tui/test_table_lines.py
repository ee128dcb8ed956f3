"""A table as lines: which columns a width has room for, and what tells of a row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.sheet import Cell, Column, Order, Sheet, SheetRow
from unipipe_tui.tui.table import Table
from unipipe_tui.tui.table_lines import (
    LEAST_CELLS,
    column_at,
    empty_line,
    head_line,
    row_line,
    shown_columns,
    widths,
)

COLUMNS = (Column("name", "name"), Column("f1", "f1", right=True), Column("note", "note"))


def table_of(*rows: tuple[str, str, str]) -> Table:
    table = Table()
    table.show(Sheet(COLUMNS, tuple(SheetRow(row[0], tuple(Cell(text) for text in row)) for row in rows)))
    return table


def text(line: Line) -> str:
    return "".join(piece for piece, _ in line)


def lines(table: Table, width: int, first: int = 0) -> list[str]:
    shown = shown_columns(widths(table, width), width, first)
    return [text(head_line(table, shown)), *(text(row_line(table, row, shown)) for row in table.rows)]


def test_titles_stand_over_their_cells_and_numbers_at_the_right() -> None:
    table = table_of(("owl", "0.5", "good"), ("ox", "0.75", ""))

    assert [line.rstrip() for line in lines(table, 40)] == [
        "  name     f1  note",
        "❯ owl     0.5  good",
        "  ox     0.75",
    ]


def test_cursor_mark_change_and_order_each_have_a_glyph() -> None:
    table = table_of(("owl", "0.5", "good"), ("ox", "0.75", ""))
    table.show(Sheet(COLUMNS, (table.rows[0], SheetRow("ox", (Cell("ox"), Cell("0.8"), Cell(""))))))
    table.turn_mark("owl")
    table.go_to(1)
    table.arrange_by(Order("f1"))
    assert [line.rstrip() for line in lines(table, 40)] == [
        "  name   f1▲  note",
        " ◆owl    0.5  good",
        "❯ ox     0.8•",
    ]
    table.arrange_by(Order("f1", descending=True))
    assert "f1▼" in lines(table, 40)[0]


def test_columns_further_right_come_into_sight_beside_the_first() -> None:
    assert [column.number for column in shown_columns((10, 10, 10, 10), 30, 0)] == [0, 1]
    assert [column.number for column in shown_columns((10, 10, 10, 10), 30, 2)] == [0, 3]


def test_the_last_column_is_cut_as_long_as_it_still_shows_something() -> None:
    room = 2 + 10 + 2 + 10 + 2 + LEAST_CELLS + 1
    assert [column.cells for column in shown_columns((10, 10, 40), room, 0)] == [10, 10, LEAST_CELLS]
    assert [column.cells for column in shown_columns((10, 10, 40), room - 1, 0)] == [10, 10]


def test_a_figure_or_a_date_is_shown_whole_or_not_at_all() -> None:
    room = 2 + 10 + 2 + 10 + 2 + 11 + 1
    assert [column.cells for column in shown_columns((10, 10, 11), room, 0)] == [10, 10, 11]
    assert [column.cells for column in shown_columns((10, 10, 11), room - 1, 0)] == [10, 10]


def test_the_column_that_was_scrolled_to_is_cut_rather_than_never_seen() -> None:
    assert [column.cells for column in shown_columns((10, 10), 2 + 10 + 2 + 6 + 1, 0)] == [10, 6]


@given(st.lists(st.integers(1, 40), max_size=8), st.integers(0, 120), st.integers(0, 8))
def test_what_is_shown_never_needs_more_cells_than_there_are(wanted: list[int], width: int, first: int) -> None:
    shown = shown_columns(wanted, width, first)
    taken = 2 + sum(column.cells for column in shown) + 2 * max(0, len(shown) - 1)

    assert taken <= max(2, width)
    assert bool(shown) == bool(wanted)


def test_a_place_on_the_head_belongs_to_the_column_there_and_none_is_right_of_the_last() -> None:
    shown = shown_columns((4, 6, 4), 40, 1)

    assert [column_at(shown, x) for x in (0, 7, 8, 13, 14)] == [0, 0, 2, 2, None]


@pytest.mark.parametrize("width", [0, 5, 80])
def test_in_place_of_rows_stands_what_to_do_cut_to_the_width(width: int) -> None:
    assert cell_len(text(empty_line(Table(), "No run yet: unipipe pipeline run", width))) <= width


def test_a_filter_that_no_row_passes_says_so_itself() -> None:
    table = table_of(("owl", "0.5", "good"))
    table.filter("fox")
    assert text(empty_line(table, "No run yet.", 80)) == "None of 1 has “fox”; esc shows all."
    assert text(empty_line(Table(), "No run yet.", 80)) == "No run yet."
