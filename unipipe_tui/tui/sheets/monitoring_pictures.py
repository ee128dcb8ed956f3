"""What changed in a column, its history, performance and predictions of a target, as pictures of any size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from unipipe_tui.actions.drift.explained import ColumnExplained
from unipipe_tui.actions.drift.history import DriftHistory
from unipipe_tui.actions.performance import PerformanceView
from unipipe_tui.actions.traffic import TrafficView
from unipipe_tui.charts.overlays import draw_overlay
from unipipe_tui.charts.sparklines import sparkline
from unipipe_tui.domain.charts import Axis, LineChart, OverlayCell, OverlayChart
from unipipe_tui.domain.serving import ScoreCell, TrafficWindow
from unipipe_tui.domain.timelines import Series
from unipipe_tui.monitoring.performance import Estimate
from unipipe_tui.monitoring.quality.results import DetectorState, QualityReport, TrendState
from unipipe_tui.tui.drawn import OVERLAY, lines_of
from unipipe_tui.tui.lines import MUTED, Line, remark
from unipipe_tui.tui.sheets.charts import (
    LEAST_DRAWN,
    chart_lines,
    curve,
    curve_with_interval,
    level,
    moments,
    wrapped,
)
from unipipe_tui.tui.sheets.monitoring import drift_sign
from unipipe_tui.tui.text import day_and_clock, harmless
from unipipe_tui.tui.theme import CALM, Sign

MOST_HEAD = 3
BELOW = Sign("✗", "bold $error")
UNSURE = Sign("~", "$warning")
UNKNOWN = Sign("?", MUTED)
WORSENS = frozenset({TrendState.FALLING, TrendState.ALREADY_BELOW, TrendState.RISING, TrendState.ALREADY_ABOVE})


# One column


def explanation_picture(found: ColumnExplained, width: int, height: int) -> list[Line]:
    """The verdict, the window laid over the reference, and below them what moved most and since when."""
    column = found.column
    sign = drift_sign(column)
    spare = max(height - LEAST_DRAWN, 1)
    head = wrapped(column.reason, width - 2, min(MOST_HEAD, spare))
    lines: list[Line] = [((f"{sign.glyph} " if not n else "  ", sign.style), (line, "")) for n, line in enumerate(head)]
    left = height - len(lines)
    if not column.cells:
        return [*lines, *map(remark, _told(found.sentences, width, left))]
    most = left if found.chart.ordered else min(len(column.cells) + 1, left)
    words = _told(found.sentences, width, left - (LEAST_DRAWN if found.chart.ordered else most))
    drawn = lines_of(draw_overlay(found.chart, width, min(most, left - len(words))), OVERLAY)
    return [*lines, *drawn, *map(remark, words)]


def _told(sentences: Iterable[str], width: int, most: int) -> list[str]:
    """As many sentences as there are lines for; the last one may be cut."""
    lines: list[str] = []
    for sentence in sentences:
        if len(lines) < most:
            lines += wrapped(sentence, width, most - len(lines))
    return lines


def history_picture(history: DriftHistory, name: str | None, width: int, height: int) -> list[Line]:
    """The effect of one column in every check, against what counts as drift."""
    found = next((column for column in history.columns if column.column == name), None)
    if found is None:
        return [remark("No check knew this column.")]
    curves = (
        curve(harmless(found.column), [point.effect for point in found.points]),
        level(f"drift from {history.effect_from:g} on", history.effect_from, len(found.points)),
    )
    times = moments([point.at for point in found.points])
    title = f"Effect of {harmless(found.column)} (PSI beyond chance)"
    return chart_lines(LineChart(title, times, Axis(""), curves), width, height)


# What was measured over time


def performance_picture(view: PerformanceView, width: int, height: int) -> list[Line]:
    """The watched figure window by window: measured with its interval, estimated where labels are still to come."""
    report = view.report
    figures = [window.figure(report.metric) for window in report.windows]
    measured, estimated = [one.measured for one in figures], [one.estimated for one in figures]
    if not any(one.value is not None for one in (*measured, *estimated)):
        few = f"{view.rows:,} rows and {view.labels:,} labels are too few to judge."
        return [remark(few), remark("unipipe feedback LABELS.csv, then d")]
    curves = (
        *([curve_with_interval("measured", measured)] if any(one.value is not None for one in measured) else []),
        *(
            [curve("estimated", [one.value for one in estimated])]
            if any(one.value is not None for one in estimated)
            else []
        ),
        *([] if report.limit is None else [level(_asked(report), report.limit, len(figures))]),
    )
    sign, title = _performance_title(view)
    words = _performance_words(report, width)
    words = words[: max(height - LEAST_DRAWN - 2, 0)]
    times = moments([window.last for window in report.windows])
    drawn = chart_lines(LineChart(harmless(title), times, Axis(""), curves), width - 2, height - len(words))
    return [((f"{sign.glyph} ", sign.style), *drawn[0]), *drawn[1:], *words]


def measured_picture(measured: Series, width: int, height: int) -> list[Line]:
    """The watched figure over the whole log, as far as labels came, with its interval; of a series with points."""
    points, last = measured.points, measured.points[-1]
    found = [Estimate(one.value, one.low, one.high) for one in points]
    curves = (
        curve_with_interval("measured", found),
        *(
            []
            if measured.threshold is None
            else [level(f"at least {measured.threshold:.3g}", measured.threshold, len(points))]
        ),
    )
    missed = measured.threshold is not None and last.value < measured.threshold
    surely = measured.threshold is None or last.high is None or last.high < measured.threshold
    sign = CALM if not missed else BELOW if surely else UNSURE
    title = harmless(f"{measured.name} {_estimate(found[-1])}, {last.note}")
    drawn = chart_lines(LineChart(title, moments([one.at for one in points]), Axis(""), curves), width - 2, height)
    return [((f"{sign.glyph} ", sign.style), *drawn[0]), *drawn[1:]]


def _performance_title(view: PerformanceView) -> tuple[Sign, str]:
    report = view.report
    judged = next(
        (one for one in reversed(report.windows) if one.figure(report.metric).measured.value is not None), None
    )
    if judged is None:
        return UNKNOWN, f"{report.metric.value}, no window has labels enough"
    figure = judged.figure(report.metric).measured
    return _sign_of(figure, report), f"{report.metric.value} {_estimate(figure)}, {judged.labelled:,} labels"


def _asked(report: QualityReport) -> str:
    return f"at {'most' if report.less_is_better else 'least'} {report.limit:.3g}"


def _sign_of(figure: Estimate, report: QualityReport) -> Sign:
    if not report.misses(figure.value):
        return CALM
    # Its interval reaches over: neither met nor missed for sure.
    better = figure.low if report.less_is_better else figure.high
    return BELOW if report.misses(better) or better is None else UNSURE


def _estimate(figure: Estimate) -> str:
    if figure.value is None:
        return "–"
    ends = "" if figure.low is None or figure.high is None else f" ({figure.low:.3f} to {figure.high:.3f})"
    return f"{figure.value:.3f}{ends}"


def _performance_words(report: QualityReport, width: int) -> list[Line]:
    worsens = report.forecast.state in WORSENS
    said = [((line, "$warning" if worsens else MUTED),) for line in wrapped(report.forecast.sentence, width, 2)]
    changed = [_detected(one) for one in report.detectors if one.decides]
    return [*said, *(remark(line) for line in wrapped("; ".join(changed), width, 2) if changed)]


def _detected(one: DetectorState) -> str:
    if not one.changes:
        return f"✓ {one.name.value}: no change of the error in {one.rows:,} decisions"
    word = "! {}: the error rose at {}" if one.worsened else "~ {}: the error fell at {}"
    return word.format(one.name.value, day_and_clock(one.changes[-1]))


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
    return f"{100 * window.yes / window.rows:.1f} %"
