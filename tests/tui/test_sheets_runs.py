"""What the tables and lines of runs say, without a screen."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.actions.runs.made import Made, world_with
from unipipe_tui.actions.runs.best import BestRuns, best_runs
from unipipe_tui.actions.runs.comparison import CompareRuns, RunComparison, compare_runs
from unipipe_tui.actions.runs.contents import ListColumns, ListExperiments, list_columns, list_experiments
from unipipe_tui.actions.runs.export import EXPORT, ExportRuns
from unipipe_tui.actions.runs.listing import ListRuns, ShowRun, list_runs, show_run
from unipipe_tui.actions.runs.scatter import ChartRuns, ParallelRuns, chart_runs, parallel_runs
from unipipe_tui.actions.world import World
from unipipe_tui.domain.runs.query import FieldKind
from unipipe_tui.domain.runs.query_text import parse_where
from unipipe_tui.domain.runs.rows import DELETED
from unipipe_tui.tui.forms import fill
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.runs_view import RunsView
from unipipe_tui.tui.sheet import Order, Sheet
from unipipe_tui.tui.sheets.runs import experiments_of, experiments_sheet, run_lines, runs_sheet
from unipipe_tui.tui.sheets.runs_charts import best_lines, best_sheet, columns_sheet, parallel_lines, scatter_lines
from unipipe_tui.tui.sheets.runs_compare import compared_lines, comparison_sheet, differing_rows, row_with_id

RUNS = (
    Made(
        "a1", "one", {"f1": 0.5, "loss": 0.9}, {"depth": "3", "kind": "a"}, {"team": "risk", "mlflow.note.content": "x"}
    ),
    Made("b2", "two", {"f1": 0.7, "loss": math.nan}, {"depth": "6", "kind": "a"}, data=[("train", "d1", "training")]),
    Made("c3", "three", {"f1": 0.6, "part.of.it": 1.0}, {"depth": "9"}, status="FAILED"),
)


@pytest.fixture
def world(project: Path) -> World:
    return world_with(project, *RUNS)


def titles(sheet: Sheet) -> list[str]:
    return [column.title for column in sheet.columns]


def row(sheet: Sheet, row_id: str) -> list[str]:
    return next([cell.text for cell in row.cells] for row in sheet.rows if row.id == row_id)


def said(lines: list[Line]) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lines)


def test_what_most_runs_have_stands_before_what_few_have(world: World) -> None:
    sheet = runs_sheet(list_runs(ListRuns(), world))
    assert titles(sheet) == ["run", "", "started", "took", "f1", "loss", "part.of.it", "depth", "kind"]
    assert row(sheet, "b2")[4:] == ["0.7", "nan", "–", "6", "a"]
    assert [cell.text for cell in sheet.rows[0].cells][:2] == ["three", "✗"]
    assert sheet.total == 3


def test_only_the_chosen_columns_are_shown_and_the_one_that_they_are_ordered_by(world: World) -> None:
    found = list_runs(ListRuns(columns=("params.depth",)), world)
    assert titles(runs_sheet(found))[4:] == ["depth"]
    assert titles(runs_sheet(found, Order("metrics.f1")))[4:] == ["depth", "f1"]


def test_a_metric_and_a_param_of_one_name_are_told_apart(project: Path) -> None:
    world = world_with(project, Made("a1", metrics={"rate": 0.1}, params={"rate": "fast"}))
    assert titles(runs_sheet(list_runs(ListRuns(), world)))[4:] == ["m.rate", "p.rate"]


def test_runs_of_several_experiments_say_which_is_theirs(project: Path) -> None:
    world = world_with(project, Made("a1"), Made("b2", experiment="2"))
    assert row(runs_sheet(list_runs(ListRuns(), world)), "b2")[2] == "fraud"


def test_the_first_row_of_the_experiments_stands_for_all_of_them(project: Path) -> None:
    world = world_with(project, Made("a1"), Made("b2", experiment="2"))
    sheet = experiments_sheet(list_experiments(ListExperiments(), world))
    assert [[cell.text for cell in row.cells] for row in sheet.rows] == [["all", "2"], ["fraud", "1"], ["churn", "1"]]
    assert experiments_of(row.id for row in sheet.rows[1:]) == ("fraud", "churn")
    assert experiments_of(row.id for row in sheet.rows) == ()


def test_a_run_is_told_in_full(world: World) -> None:
    text = said(run_lines(show_run(ShowRun("b2"), world)))
    assert "✓ finished  churn" in text
    assert "id       b2" in text
    assert "f1    0.7" in text
    assert "train  d1 training" in text


@pytest.fixture
def compared(world: World) -> RunComparison:
    return compare_runs(CompareRuns(("a1", "b2", "c3"), "a1"), world)


def test_figures_are_measured_against_the_baseline_by_glyph_and_sign(compared: RunComparison) -> None:
    sheet = comparison_sheet(compared)
    assert titles(sheet) == ["what", "⚑ one", "two", "three"]
    assert row(sheet, "metric f1") == ["≠ metric f1", "0.5", "0.7 ▲ +0.2", "0.6 ▲ +0.1"]
    assert row(sheet, "param kind") == ["≠ param kind", "a", "a", "–"]
    assert row(sheet, "attribute user")[0] == "  attribute user"


def test_less_loss_is_better(world: World) -> None:
    found = compare_runs(
        CompareRuns(("b2", "a1")),
        world_with(world.root, Made("a1", metrics={"loss": 0.5}), Made("b2", metrics={"loss": 0.9})),
    )
    assert row(comparison_sheet(found), "metric loss")[2] == "0.5 ▲ -0.4"
    assert "lower is better" in said(compared_lines(found, row_with_id(found, "metric loss")))


def test_the_rows_that_differ_are_known(compared: RunComparison) -> None:
    assert {"metric f1", "param depth", "attribute status"} <= differing_rows(compared)
    assert "attribute user" not in differing_rows(compared)


def test_the_row_under_the_cursor_is_told_with_its_verdict_in_words(compared: RunComparison) -> None:
    text = said(compared_lines(compared, row_with_id(compared, "metric f1")))
    assert "two    0.7  ▲ +0.2 better" in text
    assert "higher is better" in text


def test_only_fields_of_the_wanted_kinds_can_be_chosen(world: World) -> None:
    found = list_columns(ListColumns(), world)
    assert [row.id for row in columns_sheet(found, (FieldKind.PARAM,)).rows] == ["params.depth", "params.kind"]
    assert row(columns_sheet(found, (FieldKind.METRIC,)), "metrics.loss") == ["loss", "metric", "↓ lower", "2"]


def test_the_best_runs_are_told_with_what_they_share(world: World) -> None:
    found = best_runs(BestRuns("f1", limit=2), world)
    assert [row.id for row in best_sheet(found).rows] == ["b2", "c3"]
    assert titles(best_sheet(found))[5:] == ["depth", "kind"]
    assert "2 of 3 runs with f1; higher is better" in said(best_lines(found))


def test_a_chart_is_told_in_words_beside_it(world: World) -> None:
    parallel = parallel_runs(ParallelRuns("f1"), world)
    assert "Best: two (b2)" in said(parallel_lines(parallel))
    scatter = chart_runs(ChartRuns("params.depth", "metrics.f1"), world)
    assert "3 runs; rank correlation +0.50" in said(scatter_lines(scatter))


def test_a_view_becomes_the_request_that_the_command_line_would_make() -> None:
    view = RunsView("f1 > 1 or x", ("fraud",), Order("metrics.f1", descending=True), ("params.depth",))
    assert view.listing() == ListRuns("f1 > 1 or x", ("metrics.f1 DESC",), 200, 0, ("params.depth",), ("fraud",))


def test_a_view_of_some_experiments_can_be_asked_with_one_question(project: Path) -> None:
    world = world_with(project, Made("a1", "x"), Made("b2", "x", experiment="2"), Made("c3", "y", experiment="2"))
    view = RunsView("x or x", ("fraud",))
    found = list_runs(ListRuns(view.condition), world)
    assert [run.run_id for run in found.runs] == ["b2"]
    assert parse_where(replace(view, experiments=('it\'s "odd"',)).condition) is not None


def test_an_export_is_filled_in_with_the_view_or_with_the_marked_runs(project: Path) -> None:
    view = RunsView("name:x y", ("a b",), Order("metrics.f1"), ("metrics.`top 5`", "params.depth"), deleted=True)
    filled = fill(EXPORT, view.texts(()), project).request
    assert filled == ExportRuns(
        "name:x y", ("metrics.f1",), ("metrics.`top 5`", "params.depth"), ("a b",), deleted=True
    )
    marked = fill(EXPORT, view.texts(("a1", "b2")), project).request
    assert marked is not None
    assert (marked.where, marked.experiment) == ("run_id IN ('a1', 'b2')", ())
    world = world_with(project, *RUNS, Made("d4", lifecycle=DELETED))
    assert list_runs(ListRuns(marked.where), world).total == 2
