"""The runs screen: filter, order, columns, marks, and what is opened from it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.actions.runs.made import Made, batch_of, world_with
from tests.fakes import FakeProcesses, FakeTracking, staying
from tests.tui.conftest import expect_soon, looked, until
from unipipe_tui.actions.action import Look
from unipipe_tui.actions.catalog import action_named
from unipipe_tui.actions.runs.listing import SHOW, RunView, ShowRun
from unipipe_tui.actions.world import World
from unipipe_tui.domain.runs.rows import DELETED
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.store.runs.places import Memory
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.remembered import Remembered
from unipipe_tui.tui.runs_view import MOST_RUNS, PAGE_RUNS
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.screens.runs import RunsScreen
from unipipe_tui.tui.screens.runs_best import BestPane, BestScreen
from unipipe_tui.tui.screens.runs_chart import ChartPane, HistoryScreen, ParallelScreen, ScatterScreen
from unipipe_tui.tui.screens.runs_compare import CompareScreen, ComparisonPane
from unipipe_tui.tui.screens.runs_fields import FieldScreen, FieldsPane
from unipipe_tui.tui.snapshot import look_around
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.plot import Plot
from unipipe_tui.tui.widgets.reading import Reading
from unipipe_tui.tui.widgets.runs import ExperimentsPane, RunPane, RunsPane
from unipipe_tui.wiring import world_at

RUNS = (
    Made("a1", "ant", {"f1": 0.5, "loss": 0.9}, {"depth": "3", "kind": "x"}, {"team": "risk"}),
    Made("b2", "bee", {"f1": 0.7, "loss": 0.4}, {"depth": "6", "kind": "x"}),
    Made("c3", "cow", {"f1": 0.6, "loss": 0.5}, {"depth": "9", "kind": "y"}, experiment="2"),
    Made("d4", "dog", {"f1": 0.9}, lifecycle=DELETED),
)


def world_of(project: Path, *runs: Made) -> World:
    made = world_with(project, *runs)
    return staying(made, tracking=FakeTracking(), processes=FakeProcesses())


@pytest.fixture
def some(project: Path) -> World:
    return world_of(project, *RUNS)


async def opened(pilot: Pilot[Any], app: Unipipe) -> RunsPane:
    """Go to the runs and wait for them."""
    await looked(pilot, app)
    await pilot.press("3")
    await until(pilot, lambda: isinstance(app.screen, RunsScreen) and app.screen.query(RunsPane))
    pane = app.screen.query_one(RunsPane)
    await until(pilot, lambda: pane.grid.rows)
    return pane


def ids(pane: RunsPane | ComparisonPane | BestPane | FieldsPane | ExperimentsPane) -> list[str]:
    return [row.id for row in pane.grid.rows]


def heads(pane: RunsPane) -> list[str]:
    return [column.key for column in pane.grid.sheet.columns]


def text_of(widget: Reading) -> str:
    return str(widget.query_one(Static).content)


async def typed(pilot: Pilot[Any], pane: RunsPane, text: str) -> None:
    line = pane.query_one(".filter", Input)
    if not line.has_focus:
        await pilot.press("slash")
    line.value = text
    await pilot.pause()


def shown(pane: RunsPane, *wanted: str) -> Callable[[], bool]:
    return lambda: ids(pane) == list(wanted)


async def test_the_filter_is_the_query_language_and_a_faulty_question_keeps_the_rows(some: World) -> None:
    app = Unipipe(some)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot, app)
        assert ids(pane) == ["c3", "b2", "a1"]
        await until(pilot, lambda: str(pane.border_subtitle) == "3")
        await typed(pilot, pane, "metrics.f1 > 0.55 params.kind = y")
        await until(pilot, shown(pane, "c3"))
        fault = pane.query_one("#fault", Static)
        await until(pilot, lambda: not fault.display)
        await typed(pilot, pane, "metrics.f1 > x")
        await until(pilot, lambda: fault.display)
        said = str(fault.content).split("\n")
        assert "Column 14: expected a number" in said[0]
        assert said[2].index("^") == said[1].index("x")
        assert ids(pane) == ["c3"]
        await typed(pilot, pane, "bee")
        await until(pilot, shown(pane, "b2"))
        await until(pilot, lambda: not fault.display)
        await typed(pilot, pane, "gnu")
        run = app.screen.query_one(RunPane)
        await until(pilot, lambda: ids(pane) == [] and "bee" not in text_of(run.reading))
        await pilot.press("escape")
        await until(pilot, shown(pane, "c3", "b2", "a1"))
        await until(pilot, lambda: "bee" in text_of(run.reading))


async def test_a_run_whose_row_is_gone_is_not_shown_when_the_answer_comes_at_last(some: World) -> None:
    app = Unipipe(some)
    freed = threading.Event()

    def late(request: ShowRun, world: World) -> RunView:
        freed.wait(10)
        return SHOW.look(request, world)

    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot, app)
        run = app.screen.query_one(RunPane)
        await until(pilot, lambda: run.answer is not None)
        run.ask(Look("runs show", ShowRun, late, "late"), ShowRun("b2"), some)
        await typed(pilot, pane, "gnu")
        await until(pilot, lambda: pane.answer is not None and not ids(pane))
        freed.set()
        await until(pilot, lambda: not run._looking.busy)
        assert "bee" not in text_of(run.reading)


async def test_the_index_orders_them_and_the_cursor_stays_on_its_run(some: World) -> None:
    app = Unipipe(some)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot, app)
        await pilot.press("j")
        assert pane.grid.pointed == "b2"
        while pane.grid.order is None or pane.grid.order.key != "metrics.f1":
            await pilot.press("s")
        await until(pilot, shown(pane, "a1", "c3", "b2"))
        await pilot.press("S")
        await until(pilot, shown(pane, "b2", "c3", "a1"))
        assert pane.grid.pointed == "b2"
        await until(pilot, lambda: "bee" in text_of(app.screen.query_one(RunPane).reading))
        assert app.screen.selection() == {  # type: ignore[attr-defined]
            "run": "b2",
            "runs": "b2",
            "metric": "metrics.f1",
            "where": "",
            "order_by": "'metrics.f1 DESC'",
            "columns": "",
            "experiment": "",
            "deleted": "no",
        }


async def test_experiments_narrow_the_runs_and_deleted_ones_are_another_view(some: World) -> None:
    app = Unipipe(some)
    async with app.run_test(size=(160, 40)) as pilot:
        pane = await opened(pilot, app)
        experiments = app.screen.query_one(ExperimentsPane)
        await until(pilot, lambda: len(ids(experiments)) == 3)
        assert [row.cells[1].text for row in experiments.grid.rows] == ["3", "1", "2"]
        await pilot.press("e", "j")
        await until(pilot, shown(pane, "c3"))
        assert "fraud" in str(pane.border_title)
        await pilot.press("space", "space", "enter")
        await until(pilot, shown(pane, "c3", "b2", "a1"))
        assert pane.grid.has_focus
        experiments.grid.action_clear_marks()
        experiments.grid.action_first()
        await pilot.press("d")
        await until(pilot, shown(pane, "d4"))
        assert "deleted" in str(pane.border_title)


async def test_columns_are_chosen_from_those_that_the_runs_have(some: World) -> None:
    app = Unipipe(some)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot, app)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, FieldScreen) and app.screen.query(FieldsPane))
        fields = app.screen.query_one(FieldsPane)
        await until(pilot, lambda: len(ids(fields)) == 5)
        fields.grid.point_at("params.kind")
        await pilot.press("space")
        fields.grid.point_at("tags.team")
        await pilot.press("space", "enter")
        await until(pilot, lambda: heads(pane)[-2:] == ["params.kind", "tags.team"])
        assert "metrics.f1" not in heads(pane)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, FieldScreen) and app.screen.query_one(FieldsPane).grid.marks)
        await pilot.press("u", "enter")
        await until(pilot, lambda: "metrics.f1" in heads(pane))


async def test_marked_runs_are_compared_and_differences_are_jumped_to(some: World) -> None:
    app = Unipipe(some)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await pilot.press("c")
        assert isinstance(app.screen, RunsScreen)
        await pilot.press("space", "space", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.query(ComparisonPane))
        pane = app.screen.query_one(ComparisonPane)
        await until(pilot, lambda: "metric f1" in ids(pane))
        assert "attribute status" in ids(pane)
        pane.grid.point_at("metric loss")
        await pilot.press("n")
        assert pane.grid.pointed == "attribute experiment"
        pane.grid.point_at("metric f1")
        await until(pilot, lambda: "▲ +0.1 better" in text_of(app.screen.query_one("#compared-row", Reading)))
        await pilot.press("d")
        await until(pilot, lambda: "attribute status" not in ids(pane))
        assert pane.grid.pointed == "metric f1"
        await pilot.press("B")
        await until(pilot, lambda: "▼ -0.1 worse" in text_of(app.screen.query_one("#compared-row", Reading)))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))


async def test_runs_are_drawn_and_judged_by_the_metric_that_they_are_ordered_by(some: World) -> None:
    app = Unipipe(some)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, ParallelScreen) and app.screen.query(Plot))
        await until(pilot, lambda: "f1 by params (higher is better)" in picture(app))
        await pilot.press("t", "t")
        await until(pilot, lambda: "f1 by params (lower is better)" in picture(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await pilot.press("x")
        await until(
            pilot, lambda: isinstance(app.screen, ScatterScreen) and "metrics.f1 against params.depth" in picture(app)
        )
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        assert app.screen.query_one("#entry-what", Input).value == "params.depth metrics.f1"
        # The first one closes the choices below the field, the last one the chart.
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await pilot.press("B")
        await until(pilot, lambda: isinstance(app.screen, BestScreen) and app.screen.query(BestPane))
        best = app.screen.query_one(BestPane)
        await until(pilot, lambda: ids(best) == ["b2", "c3", "a1"])
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))


def picture(app: Unipipe) -> str:
    plots = list(app.screen.query(Plot))
    return plots[0].picture.plain if plots else ""


async def test_a_chart_that_cannot_be_drawn_says_why(project: Path) -> None:
    app = Unipipe(world_of(project, Made("a1", metrics={"odd": 0.5}), Made("b2", metrics={"odd": 0.7})))
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(app.screen, ParallelScreen) and app.screen.query(ChartPane))
        reading = app.screen.query_one(Reading)
        await until(pilot, lambda: "Nobody knows which values of 'odd' are the better ones." in text_of(reading))
        await pilot.press("t")
        await expect_soon(pilot, lambda: "odd by params (higher is better)" in picture(app))


async def test_metrics_are_drawn_of_the_marked_runs(some: World) -> None:
    app = Unipipe(some)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app)
        await pilot.press("space", "space", "m")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.query(ChartPane))
        assert app.screen.selection()["against"] == "b2"  # type: ignore[attr-defined]
        assert app.screen.selection()["run"] == "c3"  # type: ignore[attr-defined]


async def test_what_the_palette_asks_for_is_filled_in_with_the_run_under_the_cursor(some: World) -> None:
    app = Unipipe(some)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app)
        await pilot.press("j")
        app.post_message(Asked(action_named("runs rename")))
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        assert app.screen.query_one("#entry-run", Input).value == "b2"


async def test_the_view_is_found_again_at_the_next_launch(some: World) -> None:
    kept = {"filter": "bee or cow", "columns": ["params.depth"], "order": "metrics.f1", "descending": True}
    app = Unipipe(some)
    app.remembered = Remembered(places={"runs": {"runs": kept}})
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, shown(pane, "b2", "c3"))
        assert heads(pane)[-2:] == ["params.depth", "metrics.f1"]
        assert kept.items() <= pane.remember().items()
        await pilot.press("g", "space", "space", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        await pilot.press("4")
        await until(pilot, lambda: not isinstance(app.screen, RunsScreen))
        assert app.recalled("runs")["runs"]["filter"] == "bee or cow"


async def test_an_export_is_asked_for_with_what_is_shown(some: World) -> None:
    app = Unipipe(some)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot, app)
        await typed(pilot, pane, "bee")
        await until(pilot, shown(pane, "b2"))
        await pilot.press("enter", "w")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        assert app.screen.query_one("#entry-where", Input).value == "bee"


async def test_more_runs_come_when_the_cursor_nears_the_end_and_the_count_is_honest(project: Path) -> None:
    app = Unipipe(world_of(project, *(Made(f"{number:04x}") for number in range(2 * PAGE_RUNS + 50))))
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot, app)
        assert str(pane.border_subtitle) == "200 of 450"
        await pilot.press("G")
        await until(pilot, lambda: len(pane.grid.rows) == 2 * PAGE_RUNS)
        await pilot.press("G")
        await until(pilot, lambda: str(pane.border_subtitle) == "450")
        assert pane.view.limit <= MOST_RUNS


async def test_runs_that_a_synchronisation_reads_appear_by_themselves(project: Path, some: World) -> None:
    app = Unipipe(some)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: app.screen._index is not None)  # type: ignore[attr-defined]
        index = some.run_index
        assert isinstance(index, RunIndex)
        index.take("mlflow", "sqlite:///mlflow.db", batch_of(Made("e5", "eel")))
        file = project / ".unipipe" / "runs.duckdb"
        file.parent.mkdir(exist_ok=True)
        file.write_text("moved")
        await until(pilot, lambda: "e5" in ids(pane))


async def test_a_place_without_runs_says_what_makes_the_first(world: World) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(100, 30)) as pilot:
        await looked(pilot, app)
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen) and app.screen.query(RunsPane))
        pane = app.screen.query_one(RunsPane)
        await until(pilot, lambda: pane.answer is not None)
        assert "unipipe pipeline run" in app.export_screenshot().replace("&#160;", " ")
        assert isinstance(pane.grid, Grid)


def test_what_was_read_where_nothing_may_be_written_is_not_read_again_at_every_look(project: Path) -> None:
    def unwritable(root: Path) -> World:
        return replace(world_at(root), run_index=RunIndex(Memory()), index_is_kept=False)

    before = replace(world_with(project, *RUNS), elsewhere=unwritable)
    assert look_around(before).world.run_index is before.run_index
