"""The pipeline as labels, list and lines: pure values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from tests.fakes import NOON
from unipipe_tui.actions.pipeline.stages import ExecutionLine, FileLine, MetricLine, ParamLine, StageView
from unipipe_tui.actions.pipeline.view import PipelineView, StageCount, StageLine
from unipipe_tui.domain.freshness import Freshness
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.sheets.pipeline import (
    FAILED,
    RUNNING,
    STAGE_SIGNS,
    name_of,
    sign_of,
    stages_sheet,
    totals,
    why,
)
from unipipe_tui.tui.sheets.pipeline_nodes import Density, node_of
from unipipe_tui.tui.sheets.stage import stage_lines

TRAIN = StageLine(
    "train", "stale", 2, ("prepare",), "python train.py", 1, 8.4, "Fit it.", ("depth changed from 3 to 4", "and more"), 1,
    (StageCount("stale", 1),),
)  # fmt: skip
SPLIT = StageLine(
    "split", "stale", 1, ("fetch",), "split eu", 12, None, "", ("split@eu: it has never run here",), 3,
    (StageCount("stale", 3), StageCount("fresh", 9)), "split",
)  # fmt: skip
HOSTILE = ("[bold]x[/]", "\x1b[31mred\x1b[0m", "a\nb", "数据清洗" * 12, "x" * 400, "\u202eevil", "e\u0301" * 40)


def text(lines: list[Line]) -> str:
    return "\n".join("".join(piece for piece, _ in line) for line in lines)


def test_every_state_has_a_glyph_of_its_own() -> None:
    signs = [STAGE_SIGNS[state.value] for state in Freshness] + [RUNNING, FAILED]

    assert len({sign.glyph for sign in signs}) == len(signs)
    assert sign_of(replace(TRAIN, running=1, failed=True)) is RUNNING
    assert sign_of(replace(TRAIN, failed=True)) is FAILED


@pytest.mark.parametrize("name", ["train", "", *HOSTILE])
@pytest.mark.parametrize("density", Density)
@pytest.mark.parametrize("pointed", [True, False])
def test_every_line_of_a_node_is_as_wide_as_the_node(name: str, density: Density, pointed: bool) -> None:
    for line in (replace(TRAIN, stage=name, causes=HOSTILE), replace(SPLIT, stage=name, template=name)):
        node = node_of(line, density, pointed=pointed)
        assert len(node.lines) == node.size.height
        assert {cell_len("".join(piece for piece, _ in found)) for found in node.lines} == {node.size.width}
        assert node.size == node_of(line, density, pointed=not pointed).size


def test_a_card_says_state_duration_and_the_first_cause() -> None:
    said = text(list(node_of(replace(TRAIN, causes=TRAIN.causes[:1]), Density.CARDS).lines))

    assert "~ train" in said
    assert "8.4 s" in said
    assert "depth changed fro" in said
    large = text(list(node_of(TRAIN, Density.LARGE_CARDS).lines))
    assert "depth changed from 3 to" in large
    assert "4 (+1)" in large
    assert "Fit it." in text(list(node_of(replace(TRAIN, state="fresh", causes=()), Density.LARGE_CARDS).lines))
    assert why(TRAIN) == "depth changed from 3 to 4 (+1)"
    assert why(SPLIT) == "3 stale · 9 fresh"


def test_the_node_under_the_cursor_bears_a_mark_that_needs_no_colour() -> None:
    for density in Density:
        plain, pointed = (text(list(node_of(TRAIN, density, pointed=found).lines)) for found in (False, True))
        assert plain != pointed


def test_the_list_is_indented_by_layer_and_sorts_by_duration() -> None:
    sheet = stages_sheet(PipelineView((SPLIT, TRAIN), 13, ()))

    assert [row.cells[0].text for row in sheet.rows] == [" split ×12", "  train"]
    assert [row.cells[1].text for row in sheet.rows] == ["~ stale", "~ stale"]
    assert [row.cells[2].rank for row in sheet.rows] == [None, 8.4]


def test_a_long_name_keeps_what_tells_it_from_others() -> None:
    deep = replace(TRAIN, stage="teams/fraud/pipelines/europe/dvc.yaml:train_large")

    assert name_of(deep) == "…europe/dvc.yaml:train_large"
    assert name_of(replace(TRAIN, stage="a" * 40)) == "a" * 27 + "…"


def test_the_totals_are_honest() -> None:
    assert totals(PipelineView((), 0, ())) == "0 stages"
    assert totals(PipelineView((SPLIT, TRAIN), 13, ())) == "13 stages · 4 will run"
    fresh = replace(TRAIN, state="fresh", will_run=0)
    assert totals(PipelineView((fresh,), 1, ())) == "1 stage · all up to date"
    assert totals(PipelineView((replace(fresh, state="not pulled"),), 1, ())) == "1 stage · none will run"
    assert totals(PipelineView((replace(TRAIN, running=1),), 2, ())) == "2 stages · 1 will run · 1 running"


def view_of(log: tuple[str, ...]) -> StageView:
    return StageView(
        stage="train", state="stale", causes=TRAIN.causes, running=False, command="python train.py", workdir=".",
        file="dvc.yaml", description="", template=None, frozen=False, always_changed=False, before=("prepare",),
        after=("evaluate",), deps=(FileLine("data.csv", "dep", "ab" * 16, 1234, None, ("prepare",), None, "missing"),),
        outs=(FileLine("model.bin", "out", None, None, None, ("a", "b", "c", "d", "e"), True, ""),),
        params=(ParamLine("params.yaml", "depth", "4", "was 3"),), metrics=(MetricLine("m.json", "auc", 0.91234567),),
        executions=(ExecutionLine(NOON, "failed", 8.4, "job-1"),), log_job="job-1", log=log,
    )  # fmt: skip


def test_a_stage_is_told_whole_and_what_it_said_comes_first_when_it_failed() -> None:
    view = view_of(("epoch 1", "no memory"))
    calm = text(stage_lines(TRAIN, (), view, 80, with_log=True))
    failed = text(stage_lines(replace(TRAIN, failed=True), (), view, 80, with_log=True))

    for words in ("depth changed", "data.csv", "abababab", "1.2 kB", "from prepare", "missing", "a, b, c and 2 more",
                  "was 3", "0.912346", "job-1", "needed by       evaluate", "no memory"):  # fmt: skip
        assert words in calm
    assert calm.index("Reads") < calm.index("no memory")
    assert failed.index("no memory") < failed.index("Reads")
    assert "no memory" not in text(stage_lines(TRAIN, (), view, 80, with_log=False))


def test_a_template_lists_its_stages_and_before_the_look_answered_there_is_something_to_read() -> None:
    member = replace(TRAIN, stage="split@eu", template="split")

    assert "split@eu" in text(stage_lines(SPLIT, [member], view_of(()), 80, with_log=True))
    assert "python train.py" in text(stage_lines(TRAIN, (), None, 80, with_log=True))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_files_say_stays_harmless(hostile: str) -> None:
    line = replace(TRAIN, stage=hostile, causes=(hostile,), command=hostile, description=hostile)
    found = stage_lines(line, (), view_of((hostile,)), 80, with_log=True)

    assert not set(text(found).replace("\n", "")) & {"\x1b", "\u202e", "\r"}
