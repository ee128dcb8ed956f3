"""Drift as checks recorded it: the last one with its distributions, and every column over many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.drift.beside import Beside
from unipipe_tui.actions.drift.recorded import (
    ColumnView,
    RecordedCheck,
    RecordedPerformance,
    RecordedWindow,
    read_check,
)
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import CheckSaidNo, UsageError
from unipipe_tui.domain.moments import moment_of
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.drift import DEFAULT
from unipipe_tui.monitoring.verdict.results import Importance, MultivariateDrift, PredictionDrift, SegmentDrift

AT_HELP = "Not the last check, but the last one by then: a time (2026-11-21T09:30, UTC unless it names its zone) or an age (7d)."


@frozen
class ShowDrift:
    """Which target, which column."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    column: Annotated[str | None, "Only this column.", Names.FEATURE] = None
    at: Annotated[str | None, AT_HELP] = None


@frozen
class DriftView:
    """One check of a target, with its distributions."""

    target: str
    at: datetime
    job: str
    version: int | None
    rows: int
    drifted: bool
    columns: tuple[ColumnView, ...]
    """Those that drifted first, then the farthest."""
    reference_rows: int
    effect_from: float
    """What counts as drift: an effect of at least this, ..."""
    significance: float
    """... with a p-value of at most this."""
    window: RecordedWindow | None
    performance: RecordedPerformance | None
    multivariate: MultivariateDrift | None = None
    predictions: PredictionDrift | None = None
    segments: SegmentDrift | None = None
    importance: Importance | None = None
    method: str = ""
    """What the figures of the columns are: formula, base of the logarithm, bins."""


def show_drift(request: ShowDrift, world: World) -> DriftView:
    """Show the last drift check of a target: how far each column moved, and its distribution then and now."""
    target = world.target(request.target)
    last = check_by(target, request.at, world)
    columns = tuple(column for column in last.columns if request.column in (None, column.column))
    if not columns:
        raise UsageError(f"There is no column {request.column!r} in that check.", hint=f"unipipe drift show {target}")
    beside = last.beside if request.column is None else Beside()
    return DriftView(
        target=target,
        at=last.at,
        job=last.job,
        version=last.version,
        rows=last.rows,
        drifted=last.drifted,
        columns=columns,
        reference_rows=last.reference_rows,
        effect_from=DEFAULT.effect,
        significance=DEFAULT.significance,
        window=last.window,
        performance=last.performance,
        multivariate=beside.multivariate,
        predictions=beside.predictions,
        segments=beside.segments,
        importance=beside.importance,
        method=last.method,
    )


def check_by(target: str, at: str | None, world: World) -> RecordedCheck:
    """The last check of a target, or the last one by a moment.

    Raises:
        CheckSaidNo: it was never checked, or not by then.
        UsageError: that is no moment.
    """
    until = moment_of(at, world.now()) if at is not None else None
    checks = world.history.drift_checks(target, 1, until)
    if not checks:
        when = f" by {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""
        raise CheckSaidNo(f"{target} was never checked{when}.", hint=f"unipipe drift check {target}")
    return read_check(checks[0])


@frozen
class ShowDriftHistory:
    """Which target, which column, how far back."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    column: Annotated[str | None, "Only this column.", Names.FEATURE] = None
    limit: Annotated[int, "How many of the latest checks.", Short("n")] = 50


@frozen
class CheckLine:
    """One check."""

    at: datetime
    job: str
    version: int | None
    rows: int
    drifted: int
    """How many columns did."""
    reference_rows: int = 0


@frozen
class ColumnPoint:
    """How a column did in one check."""

    at: datetime
    effect: float | None
    """None: nothing could be compared."""
    p_value: float | None
    drifted: bool
    judged: bool = True
    """False where nothing is known: there were too few rows, or no values to compare."""


@frozen
class ColumnHistory:
    """One column over the checks that knew it, oldest first."""

    column: str
    points: tuple[ColumnPoint, ...]


@frozen
class DriftHistory:
    """The checks of a target, oldest first, and every column over them."""

    target: str
    effect_from: float
    """An effect of at least this counts as drift, if it is significant."""
    significance: float
    checks: tuple[CheckLine, ...]
    columns: tuple[ColumnHistory, ...]
    """In the order of the last check: the farthest first."""
    method: str = ""
    """What the effects are, by the last check: formula, base of the logarithm, bins."""


def show_drift_history(request: ShowDriftHistory, world: World) -> DriftHistory:
    """Show how far each column was from the reference in every recorded check: one that creeps, and one that jumped."""
    if request.limit < 1:
        raise UsageError("--limit must be 1 or more.")
    target = world.target(request.target)
    checks = [read_check(check) for check in reversed(world.history.drift_checks(target, request.limit))]
    if not checks:
        raise CheckSaidNo(f"{target} was never checked.", hint=f"unipipe drift check {target}")
    found: dict[str, list[ColumnPoint]] = {}
    for check in reversed(checks):
        for column in check.columns:
            point = ColumnPoint(check.at, column.effect, column.p_value, column.drifted, column.judged)
            found.setdefault(column.column, []).insert(0, point)
    if request.column is not None and request.column not in found:
        raise UsageError(f"No check knew a column {request.column!r}.", hint=f"unipipe drift history {target}")
    return DriftHistory(
        target=target,
        effect_from=DEFAULT.effect,
        significance=DEFAULT.significance,
        checks=tuple(
            CheckLine(check.at, check.job, check.version, check.rows, _drifted(check.columns), check.reference_rows)
            for check in checks
        ),
        columns=tuple(
            ColumnHistory(name, tuple(points))
            for name, points in found.items()
            if request.column is None or name == request.column
        ),
        method=checks[-1].method,
    )


def _drifted(columns: Sequence[ColumnView]) -> int:
    return sum(column.drifted for column in columns)


SHOW = Look("drift show", ShowDrift, show_drift, "unipipe drift show --column amount")
HISTORY = Look("drift history", ShowDriftHistory, show_drift_history, "unipipe drift history --column amount")
