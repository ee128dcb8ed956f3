"""Whether data has moved away from a reference: which columns, how far, how surely, and in which words to say so."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, StrEnum

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.cells import aligned
from unipipe_tui.monitoring.comparisons import (
    adjusted_p_values,
    expected_psi,
    jensen_shannon_distance,
    population_stability_index,
    shares,
    two_sample_test,
)
from unipipe_tui.monitoring.distributions import (
    CategoricalDistribution,
    Distribution,
    NumericDistribution,
    ProblemKind,
    Profile,
)
from unipipe_tui.monitoring.words import figure, listed, p_figure, percent

METHOD_NOTE = (
    "PSI (natural logarithm) over the bins or values of the reference, for numbers bins of equal mass, an empty "
    "cell read as half a row, less the PSI that chance gives samples of these sizes; significance by a two-sample "
    "chi-square test, cells expected to hold fewer than five rows pooled, p-values adjusted over all columns "
    "(Benjamini-Hochberg)."
)
SCHEMA_PROBLEMS = frozenset({ProblemKind.ABSENT, ProblemKind.TYPE_CHANGED})


@frozen
class DriftThresholds:
    """What counts as drift: surely moved (`significance`), and far enough to matter (the others).

    `effect` is a PSI beyond chance: 0.05 is about a quarter of a standard deviation of the mean. The often quoted 0.1
    and 0.25 are rules of thumb for scorecards and would let a shift of a third of a standard deviation pass.
    `missing_change` is a difference between shares of missing values. Below `minimum_rows` nothing is judged.
    """

    significance: float = 0.01
    effect: float = 0.05
    missing_change: float = 0.02
    minimum_rows: int = 200


DEFAULT = DriftThresholds()


class ColumnKind(Enum):
    """How a column was compared."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    NOT_COMPARED = "not compared"


class Method(StrEnum):
    """What the verdict on a column rests on."""

    PSI = "population stability index"
    MISSING = "share of missing values"
    SCHEMA = "schema"


@frozen
class ColumnDrift:
    """One column, then and now.

    `value` is the PSI, `noise` what chance alone would make of it, `effect` what is left of it (at least 0),
    `js_distance` another distance that ends at 1. `p_value` is adjusted for the number of columns. They are None where
    nothing could be compared. `labels`, `reference_shares` and `current_shares` are parallel, one entry a cell, shares
    of the rows that hold a value. Labels and named values come from the data: escape them before showing them.
    """

    column: str
    kind: ColumnKind
    method: str
    """A `Method`, or the method that was asked for by its name."""
    drifted: bool
    reason: str
    reference_rows: int
    current_rows: int
    value: float | None = None
    noise: float | None = None
    effect: float | None = None
    p_value: float | None = None
    js_distance: float | None = None
    labels: tuple[str, ...] = ()
    reference_shares: tuple[float, ...] = ()
    current_shares: tuple[float, ...] = ()
    reference_missing: float = 0.0
    current_missing: float = 0.0
    missing_p_value: float | None = None
    new_values: tuple[str, ...] = ()
    vanished_values: tuple[str, ...] = ()
    base: str = ""
    """Of the logarithm in `value`; empty where there is none."""
    bins: str = ""
    """The cells that `value` was computed over; empty where the values themselves were compared."""
    threshold: float | None = None
    """What a method asked for by name held `value`, `effect` or `p_value` against, as the reason says."""


@frozen
class DriftReport:
    """Every column of the reference, in its order, and the verdict on the whole.

    `drifted_columns` begins with those whose schema changed; then the farthest comes first.
    """

    columns: tuple[ColumnDrift, ...]
    drifted: bool
    drifted_columns: tuple[str, ...]
    reference_rows: int
    current_rows: int
    thresholds: DriftThresholds
    method: str = METHOD_NOTE


