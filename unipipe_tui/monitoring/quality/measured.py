"""The figures that labels show, each with a 95 % interval."""

from __future__ import annotations

import math

import numpy as np
from sklearn.metrics import average_precision_score

from unipipe_tui.monitoring.performance import UNKNOWN, Z_95, Confusion, Estimate, Metric, wilson_interval
from unipipe_tui.monitoring.quality.figures import Bools, Floats
from unipipe_tui.monitoring.quality.values import Quality


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
    """For each positive row the share of negatives below it, for each negative that of positives above it; ties are half."""
    positive, negative = np.sort(scores[labels]), np.sort(scores[~labels])
    beaten = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    beating = np.searchsorted(positive, negative, "left") + np.searchsorted(positive, negative, "right")
    return beaten / (2 * len(negative)), 1 - beating / (2 * len(positive))


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.25


def by_log_odds(share: float, error: float) -> Estimate:
    """A share strictly between 0 and 1 with the 95 % interval of its log-odds, made from its standard error."""
    odds, reach = math.log(share / (1 - share)), Z_95 * error / (share * (1 - share))
    return Estimate(share, 1 / (1 + math.exp(min(700.0, reach - odds))), 1 / (1 + math.exp(-min(700.0, odds + reach))))


def _ends(interval: Estimate, value: float) -> tuple[float, float]:
    return min(value, interval.low or 0.0), max(value, interval.high or 0.0)
