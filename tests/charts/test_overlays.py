"""Bars are what is, strokes are what was, and everything fits its place."""

from __future__ import annotations

import math

import pytest

from unipipe_tui.charts.overlays import BEFORE, NOW, OVER, QUIET, draw_overlay
from unipipe_tui.charts.sparklines import sparkline
from unipipe_tui.charts.text import Drawn
from unipipe_tui.charts.words import cells
from unipipe_tui.domain.charts import OverlayCell, OverlayChart

BINS = OverlayChart(
    "reference",
    "window",
    tuple(OverlayCell(f"{n} to {n + 1}", 0.05, 0.1 if n < 5 else 0.1 / 3) for n in range(20)),
    ordered=True,
)
REGIONS = OverlayChart(
    "reference", "window", (OverlayCell("iberia", 0.6, 0.2), OverlayCell("gulf", 0.0, 0.8)), ordered=False
)


def texts(drawn: tuple[Drawn, ...]) -> list[str]:
    return ["".join(span.text for span in line) for line in drawn]


def test_values_by_name_stand_below_each_other_with_their_shares_then_and_now() -> None:
    legend, iberia, gulf = texts(draw_overlay(REGIONS, 60, 8))
    assert legend == "█ window  │ reference"
    assert iberia.split()[0] == "iberia"
    assert iberia.endswith("60.0 % →  20.0 %")
    assert gulf.endswith("0.0 % →  80.0 %")
    assert gulf.count("█") > iberia.count("█") > 0
    assert ("│" in iberia, "│" in gulf) == (True, False)


def test_bins_of_numbers_stand_side_by_side_and_the_reference_is_a_level_line() -> None:
    lines = draw_overlay(BINS, 90, 10)
    strokes = [number for number, line in enumerate(lines[1:]) if any(span.tone == BEFORE for span in line)]
    assert len(strokes) == 1
    shown = texts(lines)
    assert "10.0 %" in shown[1]
    assert shown[-1].split()[:3] == ["0", "1", "2"]


def test_where_a_bar_ends_beside_the_stroke_both_are_seen() -> None:
    near = OverlayChart("a", "b", (OverlayCell("low", 0.40, 0.35), OverlayCell("high", 1.0, 1.0)), ordered=True)
    lines = draw_overlay(near, 40, 7)
    tones = [[span.tone for span in line if span.text.strip() and span.tone != QUIET] for line in lines[1:]]
    assert [NOW, BEFORE, NOW] in tones


def test_what_was_is_seen_where_it_lies_on_what_is() -> None:
    lower = OverlayChart("a", "b", (OverlayCell("low", 0.2, 1.0), OverlayCell("high", 0.8, 0.1)), ordered=True)
    names = OverlayChart("a", "b", (OverlayCell("low", 0.2, 1.0), OverlayCell("high", 0.8, 0.1)), ordered=False)
    for chart in (lower, names):
        tones = {span.tone for line in draw_overlay(chart, 60, 10)[1:] for span in line if span.text.strip()}
        assert {NOW, BEFORE, OVER} <= tones


def test_the_last_bin_has_its_name_whatever_stands_before_it() -> None:
    ends = tuple(OverlayCell(f"{n}000 to {n + 1}000", 0.05, 0.05) for n in range(10))
    last = OverlayCell("> 2,080,000", 0.0, 0.5)
    edges = texts(draw_overlay(OverlayChart("a", "b", (*ends, last), ordered=True), 60, 9))[-1]
    assert edges.rstrip().endswith(" >2,080,000")


def test_neighbours_that_are_put_together_are_named_from_end_to_end() -> None:
    first = OverlayCell("< 0", 0.1, 0.1)
    cells_of_it = (first, *(OverlayCell(f"{n} to {n + 1}", 0.1, 0.1) for n in range(60)), OverlayCell("> 60", 0.1, 0.1))
    edges = texts(draw_overlay(OverlayChart("a", "b", cells_of_it, ordered=True), 40, 9))[-1].split()
    assert edges[0] == "≤4"
    assert edges[-1] == ">59"


def test_what_is_new_stays_in_sight_and_bears_its_word_where_not_all_values_fit() -> None:
    many = tuple(OverlayCell(f"value {n}", 0.1, 0.06) for n in range(10))
    chart = OverlayChart("a", "b", (*many, OverlayCell("gulf", 0.0, 0.01, "new")), ordered=False, missing=(0.02, 0.05))
    shown = texts(draw_overlay(chart, 70, 6))
    assert shown[0].endswith("no value 2.0 % → 5.0 %")
    assert any(line.startswith("gulf") and line.endswith("0.0 % →   1.0 %  new") for line in shown)
    assert shown[-1].startswith("(7 more")


def test_bins_that_do_not_fit_are_put_together_and_the_scale_follows() -> None:
    shown = texts(draw_overlay(BINS, 36, 8))
    assert "20.0 %" in shown[1]


def test_what_is_left_out_is_counted() -> None:
    many = OverlayChart("a", "b", tuple(OverlayCell(f"value {n}", 0.1, 0.1) for n in range(10)), ordered=False)
    assert texts(draw_overlay(many, 60, 6))[-1] == "(6 more, together 60.0 % → 60.0 %)"


@pytest.mark.parametrize("chart", [BINS, REGIONS])
@pytest.mark.parametrize("width", [36, 41, 80, 190])
@pytest.mark.parametrize("height", [5, 9, 30])
def test_nothing_is_wider_or_higher_than_its_place(chart: OverlayChart, width: int, height: int) -> None:
    lines = texts(draw_overlay(chart, width, height))
    assert len(lines) <= height
    assert all(cells(line.rstrip()) <= width for line in lines)


def test_shares_that_are_no_numbers_are_drawn_as_nothing() -> None:
    strange = OverlayChart("a", "b", (OverlayCell("x", math.nan, math.inf), OverlayCell("y", -1.0, 0.5)), ordered=True)
    assert draw_overlay(strange, 40, 8)
    assert texts(draw_overlay(OverlayChart("a", "b", (), ordered=True), 40, 8)) == ["(nothing to show)"]


def test_a_sparkline_has_a_cell_for_each_value_and_a_dot_for_a_gap() -> None:
    assert sparkline([0.0, 1.0, None, 5.0, math.nan], 1.0) == "▁█·█·"
    assert sparkline([], 1.0) == ""
    assert sparkline([3.0], 0.0) == "▁"
