"""A target's performance as lines of text: windows, forecast, detectors, where a loss came from, calibration."""

from __future__ import annotations

from rich.text import Text

from unipipe_tui.actions.performance import PerformanceView
from unipipe_tui.cli.grids import QUIET, Lines, block, clipped, notes, shown, shown_p
from unipipe_tui.monitoring.performance import Estimate
from unipipe_tui.monitoring.quality.results import (
    Calibration,
    DetectorState,
    DropAttribution,
    QualityReport,
    QualityWindow,
    SliceLoss,
    TrendState,
)
from unipipe_tui.monitoring.words import percent

MOST_WINDOWS = 24
MOST_SLICES = 6
MOST_CLASSES = 12
WARNED = {TrendState.FALLING, TrendState.ALREADY_BELOW, TrendState.RISING, TrendState.ALREADY_ABOVE}


def performance_lines(view: PerformanceView) -> Lines:
    """The windows, then what is to be made of them."""
    report = view.report
    version = "" if view.version is None else f" version {view.version}"
    known = f"{view.rows:,} rows, {view.labels:,} labels"
    lines = [Text(f"{view.target}{version}: {report.metric.value}{_wanted(report)}  ({known})", style="bold")]
    rows = [_window(window, report) for window in report.windows[-MOST_WINDOWS:]]
    header = ("", "until", "rows", "labels", f"{report.metric.value} (95 %)", "estimated (95 %)", "")
    named = (
        f"windows, the latest {len(rows)} of {len(report.windows)}" if len(report.windows) > len(rows) else "windows"
    )
    lines += block(named, [header, *rows], header=True)
    lines += [Text(), Text(report.forecast.sentence, style="magenta" if report.forecast.state in WARNED else "")]
    detectors = [_detector(one) for one in report.detectors]
    lines += block(
        f"changes of the error, in {report.detected_on}",
        [("", "detector", "rows", "error before", "now", "changes, the last at", "parameters"), *detectors],
        header=True,
    )
    lines += _classes(report) + _drop(report.drop) + _calibration(report.calibration)
    reference = report.reference
    lines += notes(report.notices)
    said = f"reference: {reference.what} ({reference.labelled:,} labelled rows). {report.method}."
    return [*lines, Text(), Text(clipped(said, 600), style=QUIET)]


def _wanted(report: QualityReport) -> str:
    if report.limit is None:
        return ""
    return f", wanted {'at most ' if report.less_is_better else ''}{report.limit:.4g}"


def _classes(report: QualityReport) -> Lines:
    """Each class's recall in the newest window that has labels."""
    window = next((one for one in reversed(report.windows) if one.classes), None)
    if window is None:
        return []
    rows = [(clipped(one.name, 40), f"{one.rows:,}", _estimate(one.recall)) for one in window.classes[:MOST_CLASSES]]
    until = f"recall by class, until {window.last:%m-%d %H:%M:%S}"
    named = f"{until}, {len(rows)} of {len(window.classes)}" if len(window.classes) > len(rows) else until
    return block(named, [("class", "labels", "recall (95 %)"), *rows], header=True)


def _window(window: QualityWindow, report: QualityReport) -> tuple[str, ...]:
    figure = window.figure(report.metric)
    value = figure.measured.value
    missed = report.misses(value)
    glyph = "!" if figure.unusual or missed else "·" if value is None else "✓"
    said = ("above" if report.less_is_better else "below") if missed else ""
    if figure.unusual and figure.usual is not None:
        said = f"{said} usual {figure.usual.low:.3f} to {figure.usual.high:.3f}".strip()
    return (
        glyph,
        f"{window.last:%m-%d %H:%M:%S}",
        f"{window.rows:,}",
        f"{window.labelled:,}",
        _estimate(figure.measured),
        _estimate(figure.estimated),
        said or ("reference" if window.of_reference else ""),
    )


def _estimate(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "-"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _detector(state: DetectorState) -> tuple[str, ...]:
    last = f"{len(state.changes)}, {state.changes[-1]:%m-%d %H:%M:%S}" if state.changes else "none"
    glyph = "!" if state.worsened and state.decides else "~" if state.changes else "✓"
    before, now = shown(state.error_before), shown(state.error_now)
    return (glyph, state.name.value, f"{state.rows:,}", before, now, last, state.parameters)


def _drop(drop: DropAttribution | None) -> Lines:
    if drop is None or drop.lost <= 0:
        return []
    rows = [_slice(one) for one in drop.slices if one.lost > 0][:MOST_SLICES]
    surely = "" if any(one.significant for one in drop.slices) else ", in no slice surely"
    title = f"{drop.metric.value} lost {drop.lost:.3f} since the reference{surely}; p adjusted for {drop.tested} slices"
    return block(title, [("", "slice", "then", "now", "lost", "of the loss", "p"), *rows], header=True)


def _slice(one: SliceLoss) -> tuple[str, ...]:
    share = "-" if one.share_of_loss is None else percent(one.share_of_loss, 0)
    name = clipped(f"{one.column} {one.value}", 40)
    values = (shown(one.reference.value), shown(one.current.value), f"{one.lost:.3f}", share)
    return ("!" if one.significant else " ", name, *values, shown_p(one.p_value))


def _calibration(found: Calibration | None) -> Lines:
    if found is None:
        return []
    parts = f"Brier {found.brier:.4f} = {found.unreliability:.4f} unreliability - {found.resolution:.4f} resolution"
    said = [
        f"calibration of {found.rows:,} rows: error {found.error:.4f}, by chance {found.error_by_chance:.4f}"
        f"{'; scores do not mean what they say' if found.surely_off else ''}",
        f"  {parts} + {found.uncertainty:.4f} uncertainty {_signed(found.within)} within bins",
    ]
    rows = [
        (f"{one.low:g} to {one.high:g}", f"{one.rows:,}", f"{one.said:.3f}", _estimate(one.came_true))
        for one in found.bins
    ]
    table = block("reliability", [("score", "rows", "said", "came true (95 %)"), *rows], header=True)
    return [Text(), *(Text(line) for line in said), *table]


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'} {abs(value):.4f}"
