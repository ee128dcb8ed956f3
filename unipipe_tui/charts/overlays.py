"""Two distributions laid over each other: bars are what is, strokes are what was."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from unipipe_tui.charts.canvas import Span
from unipipe_tui.charts.text import Drawn
from unipipe_tui.charts.words import cells as cells_of
from unipipe_tui.charts.words import fitted, harmless, shortened
from unipipe_tui.domain.charts import OverlayCell, OverlayChart

NOW, BEFORE, QUIET, OVER = range(4)
"""The tones: what is, what was, what stands around them, and what was where it lies on what is."""
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
BETWEEN = " to "


def draw_overlay(chart: OverlayChart, width: int, height: int) -> tuple[Drawn, ...]:
    """Both distributions in so many columns and lines, with a line that says which is which; too small a size counts
    as the smallest."""
    width, height = max(width, NARROWEST), max(height, LOWEST)
    cells = [replace(cell, before=_share(cell.before), now=_share(cell.now)) for cell in chart.cells]
    if not cells:
        return ((Span("(nothing to show)", QUIET),),)
    drawn = _bins(cells, width, height - 1) if chart.ordered else _values(cells, width, height - 1)
    return (_legend(chart, width), *drawn)


def _legend(chart: OverlayChart, width: int) -> Drawn:
    stroke = LEVELS[1] if chart.ordered else STROKE
    now, before = harmless(chart.now), harmless(chart.before)
    taken = cells_of(now) + cells_of(before) + len("█   ─ ")
    missing = f"  no value {_percent(chart.missing[0])} → {_percent(chart.missing[1])}" if chart.missing else ""
    return (
        Span("█", NOW),
        Span(f" {now}  "),
        Span(stroke, BEFORE),
        Span(f" {before}"),
        *([Span(missing, QUIET)] if missing and taken + len(missing) <= width else []),
    )


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0


# Bins of numbers, side by side


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
        OverlayCell(_together(part), sum(cell.before for cell in part), sum(cell.now for cell in part))
        for part in parts
    ]


def _together(part: Sequence[OverlayCell]) -> str:
    """What neighbours are called together: from the lower end of the first to the upper end of the last."""
    first, last = part[0].label, part[-1].label
    if len(part) == 1:
        return first
    low, high = first.split(BETWEEN)[0], last.split(BETWEEN)[-1]
    if low[:1] in "<≤":
        return f"≤ {high}" if BETWEEN in last else first
    return f"> {low}" if last.startswith(">") else f"{low}{BETWEEN}{high}"


def _slice(cell: OverlayCell, row: int, rows: int, most: float, wide: int) -> tuple[Span, ...]:
    """What one bin shows in one line: its bar, the stroke where what was ends, or where both are half of each."""
    filled = min(max(round((cell.now / most * rows - row) * 8), 1 if cell.now > 0 and row == 0 else 0), 8)
    stroke = _stroke(cell.before / most * rows, row, rows)
    bar = RISING[max(filled, 0)]
    if not stroke:
        return Span(bar * (wide - 1), NOW), Span(" ")
    if filled == len(RISING) - 1:
        return Span(stroke * (wide - 1), OVER), Span(" ")
    half = (wide - 1) // 2 if filled > 0 else 0
    return Span(bar * half, NOW), Span(stroke * (wide - 1 - half), BEFORE), Span(" ")


def _stroke(level: float, row: int, rows: int) -> str:
    if level <= 0:
        return ""
    place = min(round(level * len(LEVELS)), rows * len(LEVELS) - 1)
    return LEVELS[place % len(LEVELS)] if place // len(LEVELS) == row else ""


def _edges(groups: Sequence[OverlayCell], wide: int, room: int) -> str:
    """What the bins are called; where that is too long their lower ends, as many as stand beside each other."""
    whole = all(cells_of(harmless(group.label)) < wide for group in groups)
    texts = [harmless(group.label if whole else _lower_end(group.label)) for group in groups]
    # The last one has its place whatever stands before it: it tells where the axis ends.
    end = min((len(groups) - 1) * wide, room - cells_of(texts[-1]))
    line = ""
    for number, text in enumerate(texts[:-1]):
        at = number * wide
        if (not line or at > cells_of(line)) and at + cells_of(text) < end:
            line = fitted(line, at) + text
    return shortened(fitted(line, max(end, 0)) + texts[-1], room)


def _lower_end(label: str) -> str:
    return label.split(BETWEEN)[0].replace(" ", "")


# Values by name, below each other


def _values(cells: Sequence[OverlayCell], width: int, height: int) -> Iterator[Drawn]:
    shown = cells if len(cells) <= height else _weightiest(cells, max(height - 1, 1))
    names = min(max(cells_of(harmless(cell.label)) for cell in shown), width // LABEL_PART)
    figures = [f"{_percent(cell.before):>7} → {_percent(cell.now):>7}" for cell in shown]
    notes = max(cells_of(harmless(cell.note)) for cell in shown)
    room = max(width - names - 2 - 2 - max(map(len, figures)) - (notes + 2 if notes else 0), 4)
    most = max(max(cell.before, cell.now) for cell in cells) or 1.0
    for cell, figure in zip(shown, figures, strict=True):
        note = [Span(f"  {harmless(cell.note)}", BEFORE)] if cell.note else []
        yield Span(fitted(cell.label, names) + "  "), *_lying(cell, most, room), Span(f"  {figure}", QUIET), *note
    if len(shown) < len(cells):
        rest = [cell for cell in cells if cell not in shown]
        more = f"{_percent(sum(cell.before for cell in rest))} → {_percent(sum(cell.now for cell in rest))}"
        yield (Span(shortened(f"({len(rest)} more, together {more})", width), QUIET),)


def _weightiest(cells: Sequence[OverlayCell], most: int) -> list[OverlayCell]:
    """Those that say most, in their own order: what is new or gone before all, then the largest."""
    ranked = sorted(cells, key=lambda cell: (not cell.note, -max(cell.before, cell.now)))
    return [cell for cell in cells if cell in ranked[:most]]


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
    yield Span(STROKE, OVER if at < full else BEFORE)
    yield Span(bar[at + 1 :], NOW)


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")
