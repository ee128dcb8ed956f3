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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.counting.numbers import count_sorted
from unipipe_tui.monitoring.distributions import (
    CategoricalDistribution,
    Distribution,
    Family,
    NumericDistribution,
    Profile,
    make_profile,
)
from unipipe_tui.monitoring.drift import DEFAULT, ColumnDrift, DriftReport, DriftThresholds, check_all
from unipipe_tui.monitoring.values import Column, Labels, Numbers, Rows
from unipipe_tui.monitoring.verdict.values import SegmentColumn, SegmentDrift, SegmentSlice
from unipipe_tui.monitoring.words import listed, percent, printable

MOST_VALUES = 20
"""Of one segment; rarer ones are told, and not looked at."""
BINS = 20
NAMED_VALUES = 200
METHOD = (
    "Each column within each value of a segment against the reference's rows of that value: PSI (natural logarithm) over 20 bins "
    "of equal mass of these rows, or values, less what chance gives; two-sample chi-square test; all p-values of all segments "
    "adjusted together (Benjamini-Hochberg)."
)

Pair = tuple[Distribution, Distribution]
"""A column of the reference, and of the current data."""


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
    """A column that divides the rows."""

    name: str
    values: tuple[str, ...]
    reference: _Groups
    current: _Groups


def check_segments(
    reference: Rows, current: Rows, profile: Profile, by: Profile, thresholds: DriftThresholds = DEFAULT
) -> SegmentDrift:
    """Compare every column of the reference's profile within each value of the columns of another profile of it."""
    names = (*(name for name, _ in by.columns), *(problem.column for problem in by.problems))
    segments: list[_Segment] = []
    left_out: list[str] = []
    for name in names:
        why = _unfit(name, reference, current, by)
        if why:
            left_out.append(f"{name}: {why}")
            continue
        values, rarer = _values(by, name)
        if rarer:
            left_out.append(f"{name}: {rarer:,} rarer values, only the {MOST_VALUES} most frequent are looked at")
        groups = [_Groups(rows.labels(name), values) for rows in (reference, current)]
        segments.append(_Segment(name, values, groups[0], groups[1]))
    parts = list(_parts(segments, reference, current, profile)) if segments else []
    few = [part for part in parts if part.fewest < thresholds.minimum_rows]
    enough = [part for part in parts if part.fewest >= thresholds.minimum_rows]
    reports = check_all([(part.reference, part.current) for part in enough], thresholds)
    judged = [_judged(part, report) for part, report in zip(enough, reports, strict=True)]
    slices = [*judged, *(_too_few(part, thresholds) for part in few)]
    return _drift(names, sorted(slices, key=_farthest_first), left_out, reports)


def _unfit(segment: str, reference: Rows, current: Rows, by: Profile) -> str:
    for rows, where in ((reference, "reference"), (current, "current data")):
        if segment not in rows.columns:
            return f"the {where} has no such column"
    distribution = by.column(segment)
    if not isinstance(distribution, CategoricalDistribution):
        return "it has no values by name to divide the rows by; name a column of texts, whole numbers or yes and no"
    return "" if current.family(segment) is distribution.family else "the current data holds another type"


def _values(by: Profile, segment: str) -> tuple[tuple[str, ...], int]:
    """Those looked at, the most frequent first, and how many more are named."""
    distribution = by.column(segment)
    assert isinstance(distribution, CategoricalDistribution)
    values = tuple(value for value, _ in distribution.counts)
    return values[:MOST_VALUES], len(values[MOST_VALUES:])


# --- counting --------------------------------------------------------------------------------------------------------