def check_drift(reference: Profile, current: Profile, thresholds: DriftThresholds = DEFAULT) -> DriftReport:
    """Compare the columns of a reference with those of a current profile that was made `like` it.

    A column drifted when its distribution moved significantly and farther than chance explains by `thresholds.effect`,
    when its share of missing values moved significantly and by `thresholds.missing_change`, or when it is absent or of
    another type. With fewer than `minimum_rows` rows on either side no column drifted, and the reason says so.
    """
    names = (*(name for name, _ in reference.columns), *(problem.column for problem in reference.problems))
    measured = tuple(_measured(name, reference, current) for name in names)
    judged = tuple(_judged(column, reference, current, thresholds) for column in _adjusted(measured))
    drifted = sorted((column for column in judged if column.drifted), key=_farthest_first)
    return DriftReport(
        columns=judged,
        drifted=bool(drifted),
        drifted_columns=tuple(column.column for column in drifted),
        reference_rows=reference.rows,
        current_rows=current.rows,
        thresholds=thresholds,
    )


def _farthest_first(column: ColumnDrift) -> tuple[bool, float]:
    return column.method is not Method.SCHEMA, -(column.effect or 0.0)


# --- measuring -------------------------------------------------------------------------------------------------------


def _measured(name: str, reference: Profile, current: Profile) -> ColumnDrift:
    """The figures of one column, with p-values that know nothing yet of the other columns, and no verdict."""
    then, now = reference.column(name), current.column(name)
    if then is None:
        problem = reference.problem(name)
        return _schema(
            name, reference, current, f"In the reference: {problem.sentence if problem else 'not there.'}", False
        )
    if now is None:
        found = current.problem(name)
        sentence = found.sentence if found else "The column was not counted in the current data."
        return _schema(name, reference, current, sentence, found is not None and found.kind in SCHEMA_PROBLEMS)
    cells = aligned(then, now)
    if cells is None:
        sentence = "The two profiles were not counted alike: make the current one like the reference."
        return _schema(name, reference, current, sentence, False)
    comparable = then.present > 0 and now.present > 0
    psi = population_stability_index(cells.reference, cells.current)
    noise = expected_psi(cells.reference, cells.current)
    gaps = two_sample_test((then.present, then.missing), (now.present, now.missing))
    return ColumnDrift(
        column=name,
        kind=ColumnKind.NUMERIC if isinstance(then, NumericDistribution) else ColumnKind.CATEGORICAL,
        method=Method.PSI,
        drifted=False,
        reason="",
        reference_rows=reference.rows,
        current_rows=current.rows,
        value=psi if comparable else None,
        noise=noise if comparable else None,
        effect=max(0.0, psi - noise) if comparable else None,
        p_value=two_sample_test(cells.reference, cells.current).p_value if comparable else None,
        js_distance=jensen_shannon_distance(cells.reference, cells.current) if comparable else None,
        labels=cells.labels,
        reference_shares=shares(cells.reference),
        current_shares=shares(cells.current),
        reference_missing=_share(then.missing, reference.rows),
        current_missing=_share(now.missing, current.rows),
        missing_p_value=gaps.p_value if reference.rows and current.rows else None,
        new_values=cells.new_values,
        vanished_values=cells.vanished_values,
        base="e" if comparable else "",
        bins=cells_told(then, len(cells.labels)) if comparable else "",
    )


def cells_told(reference: Distribution, count: int) -> str:
    """In what a column was counted, for people."""
    if isinstance(reference, NumericDistribution):
        return f"{count:,} bins, of equal mass in the reference"
    return f"{count:,} {'value' if count == 1 else 'values'}"


def _schema(name: str, reference: Profile, current: Profile, reason: str, drifted: bool) -> ColumnDrift:
    return ColumnDrift(name, ColumnKind.NOT_COMPARED, Method.SCHEMA, drifted, reason, reference.rows, current.rows)


