"""What a drift check and a judgement of decisions say, as findings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from unipipe_tui.actions.plain import to_plain
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.monitoring.drift import DEFAULT, ColumnDrift
from unipipe_tui.monitoring.performance import PerformanceState, PerformanceVerdict

LOOK_AT_COLUMNS = (
    "Is it the world or the pipeline? Look at the columns that moved, then retrain, or repair what feeds them."
)
LOOK_AT_DECISIONS = "Go back if an older version decides better on today's labels; else retrain on them."
CELLS = ("labels", "reference_shares", "current_shares")
"""What is left out of the evidence: the recorded check has it."""


class ComparedRows(Protocol):
    """Two sets of rows, compared column by column."""

    @property
    def reference_rows(self) -> int: ...

    @property
    def current_rows(self) -> int: ...

    @property
    def columns(self) -> tuple[ColumnDrift, ...]: ...

    @property
    def method(self) -> str: ...


def drift_finding(target: str, drifted: Sequence[str], report: ComparedRows, job: str) -> Finding:
    """Whether the target's traffic still looks like the reference; from too few rows nothing is known."""
    evidence = {
        "check": "drift",
        "job": job,
        "method": report.method,
        "reference_rows": report.reference_rows,
        "current_rows": report.current_rows,
        "columns": [without_cells(to_plain(column)) for column in report.columns if column.drifted],
    }
    rows = min(report.reference_rows, report.current_rows)
    judged = rows >= DEFAULT.minimum_rows
    fine = "no drift" if judged else f"{rows} rows are too few to compare, fewer than {DEFAULT.minimum_rows}"
    return Finding(
        kind=AlertKind.DRIFT,
        target=target,
        subject="",
        state=FindingState.PROBLEM if drifted else FindingState.FINE if judged else FindingState.UNKNOWN,
        severity=Severity.WARNING,
        sentence=f"drift in {', '.join(drifted)}" if drifted else fine,
        evidence=json.dumps(evidence),
        command=f"unipipe drift show {target}",
        runbook=LOOK_AT_COLUMNS,
        parts=tuple(drifted),
    )


def without_cells(column: Mapping[str, Any]) -> dict[str, Any]:
    """A compared column as evidence holds it."""
    return {key: value for key, value in column.items() if key not in CELLS}


def performance_finding(target: str, verdict: PerformanceVerdict) -> Finding:
    """Whether decisions are good enough; a figure that may or may not be below is not known."""
    return Finding(
        kind=AlertKind.PERFORMANCE,
        target=target,
        subject="",
        state=_state(verdict),
        severity=Severity.CRITICAL,
        sentence=verdict.sentence,
        evidence=json.dumps({"check": "performance", **to_plain(verdict)}),
        command=f"unipipe timeline show {target}",
        runbook=LOOK_AT_DECISIONS,
    )


def _state(verdict: PerformanceVerdict) -> FindingState:
    if verdict.state is PerformanceState.BELOW:
        return FindingState.PROBLEM if verdict.surely else FindingState.UNKNOWN
    return FindingState.FINE if verdict.state is PerformanceState.OK else FindingState.UNKNOWN
