"""Confidence-based performance estimation (CBPE): how good decisions are before any of their labels came.

The method and its conventions are those of NannyML 0.13 (Apache-2.0), written anew.

Formula: scores are calibrated on a labelled reference (isotonic regression); with p the calibrated probability of a
row, the expected confusion matrix of a window is E[TP] = sum of p over the rows decided yes, E[FP] = sum of 1 - p
over them, E[FN] and E[TN] alike over the others; precision, recall, f1, specificity and accuracy are made from it,
and the areas from the expected counts over falling scores. With several classes each is calibrated against all
others, the probabilities of a row are scaled to sum to one, and figures are plain means over the classes (accuracy:
the mean probability of the class that was chosen).
Assumptions: scores still mean what they meant on the reference. A change of inputs is covered, as far as the
reference has such rows; a change of concept is not, and nothing without labels can see one.
Source: NannyML, "Confidence-based Performance Estimation", documentation of 0.13; Guillory et al., "Predicting with
confidence on unseen distributions", ICCV 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.metrics import average_precision_score

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.performance import UNKNOWN, Z_95, Estimate
from unipipe_tui.monitoring.quality.calibrators import Calibrator, fit_calibrator
from unipipe_tui.monitoring.quality.figures import Bools, Classes, Floats, expected, expected_with_range
from unipipe_tui.monitoring.quality.results import Band, Quality
from unipipe_tui.monitoring.quality.thresholds import chunks_of, usual_band

OF_CLASSES = tuple(metric for metric in Quality if metric is not Quality.PR_AUC)
"""Figures of several classes: those of NannyML whose measured and estimated forms agree."""


@frozen
class BinaryEstimator:
    """What a labelled reference says about windows without labels."""

    calibrator: Calibrator
    usual: Mapping[Quality, Band]
    """What is usual for each figure; those that no two chunks of the reference had are missing."""
    rows: int

    def estimate(self, metric: Quality, scores: Floats, decisions: Bools) -> Estimate:
        """A figure of a window, with the range in which that of its labels will lie; rows without a score are left out."""
        there = np.isfinite(scores)
        p = self.calibrator(scores[there])
        return expected_with_range(metric, scores[there], decisions[there], p, self.calibrator.evidence(p))


def fit_binary(
    scores: Floats,
    decisions: Bools,
    labels: Bools,
    chunk_rows: int,
) -> BinaryEstimator:
    """Learn from a labelled reference; arrays are parallel, one entry a row, in the order of time.

    What is usual comes from its chunks of `chunk_rows` rows. Raises `Failed` when no row has a score.
    """
    there = np.isfinite(scores)
    if not there.any():
        raise Failed("No row of the reference has a score.", "Estimates without labels need scores.")
    scores, decisions, labels = scores[there], decisions[there], labels[there]
    chunks = chunks_of(len(scores), chunk_rows)
    bands = {
        metric: usual_band([realized(metric, scores[at], decisions[at], labels[at]) for at in chunks], 0.0, 1.0)
        for metric in Quality
    }
    known = {metric: band for metric, band in bands.items() if band is not None}
    return BinaryEstimator(fit_calibrator(scores, labels), known, len(scores))


def realized(metric: Quality, scores: Floats, decisions: Bools, labels: Bools) -> float | None:
    """A figure as labels show it; None when there is nothing to divide by."""
    if metric is Quality.PR_AUC:
        return float(average_precision_score(labels, scores)) if labels.any() else None
    found = expected(metric, scores, decisions, labels.astype(np.float64))
    return None if found is None else found.value


@frozen
class ClassesEstimator:
    """What a labelled reference of several classes says about windows without labels."""

    calibrators: tuple[Calibrator, ...]
    """One a class."""
    usual: Mapping[Quality, Band]
    rows: int

    def probabilities(self, scores: Floats) -> Floats:
        """The probability of each class for each row, of the same shape: (rows, classes)."""
        raw = np.column_stack([of(scores[:, place]) for place, of in enumerate(self.calibrators)])
        sums = raw.sum(axis=1, keepdims=True)
        even = np.full_like(raw, 1 / raw.shape[1])
        return np.asarray(np.divide(raw, sums, out=even, where=sums != 0), dtype=np.float64)

    def estimate(self, metric: Quality, scores: Floats, chosen: Classes) -> Estimate:
        """A figure of a window: `scores` of shape (rows, classes), `chosen` the class that was decided for each row."""
        there = np.isfinite(scores).all(axis=1)
        if not there.any():
            return UNKNOWN
        scores, chosen = scores[there], chosen[there]
        return _of_classes(metric, scores, chosen, self.probabilities(scores))


def fit_classes(
    scores: Floats, chosen: Classes, labels: Classes, chunk_rows: int, metrics: Sequence[Quality] = OF_CLASSES
) -> ClassesEstimator:
    """Learn from a labelled reference of several classes, numbered from 0 as the columns of `scores`.

    Raises `Failed` when no row has all scores, or for a metric that is not one of `OF_CLASSES`.
    """
    if not set(metrics) <= set(OF_CLASSES):
        raise Failed("Average precision of several classes is not estimated.", "See the other figures.")
    there = np.isfinite(scores).all(axis=1)
    if not there.any():
        raise Failed("No row of the reference has all its scores.", "Estimates without labels need scores.")
    scores, chosen, labels = scores[there], chosen[there], labels[there]
    classes = scores.shape[1]
    true = np.eye(classes)[labels]
    chunks = chunks_of(len(scores), chunk_rows)
    bands = {
        metric: usual_band([_of_classes(metric, scores[at], chosen[at], true[at]).value for at in chunks], 0.0, 1.0)
        for metric in metrics
    }
    calibrators = tuple(fit_calibrator(scores[:, place], labels == place) for place in range(classes))
    return ClassesEstimator(calibrators, {m: band for m, band in bands.items() if band is not None}, len(scores))


def _of_classes(metric: Quality, scores: Floats, chosen: Classes, p: Floats) -> Estimate:
    """The mean over the classes; its range treats each row's label as one draw among the classes."""
    if metric is Quality.ACCURACY:
        right = p[np.arange(len(p)), chosen]
        reach = Z_95 * float(np.sqrt((right * (1 - right)).sum())) / len(p)
        return _cut(float(right.mean()), reach)
    slopes = [expected(metric, scores[:, k], chosen == k, p[:, k]) for k in range(p.shape[1])]
    if metric is Quality.ROC_AUC and any(slope is None for slope in slopes):
        return UNKNOWN
    # A class that nobody chose, or that cannot be, counts as nothing reached, as in scikit-learn and NannyML.
    values = [0.0 if slope is None else slope.value for slope in slopes]
    gradient = np.column_stack([np.zeros(len(p)) if slope is None else slope.gradient for slope in slopes]) / p.shape[1]
    spread = (p * gradient**2).sum(axis=1) - (p * gradient).sum(axis=1) ** 2
    return _cut(float(np.mean(values)), Z_95 * float(np.sqrt(np.maximum(spread, 0.0).sum())))


def _cut(value: float, reach: float) -> Estimate:
    return Estimate(value, max(0.0, value - reach), min(1.0, value + reach))
