"""Those who judge a window of rows against a reference: our default verdict, and the defaults of Evidently 0.7 and NannyML 0.13.

Each gives every column a score; a column drifted when the score reaches the judge's threshold. Moving the threshold trades
false alarms for detection, in the way that the judge itself offers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from false_alarm_sets import Columns, labelled, rows_of, written
from numpy.typing import NDArray
from scipy import stats

from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.monitoring.distributions import CategoricalDistribution, Distribution, NumericDistribution, Profile
from unipipe_tui.monitoring.drift import DEFAULT, ColumnDrift, check_drift
from unipipe_tui.monitoring.methods.method import NotMeasured
from unipipe_tui.monitoring.methods.nannyml import Learned, learned_jensen_shannon
from unipipe_tui.monitoring.methods.registry import method_of
from unipipe_tui.monitoring.profiles import profile
from unipipe_tui.monitoring.rows import Column, Labels, Numbers
from unipipe_tui.monitoring.sources import Files

OURS, EVIDENTLY, EVIDENTLY_HALF = "ours", "Evidently, any column", "Evidently, half of the columns"
NANNYML, NANNYML_TEN = "NannyML, chunks like the window", "NannyML, ten chunks"
JUDGES = (OURS, EVIDENTLY, EVIDENTLY_HALF, NANNYML, NANNYML_TEN)
Scores = Mapping[str, float]
"""By column."""

EVIDENTLY_CARDINALITY = 10
EVIDENTLY_FEW = 5
EVIDENTLY_SHORT = 1000
EVIDENTLY_DISTANCE = 0.1
EVIDENTLY_LEVEL = 0.05
EVIDENTLY_SHARE = 0.5
SIGMAS = 3.0
CHUNKS = 10
FEWEST_CHUNKS = 2


@dataclass(frozen=True)
class Reference:
    """A reference, and what the judges learned from it."""

    columns: Columns
    profile: Profile
    learned: Mapping[str, Learned]
    named: Mapping[str, Labels]
    """The columns as names."""
    chunk_values: dict[tuple[str, int], NDArray[np.float64]] = field(default_factory=dict)
    """What NannyML measures between chunks of a column and the whole of it, by column and rows of a chunk."""

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return rows_of(self.columns)


def learn(columns: Columns, folder: Path) -> Reference:
    """Make a reference ready; it is written down to be profiled as any reference is."""
    path = written(columns, folder / "reference.parquet")
    return Reference(
        columns=columns,
        profile=profile(Files((str(path),))),
        learned={name: learned_jensen_shannon(one) for name, one in columns.items()},
        named={name: labelled(one) for name, one in columns.items()},
    )


def default_threshold(judge: str, reference_rows: int) -> float:
    """What a score must reach as the judge comes."""
    if judge == OURS:
        return DEFAULT.effect
    if judge in (NANNYML, NANNYML_TEN):
        return SIGMAS
    return EVIDENTLY_DISTANCE if reference_rows > EVIDENTLY_SHORT else -EVIDENTLY_LEVEL


# --- ours ------------------------------------------------------------------------------------------------------------


def counted(column: Column, like: Distribution) -> Distribution:
    """Counted as `profile` counts it, from memory (that it does is checked on a sample)."""
    if isinstance(like, NumericDistribution):
        assert isinstance(column, Numbers)
        present = column.present
        counts = np.bincount(np.searchsorted(like.edges, present), minlength=len(like.edges) + 1)
        return NumericDistribution(like.edges, tuple(counts.tolist()), missing=column.rows - len(present))
    labels = labelled(column)
    named = [pair for pair in zip(labels.names, labels.counts.tolist(), strict=True) if pair[1]]
    return CategoricalDistribution(
        tuple(sorted(named, key=lambda pair: (-pair[1], pair[0]))), labels.rows - labels.known, family=like.family
    )


def profile_of(window: Columns, like: Profile) -> Profile:
    """A profile of the window like that of the reference."""
    return Profile(rows_of(window), tuple((name, counted(window[name], known)) for name, known in like.columns), (), "")


@dataclass(frozen=True)
class OurFigures:
    """What our verdict on a column rests on."""

    p_value: float
    effect: float
    otherwise: bool
    """Whether it drifted for another reason than how its values lie: missing values, the range."""

    def drifted(self, significance: float, effect: float) -> bool:
        """Whether it would, with these thresholds."""
        return self.otherwise or (self.p_value <= significance and self.effect >= effect)

    @property
    def score(self) -> float:
        """The effect where it is sure, otherwise less than zero and the lower the less sure."""
        if self.otherwise:
            return math.inf
        return self.effect if self.p_value <= DEFAULT.significance else -self.p_value


NO_EFFECT_IS_ENOUGH = replace(DEFAULT, effect=math.inf)
"""Leaves the other reasons."""


def our_figures(reference: Profile, window: Profile) -> dict[str, OurFigures]:
    """Column by column."""
    return {one.column: _figures(one) for one in check_drift(reference, window, NO_EFFECT_IS_ENOUGH).columns}


def _figures(column: ColumnDrift) -> OurFigures:
    p_value = 1.0 if column.p_value is None else column.p_value
    return OurFigures(p_value, column.effect or 0.0, column.drifted)


# --- Evidently -------------------------------------------------------------------------------------------------------


def evidently_score(reference: Reference, name: str, now: Column) -> float:
    """A distance, or a p-value with its sign turned, by the rules that choose a test: `_get_default_stattest`."""
    then, named = reference.columns[name], reference.named[name]
    numeric = _is_numeric_to_evidently(then, named)
    labels = labelled(now)
    values = len({*_names(named), *_names(labels)}) if len(named.names) <= EVIDENTLY_FEW else len(named.names)
    try:
        if then.known > EVIDENTLY_SHORT:
            if numeric and values > EVIDENTLY_FEW:
                return _value(DriftMethod.EVIDENTLY_WASSERSTEIN, then, now, -math.inf)
            sides = (then, now) if numeric else (named, labels)
            return _value(DriftMethod.EVIDENTLY_JENSEN_SHANNON, *sides, -math.inf)
        if numeric and values > EVIDENTLY_FEW:
            return -_value(DriftMethod.EVIDENTLY_KS, then, now, 1.0)
        if values > 2:
            return -_value(DriftMethod.EVIDENTLY_CHISQUARE, named, labels, 1.0)
        return -_z_of_shares(named, labels)
    except NotMeasured:
        return -math.inf


def _is_numeric_to_evidently(reference: Column, named: Labels) -> bool:
    if isinstance(reference, Labels):
        return False
    return reference.values.dtype.kind == "f" or len(named.names) > EVIDENTLY_CARDINALITY


def _names(labels: Labels) -> list[str]:
    return [name for name, count in zip(labels.names, labels.counts.tolist(), strict=True) if count]


def _value(name: DriftMethod, then: Column, now: Column, otherwise: float) -> float:
    """What the method answers; `otherwise` where that is no number."""
    method = method_of(name)
    assert method.of_values is not None
    found = method.of_values(then, now).value
    return found if math.isfinite(found) else otherwise


def _z_of_shares(then: Labels, now: Labels) -> float:
    """The p-value of a z-test of two shares (`z_stattest`), for columns of two values."""
    names = sorted({*_names(then), *_names(now)})
    if len(names) < 2:
        return 1.0
    n, m = then.known, now.known
    p, q = (1 - _count(side, names[0]) / side.known for side in (then, now))
    pooled = (p * n + q * m) / (n + m)
    return float(2 * (1 - stats.norm.cdf(abs((p - q) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))))))


def _count(labels: Labels, name: str) -> int:
    return int(labels.counts[labels.names.index(name)]) if name in labels.names else 0


def half_of(scores: Scores) -> float:
    """What half of the columns reach: the score of a verdict on all of them."""
    return sorted(scores.values(), reverse=True)[math.ceil(len(scores) * EVIDENTLY_SHARE) - 1]


# --- NannyML ---------------------------------------------------------------------------------------------------------


def nannyml_score(reference: Reference, name: str, value: float, chunk_rows: int) -> float:
    """How many standard deviations above what chunks of the reference have; its threshold is a number of these."""
    key = (name, chunk_rows)
    if key not in reference.chunk_values:
        reference.chunk_values[key] = _chunk_values(reference, name, chunk_rows)
    values = reference.chunk_values[key]
    above, deviation = value - float(np.mean(values)), float(np.std(values))
    if not deviation:
        return math.inf if above > 0 else -math.inf
    return above / deviation


def _chunk_values(reference: Reference, name: str, chunk_rows: int) -> NDArray[np.float64]:
    column, measure = reference.columns[name], reference.learned[name].measure
    chunks = (column.part(begin, begin + chunk_rows) for begin in range(0, column.rows, chunk_rows))
    return np.array([measure(chunk) for chunk in chunks if chunk.known])


def nannyml_scores(reference: Reference, name: str, now: Column) -> tuple[float, float]:
    """With chunks as long as the window (NaN when the reference has not two of them), and with ten chunks."""
    value = reference.learned[name].measure(now) if now.known else math.nan
    enough = reference.rows // now.rows >= FEWEST_CHUNKS
    own = nannyml_score(reference, name, value, now.rows) if enough else math.nan
    return own, nannyml_score(reference, name, value, reference.rows // CHUNKS)
