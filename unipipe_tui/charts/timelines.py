"""A timeline as rows of bars: every figure over the same folded time, and below them what happened when."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
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
BEYOND = "✗"
"""At the foot of a measurement beyond its threshold, so that it is told without colours too."""
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
SHORT = {
    **WORDS,
    MarkKind.ROLLBACK: "back",
    MarkKind.DATA: "data",
    MarkKind.ALERT_CLOSED: "gone",
}
"""The same for where there is less room."""
LANES = {
    "alerts": (MarkKind.ALERT, MarkKind.ALERT_CLOSED),
    "live": (MarkKind.PROMOTION, MarkKind.ROLLBACK, MarkKind.RELEASE),
    "data": (MarkKind.TRAINING, MarkKind.DATA),
}
"""What stands in a line of its own where there is room."""
ROOMY = 2
"""Lines of one figure from which on there is."""


def draw_timeline(
    series: Sequence[Series], marks: Sequence[Mark], width: int, height: int, chosen: datetime | None = None
) -> tuple[Drawn, ...]:
    """The figures, the marks and the time below, in so many columns and at most so many lines; `chosen` is pointed at.

    Without room for all of it, the time goes first, then the marks.
    """
    width = max(width, NARROWEST)
    if not series and not marks:
        return ((Span("(nothing is known yet)", QUIET),),)
    series = [known for one in series if (known := _finite(one)).points]
    roomy = height >= ROOMY * len(series) + len(LANES) + (chosen is not None) + 1
    named = [*(harmless(one.name) for one in series), *(LANES if roomy and marks else ())]
    names = min(max(map(cells_of, named), default=0), width // 4)
    values = [_value(one) for one in series]
    room = max(width - names - 2 - 2 - max((cells_of(text) for text, _ in values), default=0), 8)
    moments = [*(point.at for one in series for point in one.points), *(mark.at for mark in marks)]
    places = _columns(moments, room)
    pointed = [_pointer(chosen, places, room, names)] if chosen is not None else []
    happened = _lanes(marks, places, room, names) if roomy else _together(marks, places, room, names)
    below = [*pointed, *happened, _time(marks, places, room, names)][: max(height - len(series), 0)]
    each, more = divmod(max(height - len(below), 0), max(len(series), 1))
    lines: list[Drawn] = []
    for number, (one, (text, tone)) in enumerate(zip(series, values, strict=True)):
        rows = list(_bars(one, places, room, min(max(each + (number < more), 1), TALLEST)))
        lines += [(Span(" " * (names + 2)), *row) for row in rows[:-1]]
        lines.append((Span(fitted(one.name, names) + "  "), *rows[-1], Span(f"  {text}", tone)))
    return (*lines[:height], *below)


def _finite(one: Series) -> Series:
    """Without what cannot be drawn."""
    threshold = one.threshold if one.threshold is not None and math.isfinite(one.threshold) else None
    return replace(one, points=tuple(point for point in one.points if abs(point.value) < LARGEST), threshold=threshold)


def legend_of(marks: Sequence[Mark], words: Mapping[MarkKind, str] = WORDS) -> str:
    """What the glyphs of these marks mean."""
    kinds = {mark.kind for mark in marks}
    return "  ".join(f"{glyph} {words[kind]}" for kind, glyph in GLYPHS.items() if kind in kinds)


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
    if level[1] == BAD and row == 0:
        return Span(BEYOND, BAD)
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


def _pointer(chosen: datetime, places: dict[datetime, int], room: int, names: int) -> Drawn:
    """Below the measurement that is nearest to a moment, with the moment on the side where there is room."""
    nearest = min(places, key=lambda moment: abs(moment - chosen))
    at, said = places[nearest], f"{chosen:%m-%d %H:%M}"
    left = at + len(said) + 2 > room
    text = f"{said} ^".rjust(at + 1) if left else f"{' ' * at}^ {said}"
    return Span(" " * (names + 2)), Span(text, MARKED)


def _lanes(marks: Sequence[Mark], places: dict[datetime, int], room: int, names: int) -> Iterator[Drawn]:
    """A line for each sort of thing that happened."""
    for name, kinds in LANES.items():
        found = [mark for mark in marks if mark.kind in kinds]
        if found:
            glyphs = Span(_glyphs(found, places, room), MARKED)
            yield Span(f"{fitted(name, names)}  ", QUIET), glyphs


def _together(marks: Sequence[Mark], places: dict[datetime, int], room: int, names: int) -> Iterator[Drawn]:
    """All that happened in one line."""
    if marks:
        yield Span(" " * (names + 2)), Span(_glyphs(marks, places, room), MARKED)


def _glyphs(marks: Sequence[Mark], places: dict[datetime, int], room: int) -> str:
    glyphs = [" "] * room
    for kind in reversed(GLYPHS):
        for mark in marks:
            if mark.kind is kind:
                glyphs[places[mark.at]] = GLYPHS[kind]
    return "".join(glyphs).rstrip()


def _time(marks: Sequence[Mark], places: dict[datetime, int], room: int, names: int) -> Drawn:
    """From when to when, and what the glyphs mean where there is room for it."""
    indent = Span(" " * (names + 2))
    first, last = (f"{moment:%m-%d %H:%M}" for moment in (min(places), max(places)))
    middle = room - cells_of(first) - cells_of(last) - 2
    legend = next((one for one in (legend_of(marks), legend_of(marks, SHORT)) if cells_of(one) <= middle), "")
    if middle < 0:
        return indent, Span(shortened(first, room), QUIET)
    return indent, Span(f"{first} {fitted(legend.center(middle), middle)} {last}", QUIET)
