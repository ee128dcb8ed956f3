"""What the verdicts beside the columns say, as findings: each is an alert of its own, and says only what the columns do not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from unipipe_tui.actions.drift.beside import MULTIVARIATE, PREDICTIONS, SEGMENTS, Beside
from unipipe_tui.actions.drift.findings import without_cells
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.monitoring.verdict.results import MultivariateDrift, PredictionDrift, SegmentDrift

LOOK_AT_JOINTS = (
    "Each column is as it was, but not beside the others: look at the columns that the classifier used most, and at what "
    "joins them."
)
LOOK_AT_ANSWERS = (
    "Did the inputs move, or the version? Compare with the drift of its inputs, and with labels as they come."
)
LOOK_AT_SEGMENTS = "Is it one source? Look at what feeds these segments, before you retrain on all of them."


def beside_findings(target: str, drifted: Sequence[str], found: Beside, job: str) -> Iterator[Finding]:
    """One finding for each verdict that was made."""
    if found.multivariate is not None:
        yield _together(target, drifted, found.multivariate, job)
    if found.predictions is not None:
        yield _answers(target, drifted, found.predictions, job)
    if found.segments is not None:
        yield _segments(target, drifted, found.segments, job)


def _together(target: str, drifted: Sequence[str], found: MultivariateDrift, job: str) -> Finding:
    """A problem only where no column says so already: one cause is one alert."""
    told = bool(drifted)
    words = f"columns together: {', '.join(drifted)} drifted, and tell it" if told else found.sentence
    state = _state(found.judged, found.drifted and not told)
    return _finding(target, MULTIVARIATE, state, words, found, job, LOOK_AT_JOINTS)


def _answers(target: str, drifted: Sequence[str], found: PredictionDrift, job: str) -> Finding:
    """Where inputs moved it is no wonder that answers did; whether they would have without is not known."""
    state = _state(found.judged and not (found.drifted and drifted), found.drifted)
    return _finding(target, PREDICTIONS, state, found.sentence, found, job, LOOK_AT_ANSWERS)


def _segments(target: str, drifted: Sequence[str], found: SegmentDrift, job: str) -> Finding:
    """A problem where a column moved within a segment that did not move as a whole."""
    new = [
        one
        for one in found.slices
        if one.drifted and any(column.drifted and column.column not in drifted for column in one.columns)
    ]
    told = f"segments: what moved, {', '.join(drifted)}, moved as a whole"
    words = " ".join(one.sentence for one in new[:3]) if new else told if found.drifted else found.sentence
    parts = tuple(f"{one.segment}={one.value}" for one in new)
    return _finding(target, SEGMENTS, _state(found.judged, bool(new)), words, found, job, LOOK_AT_SEGMENTS, parts)


def _state(judged: bool, problem: bool) -> FindingState:
    if not judged:
        return FindingState.UNKNOWN
    return FindingState.PROBLEM if problem else FindingState.FINE


def _finding(
    target: str,
    subject: str,
    state: FindingState,
    sentence: str,
    found: Any,
    job: str,
    runbook: str,
    parts: tuple[str, ...] = (),
) -> Finding:
    return Finding(
        kind=AlertKind.DRIFT,
        target=target,
        subject=subject,
        state=state,
        severity=Severity.WARNING,
        sentence=sentence,
        evidence=json.dumps({"check": "drift", "job": job, subject: _kept(to_plain(found))}),
        command=f"unipipe drift show {target}",
        runbook=runbook,
        parts=parts,
    )


def _kept(found: dict[str, Any]) -> dict[str, Any]:
    """Without distributions, and of segments only those that moved."""
    columns = found.get("columns", [])
    if columns and isinstance(columns[0], dict):
        found["columns"] = [without_cells(one) for one in columns]
    if "slices" in found:
        found["slices"] = [one for one in found["slices"] if one["drifted"]]
    return found
