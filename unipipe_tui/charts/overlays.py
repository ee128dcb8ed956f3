"""Two distributions laid over each other: bars are what is, strokes are what was."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from unipipe_tui.charts.canvas import Span
from unipipe_tui.charts.text import Drawn
from unipipe_tui.charts.words import cells as cells_of
from unipipe_tui.charts.words import fitted, harmless, shortened
from unipipe_tui.domain.charts import OverlayCell, OverlayChart

NOW, BEFORE, QUIET = 0, 1, 2
"""The tones: what is, what was, what stands around them."""
NARROWEST, LOWEST = 36, 5
RISING = " ▁▂▃▄▅▆▇█"
LEVELS = "▁─▔"
"""A stroke at the lower end of a line, in its middle, at its upper end."""
GROWING = " ▏▎▍▌▋▊▉█"
STROKE = "│"
LABEL_PART = 3
"""Labels take at most one part in so many of the width."""
WIDEST_BIN = 12
LONGEST_PERCENT = len("100.0 %")


def draw_overlay(chart: OverlayChart, width: int, height: int) -> tuple[Drawn, ...]:
    """Both distributions in so many columns and lines, with a line that says which is which; too small a size counts
    as the smallest."""
    width, height = max(width, NARROWEST), max(height, LOWEST)
    stroke = LEVELS[1] if chart.ordered else STROKE
    legend = (
        Span("█", NOW),
        Span(f" {harmless(chart.now)}  "),
        Span(stroke, BEFORE),
        Span(f" {harmless(chart.before)}"),
    )
    cells = [OverlayCell(cell.label, _share(cell.before), _share(cell.now)) for cell in chart.cells]
    if not cells:
        return ((Span("(nothing to show)", QUIET),),)
    drawn = _bins(cells, width, height - 1) if chart.ordered else _values(cells, width, height - 1)
    return (legend, *drawn)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0


def _bins(cells: Sequence[OverlayCell], width: int, height: int) -> Iterator[Drawn]:
    room = width - LONGEST_PERCENT - 2
    groups = _fitting(cells, room // 2)
    most = max(max(group.before, group.now) for group in groups) or 1.0
    top = _percent(most).rjust(LONGEST_PERCENT)
    wide = min(room // len(groups), WIDEST_BIN)
    rows = max(height - 2, 2)
    for row in range(rows - 1, -1, -1):
        edge = top if row == rows - 1 else "0 %" if row == 0 else ""
        yield (
            Span(f"{edge:>{LONGEST_PERCENT}} │", QUIET),
            *(span for group in groups for span in _slice(group, row, rows, most, wide)),
        )
    indent = " " * (LONGEST_PERCENT + 1)
    yield (Span(f"{indent}└{'─' * (wide * len(groups))}", QUIET),)
    yield (Span(f"{indent} {_edges(groups, wide, room)}", QUIET),)


def _fitting(cells: Sequence[OverlayCell], most: int) -> list[OverlayCell]:
    """Neighbours put together, as evenly as they go, until there are no more than so many."""
    each = -(-len(cells) // max(most, 1))
    parts = [cells[begin : begin + each] for begin in range(0, len(cells), each)]
    return [
        OverlayCell(part[0].label, sum(cell.before for cell in part), sum(cell.now for cell in part)) for part in parts
    ]


def _slice(cell: OverlayCell, row: int, rows: int, most: float, wide: int) -> tuple[Span, ...]:
    """What one bin shows in one line: its bar, the stroke where what was ends, or where both are half of each."""
    filled = min(max(round((cell.now / most * rows - row) * 8), 1 if cell.now > 0 and row == 0 else 0), 8)
    stroke = _stroke(cell.before / most * rows, row, rows)
    bar = RISING[max(filled, 0)]
    half = (wide - 1) // 2 if 0 < filled < len(RISING) - 1 else 0
    if not stroke:
        return Span(bar * (wide - 1), NOW), Span(" ")
    return Span(bar * half, NOW), Span(stroke * (wide - 1 - half), BEFORE), Span(" ")


def _stroke(level: float, row: int, rows: int) -> str:
    if level <= 0:
        return ""
    place = min(round(level * len(LEVELS)), rows * len(LEVELS) - 1)
    return LEVELS[place % len(LEVELS)] if place // len(LEVELS) == row else ""


def _edges(groups: Sequence[OverlayCell], wide: int, room: int) -> str:
    """What the bins are called; where that is too long their lower ends, as many as stand beside each other."""
    whole = all(cells_of(harmless(group.label)) < wide for group in groups)
    line = ""
    for number, group in enumerate(groups):
        text = harmless(group.label if whole else group.label.split(" to ")[0].replace(" ", ""))
        at = number * wide
        last = number == len(groups) - 1
        if last:
            at = min(at, room - cells_of(text))
        if not line or at > cells_of(line):
            line = fitted(line, at) + text if line else " " * at + text
    return shortened(line, room)


def _values(cells: Sequence[OverlayCell], width: int, height: int) -> Iterator[Drawn]:
    shown = cells if len(cells) <= height else cells[: max(height - 1, 1)]
    names = min(max(cells_of(harmless(cell.label)) for cell in shown), width // LABEL_PART)
    figures = [f"{_percent(cell.before):>7} → {_percent(cell.now):>7}" for cell in shown]
    room = max(width - names - 2 - 2 - max(map(len, figures)), 4)
    most = max(max(cell.before, cell.now) for cell in cells) or 1.0
    for cell, figure in zip(shown, figures, strict=True):
        yield (
            Span(fitted(cell.label, names) + "  "),
            *_lying(cell, most, room),
            Span(f"  {figure}", QUIET),
        )
    if len(shown) < len(cells):
        rest = cells[len(shown) :]
        more = f"{_percent(sum(cell.before for cell in rest))} → {_percent(sum(cell.now for cell in rest))}"
        yield (Span(shortened(f"({len(rest)} more, together {more})", width), QUIET),)


def _lying(cell: OverlayCell, most: float, room: int) -> Iterator[Span]:
    full, rest = divmod(round(cell.now / most * room * 8), 8)
    bar = ("█" * full + (GROWING[rest] if rest else "")).ljust(room)
    if not full and not rest and cell.now > 0:
        bar = GROWING[1].ljust(room)
    if cell.before <= 0:
        yield Span(bar, NOW)
        return
    at = min(round(cell.before / most * room), room - 1)
    yield Span(bar[:at], NOW)
    yield Span(STROKE, BEFORE)
    yield Span(bar[at + 1 :], NOW)


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")
