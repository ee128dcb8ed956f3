"""What changed in one column, as a check recorded it: which values moved and how far, since when, and a drawing of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Look
from unipipe_tui.actions.drawing import ToDraw, draw, image_file, plan_of
from unipipe_tui.actions.drift.history import AT_HELP, ColumnPoint, check_by
from unipipe_tui.actions.drift.recorded import ColumnView, RecordedCheck, read_check
from unipipe_tui.actions.output_file import FORCE_HELP
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.charts import OverlayCell, OverlayChart
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.comparisons import psi_parts
from unipipe_tui.monitoring.drift import DEFAULT
from unipipe_tui.monitoring.words import listed, percent

CHECKS_BEFORE = 50
MOST_SHIFTS = 3
WORTH_SAYING = 0.01
"""A share that moved by less is no news by itself."""


@frozen
class ExplainDrift:
    """Which column of which check."""

    column: Annotated[str, OBJECT, "Column of a recorded check.", Names.FEATURE]
    target: Annotated[str | None, "Target; the only one when left out.", Names.TARGET] = None
    at: Annotated[str | None, AT_HELP] = None


@frozen
class CellShift:
    """One bin or value, then and now."""

    label: str
    reference: float
    """Share of the rows that hold a value."""
    current: float
    psi_part: float
    """Which part of the column's PSI comes from it; 0 where there is none."""
    note: str
    """`new`, `gone`, or nothing."""


@frozen
class ColumnExplained:
    """What one check found in one column, and how it was in the checks before."""

    target: str
    at: datetime
    job: str
    version: int | None
    rows: int
    reference_rows: int
    column: ColumnView
    shifts: tuple[CellShift, ...]
    """In the order of the cells."""
    sentences: tuple[str, ...]
    """What changed, the weightiest first."""
    points: tuple[ColumnPoint, ...]
    """The column in the checks up to this one, oldest first."""
    effect_from: float
    """What counts as drift: an effect of at least this, ..."""
    significance: float
    """... with a p-value of at most this."""

    @property
    def chart(self) -> OverlayChart:
        """What is, laid over what was."""
        missing = self.column.reference_missing, self.column.current_missing
        return OverlayChart(
            f"reference, {self.reference_rows:,} rows",
            f"window, {self.rows:,} rows",
            tuple(OverlayCell(one.label, one.reference, one.current, one.note) for one in self.shifts),
            ordered=self.column.kind == "numeric",
            title=f"{self.column.column} of {self.target}, {self.at:%Y-%m-%d %H:%M}",
            missing=missing if any(missing) else None,
        )


def explain_drift(request: ExplainDrift, world: World) -> ColumnExplained:
    """Explain what changed in a column: its distribution now over the reference, what moved most, and since when.

    Of the last check, or of the last one by a moment. The part of a cell is what it adds to the PSI, natural logarithm.
    """
    target = world.target(request.target)
    last = check_by(target, request.at, world)
    column = next((one for one in last.columns if one.column == request.column), None)
    if column is None:
        known = ", ".join(one.column for one in last.columns)
        raise UsageError(f"There is no column {request.column!r} in that check.", hint=f"It compared: {known}.")
    recorded = world.history.drift_checks(target, CHECKS_BEFORE, last.at)
    points = tuple(_points(column.column, [read_check(check) for check in reversed(recorded)]))
    shifts = _shifts(column)
    return ColumnExplained(
        target=target,
        at=last.at,
        job=last.job,
        version=last.version,
        rows=last.rows,
        reference_rows=last.reference_rows,
        column=column,
        shifts=shifts,
        sentences=tuple(_sentences(column, shifts, points)),
        points=points,
        effect_from=DEFAULT.effect,
        significance=DEFAULT.significance,
    )


def _points(name: str, checks: Sequence[RecordedCheck]) -> Iterator[ColumnPoint]:
    for check in checks:
        for column in check.columns:
            if column.column == name:
                yield ColumnPoint(check.at, column.effect, column.p_value, column.drifted, column.judged)


