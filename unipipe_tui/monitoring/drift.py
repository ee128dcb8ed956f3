"""Whether data has moved away from a reference: which columns, how far, how surely, and in which words to say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, StrEnum

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.cells import Cells, aligned
from unipipe_tui.monitoring.comparisons import (
    adjusted_p_values,
    beyond_p_value,
    expected_psi,
    jensen_shannon_distance,
    named_cells_test,
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
    "chi-square test, bins expected to hold fewer than five rows pooled and such values by name tested by themselves "
    "(Fisher, exact); missing values by the same test, values outside "
    "the range of the reference by the exact chance of so many exceedances; p-values adjusted over all columns "
    "(Benjamini-Hochberg)."
)
SCHEMA_PROBLEMS = frozenset({ProblemKind.ABSENT, ProblemKind.TYPE_CHANGED})


@frozen
class DriftThresholds:
    """What counts as drift: surely moved (`significance`), and far enough to matter (the others).

    `effect` is a PSI beyond chance: 0.05 is about a quarter of a standard deviation of the mean. The often quoted 0.1
    and 0.25 are rules of thumb for scorecards and would let a shift of a third of a standard deviation pass.
    `missing_change` is a difference between shares of missing values, `outside` a share of the values that lie outside
    the range of the reference. Below `minimum_rows` nothing is judged.
    """

    significance: float = 0.01
    effect: float = 0.05
    missing_change: float = 0.02
    outside: float = 0.01
    minimum_rows: int = 200


DEFAULT = DriftThresholds()


class ColumnKind(Enum):
    """How a column was compared."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    EMBEDDING = "embedding"
    NOT_COMPARED = "not compared"


class Method(StrEnum):
    """What the verdict on a column rests on."""

    PSI = "population stability index"
    MISSING = "share of missing values"
    RANGE = "range of values"
    SCHEMA = "schema"


