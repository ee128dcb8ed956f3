"""Charts as SVG or PNG files. It imports Matplotlib, so only a process that writes an image imports it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import singledispatch
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unipipe_tui.charts.scales import Ruler, ruler
from unipipe_tui.charts.words import harmless
from unipipe_tui.domain.charts import (
    BarChart,
    Chart,
    LineChart,
    ParallelChart,
    ScatterChart,
)

INCHES = (9.6, 5.4)
DOTS_PER_INCH = 150
TICKS = 7
SETTINGS: dict[str, Any] = {
    "text.parse_math": False,  # a dollar sign in a name is one
    "svg.fonttype": "none",
    "svg.hashsalt": "unipipe",
    "font.family": ["DejaVu Sans", "sans-serif"],
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
BEST_COLOUR, PLAIN_COLOUR = "#d62728", "#7f7f7f"


def draw_image(chart: Chart, to: Path) -> None:
    """Write the chart to a file; the same chart makes the same bytes.

    Raises:
        OSError: it cannot be written there.
    """
    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a character that the font lacks is drawn as a box
        figure = Figure(figsize=INCHES, layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(harmless(chart.title))
        _draw(chart, axes)
        metadata = {"Date": None} if to.suffix.lower() == ".svg" else {"Software": None}
        figure.savefig(to, dpi=DOTS_PER_INCH, metadata=metadata)


@singledispatch
def _draw(chart: Chart, axes: Axes) -> None:
    raise TypeError(f"there is no way to draw a {type(chart).__name__}")


@_draw.register
def _(chart: LineChart, axes: Axes) -> None:
    xs = ruler(chart.x, [x for line in chart.lines for x in line.xs])
    ys = ruler(chart.y, [y for line in chart.lines for y in (*line.ys, *line.lows, *line.highs)])
    for line in chart.lines:
        placed = _placed(xs, line.xs)
        marker = "o" if len(line.xs) == 1 else None
        (drawn,) = axes.plot(placed, _placed(ys, line.ys), label=_label(line.name), linewidth=1.3, marker=marker)
        if line.lows:
            lows, highs = _placed(ys, line.lows), _placed(ys, line.highs)
            axes.fill_between(placed, lows, highs, alpha=0.2, color=drawn.get_color(), linewidth=0)
    _frame(axes, xs, ys)
    if len(chart.lines) > 1:
        axes.legend()


@_draw.register
def _(chart: ScatterChart, axes: Axes) -> None:
    xs = ruler(chart.x, [x for group in chart.groups for x in group.xs])
    ys = ruler(chart.y, [y for group in chart.groups for y in group.ys])
    for group in chart.groups:
        axes.scatter(_placed(xs, group.xs), _placed(ys, group.ys), s=14, alpha=0.7, label=_label(group.name))
    _frame(axes, xs, ys)
    if len(chart.groups) > 1:
        axes.legend()


@_draw.register
def _(chart: ParallelChart, axes: Axes) -> None:
    rulers = [ruler(axis, [line.values[n] for line in chart.lines]) for n, axis in enumerate(chart.axes)]
    for line in sorted(chart.lines, key=lambda one: one.best):
        heights = [_or_gap(one.place(value)) for one, value in zip(rulers, line.values, strict=True)]
        colour, width, strength = (BEST_COLOUR, 1.6, 0.9) if line.best else (PLAIN_COLOUR, 0.6, 0.4)
        axes.plot(range(len(rulers)), heights, color=colour, linewidth=width, alpha=strength)
    axes.set_xticks(range(len(rulers)), [harmless(one.axis.label) for one in rulers])
    axes.set_yticks([])
    axes.grid(visible=False, axis="y")
    for number, one in enumerate(rulers):
        for tick in one.ticks(TICKS):
            axes.text(number, tick.at, f" {harmless(tick.text)}", fontsize=7, va="center")


@_draw.register
def _(chart: BarChart, axes: Axes) -> None:
    bars = chart.bars[::-1]
    one = ruler(chart.value, [0.0, *(bar.value for bar in bars), *(bar.value + bar.spread for bar in bars)])
    begin = one.place(0.0) or 0.0
    lengths = [_or_gap(one.place(bar.value)) - begin for bar in bars]
    spreads = [min(max(bar.spread, 0.0) / (one.high - one.low), 1.0) for bar in bars]
    axes.barh(range(len(bars)), lengths, left=begin, xerr=spreads, capsize=2)
    axes.set_yticks(range(len(bars)), [harmless(bar.name) for bar in bars])
    axes.set_xticks([tick.at for tick in one.ticks(TICKS)], [tick.text for tick in one.ticks(TICKS)])
    axes.set_xlabel(_title(one))


def _frame(axes: Axes, xs: Ruler, ys: Ruler) -> None:
    """Number both axes as in the terminal; Matplotlib's own scales give up on very large values."""
    axes.set_xlabel(_title(xs))
    axes.set_ylabel(_title(ys))
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.04, 1.04)
    for one, put in ((xs, axes.set_xticks), (ys, axes.set_yticks)):
        ticks = one.ticks(TICKS)
        put([tick.at for tick in ticks], [harmless(tick.text) for tick in ticks])


def _title(one: Ruler) -> str:
    return harmless(one.axis.label) + (" (log)" if one.log else "")


def _placed(one: Ruler, values: Sequence[float]) -> list[float]:
    """From 0 to 1, with gaps."""
    return [_or_gap(one.place(value)) for value in values]


def _or_gap(value: float | None) -> float:
    return math.nan if value is None or not math.isfinite(value) else value


def _label(name: str) -> str:
    # Matplotlib leaves out of the legend what begins with an underscore.
    return f"\u200b{harmless(name)}" if name.startswith("_") else harmless(name)
