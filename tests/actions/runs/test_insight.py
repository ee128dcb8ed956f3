"""What many runs have to say together: the best, their histories, what goes with what, which params matter."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.actions.runs.made import Made, world_with
from tests.fakes import NOON, FakeTracking
from unipipe_tui.actions.command_line import command_line
from unipipe_tui.actions.drawing import draw
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.runs.best import BestRuns, best_runs
from unipipe_tui.actions.runs.drawing import DRAW, DrawingKind, DrawRuns, plan_drawing
from unipipe_tui.actions.runs.groups import ListDuplicates, ListSweeps, list_duplicates, list_sweeps
from unipipe_tui.actions.runs.history import ShowHistory, show_history
from unipipe_tui.actions.runs.importance import WeighParams, plan_weighing, weigh_params
from unipipe_tui.actions.runs.scatter import ChartRuns, ParallelRuns, chart_runs, parallel_runs
from unipipe_tui.actions.world import World
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.charts import ParallelChart, Scale
from unipipe_tui.domain.errors import Refused, UnipipeError, UsageError
from unipipe_tui.domain.outlines import BOUNDLESS, OutlineAxis
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.runs.directions import Direction
from unipipe_tui.domain.runs.rows import DELETED
from unipipe_tui.domain.tracking import Metric, Run, RunStatus

PARENT = "mlflow.parentRunId"
COMMIT = "mlflow.source.git.commit"
MARKUP = "[bold red]x[/] \x1b[31m $y$"


def text(result: object) -> str:
    return "\n".join(line.plain for line in lines_of(result))


def json_of(result: object) -> str:
    return json.dumps(to_plain(result), allow_nan=False)


@pytest.fixture
def world(project: Path) -> World:
    return world_with(
        project,
        Made("aaaa1111", "first", {"auc": 0.5, "loss": 0.9}, {"depth": "4", "lr": "0.1", "kind": "adam"}),
        Made("bbbb2222", MARKUP, {"auc": 0.7, "loss": 0.2}, {"depth": "6", "lr": "0.1", "kind": "sgd"}),
        Made("cccc3333", "third", {"auc": 0.6, "loss": math.nan}, {"depth": "8", "lr": "0.1", "kind": "sgd"}),
        Made("dddd4444", "diverged", {"auc": 0.1, "loss": math.inf}, {"depth": "9", "lr": "0.1"}),
        Made("eeee5555", "without", {}, {"depth": "2"}),
    )


# The best


def test_the_best_run_is_the_highest_or_the_lowest_as_the_name_tells(world: World) -> None:
    assert [run.run_id for run in best_runs(BestRuns("auc"), world).runs][:2] == ["bbbb2222", "cccc3333"]
    assert [run.run_id for run in best_runs(BestRuns("loss"), world).runs] == ["bbbb2222", "aaaa1111"]
    assert best_runs(BestRuns("metrics.auc", better=Direction.LOWER), world).runs[0].run_id == "dddd4444"


def test_an_infinite_value_is_never_the_best(project: Path) -> None:
    wild = [
        Made(f"wild{number}", metrics={"auc": value}) for number, value in enumerate((math.inf, BOUNDLESS, math.nan))
    ]
    best = best_runs(BestRuns("auc", limit=1), world_with(project, *wild, Made("good1", metrics={"auc": 0.9})))
    assert [run.run_id for run in best.runs] == ["good1"]
    assert best.judged == 4


def test_the_best_runs_say_what_they_share_and_what_tells_them_apart(world: World) -> None:
    best = best_runs(BestRuns("auc", limit=2), world)
    assert best.same_params == {"kind": "sgd", "lr": "0.1"}
    assert [run.params for run in best.runs] == [{"depth": "6"}, {"depth": "8"}]
    assert [round(run.behind, 6) for run in best.runs] == [0.0, 0.1]
    assert (best.judged, best.better) == (4, Direction.HIGHER)


def test_only_runs_that_fit_are_judged(world: World) -> None:
    best = best_runs(BestRuns("auc", where="params.kind = 'adam'"), world)
    assert ([run.run_id for run in best.runs], best.judged) == (["aaaa1111"], 1)


def test_a_metric_whose_direction_nobody_knows_is_refused_until_told(project: Path) -> None:
    world = world_with(project, Made("a1", metrics={"temperature": 3.0}))
    with pytest.raises(UsageError, match="temperature") as refused:
        best_runs(BestRuns("temperature"), world)
    assert "--better" in refused.value.hint
    assert best_runs(BestRuns("temperature", better=Direction.LOWER), world).runs


def test_a_metric_that_no_run_has_is_refused_with_those_that_there_are(world: World) -> None:
    with pytest.raises(UsageError, match="recall") as refused:
        best_runs(BestRuns("recall"), world)
    assert "auc, loss" in refused.value.hint


def test_a_metric_that_no_run_has_is_not_asked_for_its_direction(world: World) -> None:
    with pytest.raises(UsageError, match="No run that fits has the metric 'temperature'"):
        best_runs(BestRuns("temperature"), world)


def test_the_best_runs_are_told_with_the_params_that_fit_on_eighty_cells(project: Path) -> None:
    runs = [
        Made(f"{number:032x}", "n" * 60, {"auc": number / 7}, {f"p{n}": f"{number}" * 60 for n in range(9)})
        for number in range(9)
    ]
    lines = text(best_runs(BestRuns("auc"), world_with(project, *runs))).splitlines()
    assert "p0" in lines[0]
    assert max(map(len, lines)) <= 80


def test_a_metric_of_any_name_is_found(project: Path) -> None:
    world = world_with(project, Made("a1", metrics={"recall: at 0.95/`x`": 0.5}))
    assert best_runs(BestRuns("recall: at 0.95/`x`"), world).runs[0].value == 0.5


# Histories


def logged(run_id: str, name: str, key: str, values: list[float], *, step: Callable[[int], int] = int) -> Run:
    metrics = tuple(Metric(key, value, step(n), NOON.replace(second=n % 60)) for n, value in enumerate(values))
    return Run(run_id, name, "churn", RunStatus.FINISHED, NOON, NOON, metrics=metrics)


@pytest.fixture
def histories(project: Path) -> World:
    tracking = FakeTracking(
        (
            logged("aaaa1111", "first", "loss", [float(20 - n) for n in range(20)]),
            logged("bbbb2222", MARKUP, "loss", [math.nan, 3.0, math.inf, 1.0]),
            logged("cccc3333", "timed", "loss", [1.0, 2.0], step=lambda number: 0),
        )
    )
    return world_with(
        project,
        Made("aaaa1111", "first", {"loss": 1.0, "auc": 0.5}, step=19),
        Made("bbbb2222", MARKUP, {"loss": 1.0}, step=3),
        Made("cccc3333", "timed", {"loss": 2.0}),
        Made("dddd4444", "without"),
        tracking=tracking,
    )


def test_a_history_has_every_step(histories: World) -> None:
    shown = show_history(ShowHistory("aaaa", ("loss",)), histories)
    outline = shown.metrics[0].runs[0].outline
    assert [(cell.first, cell.end) for cell in outline.cells] == [(n, float(20 - n)) for n in range(20)]
    assert shown.others == ("auc",)
    assert json_of(shown)


def test_histories_of_several_runs_are_drawn_together(histories: World) -> None:
    shown = show_history(ShowHistory("first", ("loss",), ("bbbb", "aaaa1111")), histories)
    assert [run.run_id for run in shown.metrics[0].runs] == ["aaaa1111", "bbbb2222"]
    assert [line.name for line in shown.metrics[0].chart.lines] == ["first (aaaa1111)", f"{MARKUP} (bbbb2222)"]
    drawn = text(shown)
    assert "a first (aaaa1111)" in drawn
    assert "[bold red]x[/]" in drawn
    # Notes are cleaned when they are printed, as all lines are.
    assert not any("\x1b" in line for line in drawn.splitlines() if not line.startswith("note:"))


def test_values_that_are_no_numbers_are_gaps_and_counted(histories: World) -> None:
    shown = show_history(ShowHistory("bbbb2222", ("loss",)), histories)
    assert [cell.low for cell in shown.metrics[0].runs[0].outline.cells] == [None, 3.0, None, 1.0]
    assert any("2 of 4 values are NaN or infinite" in notice for notice in shown.notices)
    assert "Infinity" not in json_of(shown)


def test_a_metric_without_steps_is_drawn_over_time_but_not_mixed_with_steps(histories: World) -> None:
    shown = show_history(ShowHistory("cccc3333"), histories)
    assert shown.metrics[0].runs[0].outline.axis is OutlineAxis.TIME
    assert shown.metrics[0].chart.x.scale is Scale.TIME
    mixed = show_history(ShowHistory("aaaa1111", ("loss",), ("cccc3333",)), histories)
    assert len(mixed.metrics[0].chart.lines) == 1
    assert any("only the first kind is drawn" in notice for notice in mixed.notices)


def test_without_a_name_the_metrics_that_went_on_are_shown(histories: World) -> None:
    assert [history.metric for history in show_history(ShowHistory("aaaa1111"), histories).metrics] == [
        "loss",
    ]


@pytest.mark.parametrize("asked", [ShowHistory("aaaa1111", ("nothing",)), ShowHistory("dddd4444"), ShowHistory("zzz")])
def test_a_history_that_is_not_there_is_refused(histories: World, asked: ShowHistory) -> None:
    with pytest.raises(UsageError):
        show_history(asked, histories)


# What goes with what


def test_a_scatter_has_a_point_for_each_run_that_has_both(world: World) -> None:
    shown = chart_runs(ChartRuns("params.depth", "metrics.auc"), world)
    assert sorted((point.x, point.y) for point in shown.points) == [(4.0, 0.5), (6.0, 0.7), (8.0, 0.6), (9.0, 0.1)]
    assert shown.lacking == 1
    assert shown.rank_correlation == pytest.approx(-0.4)
    assert "4 runs, 1 more have not both; rank correlation -0.40" in text(shown)
    assert json_of(shown)


def test_a_scatter_tells_runs_without_a_metric_from_those_whose_metric_has_no_place(world: World) -> None:
    shown = chart_runs(ChartRuns("params.depth", "metrics.loss"), world)
    assert (len(shown.points), shown.lacking, shown.endless) == (2, 1, 2)
    assert "2 runs, 1 more have not both, 2 more have NaN or infinity there" in text(shown)


def test_a_param_of_texts_has_a_place_for_each_and_no_correlation(world: World) -> None:
    shown = chart_runs(ChartRuns("params.kind", "metrics.auc"), world)
    assert shown.chart.x.categories == ("adam", "sgd")
    assert shown.rank_correlation is None
    assert sum(len(group.xs) for group in shown.chart.groups) == 3


def test_nan_and_infinite_values_are_no_points(world: World) -> None:
    assert {point.run_id for point in chart_runs(ChartRuns("params.depth", "metrics.loss"), world).points} == {
        "aaaa1111",
        "bbbb2222",
    }


def test_points_are_grouped_by_what_is_asked_for(world: World) -> None:
    shown = chart_runs(ChartRuns("params.depth", "metrics.auc", by="params.kind"), world)
    assert {group.name: len(group.xs) for group in shown.chart.groups} == {"adam": 1, "sgd": 2, "(none)": 1}


def test_a_time_is_drawn_as_time(world: World) -> None:
    shown = chart_runs(ChartRuns("start_time", "metrics.auc"), world)
    assert shown.chart.x.scale is Scale.TIME
    assert "12:0" in text(shown)


@pytest.mark.parametrize(("x", "y"), [("params.nothing", "metrics.auc"), ("params.depth", "metrics.nothing")])
def test_a_chart_of_what_no_run_has_is_refused_by_its_name(world: World, x: str, y: str) -> None:
    with pytest.raises(UsageError, match="nothing"):
        chart_runs(ChartRuns(x, y), world)


def test_parallel_coordinates_go_over_the_params_that_vary_to_the_metric(world: World) -> None:
    shown = parallel_runs(ParallelRuns("auc"), world)
    assert [axis.name for axis in shown.axes][-1] == "auc"
    assert {axis.name for axis in shown.axes} == {"depth", "kind", "auc"}
    assert [(run.run_id, run.best) for run in shown.runs] == [
        ("bbbb2222", True),
        ("cccc3333", False),
        ("aaaa1111", False),
        ("dddd4444", False),
    ]
    assert "● the best 1 of 4" in text(shown)
    assert json_of(shown)


def test_parallel_coordinates_take_the_params_that_are_named_in_their_order(world: World) -> None:
    shown = parallel_runs(ParallelRuns("auc", ("params.kind", "lr")), world)
    assert [axis.name for axis in shown.axes] == ["kind", "lr", "auc"]
    assert isinstance(shown.chart, ParallelChart)
    with pytest.raises(UsageError, match="nothing"):
        parallel_runs(ParallelRuns("auc", ("nothing",)), world)


def test_of_very_many_runs_the_best_and_an_even_part_are_drawn(project: Path) -> None:
    many = [Made(f"r{number:03}", metrics={"auc": number / 500}, params={"p": str(number)}) for number in range(500)]
    shown = parallel_runs(ParallelRuns("auc", limit=50), world_with(project, *many))
    values = [run.values[-1] for run in shown.runs]
    assert (len(values), shown.judged) == (50, 500)
    assert values[:10] == [number / 500 for number in range(499, 489, -1)]
    assert values[-1] == 0.0
    assert sum(run.best for run in shown.runs) == 10


# Which params matter


def studied(number: int, seed: int = 1) -> list[Made]:
    """Runs whose loss is made of `lr` and a little of `kind`, and of nothing else."""
    chance = random.Random(seed)
    runs = []
    for at in range(number):
        lr, kind, noise = chance.uniform(0, 1), chance.choice(["adam", "sgd"]), chance.uniform(0, 1)
        loss = (lr - 0.5) ** 2 + (0.03 if kind == "sgd" else 0.0)
        params = {"lr": f"{lr:.4f}", "kind": kind, "noise": f"{noise:.4f}", "constant": "1", "name": f"run {at}"}
        runs.append(Made(f"r{at:03}", metrics={"loss": loss if at else math.nan}, params=params))
    return runs


def weighed(world: World, asked: WeighParams | None = None) -> dict[str, float]:
    plan = plan_weighing(asked or WeighParams("loss"), world)
    return {one.param: one.weight for one in weigh_params(plan, world, Silent()).result.params}


def test_the_param_that_matters_by_construction_is_found(project: Path) -> None:
    world = world_with(project, *studied(120))
    plan = plan_weighing(WeighParams("loss"), world)
    found = weigh_params(plan, world, Silent()).result
    weights = {one.param: one.weight for one in found.params}
    assert [one.param for one in found.params] == ["lr", "kind", "noise"]
    assert weights["lr"] > 1.0 > weights["kind"] > 0.02
    assert abs(weights["noise"]) < 0.05
    assert found.r2 > 0.8
    assert (found.runs, found.of_runs) == (119, 119)
    assert {one.param: one.why.partition(":")[0] for one in found.left_out} == {
        "constant": "the same in all runs",
        "name": "119 different texts",
    }
    assert "lr" in text(found)
    assert json_of(found)


def test_the_same_runs_give_the_same_answer(project: Path) -> None:
    world = world_with(project, *studied(40))
    assert weighed(world) == weighed(world)


def test_where_nothing_matters_it_says_so(project: Path) -> None:
    chance = random.Random(5)
    runs = [Made(f"r{n:02}", metrics={"loss": chance.random()}, params={"p": f"{chance.random()}"}) for n in range(60)]
    world = world_with(project, *runs)
    found = weigh_params(plan_weighing(WeighParams("loss"), world), world, Silent()).result
    assert found.r2 < 0.2
    assert "explain little" in " ".join(found.remarks)


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (studied(20), "19 runs have 'loss'"),
        ([Made(f"r{n}", metrics={"loss": float(n)}, params={"p": "1"}) for n in range(30)], "No param varies"),
        ([Made("a1", metrics={"auc": 1.0})], "No run that fits"),
    ],
)
def test_too_few_runs_or_nothing_to_look_at_is_refused(project: Path, runs: list[Made], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        plan_weighing(WeighParams("loss"), world_with(project, *runs))


# What belongs together


def test_children_of_one_parent_are_one_sweep(project: Path) -> None:
    child = {PARENT: "pppp0000"}
    world = world_with(
        project,
        Made("pppp0000", "search"),
        Made("a1", metrics={"loss": 0.5}, params={"lr": "1", "kind": "x"}, tags=child),
        Made("a2", metrics={"loss": 0.3}, params={"lr": "2", "kind": "x"}, tags=child),
        Made("a3", metrics={"loss": math.nan}, params={"lr": "3", "kind": "x"}, tags=child, status="FAILED"),
        Made("b1", tags={PARENT: "gone0000"}),
        Made("alone"),
    )
    shown = list_sweeps(ListSweeps(metric="loss"), world)
    first, second = shown.sweeps
    assert (first.parent, first.name, first.children) == ("pppp0000", "search", 3)
    assert {one.status: one.runs for one in first.states} == {"FINISHED": 2, "FAILED": 1}
    assert [(one.param, one.values) for one in first.varies] == [("lr", 3)]
    assert first.best is not None
    assert (first.best.run_id, first.best.value) == ("a2", 0.3)
    assert (second.name, second.best, shown.total) == ("", None, 2)
    assert "(gone)" in text(shown)
    assert [sweep.children for sweep in list_sweeps(ListSweeps(where="status = 'FAILED'"), world).sweeps] == [1]


def test_a_sweep_whose_parent_is_deleted_keeps_its_name_and_is_not_called_gone(project: Path) -> None:
    world = world_with(project, Made("pppp0000", "search", lifecycle=DELETED), Made("a1", tags={PARENT: "pppp0000"}))
    shown = list_sweeps(ListSweeps(), world)
    assert [(sweep.name, sweep.parent_deleted) for sweep in shown.sweeps] == [("search", True)]
    assert "search (deleted)" in text(shown)
    assert "(gone)" not in text(shown)


def test_no_sweep_that_fits_is_not_no_sweep_at_all(project: Path) -> None:
    world = world_with(project, Made("a1", params={"depth": "4"}, tags={PARENT: "gone0000"}))
    shown = list_sweeps(ListSweeps(where="params.depth = '99'"), world)
    assert text(shown).splitlines()[0] == "no run that fits names a parent run"


def test_without_any_parent_there_is_no_sweep(world: World) -> None:
    shown = list_sweeps(ListSweeps(), world)
    assert (shown.sweeps, shown.total) == ((), 0)
    assert "no run names a parent run" in text(shown)


def test_runs_of_the_same_code_data_and_params_are_duplicates(project: Path) -> None:
    same = {"params": {"lr": "1"}, "tags": {COMMIT: "c0ffee"}, "data": [("payments", "abc", "training")]}
    world = world_with(
        project,
        Made("a1", **same),  # type: ignore[arg-type]
        Made("a2", **same | {"tags": {"git.commit": "c0ffee", COMMIT: "other", "team": "x"}}),  # type: ignore[arg-type]
        Made("a3", **same, metrics={"loss": 0.5}),  # type: ignore[arg-type]
        Made("b1", **same | {"tags": {COMMIT: "later"}}),  # type: ignore[arg-type]
        Made("b2", **same | {"params": {"lr": "2"}}),  # type: ignore[arg-type]
        Made("b3", **same | {"params": {"lr": "1", "seed": "1"}}),  # type: ignore[arg-type]
        Made("b4", **same | {"data": [("payments", "xyz", "training")]}),  # type: ignore[arg-type]
        Made("c1"),
        Made("c2"),
    )
    shown = list_duplicates(ListDuplicates(), world)
    (group,) = shown.groups
    assert set(group.runs) == {"a1", "a2", "a3"}
    assert (group.commit, group.data, group.params) == ("c0ffee", "abc", {"lr": "1"})
    assert (shown.total, shown.to_spare, shown.looked_at, shown.unmarked) == (1, 2, 9, 2)
    assert "2 runs name neither" in text(shown)
    assert list_duplicates(ListDuplicates(where="metrics.loss > 0"), world).groups == ()


# Files


@pytest.mark.parametrize(
    ("kind", "what", "more"),
    [
        (DrawingKind.CHART, ("params.depth", "metrics.auc"), {}),
        (DrawingKind.PARALLEL, ("auc",), {}),
        (DrawingKind.HISTORY, ("auc",), {"run": ("aaaa1111",)}),
    ],
)
def test_what_is_shown_can_be_drawn_into_a_file(
    world: World, tmp_path: Path, kind: DrawingKind, what: tuple[str, ...], more: dict[str, tuple[str, ...]]
) -> None:
    given = FakeTracking((logged("aaaa1111", "first", "auc", [0.1, 0.5]),))
    asked = DrawRuns(kind, tmp_path / "chart.svg", what, **more)
    world = world_with(world.root, *RUNS_TO_DRAW, tracking=given)
    plan = plan_drawing(asked, world)
    assert not asked.to.exists()
    done = draw(plan, world, Silent())
    assert asked.to.stat().st_size == done.result.bytes > 1000


def test_a_drawing_is_kept_unless_it_is_to_be_written_over(world: World, tmp_path: Path) -> None:
    world, there = world_with(world.root, *RUNS_TO_DRAW), tmp_path / "chart.png"
    asked = DrawRuns(DrawingKind.PARALLEL, there, ("auc",))
    made_before = plan_drawing(asked, world)
    there.write_text("precious")
    for write in (lambda: plan_drawing(asked, world), lambda: draw(made_before, world, Silent())):
        with pytest.raises(Refused, match="is there already") as refused:
            write()
        assert "--force" in refused.value.hint
    assert [(file.name, file.read_text()) for file in tmp_path.glob("*.png")] == [("chart.png", "precious")]
    plan = plan_drawing(dataclasses.replace(asked, force=True), world)
    assert any("over the one that is there" in line for line in plan.lines)
    assert plan.undo == "nothing to undo: what is there now is lost"
    draw(plan, world, Silent())
    assert there.read_bytes().startswith(b"\x89PNG")


RUNS_TO_DRAW = (
    Made("aaaa1111", "first", {"auc": 0.5}, {"depth": "4"}, step=1),
    Made("bbbb2222", "second", {"auc": 0.7}, {"depth": "6"}),
)


@pytest.mark.parametrize(
    ("kind", "what", "name"),
    [
        (DrawingKind.CHART, ("params.depth", "metrics.auc"), "chart.gif"),
        (DrawingKind.CHART, ("params.depth", "metrics.auc"), "missing/chart.svg"),
        (DrawingKind.CHART, ("params.depth",), "chart.svg"),
        (DrawingKind.PARALLEL, (), "chart.svg"),
        (DrawingKind.HISTORY, ("auc",), "chart.svg"),
    ],
)
def test_a_drawing_that_cannot_be_is_refused_before_anything_is_written(
    world: World, tmp_path: Path, kind: DrawingKind, what: tuple[str, ...], name: str
) -> None:
    with pytest.raises(UnipipeError):
        plan_drawing(DrawRuns(kind, tmp_path / name, what), world)
    assert not (tmp_path / name).exists()


def test_the_command_line_of_a_drawing_names_its_kind_and_its_file() -> None:
    asked = DrawRuns(DrawingKind.CHART, Path("a.svg"), ("params.depth", "metrics.auc"))
    words = ("unipipe", "runs", "draw", "--to=a.svg", "chart", "params.depth", "metrics.auc")
    assert command_line(DRAW, asked) == words
