"""A drift report by a method of one's own choice: every column measured, judged by the method's rule, and told."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.domain.errors import Stopped
from unipipe_tui.domain.events import Advanced
from unipipe_tui.domain.progress import Progress, Silent
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.cells import aligned
from unipipe_tui.monitoring.comparisons import adjusted_p_values
from unipipe_tui.monitoring.distributions import (
    CategoricalDistribution,
    ColumnProblem,
    Distribution,
    Family,
    Profile,
    profile_of,
)
from unipipe_tui.monitoring.drift import DEFAULT, ColumnDrift, ColumnKind, DriftReport, cells_told, check_drift
from unipipe_tui.monitoring.drift import Method as Basis
from unipipe_tui.monitoring.methods.decisions import Found
from unipipe_tui.monitoring.methods.method import Measurement, Method, NotMeasured, Scale
from unipipe_tui.monitoring.methods.registry import method_of
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.rows import Column, Rows, open_rows
from unipipe_tui.monitoring.sources import Source
from unipipe_tui.monitoring.words import figure, percent


@frozen
class Counted:
    """A set of rows and its profile."""

    source: Source
    profile: Profile


@frozen
class Measured:
    """One column with what the method found, or why it found nothing."""

    column: ColumnDrift
    measurement: Measurement | None
    reason: str = ""


Answer = Measurement | str
"""What a method found in a column, or the sentence that says why it found nothing."""
Looked = tuple[Profile, dict[str, Answer]]
"""The profile of the current data, and the answer for every column that it shares with the reference."""


def check_by(name: DriftMethod, reference: Counted, current: Source, progress: Progress | None = None) -> DriftReport:
    """Compare every column of the reference by one method, and judge it by this method's own rule.

    A column that the current data lacks, or holds as something else, is drift of the schema whatever the method.
    With too few values for the method on either side the value is there and nothing is called drift. The current data
    is read once; where the method wants the values themselves, those of one column are held at a time.

    Raises `Failed` when rows cannot be read, and `Stopped` when somebody asked for the end.
    """
    method = method_of(name)
    look = _by_cells if method.of_values is None else _by_values
    counted, found = look(method, reference, current, progress or Silent())
    report = check_drift(reference.profile, counted)
    measured = [_measured(method, column, found.get(column.column)) for column in report.columns]
    columns = tuple(
        _judged(method, one, p_value) for one, p_value in zip(measured, _p_values(method, measured), strict=True)
    )
    drifted = sorted((column for column in columns if column.drifted), key=_farthest_first)
    return replace(
        report,
        columns=columns,
        drifted=bool(drifted),
        drifted_columns=tuple(column.column for column in drifted),
        method=note(method),
    )


def note(method: Method) -> str:
    """What a report by this method rests on: formula, logarithm, bins and rule."""
    logarithm = f" ({method.logarithm})" if method.base else ""
    return f"{method.name}: {method.formula}{logarithm}. Bins: {method.bins} {method.decision.rule}"


def _farthest_first(column: ColumnDrift) -> tuple[bool, float]:
    return column.method != Basis.SCHEMA, -(column.effect if column.effect is not None else column.value or 0.0)


# --- measuring -------------------------------------------------------------------------------------------------------


def _by_cells(method: Method, reference: Counted, current: Source, progress: Progress) -> Looked:
    """What the method finds in the cells that the reference and the current data share."""
    counted = profile(current, like=reference.profile, progress=progress)
    found: dict[str, Answer] = {}
    for name, then in reference.profile.columns:
        now = counted.column(name)
        if now is not None:
            found[name] = _answer_of(partial(_of_cells, method, then, now))
    return counted, found


def _by_values(method: Method, reference: Counted, current: Source, progress: Progress) -> Looked:
    """What the method finds in the values, which are read column by column."""
    known = reference.profile.columns
    counted: dict[str, Distribution | ColumnProblem] = {}
    found: dict[str, Answer] = {}
    with open_rows(reference.source) as before, open_rows(current, like=reference.profile) as after:
        for name, then in known:
            counted[name] = after.counted_like(name, then)
            if not isinstance(counted[name], ColumnProblem):
                found[name] = _answer_of(partial(_of_values, method, name, then, (before, after)))
            progress.emit(Advanced(len(counted), len(known), "columns"))
            if progress.stopped():
                raise Stopped("Stopped on request.")
        return profile_of(after.rows, counted), found


def _answer_of(measure: Callable[[], Measurement]) -> Answer:
    try:
        return measure()
    except NotMeasured as error:
        return str(error)


def _of_cells(method: Method, then: Distribution, now: Distribution) -> Measurement:
    assert method.of_cells is not None
    cells = aligned(then, now)
    if cells is None:
        raise NotMeasured("The two profiles were not counted alike.")
    return replace(method.of_cells(cells), bins=cells_told(then, len(cells.labels)))


def _of_values(method: Method, name: str, then: Distribution, sides: tuple[Rows, Rows]) -> Measurement:
    assert method.of_values is not None
    scale = _scale(method, then)
    before, after = (_read(side, name, scale) for side in sides)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Values too large to square are told as such, by a value that is no number.
        warnings.simplefilter("ignore")
        return method.of_values(before, after)


def _measured(method: Method, column: ColumnDrift, answer: Answer | None) -> Measured:
    if column.kind is ColumnKind.NOT_COMPARED or answer is None:
        return Measured(column, None, column.reason)
    unnamed = replace(column, drifted=False, value=None, noise=None, effect=None, p_value=None, base="", bins="")
    named = replace(unnamed, method=str(method.name))
    return Measured(named, None, answer) if isinstance(answer, str) else Measured(named, answer)


def _scale(method: Method, reference: Distribution) -> Scale:
    """As what a column is compared. Raises `NotMeasured` when it is nothing that the method compares."""
    if reference.family is Family.NUMBER and Scale.NUMBERS in method.scales:
        return Scale.NUMBERS
    if isinstance(reference, CategoricalDistribution) and Scale.CATEGORIES in method.scales:
        return Scale.CATEGORIES
    wanted = " and ".join(scale.value for scale in method.scales)
    held = "numbers of many different values" if Scale.CATEGORIES in method.scales else reference.family.value
    raise NotMeasured(f"{method.name} compares {wanted}; this column holds {held}.")


def _read(rows: Rows, name: str, scale: Scale) -> Column:
    return rows.numbers(name) if scale is Scale.NUMBERS else rows.labels(name)


# --- judging ---------------------------------------------------------------------------------------------------------


def _p_values(method: Method, measured: list[Measured]) -> Iterator[float | None]:
    """The p-value that decides on each column: its own, or adjusted for the number of columns that have one."""
    own = [one.measurement.p_value if one.measurement else None for one in measured]
    known = iter(adjusted_p_values([p for p in own if p is not None]))
    return (next(known) if method.decision.adjusts and p is not None else p for p in own)


def _judged(method: Method, measured: Measured, p_value: float | None) -> ColumnDrift:
    """The column with the method's figures and verdict; its `p_value` stays its own, the reason tells the adjusted one."""
    found, column = measured.measurement, measured.column
    if found is None or not all(math.isfinite(figure) for figure in (found.value, found.effect or 0.0)):
        said = measured.reason or f"{method.name} has no value for this column."
        return replace(column, reason=said + _gaps(column), judged=column.drifted)
    known = Found(found.value, p_value, found.effect, found.limit)
    fewest = min(found.reference_values, found.current_values)
    few = fewest < method.decision.fewest
    verdict = (
        f"too few values to judge, {fewest:,} of at least {method.decision.fewest:,}"
        if few
        else method.decision.verdict(known)
    )
    return replace(
        column,
        drifted=not few and method.decision.drifted(known),
        judged=not few,
        reason=f"{_told(method, found)}: {verdict}.{_gaps(column)}",
        value=found.value,
        p_value=found.p_value,
        effect=found.effect if method.effect else found.value,
        base=method.base,
        bins=found.bins,
        threshold=method.decision.threshold(known),
    )


def _gaps(column: ColumnDrift) -> str:
    """A change of the missing values, which no method judges."""
    if abs(column.current_missing - column.reference_missing) < DEFAULT.missing_change:
        return ""
    shares = f"{percent(column.reference_missing)} → {percent(column.current_missing)}"
    return f" Missing values {shares}, which this method does not judge."


def _told(method: Method, found: Measurement) -> str:
    """The value with its method, base, bins and sample sizes."""
    resting = [
        *([method.logarithm] if method.base else []),
        *([found.bins] if found.bins else []),
        f"{found.reference_values:,} and {found.current_values:,} values",
        *([f"{found.left_out:,} infinite left out"] if found.left_out else []),
    ]
    return f"{method.name} {figure(found.value)} ({'; '.join(resting)})"
