"""What recorded drift checks hold, read back from their reports; a report of an older program lacks what it did not know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from unipipe_tui.actions.drift.beside import Beside
from unipipe_tui.actions.drift.recorded_verdicts import read_beside
from unipipe_tui.domain.records import DriftCheck
from unipipe_tui.domain.values import frozen


@frozen
class Cell:
    """One bin or value: its share in the reference and in the window, and how many rows that is."""

    label: str
    reference: float
    current: float
    reference_count: int
    current_count: int


@frozen
class ColumnView:
    """One column, then and now.

    `value` is the PSI, `noise` what chance alone would make of it, `effect` what is left of it.
    """

    column: str
    drifted: bool
    reason: str
    value: float | None
    p_value: float | None
    """Adjusted for the number of columns."""
    effect: float | None
    cells: tuple[Cell, ...]
    kind: str = ""
    """`numeric`, `categorical` or `not compared`."""
    noise: float | None = None
    js_distance: float | None = None
    reference_missing: float = 0.0
    """Share of the rows without a value."""
    current_missing: float = 0.0
    new_values: tuple[str, ...] = ()
    vanished_values: tuple[str, ...] = ()
    outside: float | None = None
    """Share of the values outside the range of the reference."""
    importance: float | None = None
    """Share of what moves the model's score; None where it is not known."""
    weighed: float | None = None
    """effect · importance."""
    hardly_used: bool = False
    """Whether the model hardly looks at it."""
    judged: bool = True
    """False where nothing is known: there were too few rows, or no values to compare."""


@frozen
class RecordedPerformance:
    """A figure as a check judged it, with its 95 % interval."""

    metric: str
    value: float | None
    low: float | None
    high: float | None
    threshold: float
    labels: int
    state: str
    """`ok`, `below` or `too few labels`."""
    sentence: str


@frozen
class RecordedWindow:
    """The traffic that a check looked at."""

    rows: int
    first: datetime | None
    last: datetime | None
    p50_ms: float | None
    p95_ms: float | None


@frozen
class RecordedCheck:
    """One check with all that it found."""

    at: datetime
    job: str
    version: int | None
    rows: int
    drifted: bool
    reference_rows: int
    columns: tuple[ColumnView, ...]
    performance: RecordedPerformance | None
    window: RecordedWindow | None
    report: str = "{}"
    """All that it said, as JSON."""
    method: str = ""
    """What the figures of the columns are: formula, base of the logarithm, bins."""

    @property
    def beside(self) -> Beside:
        """The verdicts beside the columns."""
        return read_beside(json.loads(self.report))


def read_check(check: DriftCheck) -> RecordedCheck:
    """The check with its report taken apart."""
    report = json.loads(check.report)
    performance, window = report.get("performance"), report.get("window")
    return RecordedCheck(
        at=check.at,
        job=check.job,
        version=check.version,
        rows=check.rows,
        drifted=check.drifted,
        reference_rows=report.get("reference_rows", 0),
        columns=_columns(report),
        performance=_performance(performance) if performance else None,
        window=_window(window) if window else None,
        report=check.report,
        method=report.get("method", ""),
    )


def _columns(report: Mapping[str, Any]) -> tuple[ColumnView, ...]:
    weights = {one["column"]: one for one in (report.get("importance") or {}).get("columns", ())}
    return tuple(_column(column, weights.get(column["column"], {})) for column in report.get("columns", ()))


def _column(found: Mapping[str, Any], weight: Mapping[str, Any]) -> ColumnView:
    missing = found.get("reference_missing") or 0.0, found.get("current_missing") or 0.0
    then = found.get("reference_rows", 0) * (1 - missing[0])
    now = found.get("current_rows", 0) * (1 - missing[1])
    cells = zip(found["labels"], found["reference_shares"], found["current_shares"], strict=True)
    return ColumnView(
        column=found["column"],
        drifted=found["drifted"],
        reason=found["reason"],
        value=found["value"],
        p_value=found["p_value"],
        effect=found["effect"],
        cells=tuple(
            Cell(label, reference, current, round(reference * then), round(current * now))
            for label, reference, current in cells
        ),
        kind=found.get("kind", ""),
        noise=found.get("noise"),
        js_distance=found.get("js_distance"),
        reference_missing=missing[0],
        current_missing=missing[1],
        new_values=tuple(found.get("new_values", ())),
        vanished_values=tuple(found.get("vanished_values", ())),
        outside=found.get("outside"),
        importance=weight.get("importance"),
        weighed=weight.get("weighed"),
        hardly_used=weight.get("hardly_used", False),
        judged=found.get("judged", True),
    )


def _performance(found: Mapping[str, Any]) -> RecordedPerformance:
    return RecordedPerformance(
        metric=found["metric"],
        value=found["value"],
        low=found["low"],
        high=found["high"],
        threshold=found["threshold"],
        labels=found["labels"],
        state=found["state"],
        sentence=found["sentence"],
    )


def _window(found: Mapping[str, Any]) -> RecordedWindow:
    return RecordedWindow(
        rows=found.get("rows", 0),
        first=_moment(found.get("first")),
        last=_moment(found.get("last")),
        p50_ms=found.get("p50_ms"),
        p95_ms=found.get("p95_ms"),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
