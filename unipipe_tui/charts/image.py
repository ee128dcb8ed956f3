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
from matplotlib.ticker import PercentFormatter

from unipipe_tui.charts.scales import Ruler, ruler
from unipipe_tui.charts.words import harmless
from unipipe_tui.domain.charts import (
    BarChart,
    LineChart,
    OverlayCell,
    OverlayChart,
    ParallelChart,
    Picture,
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
NOW_COLOUR, BEFORE_COLOUR = "#4c9be8", "#222222"
MOST_VALUES = 40
"""Bars of values by name; with more, none could be read."""
FEW_LABELS = 12
"""Beside each other as they are; more stand upright."""


def draw_image(chart: Picture, to: Path) -> None:
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
def _draw(chart: Picture, axes: Axes) -> None:
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


@_draw.register
def _(chart: OverlayChart, axes: Axes) -> None:
    if chart.ordered:
        _overlay_bins(chart, axes)
    else:
        _overlay_values(chart, axes)
    missing = chart.missing
    if missing is not None:
        told = f"no value: {missing[0]:.1%} → {missing[1]:.1%}"
        axes.annotate(told, (1, 1), (0, 4), "axes fraction", "offset points", ha="right", fontsize=9)
    axes.set_axisbelow(True)
    axes.legend(reverse=True)


def _overlay_bins(chart: OverlayChart, axes: Axes) -> None:
    """Filled bars of what is, and the outline of what was around them."""
    cells, edges = chart.cells, [number - 0.5 for number in range(len(chart.cells) + 1)]
    now, before = ([_or_nothing(share) for share in shares] for shares in _shares(cells))
    axes.bar(range(len(cells)), now, width=0.96, color=NOW_COLOUR, label=_label(chart.now))
    axes.stairs(before, edges, color=BEFORE_COLOUR, linewidth=1.8, label=_label(chart.before))
    upright = 90 if len(cells) > FEW_LABELS else 0
    axes.set_xticks(range(len(cells)), [harmless(cell.label) for cell in cells], rotation=upright)
    axes.grid(visible=False, axis="x")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel("share of the rows with a value")


def _overlay_values(chart: OverlayChart, axes: Axes) -> None:
    """A bar of what is for each value, and the outline of what was around it."""
    cells = chart.cells[:MOST_VALUES]
    now, before = ([_or_nothing(share) for share in shares] for shares in _shares(cells))
    places = range(len(cells))
    axes.barh(places, now, height=0.8, color=NOW_COLOUR, label=_label(chart.now))
    was = _label(chart.before)
    axes.barh(places, before, height=0.8, label=was, facecolor="none", edgecolor=BEFORE_COLOUR, linewidth=1.8)
    axes.set_yticks(places, [f"{harmless(cell.label)}{f' ({cell.note})' if cell.note else ''}" for cell in cells])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    left_out = f", {len(chart.cells) - len(cells)} more values are not shown" if len(cells) < len(chart.cells) else ""
    axes.set_xlabel(f"share of the rows with a value{left_out}")


def _shares(cells: Sequence[OverlayCell]) -> tuple[list[float], list[float]]:
    """What is, and what was."""
    return [cell.now for cell in cells], [cell.before for cell in cells]


def _or_nothing(share: float) -> float:
    return share if math.isfinite(share) else 0.0


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
