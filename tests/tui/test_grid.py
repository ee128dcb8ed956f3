"""The table on the screen: what stays when everything else moves, and what it costs."""

from __future__ import annotations

import time

from rich.cells import cell_len
from textual.app import App, ComposeResult

from tests.tui.hostile import HOSTILE
from unipipe_tui.tui.sheet import Cell, Column, Order, Sheet, SheetRow
from unipipe_tui.tui.table import CHANGED_FOR_SECONDS
from unipipe_tui.tui.table_lines import CHANGED, MARK, POINTER
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.themes import DARK
from unipipe_tui.tui.widgets.grid import Grid

COLUMNS = (Column("name", "name", stretches=True), Column("f1", "f1", right=True))


def sheet(*rows: tuple[str, float], total: int | None = None) -> Sheet:
    return Sheet(
        COLUMNS, tuple(SheetRow(name, (Cell(name, "bold"), Cell(f"{f1:g}", "$muted", f1))) for name, f1 in rows), total
    )


class Alone(App[None]):
    """A grid and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 0.0
        self.grid = Grid(now=lambda: self.at)
        self.more = 0
        self.register_theme(DARK)
        self.theme = DARK.name

    def compose(self) -> ComposeResult:
        yield self.grid

    def on_grid_more_wanted(self) -> None:
        self.more += 1

    def lines(self) -> list[str]:
        return [self.grid.render_line(y).text for y in range(self.grid.size.height)]


MANY = tuple((f"run-{number:03}", float(number)) for number in range(100))


async def test_the_cursor_stays_on_its_row_where_it_stands_on_the_screen_when_rows_come_above_it() -> None:
    app = Alone()
    async with app.run_test(size=(40, 12)) as pilot:
        app.grid.show(sheet(*MANY))
        await pilot.press(*["j"] * 30)
        stood = [line.startswith(POINTER) for line in app.lines()].index(True)
        app.grid.show(sheet(*((f"new-{n}", 0.0) for n in range(7)), *MANY))
        await pilot.pause()

        assert app.grid.pointed == "run-030"
        assert [line.startswith(POINTER) for line in app.lines()].index(True) == stood


async def test_a_filter_that_no_row_passed_leaves_the_cursor_in_sight_when_it_goes() -> None:
    app = Alone()
    async with app.run_test(size=(40, 12)) as pilot:
        app.grid.show(sheet(*MANY))
        await pilot.press("G")
        app.grid.filter("no such row")
        await pilot.pause()
        assert "None of 100 has “no such row”" in app.lines()[1]
        app.grid.filter("")
        await pilot.pause()

        assert app.grid.pointed == "run-099"
        assert any(line.startswith(POINTER) for line in app.lines())


async def test_cursor_marks_and_filter_outlive_another_order_and_another_sheet() -> None:
    app = Alone()
    async with app.run_test(size=(40, 12)) as pilot:
        app.grid.show(sheet(("ox", 3.0), ("owl", 1.0), ("fox", 2.0), ("bee", 9.0)))
        await pilot.press("j", "space")
        app.grid.filter("o")
        app.grid.arrange_by(Order("f1", descending=True))
        app.grid.show(sheet(("fox", 2.5), ("owl", 4.0), ("ox", 3.0), ("bee", 9.0)))
        await pilot.pause()

        assert [row.id for row in app.grid.rows] == ["owl", "ox", "fox"]
        assert app.grid.pointed == "fox"
        assert app.grid.marks == ("owl",)
        assert [line[:2] for line in app.lines()[1:4]] == [f" {MARK}", "  ", f"{POINTER} "]


async def test_a_changed_cell_bears_a_glyph_for_a_while() -> None:
    app = Alone()
    async with app.run_test(size=(40, 6)):
        app.grid.show(sheet(("ox", 3.0), ("owl", 1.0)))
        app.grid.show(sheet(("ox", 3.0), ("owl", 1.5)))
        app.at = CHANGED_FOR_SECONDS - 1
        app.grid.show(sheet(("ox", 3.0), ("owl", 1.5)))
        assert [CHANGED in line for line in app.lines()[:3]] == [False, False, True]

        app.at = CHANGED_FOR_SECONDS + 1
        app.grid.show(sheet(("ox", 3.0), ("owl", 1.5)))
        assert not any(CHANGED in line for line in app.lines())


async def test_when_the_row_under_the_cursor_goes_the_one_in_its_place_is_pointed_at() -> None:
    app = Alone()
    async with app.run_test(size=(40, 12)) as pilot:
        app.grid.show(sheet(("a", 1.0), ("b", 2.0), ("c", 3.0)))
        await pilot.press("j")
        app.grid.show(sheet(("a", 1.0), ("c", 3.0)))
        await pilot.pause()
        assert app.grid.pointed == "c"


async def test_near_the_end_of_what_is_here_more_is_wanted_and_only_if_there_is_more() -> None:
    app = Alone()
    async with app.run_test(size=(40, 12)) as pilot:
        app.grid.show(sheet(*MANY))
        await pilot.press("G")
        assert app.more == 0
        app.grid.show(sheet(*MANY, total=104_312))
        await pilot.press("k")
        await pilot.pause()
        assert app.more > 0


async def test_a_click_on_a_head_sorts_and_another_turns_the_order_around() -> None:
    app = Alone()
    async with app.run_test(size=(40, 12)) as pilot:
        app.grid.show(sheet(("a", 2.0), ("b", 3.0), ("c", 1.0)))
        await pilot.click(Grid, offset=(37, 0))
        assert [row.id for row in app.grid.rows] == ["c", "a", "b"]
        await pilot.click(Grid, offset=(37, 0))
        assert [row.id for row in app.grid.rows] == ["b", "a", "c"]
        await pilot.click(Grid, offset=(5, 2))
        assert app.grid.pointed == "a"


async def test_hostile_texts_take_exactly_the_width_of_the_screen() -> None:
    rows = tuple(SheetRow(str(n), (Cell(harmless(text)), Cell(harmless(text)))) for n, text in enumerate(HOSTILE))
    app = Alone()
    async with app.run_test(size=(60, 24)) as pilot:
        app.grid.show(Sheet(COLUMNS, rows))
        for _ in rows:
            await pilot.press("j")
            assert {cell_len(line) for line in app.lines()} == {app.grid.scrollable_content_region.width}
            assert not any("\x1b" in line for line in app.lines())


async def test_a_hundred_thousand_rows_are_shown_sorted_and_scrolled_without_waiting() -> None:
    found = sheet(*((f"run-{number:06}", float(number % 977)) for number in range(100_000)))
    app = Alone()
    async with app.run_test(size=(120, 40)) as pilot:
        begun = time.process_time()
        app.grid.show(found)
        app.lines()
        shown = time.process_time() - begun
        await pilot.press("G")
        assert app.grid.pointed == "run-099999"

    assert shown < 0.5
