"""What pictures of charts have in common: curves, levels and moments along an axis, and words wrapped below them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime

from unipipe_tui.charts.text import draw
from unipipe_tui.domain.charts import Axis, LineChart
from unipipe_tui.domain.charts import Line as Curve
from unipipe_tui.monitoring.performance import Estimate
from unipipe_tui.tui.drawn import CHART, lines_of
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.text import clip, day_and_clock, harmless

LEAST_DRAWN = 7
"""Lines that a picture needs to say something: words stand beside it only where there are more."""


def wrapped(text: str, width: int, most: int) -> list[str]:
    """The text in at most so many lines; what does not fit into them is cut with an ellipsis."""
    # A figure and its unit stay together.
    joined = harmless(text).replace(" %", "\u00a0%")
    lines = [line.replace("\u00a0", " ") for line in textwrap.wrap(joined, max(width, 8), break_on_hyphens=False)]
    return lines if len(lines) <= most else [*lines[: most - 1], clip(" ".join(lines[most - 1 :]), width)]


def chart_lines(chart: LineChart, width: int, height: int) -> list[Line]:
    """The chart in so many columns and lines: its title, the frame, and the legend in one line."""
    # The name of the axis of time would only be a blank line.
    # The legend goes into one line.
    count = len(chart.lines) if len(chart.lines) > 1 else 0
    drawn = [line for line in draw(chart, width, height + max(count, 1)) if "".join(span.text for span in line).strip()]
    first, *rest = lines_of(drawn, CHART)
    frame, legend = rest[: len(rest) - count], rest[len(rest) - count :]
    joined = [piece for line in legend for piece in (*line, ("   ", ""))]
    return [tuple((text, "bold") for text, _ in first), *frame, *([joined] if joined else [])]


def moments(times: Sequence[datetime]) -> Axis:
    """One place for each measurement, as far apart whatever lies between them, so that a busy minute can be read."""
    one_day = len({moment.date() for moment in times}) <= 1
    return Axis("", categories=tuple(f"{moment:%H:%M:%S}" if one_day else day_and_clock(moment) for moment in times))


def curve(name: str, values: Iterable[float | None]) -> Curve:
    """One value after the other; None is a gap."""
    ys = tuple(math.nan if value is None else value for value in values)
    return Curve(name, tuple(map(float, range(len(ys)))), ys)


def curve_with_interval(name: str, estimates: Sequence[Estimate]) -> Curve:
    """The same, each with its interval."""
    whole = curve(name, [one.value for one in estimates])
    ends = (curve("", [one.low for one in estimates]).ys, curve("", [one.high for one in estimates]).ys)
    return Curve(name, whole.xs, whole.ys, *ends)


def level(name: str, value: float, count: int) -> Curve:
    """A line that measurements are held against, beside so many of them."""
    # As long as the axis, so that a single measurement has a line to be held against.
    return Curve(name, (-0.5, count - 0.5), (value, value))