@frozen
class ColumnDrift:
    """One column, then and now.

    `value` is the PSI, `noise` what chance alone would make of it, `effect` what is left of it (at least 0),
    `js_distance` the Jensen-Shannon distance to base 2 over the same cells. `p_value` is adjusted for the number of
    columns. They are None where nothing could be compared. `labels`, `reference_shares` and `current_shares` are
    parallel, one entry a cell, shares of the rows that hold a value. Labels and named values come from the data: escape
    them before showing them.
    """

    column: str
    kind: ColumnKind
    method: str
    """A `Method`: what the verdict rests on, while `value` is the PSI even so; or the method that was asked for by name."""
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
    outside: float | None = None
    """Share of the current values that lie outside the range of the reference; None where there is no range."""
    outside_p_value: float | None = None
    """How probable that is by chance, adjusted like `p_value`."""
    judged: bool = True
    """False where nothing is known: there are too few rows, or no values to compare."""


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
    when its share of missing values moved significantly and by `thresholds.missing_change`, when significantly many
    values, and at least a share of `thresholds.outside`, lie outside the range of the reference, or when it is absent or
    of another type. With fewer than `minimum_rows` rows on either side no column drifted, and the reason says so.
    """
    return check_all(((reference, current),), thresholds)[0]


def check_all(
    pairs: Sequence[tuple[Profile, Profile]], thresholds: DriftThresholds = DEFAULT
) -> tuple[DriftReport, ...]:
    """A report for each pair of a reference and a current profile, p-values adjusted over all columns of all of them."""
    measured = [_measured(name, *pair) for pair in pairs for name in _names(pair[0])]
    adjusted = iter(_adjusted(measured))
    return tuple(_report(*pair, [next(adjusted) for _ in _names(pair[0])], thresholds) for pair in pairs)


def _names(reference: Profile) -> tuple[str, ...]:
    return (*(name for name, _ in reference.columns), *(problem.column for problem in reference.problems))


def _report(
    reference: Profile, current: Profile, columns: Sequence[ColumnDrift], thresholds: DriftThresholds
) -> DriftReport:
    judged = tuple(_judged(column, reference, current, thresholds) for column in columns)
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
    gaps = named_cells_test((then.present, then.missing), (now.present, now.missing))
    outside = _outside(then, now) if comparable else None
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
        p_value=_significance(then, cells) if comparable else None,
        js_distance=jensen_shannon_distance(cells.reference, cells.current) if comparable else None,
        labels=cells.labels,
        reference_shares=shares(cells.reference),
        current_shares=shares(cells.current),
        reference_missing=_share(then.missing, reference.rows),
        current_missing=_share(now.missing, current.rows),
        missing_p_value=gaps if reference.rows and current.rows else None,
        new_values=cells.new_values,
        vanished_values=cells.vanished_values,
        base="e" if comparable else "",
        bins=cells_told(then, len(cells.labels)) if comparable else "",
        outside=outside.share if outside else None,
        outside_p_value=outside.p_value if outside else None,
    )


def _significance(then: Distribution, cells: Cells) -> float:
    """Bins have neighbours to be pooled with; values by name have none."""
    if isinstance(then, NumericDistribution):
        return two_sample_test(cells.reference, cells.current).p_value
    return named_cells_test(cells.reference, cells.current)


def cells_told(reference: Distribution, count: int) -> str:
    """In what a column was counted, for people."""
    if isinstance(reference, NumericDistribution):
        return f"{count:,} bins, of equal mass in the reference"
    return f"{count:,} {'value' if count == 1 else 'values'}"


def _schema(name: str, reference: Profile, current: Profile, reason: str, drifted: bool) -> ColumnDrift:
    rows = reference.rows, current.rows
    return ColumnDrift(name, ColumnKind.NOT_COMPARED, Method.SCHEMA, drifted, reason, *rows, judged=drifted)


@frozen
class _Outside:
    share: float
    p_value: float


def _outside(then: Distribution, now: Distribution) -> _Outside | None:
    """The current values below and above all of the reference; an end is left out where the reference itself has infinities."""
    if not isinstance(then, NumericDistribution) or not isinstance(now, NumericDistribution) or not then.edges:
        return None
    beyond = [now.counts[end] for end in (0, -1) if then.counts[end] == 0]
    p_value = min((beyond_p_value(then.present, now.present, count) for count in beyond), default=1.0)
    return _Outside(_share(sum(beyond), now.present), min(1.0, 2 * p_value))


def _adjusted(columns: Sequence[ColumnDrift]) -> tuple[ColumnDrift, ...]:
    """The same columns, their p-values adjusted for all the tests that were made: up to three a column."""
    raw = [p for column in columns for p in _tests(column) if p is not None]
    adjusted = iter(adjusted_p_values(raw))
    judged = []
    for column in columns:
        moved, missing, outside = (None if p is None else next(adjusted) for p in _tests(column))
        judged.append(replace(column, p_value=moved, missing_p_value=missing, outside_p_value=outside))
    return tuple(judged)


def _tests(column: ColumnDrift) -> tuple[float | None, float | None, float | None]:
    return column.p_value, column.missing_p_value, column.outside_p_value


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


# --- judging ---------------------------------------------------------------------------------------------------------


def _judged(column: ColumnDrift, reference: Profile, current: Profile, thresholds: DriftThresholds) -> ColumnDrift:
    if column.kind is ColumnKind.NOT_COMPARED:
        return column
    fewest = min(reference.rows, current.rows)
    if fewest < thresholds.minimum_rows:
        where = "reference" if reference.rows == fewest else "current data"
        told = f"Too few rows to judge: {fewest:,} of at least {thresholds.minimum_rows:,} in the {where}."
        return replace(column, reason=told, judged=False)
    moved, gaps = _moved(column, thresholds), _missing_changed(column, thresholds)
    left = _left_the_range(column, thresholds)
    reasons = [
        *([_movement(column, reference.column(column.column), current.column(column.column))] if moved else []),
        *([_beyond(column, reference.column(column.column))] if left and not moved else []),
        *([_gaps(column)] if gaps else []),
    ]
    basis = Method.PSI if moved or not (left or gaps) else Method.RANGE if left else Method.MISSING
    return replace(
        column,
        method=basis,
        drifted=moved or gaps or left,
        judged=gaps or column.value is not None,
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


def _left_the_range(column: ColumnDrift, thresholds: DriftThresholds) -> bool:
    if column.outside is None or column.outside_p_value is None:
        return False
    return column.outside_p_value <= thresholds.significance and column.outside >= thresholds.outside


# --- saying so -------------------------------------------------------------------------------------------------------


def _movement(column: ColumnDrift, then: Distribution | None, now: Distribution | None) -> str:
    details: list[str] = []
    if isinstance(then, NumericDistribution) and isinstance(now, NumericDistribution):
        details = _numeric_details(then, now, column.outside or 0.0)
    if isinstance(then, CategoricalDistribution):
        details = _categorical_details(column)
    return f"{_figures(column)}: {', '.join(details)}."


def _numeric_details(then: NumericDistribution, now: NumericDistribution, outside: float) -> list[str]:
    details: list[str] = []
    if then.mean is not None and now.mean is not None:
        step = f" ({_steps(now.mean - then.mean, then.std)} standard deviations)" if then.std else ""
        details.append(f"mean {figure(then.mean)} → {figure(now.mean)}{step}")
    if outside:
        details.append(f"{percent(outside)} outside the range of the reference")
    return details or ["values moved between the bins"]


def _steps(moved: float, std: float) -> str:
    steps = moved / std
    return f"{steps:+.1f}" if abs(steps) < 1000 else f"{steps:+.3g}"


def _beyond(column: ColumnDrift, then: Distribution | None) -> str:
    """Values that the reference never came near, so few that the distribution as a whole hardly moved."""
    ends = ""
    if isinstance(then, NumericDistribution) and then.minimum is not None and then.maximum is not None:
        ends = f" ({figure(then.minimum)} to {figure(then.maximum)})"
    p_value = p_figure(column.outside_p_value or 0.0)
    return f"{percent(column.outside or 0.0)} of the values lie outside the range of the reference{ends}, {p_value}."


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
    p_value = p_figure(column.missing_p_value or 0.0)
    return f"Missing values {percent(column.reference_missing)} → {percent(column.current_missing)}, {p_value}."


def _calm(column: ColumnDrift, thresholds: DriftThresholds) -> str:
    if column.value is None or column.effect is None or column.p_value is None:
        return "There are no values to compare."
    if column.p_value > thresholds.significance:
        return f"{_figures(column)}: chance explains it."
    return f"{_figures(column)}: moved, but by less than {thresholds.effect:g} beyond chance."


def _figures(column: ColumnDrift) -> str:
    cells, _, _ = column.bins.partition(", ")
    by_chance = f"(by chance {column.noise or 0.0:.3f})"
    return f"PSI {column.value or 0.0:.3f} over {cells} {by_chance}, {p_figure(column.p_value or 0.0)}"
