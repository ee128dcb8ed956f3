"""A timeline as rows of bars: every figure over the same folded time, and below them what happened when."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from unipipe_tui.charts.canvas import Span
from unipipe_tui.charts.scales import LARGEST, number_text
from unipipe_tui.charts.text import Drawn
from unipipe_tui.charts.words import cells as cells_of
from unipipe_tui.charts.words import fitted, harmless, shortened
from unipipe_tui.domain.timelines import Better, Mark, MarkKind, Series, TimePoint, folded

GOOD, BAD, HELD, MARKED, QUIET = range(5)
"""The tones: a measurement, one beyond its threshold, the one before as long as there is none, what happened, frames."""
NARROWEST = 40
RISING = "▁▂▃▄▅▆▇█"
TALLEST = 4
"""Lines of one figure."""
GLYPHS = {
    MarkKind.ALERT: "!",
    MarkKind.PROMOTION: "▲",
    MarkKind.ROLLBACK: "▼",
    MarkKind.RELEASE: "◆",
    MarkKind.TRAINING: "●",
    MarkKind.DATA: "=",
    MarkKind.ALERT_CLOSED: "✓",
}
"""What happened, the weightiest first: where several things stand in one place, that one is shown."""
WORDS = {
    MarkKind.ALERT: "alert",
    MarkKind.PROMOTION: "promoted",
    MarkKind.ROLLBACK: "rolled back",
    MarkKind.RELEASE: "released",
    MarkKind.TRAINING: "trained",
    MarkKind.DATA: "other data",
    MarkKind.ALERT_CLOSED: "alert gone",
}


def draw_timeline(series: Sequence[Series], marks: Sequence[Mark], width: int, height: int) -> tuple[Drawn, ...]:
    """The figures, the marks and the time below, in so many columns and at most so many lines.

    Without room for all of it, the time goes first, then the marks.
    """
    width = max(width, NARROWEST)
    if not series and not marks:
        return ((Span("(nothing is known yet)", QUIET),),)
    series = [known for one in series if (known := _finite(one)).points]
    names = min(max((cells_of(harmless(one.name)) for one in series), default=0), width // 4)
    values = [_value(one) for one in series]
    room = max(width - names - 2 - 2 - max((cells_of(text) for text, _ in values), default=0), 8)
    moments = [*(point.at for one in series for point in one.points), *(mark.at for mark in marks)]
    places = _columns(moments, room)
    below = list(_below(marks, places, room, names))[: max(height - len(series), 0)]
    each = min(max((height - len(below)) // max(len(series), 1), 1), TALLEST)
    lines: list[Drawn] = []
    for one, (text, tone) in zip(series, values, strict=True):
        rows = list(_bars(one, places, room, each))
        lines += [(Span(" " * (names + 2)), *row) for row in rows[:-1]]
        lines.append((Span(fitted(one.name, names) + "  "), *rows[-1], Span(f"  {text}", tone)))
    return (*lines[:height], *below)


def _finite(one: Series) -> Series:
    """Without what cannot be drawn."""
    threshold = one.threshold if one.threshold is not None and math.isfinite(one.threshold) else None
    return replace(one, points=tuple(point for point in one.points if abs(point.value) < LARGEST), threshold=threshold)


def legend_of(marks: Sequence[Mark]) -> str:
    """What the glyphs of these marks mean."""
    kinds = {mark.kind for mark in marks}
    return "  ".join(f"{glyph} {WORDS[kind]}" for kind, glyph in GLYPHS.items() if kind in kinds)


def _columns(moments: Sequence[datetime], room: int) -> dict[datetime, int]:
    places = folded(moment.timestamp() for moment in moments)
    return {moment: round(places[moment.timestamp()] * (room - 1)) for moment in moments}


def _value(one: Series) -> tuple[str, int]:
    """The newest measurement, against what is asked of it."""
    last = one.points[-1]
    unit = f" {one.unit}" if one.unit in ("ms", "%") else ""
    shown = f"{_short(last.value)}{unit}"
    if one.threshold is None:
        return shown, QUIET
    asked = f"{'≥' if one.better is Better.HIGHER else '<'} {_short(one.threshold)}"
    if last.beyond:
        return f"✗ {shown}, not {asked}", BAD
    met = last.value >= one.threshold if one.better is Better.HIGHER else last.value < one.threshold
    # On the wrong side, but its interval reaches over: neither met nor missed for sure.
    return (f"✓ {shown} {asked}", GOOD) if met else (f"~ {shown}, {asked}?", QUIET)


def _short(value: float) -> str:
    return number_text(float(f"{value:.3g}"))


def _bars(one: Series, places: dict[datetime, int], room: int, rows: int) -> Iterator[Drawn]:
    """The upper line first."""
    worst = max if one.better is Better.LOWER else min
    measured: dict[int, TimePoint] = {}
    for point in one.points:
        at = places[point.at]
        measured[at] = worst(measured.get(at, point), point, key=lambda p: p.value)
    low, high = _ends(one)
    levels: list[tuple[int, int] | None] = []
    held: int | None = None
    for column in range(room):
        found = measured.get(column)
        if found is not None:
            share = (found.value - low) / (high - low)
            held = max(round(share * rows * len(RISING)), 1)
            levels.append((held, BAD if found.beyond else GOOD))
        else:
            levels.append(None if held is None else (held, HELD))
    for row in range(rows - 1, -1, -1):
        yield tuple(_joined(_cell(level, row) for level in levels))


def _ends(one: Series) -> tuple[float, float]:
    """A figure that should be high is drawn from just below its worst: a fall from 0.98 to 0.95 must be seen."""
    values = [point.value for point in one.points] + ([one.threshold] if one.threshold is not None else [])
    low, high = min(values), max(values)
    if one.better is Better.LOWER:
        return min(low, 0.0), high if high > min(low, 0.0) else 1.0
    return (low - (high - low) * 0.2, high) if high > low else (low - max(abs(low), 1.0), low)


def _cell(level: tuple[int, int] | None, row: int) -> Span:
    if level is None:
        return Span(" ")
    eighths = min(level[0] - row * len(RISING), len(RISING))
    return Span(RISING[eighths - 1] if eighths > 0 else " ", level[1])


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    """Neighbours of one tone together."""
    text, tone = "", None
    for span in spans:
        if text and span.tone != tone:
            yield Span(text, tone)
            text = ""
        text, tone = text + span.text, span.tone
    yield Span(text, tone)


def _below(marks: Sequence[Mark], places: dict[datetime, int], room: int, names: int) -> Iterator[Drawn]:
    indent = Span(" " * (names + 2))
    if marks:
        glyphs = [" "] * room
        for kind in reversed(GLYPHS):
            for mark in marks:
                if mark.kind is kind:
                    glyphs[places[mark.at]] = GLYPHS[kind]
        yield indent, Span("".join(glyphs).rstrip(), MARKED)
    first, last = (f"{moment:%m-%d %H:%M}" for moment in (min(places), max(places)))
    legend = legend_of(marks)
    middle = room - cells_of(first) - cells_of(last) - 2
    if cells_of(legend) > middle:
        legend = ""
    if middle < 0:
        yield indent, Span(shortened(first, room), QUIET)
    else:
        yield indent, Span(f"{first} {fitted(legend.center(middle), middle)} {last}", QUIET)
