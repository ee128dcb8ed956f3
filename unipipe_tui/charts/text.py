"""Charts as lines of text for a terminal of a given width and height."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

from unipipe_tui.charts.canvas import DOTS_WIDE, Canvas, Span
from unipipe_tui.charts.scales import Ruler, number_text, ruler
from unipipe_tui.charts.words import cells, fitted, harmless, shortened
from unipipe_tui.domain.charts import BarChart, Chart, Line, LineChart, ParallelChart, Points, ScatterChart

Drawn = tuple[Span, ...]
"""One line of text."""

NARROWEST, LOWEST = 20, 6
MARKS = "abcdefghijklmnopqrstuvwxyz"
"""What stands where a line ends and in the legend, so that colour is never the only sign."""
GLYPHS = "•×+○△□◇▽"
"""What stands for the points of a group, when there are several."""
PLAIN_LINES = 0
BEST_LINES = 1
"""The two tones of parallel coordinates."""
ROWS_PER_TICK, CELLS_PER_TICK = 3, 18
BLOCKS = " ▏▎▍▌▋▊▉"


def draw(chart: Chart, width: int, height: int) -> tuple[Drawn, ...]:
    """The chart in so many columns and about so many lines, legend included; too small a size counts as the smallest."""
    return tuple(_drawn(chart, max(width, NARROWEST), max(height, LOWEST)))


def _drawn(chart: Chart, width: int, height: int) -> Iterator[Drawn]:
    match chart:
        case LineChart():
            return _lines(chart, width, height)
        case ScatterChart():
            return _scatter(chart, width, height)
        case ParallelChart():
            return _parallel(chart, width, height)
        case BarChart():
            return _bars(chart, width, height)


def _lines(chart: LineChart, width: int, height: int) -> Iterator[Drawn]:
    lines = chart.lines[: len(MARKS)]
    xs = ruler(chart.x, chain.from_iterable(line.xs for line in lines))
    ys = ruler(chart.y, chain.from_iterable(chain(line.ys, line.lows, line.highs) for line in lines))
    legend = [(MARKS[number], line.name, number) for number, line in enumerate(lines)] if len(lines) > 1 else []
    frame = _Frame(chart.title, xs, ys, width, height - len(legend), right=2 if legend else 0)
    ends: dict[int, Span] = {}
    for number, line in enumerate(lines):
        last = _draw_line(frame, line, number)
        if legend and last is not None:
            ends[_free_row(ends, last // 4, frame.rows)] = Span(f" {MARKS[number]}", number)
    yield from frame.lines(ends)
    yield from _legend(legend, width)
    yield from _left_out(len(chart.lines) - len(lines), "lines", width)


def _scatter(chart: ScatterChart, width: int, height: int) -> Iterator[Drawn]:
    groups = chart.groups
    xs = ruler(chart.x, chain.from_iterable(group.xs for group in groups))
    ys = ruler(chart.y, chain.from_iterable(group.ys for group in groups))
    several = len(groups) > 1
    legend = (
        [(GLYPHS[number % len(GLYPHS)], group.name, number) for number, group in enumerate(groups)] if several else []
    )
    frame = _Frame(chart.title, xs, ys, width, height - len(legend))
    for number, group in enumerate(groups):
        _draw_points(frame, group, number, GLYPHS[number % len(GLYPHS)] if several else None)
    yield from frame.lines({})
    yield from _legend(legend, width)


def _parallel(chart: ParallelChart, width: int, height: int) -> Iterator[Drawn]:
    yield (Span(shortened(chart.title, width)),)
    if not chart.axes:
        yield (Span("(nothing to show)"),)
        return
    rulers = [ruler(axis, [line.values[n] for line in chart.lines]) for n, axis in enumerate(chart.axes)]
    gap = max(width // len(rulers), 4)
    rulers = rulers[: max(width // gap, 1)]
    canvas = Canvas(width, max(height - 5, 2))
    places = [min(n * gap, width - 1) * DOTS_WIDE for n in range(len(rulers))]
    for place in places:
        canvas.line(place, 0, place, canvas.height - 1, None)
    for line in sorted(chart.lines, key=lambda one: one.best):
        _draw_across(canvas, rulers, places, line.values, best=line.best)
    yield tuple(Span(fitted(one.axis.label, gap - 1) + " ") for one in rulers)
    yield tuple(Span(fitted(_top(one), gap - 1) + " ") for one in rulers)
    yield from canvas.rows()
    yield tuple(Span(fitted(_bottom(one), gap - 1) + " ") for one in rulers)
    best = sum(line.best for line in chart.lines)
    if best:
        yield (Span("●", BEST_LINES), Span(shortened(f" the best {best} of {len(chart.lines)}", width - 1)))
    yield from _left_out(len(chart.axes) - len(rulers), "axes", width)


def _bars(chart: BarChart, width: int, height: int) -> Iterator[Drawn]:
    yield (Span(shortened(chart.title, width)),)
    bars = chart.bars[: max(height - 2, 1)]
    names = min(max((cells(harmless(bar.name)) for bar in bars), default=0), width // 3)
    texts = [shortened(_amount(bar.value, bar.spread), width - names - 8) for bar in bars]
    figures = max((len(text) for text in texts), default=0)
    room = max(width - names - figures - 4, 4)
    most = max((bar.value for bar in bars if math.isfinite(bar.value)), default=0.0)
    for number, (bar, text) in enumerate(zip(bars, texts, strict=True)):
        length = bar.value / most if most > 0 and math.isfinite(bar.value) else 0.0
        yield Span(fitted(bar.name, names) + "  "), Span(_bar(length, room), number), Span(f"  {text}")
    if not bars:
        yield (Span("(nothing to show)"),)
    yield from _left_out(len(chart.bars) - len(bars), "bars", width)


class _Frame:
    """A canvas with a title above it, numbers to its left and numbers and the name of x below it."""

    def __init__(self, title: str, xs: Ruler, ys: Ruler, width: int, height: int, right: int = 0) -> None:
        self._title, self._xs, self._ys, self._width = title, xs, ys, width
        self.rows = max(height - 4, 3)
        self._ticks = ys.ticks(max(self.rows // ROWS_PER_TICK, 3))
        widest = max((cells(harmless(tick.text)) for tick in self._ticks), default=0)
        self._left = min(widest, width // 3)
        self._right = right
        self.columns = max(width - self._left - 2 - right, 8)
        self.canvas = Canvas(self.columns, self.rows)
        self.empty = True

    def dot_of(self, x: float, y: float) -> tuple[int, int] | None:
        """Where a value lies on the canvas; None for a gap."""
        at, up = self._xs.place(x), self._ys.place(y)
        if at is None or up is None:
            return None
        self.empty = False
        return round(at * (self.canvas.width - 1)), round((1 - up) * (self.canvas.height - 1))

    def lines(self, ends: dict[int, Span]) -> Iterator[Drawn]:
        """The whole, with something at the right end of some rows."""
        scale = " (log)" if self._ys.log else ""
        yield (Span(shortened(f"{self._title}{scale}", self._width)),)
        by_row = {round((1 - tick.at) * (self.rows - 1)): tick.text for tick in self._ticks}
        for number, row in enumerate(self._content()):
            label = by_row.get(number, "")
            edge = "┤" if label else "│"
            shown = shortened(label, self._left)
            left = " " * (self._left - cells(shown)) + shown + f" {edge}"
            yield Span(left), *row, *([ends[number]] if number in ends else [])
        yield from self._below()

    def _content(self) -> list[Drawn]:
        rows = self.canvas.rows()
        if self.empty:
            rows[len(rows) // 2] = (Span(shortened("  (nothing to show)", self.columns)),)
        return rows

    def _below(self) -> Iterator[Drawn]:
        ticks = self._xs.ticks(max(self.columns // CELLS_PER_TICK, 2))
        edge, numbers = ["─"] * self.columns, [" "] * (self.columns + self._right)
        taken = 0
        for tick in ticks:
            place = round(tick.at * (self.columns - 1))
            text = shortened(tick.text, self.columns)
            begin = max(min(place - cells(text) // 2, len(numbers) - cells(text)), 0)
            edge[place] = "┬"
            if begin >= taken:
                numbers[begin : begin + cells(text)] = [*text, *[""] * (cells(text) - len(text))]
                taken = begin + cells(text) + 1
        indent = " " * (self._left + 1)
        yield (Span(f"{indent}└{''.join(edge)}"),)
        yield (Span(f"{indent} {''.join(numbers)}".rstrip()),)
        scale = " (log)" if self._xs.log else ""
        name = shortened(f"{self._xs.axis.label}{scale}", self.columns)
        yield (Span(f"{indent} {' ' * ((self.columns - cells(name)) // 2)}{name}"),)


def _draw_line(frame: _Frame, line: Line, tone: int) -> int | None:
    """Draw it; answers with how far down it ends, None when nothing of it can be drawn."""
    for x, low, high in zip(line.xs, line.lows, line.highs, strict=False):
        top, bottom = frame.dot_of(x, high), frame.dot_of(x, low)
        if top and bottom:
            frame.canvas.line(*top, *bottom, tone)
    dots = [frame.dot_of(x, y) for x, y in zip(line.xs, line.ys, strict=True)]
    for one, other in pairwise(dots):
        if one and other:
            frame.canvas.line(*one, *other, tone)
    drawn = [dot for dot in dots if dot]
    for dot in drawn:
        frame.canvas.dot(*dot, tone)
    if len(drawn) == 1 and not line.lows:
        frame.canvas.glyph(*drawn[0], "•", tone)
    return drawn[-1][1] if drawn else None


def _draw_points(frame: _Frame, group: Points, tone: int, glyph: str | None) -> None:
    for dot in {frame.dot_of(x, y) for x, y in zip(group.xs, group.ys, strict=True)} - {None}:
        if dot is not None and glyph is None:
            frame.canvas.dot(*dot, tone)
        elif dot is not None and glyph is not None:
            frame.canvas.glyph(*dot, glyph, tone)


def _draw_across(
    canvas: Canvas, rulers: Sequence[Ruler], places: Sequence[int], values: Sequence[float], *, best: bool
) -> None:
    ups = [one.place(value) for one, value in zip(rulers, values, strict=False)]
    dots = [None if up is None else round((1 - up) * (canvas.height - 1)) for up in ups]
    tone = BEST_LINES if best else PLAIN_LINES
    for (x, y), (to_x, to_y) in pairwise(zip(places, dots, strict=True)):
        if y is not None and to_y is not None:
            canvas.line(x, y, to_x, to_y, tone)
    for x, y in zip(places, dots, strict=True):
        if y is not None and best:
            canvas.glyph(x, y, "●", tone)


def _top(one: Ruler) -> str:
    """What stands above an axis of parallel coordinates: the value at its upper end."""
    if one.axis.categories:
        return one.axis.categories[-1]
    return number_text(one.high) + (" (log)" if one.log else "")


def _bottom(one: Ruler) -> str:
    if one.axis.categories:
        return one.axis.categories[0] if len(one.axis.categories) > 1 else ""
    return number_text(one.low)


def _free_row(taken: dict[int, Span], wanted: int, rows: int) -> int:
    """The row nearest to the wanted one where nothing stands yet."""
    free = [row for row in range(rows) if row not in taken]
    return min(free, key=lambda row: abs(row - wanted)) if free else wanted


def _legend(entries: Sequence[tuple[str, str, int]], width: int) -> Iterator[Drawn]:
    for mark, name, tone in entries:
        yield Span(f"{mark}", tone), Span(f" {shortened(name, width - 2)}")


def _left_out(number: int, what: str, width: int) -> Iterator[Drawn]:
    if number > 0:
        yield (Span(shortened(f"({number} more {what} are not shown)", width)),)


def _amount(value: float, spread: float) -> str:
    return f"{number_text(value)} ± {number_text(spread)}" if spread > 0 else number_text(value)


def _bar(share: float, room: int) -> str:
    full, rest = divmod(round(max(share, 0.0) * room * 8), 8)
    return ("█" * full + (BLOCKS[rest] if rest else "")).ljust(room)
