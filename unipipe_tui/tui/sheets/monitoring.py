"""Drift, performance, traffic and alerts of a target: as tables, and as pictures for so many columns and lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from unipipe_tui.actions.alerts import AlertList
from unipipe_tui.actions.drift_history import DriftHistory, DriftView
from unipipe_tui.actions.recorded_checks import ColumnView
from unipipe_tui.actions.timeline import Timeline
from unipipe_tui.actions.traffic import TrafficView
from unipipe_tui.charts.overlays import draw_overlay
from unipipe_tui.charts.sparklines import effect_line, sparkline
from unipipe_tui.charts.text import draw
from unipipe_tui.domain.charts import Axis, LineChart, OverlayCell, OverlayChart
from unipipe_tui.domain.charts import Line as Curve
from unipipe_tui.domain.records import Alert
from unipipe_tui.domain.serving import ScoreCell, TrafficWindow
from unipipe_tui.domain.timelines import Better, Series
from unipipe_tui.tui.drawn import CHART, OVERLAY, lines_of
from unipipe_tui.tui.lines import MUTED, Line, remark
from unipipe_tui.tui.sheet import Cell, Column, Sheet, SheetRow
from unipipe_tui.tui.text import clip, day_and_clock, harmless
from unipipe_tui.tui.theme import ALERT_SIGNS, Sign

DRIFTED, CALM = Sign("!", "bold $accent"), Sign("✓", "$success")
MOST_CHECKS = 12
"""In the small history of a row."""
SURELY_ZERO = 1e-15
LONGEST_MESSAGE = 200


# The columns of the last check


def features_sheet(view: DriftView, history: DriftHistory | None) -> Sheet:
    """One row a column: whether it drifted, how far it is, how surely, how it was before, and why the verdict."""
    columns = (
        Column("column", "feature", 24),
        Column("state", "", 1),
        Column("effect", "effect", right=True),
        Column("p", "p", right=True),
        *([Column("history", "checks", MOST_CHECKS)] if history else []),
        Column("reason", "verdict", 120, stretches=True),
    )
    return Sheet(columns, tuple(_feature_row(column, history, view) for column in view.columns))


def _feature_row(column: ColumnView, history: DriftHistory | None, view: DriftView) -> SheetRow:
    sign = DRIFTED if column.drifted else CALM
    return SheetRow(
        column.column,
        (
            Cell(harmless(column.column), "bold"),
            Cell(sign.glyph, sign.style, 0 if column.drifted else 1),
            Cell(
                "–" if column.effect is None else f"{column.effect:.3f}",
                sign.style if column.drifted else "",
                column.effect,
            ),
            Cell(_p_value(column.p_value), MUTED, column.p_value),
            *([Cell(_small_history(history, column), "$primary", column.effect)] if history else []),
            Cell(harmless(_verdict(column))),
        ),
    )


def _verdict(column: ColumnView) -> str:
    """The reason without the figures that it begins with, where they stand in the row already."""
    figures, _, rest = column.reason.partition(": ")
    return rest if rest and figures.startswith("PSI ") else column.reason


def _small_history(history: DriftHistory, column: ColumnView) -> str:
    known = next((one.points for one in history.columns if one.column == column.column), ())
    return effect_line([point.effect for point in known[-MOST_CHECKS:]], history.effect_from)


def check_title(view: DriftView) -> str:
    """Which check it is: of what, how much, when."""
    version = f"version {view.version}" if view.version is not None else "no version"
    rows = f"{view.rows:,} rows against {view.reference_rows:,}"
    return f"Drift · {harmless(view.target)} · {version} · {rows} · {day_and_clock(view.at)}"


def distribution_picture(column: ColumnView, width: int, height: int) -> list[Line]:
    """The window laid over the reference, below the verdict in words."""
    sign = DRIFTED if column.drifted else CALM
    head: Line = ((f"{sign.glyph} ", sign.style), (clip(harmless(column.reason), width - 2), ""))
    if not column.cells:
        return [head]
    cells = tuple(OverlayCell(cell.label, cell.reference, cell.current) for cell in column.cells)
    chart = OverlayChart("reference", "window", cells, ordered=column.kind == "numeric")
    drawn = lines_of(draw_overlay(chart, width, height - 1), OVERLAY)
    return [head, (*drawn[0], ("  ", ""), (_missing(column), MUTED)), *drawn[1:]]


def _missing(column: ColumnView) -> str:
    if not column.reference_missing and not column.current_missing:
        return ""
    return f"missing {_percent(column.reference_missing)} → {_percent(column.current_missing)}"


def history_picture(history: DriftHistory, name: str | None, width: int, height: int) -> list[Line]:
    """The effect of one column in every check, against what counts as drift."""
    found = next((column for column in history.columns if column.column == name), None)
    if found is None:
        return [remark("No check knew this column.")]
    curves = (
        _curve(harmless(found.column), [point.effect for point in found.points]),
        _level(f"drift from {history.effect_from:g} on", history.effect_from, len(found.points)),
    )
    times = _moments([point.at for point in found.points])
    return _chart(
        LineChart(f"Effect of {harmless(found.column)} (PSI beyond chance)", times, Axis(""), curves), width, height
    )


# What was measured over time


def performance_picture(timeline: Timeline, width: int, height: int) -> list[Line]:
    """The figure that live performance is judged by, against what is asked of it."""
    found = next((one for one in timeline.series if one.better is Better.HIGHER), None)
    if found is None:
        return [remark("No check had labels enough to judge."), remark("unipipe feedback LABELS.csv, then d")]
    return _chart(_measured(found), width, height)


def _measured(series: Series) -> LineChart:
    points = series.points
    known = all(point.low is not None and point.high is not None for point in points)
    curve = Curve(
        harmless(series.name),
        tuple(float(number) for number in range(len(points))),
        tuple(point.value for point in points),
        tuple(point.low or 0.0 for point in points) if known else (),
        tuple(point.high or 0.0 for point in points) if known else (),
    )
    asked = [_level(f"at least {series.threshold:g}", series.threshold, len(points))] if series.threshold else []
    last = points[-1]
    sign = "✗" if last.beyond else "✓"
    title = f"{sign} {series.name} {last.value:.3f}, {last.note}"
    return LineChart(harmless(title), _moments([point.at for point in points]), Axis(""), (curve, *asked))


def latency_picture(view: TrafficView, width: int, height: int) -> list[Line]:
    """Median and p95 over all the traffic; what the log does not know is said."""
    known = [window for window in view.stretches if window.last is not None]
    if not known:
        return [remark("No prediction was logged yet: unipipe predict FILE")]
    curves = (_curve("p95", [window.p95_ms for window in known]), _curve("p50", [window.p50_ms for window in known]))
    title = f"Latency: p50 {_figure(view.window.p50_ms)} ms, p95 {_figure(view.window.p95_ms)} ms in the window"
    times = _moments([window.last for window in known if window.last is not None])
    notes = [remark(clip(notice, width)) for notice in view.notices]
    return [*_chart(LineChart(title, times, Axis("", "ms"), curves), width, height - len(notes)), *notes]


def predictions_picture(view: TrafficView, width: int, height: int) -> list[Line]:
    """How often the answer was yes, and the scores of the window laid over those before it."""
    window = view.window
    if not window.rows:
        return [remark("No prediction was logged yet: unipipe predict FILE")]
    yes = [window.yes / window.rows for window in view.stretches]
    head: Line = (
        (f"yes {_yes(window)}  ", "bold"),
        (sparkline(yes, max(*yes, 0.01))[-max(width - 40, 8) :], "$primary"),
        (f"  {view.predictions:,} predictions", MUTED),
    )
    if not view.scores:
        return [head, remark("The model gives no scores.")]
    latest, before = sum(one.latest for one in view.scores) or 1, sum(one.before for one in view.scores)
    cells = tuple(
        OverlayCell(f"{one.low:.3g} to {one.high:.3g}", one.before / before if before else 0.0, one.latest / latest)
        for one in _fewer(view.scores, height - 2)
    )
    # Scores of a rare class all but vanish beside the first bin; as values below each other each has its percentage.
    chart = OverlayChart(f"the {before:,} before", f"scores of the latest {latest:,}", cells, ordered=False)
    return [head, *lines_of(draw_overlay(chart, width, height - 1), OVERLAY)]


def _fewer(scores: Sequence[ScoreCell], most: int) -> list[ScoreCell]:
    """Neighbours put together, two and two, until there are no more than so many."""
    found = list(scores)
    while len(found) > max(most, 2):
        pairs = [found[place : place + 2] for place in range(0, len(found), 2)]
        found = [
            ScoreCell(pair[0].low, pair[-1].high, sum(one.latest for one in pair), sum(one.before for one in pair))
            for pair in pairs
        ]
    return found


def _yes(window: TrafficWindow) -> str:
    return _percent(window.yes / window.rows)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _chart(chart: LineChart, width: int, height: int) -> list[Line]:
    # The name of the axis of time would only be a blank line.
    # The legend goes into one line.
    count = len(chart.lines) if len(chart.lines) > 1 else 0
    drawn = [line for line in draw(chart, width, height + max(count, 1)) if "".join(span.text for span in line).strip()]
    first, *rest = lines_of(drawn, CHART)
    frame, legend = rest[: len(rest) - count], rest[len(rest) - count :]
    joined = [piece for line in legend for piece in (*line, ("   ", ""))]
    return [tuple((text, "bold") for text, _ in first), *frame, *([joined] if joined else [])]


def _moments(moments: Sequence[datetime]) -> Axis:
    """One place for each measurement, as far apart whatever lies between them, so that a busy minute can be read."""
    one_day = len({moment.date() for moment in moments}) <= 1
    return Axis("", categories=tuple(f"{moment:%H:%M:%S}" if one_day else day_and_clock(moment) for moment in moments))


def _curve(name: str, values: Sequence[float | None]) -> Curve:
    ys = tuple(math.nan if value is None else value for value in values)
    return Curve(name, tuple(float(number) for number in range(len(ys))), ys)


def _level(name: str, value: float, count: int) -> Curve:
    # As long as the axis, so that a single measurement has a line to be held against.
    return Curve(name, (-0.5, count - 0.5), (value, value))


# Alerts


def alerts_sheet(found: AlertList) -> Sheet:
    """One row an alert: whether it asks for attention, what it says, since when, and who took note of it."""
    columns = (
        Column("state", "", 1),
        Column("kind", "kind"),
        Column("message", "what was found", LONGEST_MESSAGE, stretches=True),
        Column("since", "since", right=True),
        Column("fate", "acknowledged", 26),
    )
    return Sheet(columns, tuple(map(_alert_row, found.alerts)))


def sign_of(alert: Alert) -> Sign:
    """How an alert looks: asking, acknowledged, gone."""
    return ALERT_SIGNS["gone" if alert.closed is not None else "asks" if alert.asks else "acknowledged"]


def _alert_row(alert: Alert) -> SheetRow:
    sign = sign_of(alert)
    return SheetRow(
        alert.id,
        (
            Cell(sign.glyph, sign.style),
            Cell(alert.kind.value, "bold"),
            Cell(harmless(alert.message), "" if alert.asks else MUTED),
            Cell(day_and_clock(alert.opened), MUTED, alert.opened.timestamp()),
            Cell(harmless(_fate(alert)), "$secondary"),
        ),
    )


def _fate(alert: Alert) -> str:
    if alert.closed is not None:
        return f"{f'closed by {alert.closed_by}' if alert.closed_by else 'gone'} {day_and_clock(alert.closed)}"
    if alert.acknowledged is None:
        return "by nobody"
    until = f" until {day_and_clock(alert.snoozed_until)}" if alert.snoozed_until else ""
    return f"{alert.acknowledged_by}{until}{f': {alert.reason}' if alert.reason else ''}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _p_value(value: float | None) -> str:
    return "<1e-15" if value is not None and value < SURELY_ZERO else "–" if value is None else f"{value:.2g}"