def _adjusted(columns: tuple[ColumnDrift, ...]) -> tuple[ColumnDrift, ...]:
    """The same columns, their p-values adjusted for all the tests that were made: two a column."""
    raw = [p for column in columns for p in (column.p_value, column.missing_p_value) if p is not None]
    adjusted = iter(adjusted_p_values(raw))
    return tuple(
        replace(
            column,
            p_value=None if column.p_value is None else next(adjusted),
            missing_p_value=None if column.missing_p_value is None else next(adjusted),
        )
        for column in columns
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


# --- judging ---------------------------------------------------------------------------------------------------------


def _judged(column: ColumnDrift, reference: Profile, current: Profile, thresholds: DriftThresholds) -> ColumnDrift:
    if column.kind is ColumnKind.NOT_COMPARED:
        return column
    fewest = min(reference.rows, current.rows)
    if fewest < thresholds.minimum_rows:
        where = "reference" if reference.rows == fewest else "current data"
        return replace(
            column, reason=f"Too few rows to judge: {fewest:,} of at least {thresholds.minimum_rows:,} in the {where}."
        )
    moved, gaps = _moved(column, thresholds), _missing_changed(column, thresholds)
    reasons = [
        *([_movement(column, reference.column(column.column), current.column(column.column))] if moved else []),
        *([_gaps(column)] if gaps else []),
    ]
    return replace(
        column,
        method=Method.MISSING if gaps and not moved else Method.PSI,
        drifted=moved or gaps,
        reason=" ".join(reasons) or _calm(column, thresholds),
    )


def _moved(column: ColumnDrift, thresholds: DriftThresholds) -> bool:
    if column.p_value is None or column.effect is None:
        return False
    return column.p_value <= thresholds.significance and column.effect >= thresholds.effect


def _missing_changed(column: ColumnDrift, thresholds: DriftThresholds) -> bool:
    if column.missing_p_value is None or column.missing_p_value > thresholds.significance:
        return False
    return abs(column.current_missing - column.reference_missing) >= thresholds.missing_change


# --- saying so -------------------------------------------------------------------------------------------------------


def _movement(column: ColumnDrift, then: Distribution | None, now: Distribution | None) -> str:
    details: list[str] = []
    if isinstance(then, NumericDistribution) and isinstance(now, NumericDistribution):
        details = _numeric_details(then, now)
    if isinstance(then, CategoricalDistribution):
        details = _categorical_details(column)
    return f"{_figures(column)}: {', '.join(details)}."


def _numeric_details(then: NumericDistribution, now: NumericDistribution) -> list[str]:
    details: list[str] = []
    if then.mean is not None and now.mean is not None:
        step = f" ({(now.mean - then.mean) / then.std:+.1f} standard deviations)" if then.std else ""
        details.append(f"mean {figure(then.mean)} → {figure(now.mean)}{step}")
    outside = _outside(then, now)
    if outside:
        details.append(f"{percent(outside)} outside the range of the reference")
    return details or ["values moved between the bins"]


def _outside(then: NumericDistribution, now: NumericDistribution) -> float:
    """The share of current values in the outer bins that the reference left empty."""
    ends = {0, len(then.counts) - 1}
    return _share(sum(now.counts[end] for end in ends if then.counts[end] == 0), now.present)


def _categorical_details(column: ColumnDrift) -> list[str]:
    now = dict(zip(column.labels, column.current_shares, strict=True))
    details: list[str] = []
    if column.new_values:
        details.append(f"new: {listed(column.new_values)} ({percent(sum(now[value] for value in column.new_values))})")
    if column.vanished_values:
        details.append(f"gone: {listed(column.vanished_values)}")
    cells = zip(column.labels, column.reference_shares, column.current_shares, strict=True)
    label, before, after = max(cells, key=lambda cell: abs(cell[2] - cell[1]))
    return details or [f"most of all {listed([label])} {percent(before)} → {percent(after)}"]


def _gaps(column: ColumnDrift) -> str:
    return f"Missing values {percent(column.reference_missing)} → {percent(column.current_missing)}."


def _calm(column: ColumnDrift, thresholds: DriftThresholds) -> str:
    if column.value is None or column.effect is None or column.p_value is None:
        return "There are no values to compare."
    if column.p_value > thresholds.significance:
        return f"{_figures(column)}: chance explains it."
    return f"{_figures(column)}: moved, but by less than {thresholds.effect:g} beyond chance."


def _figures(column: ColumnDrift) -> str:
    return f"PSI {column.value or 0.0:.3f} (by chance {column.noise or 0.0:.3f}), {p_figure(column.p_value or 0.0)}"
