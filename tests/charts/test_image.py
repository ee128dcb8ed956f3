"""The same charts as files: an image for every kind, the same bytes for the same chart, names as they are."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from unipipe_tui.charts.image import draw_image
from unipipe_tui.domain.charts import (
    Axis,
    Bar,
    BarChart,
    Line,
    LineChart,
    OverlayCell,
    OverlayChart,
    ParallelChart,
    ParallelLine,
    Picture,
    Points,
    Scale,
    ScatterChart,
)

NOON = 1_773_057_600_000.0
HUGE = (-1.7e308, math.nan, math.inf, 1.7e308)
CHARTS: dict[str, Picture] = {
    "outline": LineChart(
        "m", Axis("step"), Axis("m"), (Line("a", (0, 1), (1, 2), (0, 1), (2, 3)), Line("b", (0,), (9,)))
    ),
    "huge": LineChart("m", Axis("step"), Axis("m"), (Line("a", (0, 1, 2, 3), HUGE),)),
    "log": LineChart("m", Axis("step"), Axis("m"), (Line("a", (0, 1, 2), (1e-9, 1e-3, 5.0)),)),
    "time": LineChart("m", Axis("t", scale=Scale.TIME), Axis("m"), (Line("a", (NOON, NOON + 9e6), (1, 2)),)),
    "scatter": ScatterChart("s", Axis("k", categories=("a", "b")), Axis("y"), (Points("x", (0, 1), (1, 2)),)),
    "parallel": ParallelChart("p", (Axis("a"), Axis("b")), (ParallelLine("r", (1, 2), True), ParallelLine("", (0, 1)))),
    "bars": BarChart("b", Axis("x"), (Bar("a", 1.0, 0.1), Bar("b", math.nan))),
    "overlay of bins": OverlayChart(
        "then", "now", (OverlayCell("< 0", 0.5, 0.1), OverlayCell("> 0", math.nan, 0.9)), True, "o", (0.0, 0.1)
    ),
    "overlay of values": OverlayChart(
        "then", "now", (OverlayCell("a", 0.5, 0.1), OverlayCell("b", 0, 0.9, "new")), False
    ),
    "no cells": OverlayChart("then", "now", (), True),
    "no lines": LineChart("m", Axis("step"), Axis("m"), ()),
    "no axes": ParallelChart("p", (), ()),
    "no bars": BarChart("b", Axis("x"), ()),
}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_every_kind_of_chart_becomes_an_image_of_either_form(chart: Picture, tmp_path: Path) -> None:
    draw_image(chart, tmp_path / "chart.png")
    draw_image(chart, tmp_path / "chart.SVG")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (tmp_path / "chart.SVG").read_text()


def test_the_same_chart_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg", "one.png", "two.png"):
        draw_image(CHARTS["outline"], tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_names_stand_in_the_image_as_they_are(tmp_path: Path) -> None:
    strange = "$x_2$ <b>&損失 \x1b[31m"
    lines = (Line(f"_{strange}", (0.0,), (1.0,)), Line("plain", (0.0,), (1.0,)))
    draw_image(LineChart(strange, Axis(strange), Axis("y"), lines), tmp_path / "chart.svg")
    written = (tmp_path / "chart.svg").read_text()
    shown = "$x_2$ &lt;b&gt;&amp;損失 \\x1b[31m"
    assert len(re.findall(re.escape(shown), written)) >= 3


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        draw_image(CHARTS["bars"], tmp_path / "missing" / "chart.svg")
