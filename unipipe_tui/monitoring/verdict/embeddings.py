"""Columns of vectors: whether a model tells those of the reference from current ones, and how far their means are apart.

Formula: a logistic regression learns from which set a vector is, by its coordinates (each scaled by the reference)
and by the logarithm of its distance from the reference's mean, on one half of the rows, and scores the other; the
value is the area under the ROC curve (`areas`), the effect 2 · area − 1. It is drift when the p-value, adjusted over
all columns of vectors, is at most `significance` and the area at least 0.55. Beside it stands the distance of the
means, |x̄ − ȳ|² − tr S_x / n − tr S_y / m, which is 0 on average when nothing moved, as its root in units of the
reference's root of tr S, with the p-value of 499 permutations of the rows.
Assumptions: rows are independent draws; what moved is a mean, in any direction, or the spread as a whole. At most
5,000 rows a side.
Sources: Lopez-Paz and Oquab, ICLR 2017; the distance: Chen and Qin, Annals of Statistics 2010; permutations: Phipson
and Smyth, 2010.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.comparisons import adjusted_p_values
from unipipe_tui.monitoring.drift import DEFAULT, ColumnDrift, ColumnKind
from unipipe_tui.monitoring.verdict.areas import Area, Fold, area_over
from unipipe_tui.monitoring.verdict.vectors import SEED, Vectors
from unipipe_tui.monitoring.words import figure, p_figure

METHOD = "embedding:domain_classifier"
FOLDS = 2
PERMUTATIONS = 499
EFFECT = 0.1
PENALTY = 0.1
TIED = 1e-9

Floats = NDArray[np.float64]


@frozen
class MeansApart:
    """How far the means of two sets of vectors are apart."""

    distance: float
    """Beyond chance, in units of the root of the reference's total variance."""
    p_value: float


def check_embeddings(reference: Mapping[str, Vectors], current: Mapping[str, Vectors | str]) -> tuple[ColumnDrift, ...]:
    """A verdict on each column that holds vectors in the reference; one whose length changed is drift whatever it holds."""
    measured = [_measured(name, then, current[name]) for name, then in reference.items()]
    adjusted = iter(adjusted_p_values([one.area.p_value for one in measured if isinstance(one, _Compared)]))
    return tuple(_judged(one, next(adjusted)) if isinstance(one, _Compared) else one for one in measured)


@frozen
class _Compared:
    column: str
    reference: Vectors
    current: Vectors
    area: Area
    means: MeansApart


def _measured(name: str, then: Vectors, now: Vectors | str) -> _Compared | ColumnDrift:
    if isinstance(now, str):
        return _not_compared(name, then, 0, f"Vectors in the reference; in the current data {now}.")
    if then.length != now.length:
        lengths = f"Vectors of {then.length:,} numbers in the reference, of {now.length:,} in the current data."
        return _not_compared(name, then, now.of, lengths, drifted=True)
    fewest = min(len(then.values), len(now.values))
    if fewest < DEFAULT.minimum_rows:
        few = f"Too few vectors to judge: {fewest:,} of at least {DEFAULT.minimum_rows:,}."
        return _not_compared(name, then, now.of, few)
    return _Compared(name, then, now, _area(then.values, now.values), means_apart(then.values, now.values))


def _area(then: Floats, now: Floats) -> Area:
    rows = _features(then, np.vstack([then, now]))
    is_current = np.repeat([False, True], [len(then), len(now)])
    folds = []
    for seen, unseen in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(rows, is_current):
        model = LogisticRegression(C=PENALTY, max_iter=200).fit(rows[seen], is_current[seen])
        scores = model.decision_function(rows[unseen])
        folds.append(Fold(scores[~is_current[unseen]], scores[is_current[unseen]]))
    return area_over(folds)


def _features(then: Floats, rows: Floats) -> Floats:
    """The coordinates, and how far a vector lies from the reference's mean, in units of the reference."""
    scaled = (rows - then.mean(axis=0)) / _or_one(then.std(axis=0))
    far = np.log1p((scaled**2).sum(axis=1))
    own = far[: len(then)]
    # All coordinates together weigh as much as a few would: the penalty is on each.
    return np.column_stack([scaled, (far - own.mean()) / _or_one(own.std())])


def _or_one(spread: Any) -> Any:
    return np.where(spread > 0, spread, 1.0)


def means_apart(then: Floats, now: Floats) -> MeansApart:
    """The distance of the means beyond chance, and how many permutations of the rows have one as great."""
    n, m = len(then), len(now)
    rows = np.vstack([then, now])
    rows = rows - rows.mean(axis=0)
    whole = float((rows**2).sum())

    def beyond(sums: Floats) -> Floats:
        # With the mean of all rows at 0 the second sum is minus the first one.
        between = (sums**2).sum(axis=-1) * (1 / n + 1 / m)
        return np.asarray((1 / n + 1 / m) * between)

    chance = np.random.default_rng(SEED)
    is_then = np.zeros((PERMUTATIONS, n + m))
    for place in range(PERMUTATIONS):
        is_then[place, chance.permutation(n + m)[:n]] = 1
    found = float(beyond(rows[:n].sum(axis=0)))
    others = beyond(is_then @ rows)
    # A sum in another order is another by a hair: what is as great must count as such.
    p_value = (1 + int((others >= found * (1 - TIED)).sum())) / (1 + PERMUTATIONS)
    variances = [float(side.var(axis=0, ddof=1).sum()) for side in (then, now)]
    excess = max(0.0, found - variances[0] / n - variances[1] / m)
    return MeansApart(float(np.sqrt(excess / (variances[0] or whole or 1.0))), p_value)


def _judged(one: _Compared, p_value: float) -> ColumnDrift:
    area, then, now = one.area, one.reference, one.current
    drifted = p_value <= DEFAULT.significance and area.effect >= EFFECT
    calm = (
        "" if drifted else ": chance explains it" if p_value > DEFAULT.significance else ": less than 0.55 is no drift"
    )
    figures = f"ROC AUC {area.value:.3f} (95 % {area.low:.3f} to {area.high:.3f}), {p_figure(p_value)}"
    means = f"the means are {figure(one.means.distance)} of the reference's spread apart, {p_figure(one.means.p_value)}"
    counted = f"{len(then.values):,} and {len(now.values):,} vectors of {then.length:,} numbers"
    return ColumnDrift(
        column=one.column,
        kind=ColumnKind.EMBEDDING,
        method=METHOD,
        drifted=drifted,
        reason=f"{figures} by a classifier on {counted}{calm}; {means} by {PERMUTATIONS} permutations.",
        reference_rows=then.of,
        current_rows=now.of,
        value=area.value,
        noise=0.5,
        effect=area.effect,
        p_value=p_value,
        reference_missing=then.missing / then.of if then.of else 0.0,
        current_missing=now.missing / now.of if now.of else 0.0,
        threshold=(1 + EFFECT) / 2,
    )


def _not_compared(name: str, then: Vectors, rows: int, reason: str, *, drifted: bool = False) -> ColumnDrift:
    return ColumnDrift(name, ColumnKind.NOT_COMPARED, METHOD, drifted, reason, then.of, rows)
