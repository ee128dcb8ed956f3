"""Drift within each value of a segment: a column may move in one country and stay as it was in all others.

The rows of each value are compared with the reference's rows of the same value, in bins of equal mass of these, by
the verdict by column; all p-values of all columns, values and segments are adjusted together (Benjamini and
Hochberg), so that the more segments are looked at, the surer each must be. A value with fewer than `minimum_rows`
rows on either side is not judged, and takes no part in the adjusting. Of a segment the values that are most frequent
in the reference are looked at.
Assumption: rows are independent draws. Segments that overlap (a country and its currency) tell the same drift twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.distributions import (
    CategoricalDistribution,
    Distribution,
    NumericDistribution,
    ProblemKind,
    Profile,
    make_profile,
)
from unipipe_tui.monitoring.drift import DEFAULT, ColumnDrift, DriftReport, check_all
from unipipe_tui.monitoring.rows import Column, Labels, Numbers, Rows, distribution_of
from unipipe_tui.monitoring.verdict.results import SegmentColumn, SegmentDrift, SegmentSlice
from unipipe_tui.monitoring.words import listed, percent, printable

MOST_VALUES = 20
"""Of one segment; rarer ones are told, and not looked at."""
METHOD = (
    "Each column within each value of a segment against the reference's rows of that value: PSI (natural logarithm) over 20 bins "
    "of equal mass of these rows, or values, less what chance gives; two-sample chi-square test; all p-values of all segments "
    "adjusted together (Benjamini-Hochberg)."
)


@frozen
class _Part:
    """The rows of one value of a segment, counted on both sides."""

    segment: str
    value: str
    reference: Profile
    current: Profile

    @property
    def fewest(self) -> int:
        return min(self.reference.rows, self.current.rows)

    @property
    def told(self) -> str:
        return f"{self.segment}={printable(self.value)}"


@frozen
class _Segment:
    """A column that divides the rows, and how the reference's rows of each of its values are distributed."""

    name: str
    values: tuple[str, ...]
    reference: tuple[Profile, ...]
    groups: _Groups
    """Of the current rows."""


def count_segments(reference: Rows, profile: Profile, by: Profile) -> tuple[Profile, ...]:
    """The reference's side: a profile of each value of each column of `by` that divides rows, one value after the other.

    `profile` and `by` are profiles of the same rows: of the columns to compare, and of those to divide by.
    """
    groups = {name: _Groups(reference.labels(name), values) for name, values in _divided(by)}
    columns: dict[str, list[tuple[str, Sequence[Distribution]]]] = {name: [] for name in groups}
    for name, distribution in profile.columns:
        column = _values(reference, name, distribution)
        for segment, group in groups.items():
            if segment != name:
                columns[segment].append(
                    (name, [distribution_of(part, distribution.family) for part in group.cut(column)])
                )
    return tuple(
        make_profile(group.rows(place), [(name, counted[place]) for name, counted in columns[segment]])
        for segment, group in groups.items()
        for place in range(group.values)
    )


def check_segments(
    reference: Sequence[Profile],
    current: Rows,
    profile: Profile,
    by: Profile,
) -> SegmentDrift:
    """Compare every column of the reference's profile within each value of the columns of another profile of it.

    `reference` is what `count_segments` answered of the same two profiles.
    """
    names = (*(name for name, _ in by.columns), *(problem.column for problem in by.problems))
    counted, segments, left_out = iter(reference), [], []
    for name, values in _divided(by):
        then = tuple(next(counted) for _ in values)
        if not _unfit(name, current, by):
            segments.append(_Segment(name, values, then, _Groups(current.labels(name), values)))
    for name in names:
        if why := _unfit(name, current, by) or _rarer(name, by):
            left_out.append(f"{name}: {why}")
    parts = list(_parts(segments, current, profile)) if segments else []
    few = [part for part in parts if part.fewest < DEFAULT.minimum_rows]
    enough = [part for part in parts if part.fewest >= DEFAULT.minimum_rows]
    reports = check_all([(part.reference, part.current) for part in enough])
    judged = [_judged(part, report) for part, report in zip(enough, reports, strict=True)]
    slices = [*judged, *(_too_few(part) for part in few)]
    return _drift(names, sorted(slices, key=_farthest_first), left_out, reports)


