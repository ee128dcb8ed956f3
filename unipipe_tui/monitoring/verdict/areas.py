"""How well scores tell two sets apart: the area under the ROC curve over folds, its interval, and its chance.

Formula: of a fold's n rows of one set and m of the other, the area is the share of pairs that are in the right order,
a tie counting half; its variance is DeLong's, Var(V10) / n + Var(V01) / m. Of K folds the area is the mean, its
variance the sum of theirs / K². A fold's p-value is one-sided, with the variance that a rank sum has when both sets
are alike, (n + m + 1) / (12 n m), so that it holds whatever the scores are. That of all folds is twice the mean of
theirs: what sets differ by accident each fold's model learns from the others, so the folds are not independent, and
twice the mean holds even so (Rüschendorf, 1982; Vovk and Wang, 2020). Taken for independent they gave five times the
false alarms that were asked for.
Assumption: rows are independent draws, and a fold's rows were not learned from by what scored them.
Sources: Mann and Whitney, 1947; DeLong, DeLong and Clarke-Pearson, Biometrics 1988.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import Z_95

Floats = NDArray[np.float64]


@frozen
class Area:
    """An area with its 95 % interval and the chance of it."""

    value: float
    low: float
    high: float
    p_value: float

    @property
    def effect(self) -> float:
        """0 for chance, 1 for sets that have no row in common."""
        return max(0.0, 2 * self.value - 1)


@frozen
class Fold:
    """The scores of the rows of both sets that a fold's model has not seen."""

    reference: Floats
    current: Floats


def area_over(folds: Sequence[Fold]) -> Area:
    """The mean area over the folds."""
    found = [_area_and_variance(fold.current, fold.reference) for fold in folds]
    count = len(folds)
    value = math.fsum(area for area, _ in found) / count
    error = math.sqrt(math.fsum(variance for _, variance in found)) / count
    p_value = min(
        1.0, 2 * math.fsum(_p_value(area, fold) for (area, _), fold in zip(found, folds, strict=True)) / count
    )
    return Area(value, max(0.0, value - Z_95 * error), min(1.0, value + Z_95 * error), p_value)


def _p_value(area: float, fold: Fold) -> float:
    n, m = len(fold.current), len(fold.reference)
    return float(norm.sf((area - 0.5) / math.sqrt((n + m + 1) / (12 * n * m))))


def area_of(above: Floats, below: Floats) -> float:
    """The share of pairs in which the first one is greater; a tie counts half."""
    return _area_and_variance(above, below)[0]


def _area_and_variance(above: Floats, below: Floats) -> tuple[float, float]:
    n, m = len(above), len(below)
    ranks = rankdata(np.concatenate([above, below]))
    beaten = (ranks[:n] - rankdata(above)) / m
    beating = 1 - (ranks[n:] - rankdata(below)) / n
    spread = [float(np.var(side, ddof=1)) / len(side) if len(side) > 1 else 0.0 for side in (beaten, beating)]
    return float(beaten.mean()), sum(spread)
