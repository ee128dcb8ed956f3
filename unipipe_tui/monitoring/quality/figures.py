"""The figures of decisions on rows that are positive with some probability, and how far labels may fall from them.

Where labels are known the probabilities are 0 and 1 and the figures are the usual ones. Where they are not, the
probabilities come from calibrated scores, and the figures are what the labels will show on average (CBPE).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import UNKNOWN, Z_95, Estimate
from unipipe_tui.monitoring.quality.results import Quality

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Classes = NDArray[np.int64]
"""Places of classes, counted from 0."""


@frozen
class Slope:
    """A figure and how it changes with each row's probability."""

    value: float
    gradient: Floats


@frozen
class Evidence:
    """What the probability of each row rests on: rows of the reference that were given the same one."""

    blocks: NDArray[np.int64]
    """Which of them; rows of one block are wrong together."""
    rows: Floats
    """How many those are; infinitely many where the probability is taken for granted."""


def expected(metric: Quality, scores: Floats, decisions: Bools, probabilities: Floats) -> Slope | None:
    """A figure of rows that are positive with these probabilities; None when there is nothing to divide by.

    Precision is E[TP] / (E[TP] + E[FP]) and so on, with E[TP] the sum of the probabilities of the rows decided yes; the areas
    follow the expected counts over falling scores. All arrays are parallel, one entry a row; scores only order the rows.
    """
    return _FIGURES[metric](scores, decisions, probabilities) if len(probabilities) else None


def expected_with_range(
    metric: Quality, scores: Floats, decisions: Bools, probabilities: Floats, evidence: Evidence | None = None
) -> Estimate:
    """The figure with the range in which that of the labels will lie in 95 of 100 such windows.

    Each label is a toss of its own, of variance p (1 - p); the figure's variance is the sum of those times the squares of its
    slopes (delta method). With evidence, p is moved towards one half by half a row of each label (Jeffreys' prior) for the range
    only, so that 30 of 30 are not taken for always, and the error of p, p (1 - p) / (n + 2), which all rows of its block share,
    is added. Nothing in it covers a calibration that holds no longer.
    """
    found = expected(metric, scores, decisions, probabilities)
    if found is None or not np.isfinite(found.value):
        return UNKNOWN
    if evidence is None:
        spread = float((probabilities * (1 - probabilities) * found.gradient**2).sum())
    else:
        spread = _spread(found.gradient, probabilities, evidence)
    return _within_one(found.value, Z_95 * float(np.sqrt(spread)))


def _spread(gradient: Floats, probabilities: Floats, evidence: Evidence) -> float:
    weight = 1 / (evidence.rows + 1)
    p = probabilities * (1 - weight) + weight / 2
    tosses = float((p * (1 - p) * gradient**2).sum())
    together = np.bincount(evidence.blocks, gradient)
    doubt = np.zeros(len(together))
    doubt[evidence.blocks] = p * (1 - p) / (evidence.rows + 2)
    return tosses + float((together**2 * doubt).sum())


def _within_one(value: float, reach: float) -> Estimate:
    return Estimate(value, max(0.0, value - reach), min(1.0, value + reach))


def _precision(scores: Floats, decisions: Bools, p: Floats) -> Slope | None:
    yes = int(decisions.sum())
    return Slope(float(p[decisions].sum()) / yes, decisions.astype(np.float64) / yes) if yes else None


def _recall(scores: Floats, decisions: Bools, p: Floats) -> Slope | None:
    positives = float(p.sum())
    if positives <= 0:
        return None
    value = float(p[decisions].sum()) / positives
    return Slope(value, (decisions.astype(np.float64) - value) / positives)


def _specificity(scores: Floats, decisions: Bools, p: Floats) -> Slope | None:
    return _mirrored(_recall(scores, ~decisions, 1 - p))


def _mirrored(slope: Slope | None) -> Slope | None:
    return None if slope is None else Slope(slope.value, -slope.gradient)


def _f1(scores: Floats, decisions: Bools, p: Floats) -> Slope | None:
    both = int(decisions.sum()) + float(p.sum())
    if both <= 0:
        return None
    value = 2 * float(p[decisions].sum()) / both
    return Slope(value, (2 * decisions.astype(np.float64) - value) / both)


def _accuracy(scores: Floats, decisions: Bools, p: Floats) -> Slope | None:
    right = np.where(decisions, p, 1 - p)
    return Slope(float(right.mean()), np.asarray(np.where(decisions, 1.0, -1.0) / len(p), dtype=np.float64))


def _roc_auc(scores: Floats, decisions: Bools, p: Floats) -> Slope | None:
    """The share of pairs in the right order; a tie is half a win, and so is, in expectation, a row against itself."""
    positives, negatives = float(p.sum()), float((1 - p).sum())
    if positives <= 0 or negatives <= 0:
        return None
    _, place = np.unique(scores, return_inverse=True)
    positive_at, negative_at = np.bincount(place, p), np.bincount(place, 1 - p)
    beaten = (np.cumsum(negative_at) - negative_at / 2)[place]
    beating = (positives - np.cumsum(positive_at) + positive_at / 2)[place]
    value = float(p @ beaten) / (positives * negatives)
    gradient = (beaten - beating) / (positives * negatives) - value * (1 / positives - 1 / negatives)
    return Slope(value, gradient)


def _pr_auc(scores: Floats, decisions: Bools, p: Floats) -> Slope | None:
    """Average precision: the mean, over the positive rows, of the precision down to them."""
    positives = float(p.sum())
    if positives <= 0:
        return None
    order = np.argsort(-scores, kind="stable")
    falling, ranks = p[order], np.arange(1, len(p) + 1)
    precision = np.cumsum(falling) / ranks
    value = float(falling @ precision) / positives
    later = np.cumsum((falling / ranks)[::-1])[::-1]
    gradient = np.empty_like(p)
    gradient[order] = (precision + later - value) / positives
    return Slope(value, gradient)


_FIGURES: dict[Quality, Callable[[Floats, Bools, Floats], Slope | None]] = {
    Quality.PRECISION: _precision,
    Quality.RECALL: _recall,
    Quality.F1: _f1,
    Quality.ACCURACY: _accuracy,
    Quality.SPECIFICITY: _specificity,
    Quality.ROC_AUC: _roc_auc,
    Quality.PR_AUC: _pr_auc,
}
