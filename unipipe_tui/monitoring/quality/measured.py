"""The figures that labels show, each with a 95 % interval."""

from __future__ import annotations

import math

import numpy as np
from sklearn.metrics import average_precision_score

from unipipe_tui.monitoring.performance import UNKNOWN, Z_95, Confusion, Estimate, Metric, wilson_interval
from unipipe_tui.monitoring.quality.figures import Bools, Classes, Floats
from unipipe_tui.monitoring.quality.results import Quality


def confusion_of_arrays(decisions: Bools, labels: Bools) -> Confusion:
    """How decisions and labels met."""
    yes, true = np.asarray(decisions, dtype=bool), np.asarray(labels, dtype=bool)
    return Confusion(
        int((yes & true).sum()), int((yes & ~true).sum()), int((~yes & true).sum()), int((~yes & ~true).sum())
    )


def measured(metric: Quality, scores: Floats, decisions: Bools, labels: Bools) -> Estimate:
    """A figure of labelled rows; rows without a score count in no area.

    Shares have Wilson's interval, F1 that of its share (see `Confusion.f1`), the ROC area that of DeLong, DeLong and
    Clarke-Pearson (1988) and average precision that of its log-odds (Boyd, Eng and Page, 2013).
    """
    match metric:
        case Quality.ROC_AUC:
            return roc_area(*_scored(scores, labels))
        case Quality.PR_AUC:
            return average_precision(*_scored(scores, labels))
        case Quality.SPECIFICITY:
            met = confusion_of_arrays(decisions, labels)
            return wilson_interval(met.true_negative, met.true_negative + met.false_positive)
        case _:
            return confusion_of_arrays(decisions, labels).estimate(Metric(metric.value))


def roc_area(scores: Floats, labels: Bools) -> Estimate:
    """The area under the ROC curve; unknown without rows of both labels.

    The interval is made on the log-odds, so that it stays within 0 and 1; it is that of the shares when all pairs are in order.
    """
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if not positives or not negatives:
        return UNKNOWN
    above, below = _placements(scores, labels)
    area = float(above.mean())
    spread = _variance(above) / positives + _variance(below) / negatives
    if area in (0.0, 1.0) or spread == 0.0:
        return Estimate(
            area, *_ends(wilson_interval(round(area * min(positives, negatives)), min(positives, negatives)), area)
        )
    return by_log_odds(area, math.sqrt(spread))


def mean_roc_area(scores: Floats, classes: Classes) -> Estimate:
    """The mean of the areas of each class against all others; unknown unless each class is there.

    `scores` of shape (rows, classes), `classes` the column of each row's label. A row takes part in every area: the variance
    is that of its shares (DeLong, DeLong and Clarke-Pearson) in the mean, not the sum of the areas' own.
    """
    columns = scores.shape[1]
    counts = np.bincount(classes, minlength=columns)
    if not len(classes) or counts.min() == 0 or counts.max() == len(classes):
        return UNKNOWN
    areas, influence = [], np.zeros(len(classes))
    for place in range(columns):
        labels = classes == place
        above, below = _placements(scores[:, place], labels)
        areas.append(float(above.mean()))
        influence[labels] += (above - areas[-1]) / (columns * len(above))
        influence[~labels] += (below - areas[-1]) / (columns * len(below))
    area, spread = float(np.mean(areas)), float((influence**2).sum())
    if area in (0.0, 1.0) or spread == 0.0:
        return Estimate(area, *_ends(wilson_interval(round(area * counts.min()), int(counts.min())), area))
    return by_log_odds(area, math.sqrt(spread))


def average_precision(scores: Floats, labels: Bools) -> Estimate:
    """The area under the precision-recall curve, as average precision; unknown without a positive row."""
    positives = int(labels.sum())
    if not positives:
        return UNKNOWN
    area = float(average_precision_score(labels, scores))
    if area >= 1.0:
        return Estimate(area, *_ends(wilson_interval(positives, positives), area))
    return by_log_odds(area, math.sqrt(area * (1 - area) / positives))


def _scored(scores: Floats, labels: Bools) -> tuple[Floats, Bools]:
    there = np.isfinite(scores)
    return scores[there], np.asarray(labels[there], dtype=bool)


def _placements(scores: Floats, labels: Bools) -> tuple[Floats, Floats]:
    """For each positive row the share of negatives below it, for each negative that of positives above it; ties are half.

    In the order of the rows.
    """
    positive, negative = scores[labels], scores[~labels]
    below, above = np.sort(negative), np.sort(positive)
    beaten = np.searchsorted(below, positive, "left") + np.searchsorted(below, positive, "right")
    beating = np.searchsorted(above, negative, "left") + np.searchsorted(above, negative, "right")
    return beaten / (2 * len(negative)), 1 - beating / (2 * len(positive))


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.25


def by_log_odds(share: float, error: float) -> Estimate:
    """A share strictly between 0 and 1 with the 95 % interval of its log-odds, made from its standard error."""
    odds, reach = math.log(share / (1 - share)), Z_95 * error / (share * (1 - share))
    return Estimate(share, 1 / (1 + math.exp(min(700.0, reach - odds))), 1 / (1 + math.exp(-min(700.0, odds + reach))))


def _ends(interval: Estimate, value: float) -> tuple[float, float]:
    return min(value, interval.low or 0.0), max(value, interval.high or 0.0)