def _shifts(column: ColumnView) -> tuple[CellShift, ...]:
    parts = psi_parts([cell.reference_count for cell in column.cells], [cell.current_count for cell in column.cells])
    whole = sum(parts)
    return tuple(
        CellShift(cell.label, cell.reference, cell.current, part / whole if whole else 0.0, _note(cell.label, column))
        for cell, part in zip(column.cells, parts, strict=True)
    )


def _note(label: str, column: ColumnView) -> str:
    return "new" if label in column.new_values else "gone" if label in column.vanished_values else ""


def _sentences(column: ColumnView, shifts: Sequence[CellShift], points: Sequence[ColumnPoint]) -> Iterator[str]:
    if column.effect or column.drifted:
        yield from _moves(shifts)
    now = {shift.label: shift.current for shift in shifts}
    if column.new_values:
        share = percent(sum(now.get(value, 0.0) for value in column.new_values))
        yield f"New: {listed(column.new_values)}, together {share}."
    if column.vanished_values:
        yield f"Gone: {listed(column.vanished_values)}."
    then, missing = column.reference_missing, column.current_missing
    if abs(missing - then) >= WORTH_SAYING:
        yield f"No value in {percent(then)} of the reference, in {percent(missing)} of the window."
    yield from _since(points)


def _moves(shifts: Sequence[CellShift]) -> Iterator[str]:
    """The cells that most of the PSI comes from, where they moved at all."""
    moved = [one for one in shifts if not one.note and abs(one.current - one.reference) >= WORTH_SAYING]
    most = sorted(moved, key=lambda one: -one.psi_part)[:MOST_SHIFTS]
    if most:
        named = (f"{one.label}: {percent(one.reference)} → {percent(one.current)}" for one in most)
        yield f"Moved most: {'; '.join(named)} ({100 * sum(one.psi_part for one in most):.0f} % of the PSI)."


def _since(points: Sequence[ColumnPoint]) -> Iterator[str]:
    """Since when it has drifted, or when it did last."""
    if len(points) < 2:
        return
    calm = next((place for place in reversed(range(len(points))) if not points[place].drifted), None)
    drifted = [point for point in points if point.drifted]
    if points[-1].drifted:
        since = points[0 if calm is None else calm + 1]
        yield f"Drifts since the check of {since.at:%Y-%m-%d %H:%M}, in {len(drifted)} of {len(points)} checks."
    elif drifted:
        yield f"Drifted last in the check of {drifted[-1].at:%Y-%m-%d %H:%M}, in {len(drifted)} of {len(points)} checks."
    else:
        yield f"Did not drift in any of {len(points)} checks."


@frozen
class DrawDrift:
    """Which column of which check, and where to."""

    column: Annotated[str, OBJECT, "Column of a recorded check.", Names.FEATURE]
    to: Annotated[Path, "File to write, .svg or .png."]
    target: Annotated[str | None, "Target; the only one when left out.", Names.TARGET] = None
    at: Annotated[str | None, AT_HELP] = None
    force: Annotated[bool, FORCE_HELP] = False


def plan_drawing(request: DrawDrift, world: World) -> Plan[ToDraw]:
    """Draw what changed in a column into an SVG or PNG file: what `drift explain` shows.

    The file appears when it is whole; one that is there already is kept unless --force is given.
    """
    to = image_file(request.to, force=request.force, example="drift.svg")
    chart = explain_drift(ExplainDrift(request.column, request.target, request.at), world).chart
    if not chart.cells:
        raise UsageError(f"Nothing was compared in {request.column!r}.", hint="unipipe drift show")
    return plan_of(chart, to, "reference and window")


EXPLAIN = Look("drift explain", ExplainDrift, explain_drift, "unipipe drift explain amount")
DRAW = Change(
    "drift draw",
    DrawDrift,
    plan_drawing,
    draw,
    "unipipe drift draw amount --to amount.svg",
    danger=Danger.NONE,
)
