"""How good answers are before all labels have come: estimates, forecasts and changes of the error, as findings.

Of models that name classes or answer numbers it also judges what was measured.
"""

from __future__ import annotations

import json
from typing import Any

from unipipe_tui.actions.drift.checking import judged_version
from unipipe_tui.actions.performance import ShowPerformance, settings_of
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.world import World
from unipipe_tui.domain.answers import AnswerKind
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import Estimate
from unipipe_tui.monitoring.quality.results import QualityReport, QualityWindow, TrendState
from unipipe_tui.monitoring.words import percent

ROWS = 20_000
"""Of the latest predictions of the version that serves now: what more there is says little about now and takes long."""
ESTIMATE, FORECAST, ERROR = "estimate", "forecast", "error"
TREND = {
    TrendState.FALLING: FindingState.PROBLEM,
    TrendState.RISING: FindingState.PROBLEM,
    TrendState.NO_TREND: FindingState.FINE,
    TrendState.FAR_OFF: FindingState.FINE,
}
"""What is beyond the limit already is no forecast any more: it is measured, and another finding says so."""
RUNBOOK = "Look at the windows and slices; label some of the newest predictions to know for sure."


@frozen
class QualityCheck:
    """What `performance show` tells of the version that serves now."""

    name: str = "quality"

    def findings(self, world: World, target: str, progress: Progress) -> tuple[Finding, ...]:
        """Estimate, forecast and errors, each for itself; nothing without labels, and not known with too few of them."""
        if not world.predictions.totals(target)[1]:
            return ()
        version, fewest = judged_version(target, world), world.config.monitoring.performance.minimum_labels
        labelled = world.predictions.labelled_window(target, ROWS, version).labelled
        if labelled < fewest:
            words = f"version {version}: {labelled:,} labels are too few, fewer than {fewest:,}"
            return tuple(_found(target, one, FindingState.UNKNOWN, words, {}) for one in (ESTIMATE, FORECAST, ERROR))
        traffic = world.predictions.answered(target, ROWS, version)
        report = world.report_quality(traffic, None, settings_of(ShowPerformance(target, version), traffic, world))
        latest = _latest(report, fewest)
        told = (_estimated(target, report, latest, fewest), _forecast(target, report), _errors(target, report, fewest))
        # Decisions are judged by a check of their own, over the configured window.
        return told if report.kind is AnswerKind.DECISIONS else (_measured(target, report, fewest), *told)


def _latest(report: QualityReport, fewest: int) -> QualityWindow | None:
    """The newest window with rows enough to say anything."""
    return next((one for one in reversed(report.windows) if one.rows >= fewest and not one.of_reference), None)


def _estimated(target: str, report: QualityReport, window: QualityWindow | None, fewest: int) -> Finding:
    name = report.metric.value
    if window is None:
        return _found(target, ESTIMATE, FindingState.UNKNOWN, f"no window of {fewest:,} rows after the reference", {})
    figure = window.figure(report.metric)
    evidence = {
        "window": [window.first.isoformat(), window.last.isoformat()],
        "rows": window.rows,
        "limit": report.limit,
    }
    evidence |= {"labelled": window.labelled, "figure": to_plain(figure), "method": report.method}
    if window.labelled >= fewest:
        words = f"labels of the latest window have come ({window.labelled:,}): nothing need be estimated"
        return _found(target, ESTIMATE, FindingState.FINE, words, evidence)
    if not _holds_on_reference(report, fewest):
        words = f"estimates of {name} do not even hold on the reference, whose labels are known"
        return _found(target, ESTIMATE, FindingState.UNKNOWN, words, evidence)
    state = _judged(report, figure.estimated)
    said = f"{name} of the latest {window.rows:,} predictions is estimated at {_words(figure.estimated)}"
    words = f"{said} without their labels, {_wanted(report)}"
    return _found(
        target, ESTIMATE, state, words if figure.estimated.value is not None else f"no estimate of {name}", evidence
    )


def _holds_on_reference(report: QualityReport, fewest: int) -> bool:
    """Whether what labels showed of the reference's windows lies within the range of the estimate in at least half of them."""
    figures = [one.figure(report.metric) for one in report.windows if one.of_reference and one.labelled >= fewest]
    held = [_lies_within(one.measured.value, one.estimated) for one in figures]
    return 2 * sum(held) >= len(held)


def _lies_within(value: float | None, estimate: Estimate) -> bool:
    if value is None or estimate.low is None or estimate.high is None:
        return True
    return estimate.low <= value <= estimate.high


def _measured(target: str, report: QualityReport, fewest: int) -> Finding:
    """The newest window whose labels have come."""
    window = next((one for one in reversed(report.windows) if one.labelled >= fewest), None)
    if window is None:
        return _found(target, "", FindingState.UNKNOWN, f"no window has {fewest:,} labels", {})
    figure = window.figure(report.metric)
    evidence = {"window": [window.first.isoformat(), window.last.isoformat()], "limit": report.limit}
    evidence |= {"labelled": window.labelled, "figure": to_plain(figure), "classes": to_plain(window.classes)}
    words = f"{report.metric.value} {_words(figure.measured)} of {window.labelled:,} labels, {_wanted(report)}"
    return _found(target, "", _judged(report, figure.measured), words, evidence, Severity.CRITICAL)


def _forecast(target: str, report: QualityReport) -> Finding:
    found = report.forecast
    return _found(target, FORECAST, TREND.get(found.state, FindingState.UNKNOWN), found.sentence, to_plain(found))


def _errors(target: str, report: QualityReport, fewest: int) -> Finding:
    deciding = [one for one in report.detectors if one.decides]
    worse = next((one for one in deciding if one.worsened), None)
    evidence = {"looked_at": report.detected_on, "detectors": to_plain(report.detectors)}
    if worse is not None:
        words = (
            f"errors rose from {percent(worse.error_before or 0)} to {percent(worse.error_now or 0)} at "
            f"{worse.changes[-1]:%Y-%m-%d %H:%M} UTC ({worse.name.value}: {worse.parameters})"
        )
        return _found(target, ERROR, FindingState.PROBLEM, words, evidence)
    enough = any(one.rows >= fewest for one in deciding)
    words = "the share of errors did not rise" if enough else "too few labelled predictions to see a change of errors"
    return _found(target, ERROR, FindingState.FINE if enough else FindingState.UNKNOWN, words, evidence)


def _judged(report: QualityReport, estimate: Estimate) -> FindingState:
    """A problem when the whole interval lies on the wrong side, fine when the figure is on the right one."""
    if estimate.value is None or report.limit is None:
        return FindingState.UNKNOWN
    best = estimate.low if report.less_is_better else estimate.high
    if report.misses(best):
        return FindingState.PROBLEM
    return FindingState.UNKNOWN if report.misses(estimate.value) else FindingState.FINE


def _wanted(report: QualityReport) -> str:
    if report.limit is None:
        return "and nothing is asked of it"
    return f"wanted {'at most' if report.less_is_better else 'at least'} {report.limit:.4g}"


def _words(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "unknown"
    return f"{estimate.value:.3g} (95 % {estimate.low:.3g} to {estimate.high:.3g})"


def _found(
    target: str,
    subject: str,
    state: FindingState,
    words: str,
    evidence: dict[str, Any],
    severity: Severity = Severity.WARNING,
) -> Finding:
    return Finding(
        kind=AlertKind.PERFORMANCE,
        target=target,
        subject=subject,
        state=state,
        severity=severity,
        sentence=words,
        evidence=json.dumps({"check": "quality", **evidence}),
        command=f"unipipe performance show {target}",
        runbook=RUNBOOK,
    )