def _divided(by: Profile) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The columns that divide rows, and the values of each that are looked at, the most frequent first."""
    for name, distribution in by.columns:
        if isinstance(distribution, CategoricalDistribution):
            yield name, tuple(value for value, _ in distribution.counts[:MOST_VALUES])


def _unfit(segment: str, current: Rows, by: Profile) -> str:
    """Why a column divides no rows; empty when it does."""
    problem = by.problem(segment)
    if problem and problem.kind is ProblemKind.ABSENT:
        return "the reference has no such column"
    if segment not in current.columns:
        return "the current data has no such column"
    distribution = by.column(segment)
    if not isinstance(distribution, CategoricalDistribution):
        return "it has no values by name to divide the rows by; name a column of texts, whole numbers or yes and no"
    return "" if current.family(segment) is distribution.family else "the current data holds another type"


def _rarer(segment: str, by: Profile) -> str:
    """What is not looked at of a column that divides rows; empty when all is."""
    distribution = by.column(segment)
    assert isinstance(distribution, CategoricalDistribution)
    rarer = len(distribution.counts[MOST_VALUES:])
    return f"{rarer:,} rarer values, only the {MOST_VALUES} most frequent are looked at" if rarer else ""


# --- counting --------------------------------------------------------------------------------------------------------


def _parts(segments: Sequence[_Segment], current: Rows, profile: Profile) -> Iterator[_Part]:
    """Every value of every segment; a column is read once for all of them."""
    counted: dict[str, list[tuple[str, Sequence[Distribution]]]] = {segment.name: [] for segment in segments}
    for name, distribution in profile.columns:
        if current.family(name) is not distribution.family:
            # Absent, or of another type: the verdict by column says so once and for all.
            continue
        column = _values(current, name, distribution)
        for segment in segments:
            if segment.name != name:
                sides = zip(segment.groups.cut(column), segment.reference, strict=True)
                now = [distribution_of(rows, distribution.family, then.column(name)) for rows, then in sides]
                counted[segment.name].append((name, now))
    for segment in segments:
        columns = counted[segment.name]
        for place, (value, then) in enumerate(zip(segment.values, segment.reference, strict=True)):
            current_part = make_profile(segment.groups.rows(place), [(name, found[place]) for name, found in columns])
            yield _Part(segment.name, value, _only(then, [name for name, _ in columns]), current_part)


def _only(whole: Profile, names: Sequence[str]) -> Profile:
    if len(names) == len(whole.columns):
        return whole
    kept = frozenset(names)
    return make_profile(whole.rows, [(name, found) for name, found in whole.columns if name in kept])


def _values(rows: Rows, name: str, distribution: Distribution) -> Column:
    return rows.numbers(name) if isinstance(distribution, NumericDistribution) else rows.labels(name)


class _Groups:
    """Which rows have which of the values, so that a column is cut into them without looking for each anew."""

    def __init__(self, labels: Labels, values: Sequence[str]) -> None:
        self.values = len(values)
        place = {value: number for number, value in enumerate(values)}
        # The last one is for rows without a value: their code is -1.
        table = np.array([*(place.get(name, len(values)) for name in labels.names), len(values)])
        group = table[labels.codes] if labels.rows else np.empty(0, dtype=np.int64)
        self._order: NDArray[np.int64] = np.argsort(group, kind="stable")
        self._ends = np.searchsorted(group[self._order], np.arange(len(values) + 1))

    def rows(self, place: int) -> int:
        """How many rows have that value."""
        return int(self._ends[place + 1] - self._ends[place])

    def cut(self, column: Column) -> list[Column]:
        """A column, by value."""
        ends = list(pairwise(self._ends))
        if isinstance(column, Numbers):
            return [Numbers(column.values[self._order[begin:end]]) for begin, end in ends]
        return [Labels(column.names, column.codes[self._order[begin:end]]) for begin, end in ends]


# --- saying so -------------------------------------------------------------------------------------------------------


def _judged(part: _Part, report: DriftReport) -> SegmentSlice:
    farthest = sorted(report.columns, key=lambda column: (not column.drifted, -(column.effect or 0.0)))
    moved = [column for column in farthest if column.drifted]
    told = "; ".join(f"{printable(column.column)}: {column.reason.rstrip('.')}" for column in moved[:3])
    return SegmentSlice(
        segment=part.segment,
        value=part.value,
        reference_rows=part.reference.rows,
        current_rows=part.current.rows,
        judged=True,
        drifted=bool(moved),
        sentence=f"{part.told} moved: {told}." if moved else f"{part.told}: no drift.",
        columns=tuple(_column(column) for column in farthest),
    )


def _column(column: ColumnDrift) -> SegmentColumn:
    return SegmentColumn(column.column, column.drifted, column.effect, column.p_value, column.reason)


def _too_few(part: _Part) -> SegmentSlice:
    rows = part.reference.rows, part.current.rows
    sentence = (
        f"{part.told}: too few rows to judge, {part.fewest:,} of at least {DEFAULT.minimum_rows:,} "
        f"in the {'reference' if rows[0] == part.fewest else 'current data'}."
    )
    return SegmentSlice(part.segment, part.value, *rows, judged=False, drifted=False, sentence=sentence, columns=())


def _farthest_first(one: SegmentSlice) -> tuple[bool, bool, float]:
    farthest = max((column.effect or 0.0 for column in one.columns if column.drifted), default=0.0)
    return not one.drifted, not one.judged, -farthest if one.drifted else -float(one.reference_rows)


def _drift(
    segments: tuple[str, ...], slices: Sequence[SegmentSlice], left_out: Sequence[str], reports: Sequence[DriftReport]
) -> SegmentDrift:
    judged = [one for one in slices if one.judged]
    moved = [f"{one.segment}={printable(one.value)}" for one in slices if one.drifted]
    tests = sum(
        p is not None
        for report in reports
        for column in report.columns
        for p in (column.p_value, column.missing_p_value, column.outside_p_value)
    )
    return SegmentDrift(
        segments=segments,
        judged=bool(judged),
        drifted=bool(moved),
        moved=tuple(moved),
        sentence=_sentence(segments, judged, moved, len(slices) - len(judged)),
        slices=tuple(slices),
        tests=tests,
        left_out=tuple(left_out),
        method=METHOD,
    )


def _sentence(segments: Sequence[str], judged: Sequence[SegmentSlice], moved: Sequence[str], few: int) -> str:
    by = ", ".join(segments)
    too_few = f"; {few:,} have too few rows to judge" if few else ""
    if not judged:
        return f"Segments by {by}: none has rows enough to judge{too_few}."
    if not moved:
        return f"Segments by {by}: none of {len(judged):,} moved{too_few}."
    rows = [sum(one.current_rows for one in some) for some in ([one for one in judged if one.drifted], judged)]
    where = f"{len(moved):,} of {len(judged):,} moved, with {percent(rows[0] / max(1, rows[1]))} of their rows"
    return f"Segments by {by}: {where}: {listed(moved)}{too_few}."
