"""Models as tables and lines: values in, values out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.fakes import NOON
from unipipe_tui.actions.models.comparison import FeatureChange, GateChange, VersionComparison, VersionSide
from unipipe_tui.actions.models.registry import AliasLine, Figure, ModelLine, ModelList, ModelView, VersionLine
from unipipe_tui.actions.runs.compared_rows import ComparedRow, Kind, Verdict
from unipipe_tui.actions.runs.comparison import CodeDifference
from unipipe_tui.domain.aliases_and_tags import Rejection
from unipipe_tui.domain.records import GateResult
from unipipe_tui.domain.runs.directions import Direction
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.model_card import markdown_lines
from unipipe_tui.tui.sheets.model_comparison import comparison_lines
from unipipe_tui.tui.sheets.models import models_sheet, version_lines, versions_sheet

PASSED = GateResult("precision", True, 0.97, ">= 0.95")
CLOSED = GateResult("recall", False, 0.61, ">= 0.7", "gulf")
VERSION = VersionLine(
    version=2,
    aliases=("champion",),
    stage=None,
    created=NOON,
    run_id="c0ffee" + "0" * 26,
    commit="3f9a2c1" + "0" * 33,
    data="ab" * 16,
    gates="closed",
    gate_results=(PASSED, CLOSED),
    metrics=(Figure("holdout.f1", 0.9), Figure("holdout.f1.gulf", 0.7), Figure("holdout.precision", 0.97)),
    promoted_by="ada",
    promotion_reason="better",
    rejection=None,
    served_by=("local",),
    run_name="valuable-owl",
    description="",
)
VIEW = ModelView("fraud", (VERSION,), "", ("holdout.precision", "holdout.f1", "holdout.f1.gulf"))


def texts(sheet: Sheet, row: int = 0) -> dict[str, str]:
    return {column.key: cell.text for column, cell in zip(sheet.columns, sheet.rows[row].cells, strict=True)}


def plain(lines: list[Line]) -> str:
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)


def test_a_model_tells_its_aliases_and_its_latest_version() -> None:
    found = ModelList(
        (ModelLine("fraud", 3, (AliasLine("champion", 2),), "finds"), ModelLine("new", None, (), "")), "", ()
    )

    assert texts(models_sheet(found)) == {"model": "fraud", "latest": "3", "at": "champion=2", "description": "finds"}
    assert texts(models_sheet(found), 1)["latest"] == "–"


def test_a_version_shows_the_metrics_of_the_whole_by_short_names_the_judged_ones_first() -> None:
    sheet = versions_sheet(VIEW)
    metrics = [column for column in sheet.columns if column.key.startswith("metrics.")]

    assert [(column.key, column.title) for column in metrics] == [
        ("metrics.holdout.precision", "precision"),
        ("metrics.holdout.f1", "f1"),
    ]
    assert texts(sheet)["metrics.holdout.precision"] == "0.97"


def test_how_many_gates_are_open_is_told_with_a_glyph() -> None:
    unchecked = replace(VERSION, gates="not checked", gate_results=())
    tagged = replace(VERSION, gates="failed", gate_results=())
    sheet = versions_sheet(replace(VIEW, versions=(VERSION, unchecked, tagged)))

    assert [texts(sheet, row)["gates"] for row in range(3)] == ["✗ 1 of 2", "· not checked", "✗ failed"]


def test_a_rejected_version_says_so_by_glyph_and_word_and_tells_who_and_why() -> None:
    rejected = replace(VERSION, aliases=("challenger",), rejection=Rejection("bob", "leaks the label"))

    assert texts(versions_sheet(replace(VIEW, versions=(rejected,))))["aliases"] == "⊘ rejected challenger"
    assert "rejected by     ⊘ bob: leaks the label" in plain(version_lines(VIEW, rejected))


def test_a_version_tells_what_serves_it_who_promoted_it_and_what_it_was_made_of() -> None:
    text = plain(version_lines(VIEW, VERSION))

    for line in ("served by       ● local", "promoted by     ada: better", "run             c0ffee000000 valuable-owl"):
        assert line in text


@pytest.mark.parametrize(
    ("reason", "told"), [("back", "ada: rollback"), ("promote", "ada"), ("go back", "ada: go back")]
)
def test_where_nobody_gave_a_reason_the_way_is_told_in_words(reason: str, told: str) -> None:
    lines = plain(version_lines(VIEW, replace(VERSION, promotion_reason=reason))).splitlines()

    assert f"promoted by     {told}" in lines


def test_closed_gates_stand_before_those_that_passed() -> None:
    lines = plain(version_lines(VIEW, VERSION)).splitlines()
    gates = [line for line in lines if line.startswith(("✓", "✗"))]

    assert [line.split()[:3] for line in gates] == [["✗", "recall", "gulf"], ["✓", "precision", "0.97"]]


def test_a_version_without_anything_is_shown_all_the_same() -> None:
    bare = replace(
        VERSION, created=None, run_id=None, commit=None, data=None, gate_results=(), metrics=(), served_by=()
    )

    assert "Not checked yet" in plain(version_lines(replace(VIEW, versions=(bare,)), bare))
    assert texts(versions_sheet(ModelView("fraud", (bare,), "", ())))["commit"] == "–"


COMPARISON = VersionComparison(
    model="fraud",
    first=VersionSide(1, (), NOON, "r1", "a" * 40),
    second=VersionSide(2, (), NOON, "r2", "b" * 40),
    gates=(GateChange("recall", "gulf", 0.7, 0.61, -0.09, True, False),),
    rows=(
        ComparedRow(Kind.PARAM, "depth", ("3", "5"), False),
        ComparedRow(Kind.METRIC, "f1", (0.8, 0.9), False, Direction.HIGHER, (0.0, 0.1), (None, Verdict.BETTER)),
        ComparedRow(Kind.PARAM, "seed", ("7", "7"), True),
    ),
    code=CodeDifference("b" * 40, ("r2",), True, 30, 5, 2, ("train.py",)),
    features=(FeatureChange("hour", None, "long"), FeatureChange("age", "long", None), FeatureChange("x", "a", "b")),
    features_in_both=4,
    problems=("The code of version 2 was changed since its commit.",),
)


@pytest.mark.parametrize(("width", "verdict"), [(120, "▲ better"), (66, "▲")])
def test_a_comparison_fits_its_width_and_says_what_got_better(width: int, verdict: str) -> None:
    lines = plain(comparison_lines(COMPARISON, width)).splitlines()
    metric = next(line for line in lines if line.startswith("f1"))

    assert metric.split()[:4] == ["f1", "0.8", "0.9", "+0.1"]
    assert metric.endswith(verdict)
    assert max(map(cell_len, lines)) <= width


def test_a_comparison_tells_gates_code_inputs_and_what_is_the_same() -> None:
    text = plain(comparison_lines(COMPARISON, 120))

    for piece in (
        "✓ 0.7",
        "✗ 0.61",
        "30 files  +5 -2 lines",
        "and 29 more",
        "+ hour",
        "- age",
        "~ x",
        "4 columns are the same",
    ):
        assert piece in text
    assert text.index("The same in both") < text.index("param seed") < text.index("was changed since its commit")


def test_the_metrics_of_slices_stand_after_those_of_the_whole() -> None:
    slice_, whole = (ComparedRow(Kind.METRIC, name, (0.8, 0.9), False) for name in ("f1.dach", "recall"))
    rows = (COMPARISON.rows[1], slice_, whole)
    lines = plain(comparison_lines(replace(COMPARISON, rows=rows), 120)).splitlines()

    assert [line.split()[0] for line in lines if line.startswith(("f1", "recall "))][1:] == ["f1", "recall", "f1.dach"]


def test_markdown_is_shown_without_its_marks() -> None:
    lines = markdown_lines("# A *title*\n\n## Part\n- one `code` and **bold**\n\\*no\\* list", 60)

    assert plain(lines).splitlines() == ["A *title*", "", "Part", "· one code and bold", "*no* list"]
    assert ("bold", "bold") in lines[3]


def test_a_table_stands_in_columns_and_becomes_blocks_where_it_is_wider_than_the_room() -> None:
    table = "| a | b |\n| --- | --- |\n| long name | 1 \\| 2 |\n| x |  |\n"

    assert plain(markdown_lines(table, 40)).splitlines() == ["a          b", "long name  1 | 2", "x"]
    assert plain(markdown_lines(table, 10)).splitlines() == ["long name  b 1 | 2", "x"]


@given(st.text(alphabet="|`*#-\\ \nab\x1b[\u202e<>", max_size=60), st.integers(0, 30))
def test_no_markdown_breaks_the_screen(text: str, width: int) -> None:
    shown = [piece for line in markdown_lines(text, width) for piece, _ in line]

    assert not any(sign in piece for piece in shown for sign in "\x1b\n\u202e")
