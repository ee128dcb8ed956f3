"""The pipeline's place: the graph and its cursor, folding, the stage, the runs that its keys ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.conftest import looked, until
from unipipe_tui.actions.world import World
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.form import FormScreen
from unipipe_tui.tui.screens.plan import PlanScreen
from unipipe_tui.tui.sheets.pipeline_nodes import Density
from unipipe_tui.tui.widgets.graph import StageGraph
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pipeline import PipelinePane
from unipipe_tui.tui.widgets.reading import Reading
from unipipe_tui.wiring import build_world

PIPELINE = """\
stages:
  fetch: {cmd: python fetch.py, deps: [fetch.py], outs: [all.csv]}
  split:
    foreach: [eu, us, jp]
    do:
      cmd: python split.py ${item}
      deps: [all.csv]
      outs: ["part-${item}.csv"]
  stats: {cmd: python stats.py, deps: [all.csv], metrics: [stats.json]}
  merge: {cmd: python merge.py, deps: [part-eu.csv, part-us.csv, part-jp.csv], params: [merge.how], outs: [merged.csv]}
  report: {cmd: python report.py, deps: [merged.csv, stats.json], outs: [report.html]}
"""


@pytest.fixture
def piped(project: Path) -> World:
    """A pipeline with a foreach and a diamond, that never ran."""
    (project / ".dvc").mkdir()
    (project / "dvc.yaml").write_text(PIPELINE)
    (project / "params.yaml").write_text("merge: {how: outer}\n")
    (project / "fetch.py").write_text("")
    return build_world(project)


async def at_pipeline(pilot: Pilot[Any], app: Unipipe) -> StageGraph:
    await looked(pilot, app)
    await pilot.press("2")
    graph = app.screen.query_one(StageGraph)
    await until(pilot, lambda: graph.pointed)
    return graph


def facts(app: Unipipe) -> str:
    return text_of(app.screen.query_one("#stage-facts", Reading))


def text_of(reading: Reading) -> str:
    return str(reading.query_one("Static").render())  # type: ignore[call-overload]


def painted(graph: StageGraph) -> str:
    return "\n".join(graph.render_line(y).text.rstrip() for y in range(graph.size.height))


async def test_the_cursor_follows_lines_and_layers_and_finds_the_way_back(piped: World) -> None:
    app = Unipipe(piped)
    async with app.run_test(size=(120, 30)) as pilot:
        graph = await at_pipeline(pilot, app)
        assert graph.pointed == "fetch"
        way = {}
        for keys, then in (("l", "split"), ("j", "stats"), ("right", "report"), ("left", "stats"), ("up", "split"),
                           ("l", "merge"), ("l", "report"), ("h", "merge"), ("g", "fetch"), ("G", "report")):  # fmt: skip
            await pilot.press(keys)
            way[keys] = then
            assert graph.pointed == then, (keys, way)
        box = graph.drawing.boxes["stats"]
        await pilot.click(graph, offset=(box.x + 2, box.port_y))
        assert graph.pointed == "stats"


async def test_a_template_is_one_box_until_it_is_unfolded_and_folds_again(piped: World) -> None:
    app = Unipipe(piped)
    async with app.run_test(size=(120, 30)) as pilot:
        graph = await at_pipeline(pilot, app)
        assert set(graph.drawing.boxes) == {"fetch", "split", "stats", "merge", "report"}
        assert "split ×3" in painted(graph)
        await pilot.press("l")
        await until(pilot, lambda: "split@us" in facts(app))

        await pilot.press("space")
        assert {"split@eu", "split@us", "split@jp"} < set(graph.drawing.boxes)
        assert graph.pointed == "split@eu"
        await until(pilot, lambda: "python split.py eu" in facts(app))
        await pilot.press("space")
        assert graph.pointed == "split"
        await pilot.press("enter")
        assert graph.pointed == "split@eu", "enter unfolds as well"
        await pilot.press("f")
        assert "split" in graph.drawing.boxes, "all were unfolded, so all are folded"


async def test_a_stage_opens_with_its_files_params_and_causes(piped: World) -> None:
    app = Unipipe(piped)
    async with app.run_test(size=(80, 24)) as pilot:
        graph = await at_pipeline(pilot, app)
        graph.point_at("merge")
        await pilot.press("enter")
        await until(pilot, lambda: "merge.how" in facts(app))

        said = facts(app)
        assert not graph.is_on_screen
        assert app.focused is app.screen.query_one("#stage-facts")
        for words in ("python merge.py", "it has never run here", "part-us.csv", "merged.csv", "outer", "report"):
            assert words in said
        await pilot.press("escape")
        assert app.focused is graph


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("e", ("--only merge", "dvc repro --single-item merge", "merge: it has never run here")),
        ("d", ("--downstream merge", "dvc repro --downstream merge", "report: it has never run here")),
        ("u", ("pipeline run merge", "dvc repro merge", "split@jp: it has never run here")),
        ("a", ("unipipe pipeline run", "stats: it has never run here")),
    ],
)
async def test_a_key_shows_the_plan_of_exactly_that_run(piped: World, key: str, words: tuple[str, ...]) -> None:
    app = Unipipe(piped)
    async with app.run_test(size=(120, 40)) as pilot:
        graph = await at_pipeline(pilot, app)
        graph.point_at("merge")
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.query("PlanLine"))

        lines = "\n".join(str(part.render()) for part in app.screen.query("PlanLine Static"))  # type: ignore[call-overload]
        for said in words:
            assert said in lines, lines
        assert ("stats: " in lines) == (key == "a")
        await pilot.press("escape")
        assert not piped.jobs.latest(1)


async def test_small_terminals_and_those_who_want_it_see_a_list_with_the_same_cursor(piped: World) -> None:
    app = Unipipe(piped)
    async with app.run_test(size=(120, 40)) as pilot:
        graph = await at_pipeline(pilot, app)
        pane, grid = app.screen.query_one(PipelinePane), app.screen.query_one("#stages Grid", Grid)
        assert graph.density in {Density.CARDS, Density.LARGE_CARDS}
        graph.point_at("merge")
        await pilot.press("v")
        assert (pane.shows_list, grid.pointed, app.focused) == (True, "merge", grid)
        await pilot.press("v")
        assert (pane.shows_list, app.focused) == (False, graph)

        await pilot.resize_terminal(60, 15)
        await until(pilot, lambda: grid.display and not graph.display)
        assert [row.id for row in grid.rows] == ["fetch", "split", "stats", "merge", "report"]
        grid.point_at("split")
        await pilot.press("enter")
        assert "split@us" in {row.id for row in grid.rows}
        grid.point_at("split@us")
        await pilot.press("space")
        assert [row.id for row in grid.rows] == ["fetch", "split", "stats", "merge", "report"]
        assert (grid.pointed, grid.marks) == ("split", ())


async def test_a_filter_lights_what_it_means_and_goes_there(piped: World) -> None:
    app = Unipipe(piped)
    async with app.run_test(size=(120, 30)) as pilot:
        graph = await at_pipeline(pilot, app)
        await pilot.press("slash", *"rep")
        assert graph.pointed == "report"
        await until(pilot, lambda: "python report.py" in facts(app))
        await pilot.press("enter")
        assert app.focused is graph
        await pilot.press("slash", *["backspace"] * 3, "s", "enter")
        assert graph.pointed == "split", "the first one that has an s"
        seen = []
        for key in "nnN":
            await pilot.press(key)
            seen.append(graph.pointed)
        assert seen == ["stats", "split", "stats"]


async def test_a_pipeline_that_changes_on_disk_is_drawn_anew_around_the_same_cursor(piped: World) -> None:
    app = Unipipe(piped)
    async with app.run_test(size=(120, 30)) as pilot:
        graph = await at_pipeline(pilot, app)
        graph.point_at("merge")
        more = PIPELINE + "  publish: {cmd: python publish.py, deps: [report.html], outs: [done]}\n"
        (piped.root / "dvc.yaml").write_text(more)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "publish" in graph.drawing.boxes)
        assert graph.pointed == "merge"


async def test_a_project_without_a_pipeline_says_what_makes_one(world: World) -> None:
    app = Unipipe(world)
    async with app.run_test(size=(80, 24)) as pilot:
        await looked(pilot, app)
        await pilot.press("2")
        graph = app.screen.query_one(StageGraph)
        await until(pilot, lambda: "unipipe init" in painted(graph))
        await pilot.press("l", "j", "enter", "space", "e", "f")
        assert not isinstance(app.screen, FormScreen | PlanScreen)