def _parts(segments: Sequence[_Segment], reference: Rows, current: Rows, profile: Profile) -> Iterator[_Part]:
    """Every value of every segment; a column is read once for all of them."""
    counted: dict[str, list[tuple[str, Sequence[Pair]]]] = {segment.name: [] for segment in segments}
    for name, distribution in profile.columns:
        if reference.family(name) is not distribution.family or current.family(name) is not distribution.family:
            # Absent, or of another type: the verdict by column says so once and for all.
            continue
        numeric = isinstance(distribution, NumericDistribution)
        sides = [rows.numbers(name) if numeric else rows.labels(name) for rows in (reference, current)]
        for segment in segments:
            if segment.name != name:
                counted[segment.name].append((name, _counted(sides[0], sides[1], distribution.family, segment)))
    for segment in segments:
        for place, value in enumerate(segment.values):
            profiles = [
                make_profile(group.rows(place), ((name, pairs[place][side]) for name, pairs in counted[segment.name]))
                for side, group in enumerate((segment.reference, segment.current))
            ]
            yield _Part(segment.name, value, profiles[0], profiles[1])


class _Groups:
    """Which rows have which of the values, so that a column is cut into them without looking for each anew."""

    def __init__(self, labels: Labels, values: Sequence[str]) -> None:
        place = {value: number for number, value in enumerate(values)}
        # The last one is for rows without a value: their code is -1.
        table = np.array([*(place.get(name, len(values)) for name in labels.names), len(values)])
        group = table[labels.codes] if labels.rows else np.empty(0, dtype=np.int64)
        self._order: NDArray[np.int64] = np.argsort(group, kind="stable")
        self._ends = np.searchsorted(group[self._order], np.arange(len(values) + 1))

    def rows(self, place: int) -> int:
        """How many rows have that value."""
        return int(self._ends[place + 1] - self._ends[place])

    def cut(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """A column's entries, by value."""
        return [values[self._order[begin:end]] for begin, end in zip(self._ends[:-1], self._ends[1:], strict=True)]


def _counted(reference: Column, current: Column, family: Family, segment: _Segment) -> list[Pair]:
    """The column within each value, then and now."""
    if isinstance(reference, Numbers) and isinstance(current, Numbers):
        cut = segment.reference.cut(reference.values), segment.current.cut(current.values)
        return [_numbers(Numbers(then), Numbers(now)) for then, now in zip(*cut, strict=True)]
    assert isinstance(reference, Labels)
    assert isinstance(current, Labels)
    counted: list[Pair] = []
    for codes, later in zip(segment.reference.cut(reference.codes), segment.current.cut(current.codes), strict=True):
        then = _named(Labels(reference.names, codes), family, ())
        names = tuple(value for value, _ in then.counts)
        counted.append((then, _named(Labels(current.names, later), family, names)))
    return counted


def _numbers(then: Numbers, now: Numbers) -> Pair:
    """In bins of equal mass of the reference's rows of this value."""
    reference = _sorted(then, None)
    return reference, _sorted(now, reference.edges)


def _sorted(column: Numbers, edges: tuple[float, ...] | None) -> NumericDistribution:
    values = np.sort(column.present.astype(np.float64))
    return count_sorted(values, column.rows - len(values), edges, BINS)


def _named(column: Labels, family: Family, known: Sequence[str]) -> CategoricalDistribution:
    """By name: those that are known anyhow, then the most frequent others."""
    found = column.counts
    counts = {column.names[place]: int(found[place]) for place in np.flatnonzero(found).tolist()}
    expected = set(known)
    others = sorted((name for name in counts if name not in expected), key=lambda name: (-counts[name], name))
    kept = [*(name for name in known if name in counts), *others[:NAMED_VALUES]]
    return CategoricalDistribution(
        counts=tuple(sorted(((name, counts[name]) for name in kept), key=lambda pair: (-pair[1], pair[0]))),
        missing=column.rows - column.known,
        other=column.known - sum(counts[name] for name in kept),
        family=family,
    )


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


def _too_few(part: _Part, thresholds: DriftThresholds) -> SegmentSlice:
    rows = part.reference.rows, part.current.rows
    sentence = (
        f"{part.told}: too few rows to judge, {part.fewest:,} of at least {thresholds.minimum_rows:,} "
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
