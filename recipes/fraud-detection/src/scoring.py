"""How well probabilities tell fraud from honest payments: the threshold, the metrics, the curve; and repeatably so."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score
from threadpoolctl import threadpool_limits

DIGITS = 6
CURVE_POINTS = 101


def threshold_for_precision(labels: NDArray[np.int64], scores: NDArray[np.float64], target: float) -> float:
    """The lowest threshold whose precision reaches `target`; where none does, the one with the highest precision.

    `labels` (0 or 1) and `scores` (probabilities) have the same length; a score at the threshold counts as fraud.
    """
    precision, _, thresholds = precision_recall_curve(labels, scores)
    precision = precision[:-1]  # the last point stands for "flag nothing" and has no threshold
    reached = np.flatnonzero(precision >= target)
    return float(thresholds[reached[0] if len(reached) else precision.argmax()])


def metrics(labels: NDArray[np.int64], scores: NDArray[np.float64], threshold: float) -> dict[str, float]:
    """Counts, precision, recall and f1 at the threshold, pr_auc and roc_auc; what is undefined is left out."""
    flagged = scores >= threshold
    fraud = labels == 1
    caught = int((flagged & fraud).sum())
    counts = {"rows": len(labels), "fraud": int(fraud.sum()), "flagged": int(flagged.sum())}
    found: dict[str, float] = {}
    if flagged.any():
        found["precision"] = caught / int(flagged.sum())
    if fraud.any():
        found["recall"] = caught / int(fraud.sum())
        found["f1"] = 2 * caught / int(flagged.sum() + fraud.sum())
    if fraud.any() and not fraud.all():
        found["pr_auc"] = float(average_precision_score(labels, scores))
        found["roc_auc"] = float(roc_auc_score(labels, scores))
    return {**counts, **{name: round(value, DIGITS) for name, value in found.items()}}


def curve(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> pd.DataFrame:
    """The precision-recall curve at about a hundred evenly spread thresholds: columns recall, precision, threshold."""
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    points = np.linspace(0, len(thresholds) - 1, num=min(CURVE_POINTS, len(thresholds))).round().astype(int)
    whole = pd.DataFrame({"recall": recall[:-1], "precision": precision[:-1], "threshold": thresholds})
    return whole.iloc[points].round(DIGITS)


def one_thread() -> threadpool_limits:
    """A context in which sklearn calculates on one thread.

    Then sums are made in the same order on every machine, so the same data gives the same bytes; and on data of this
    size, threads that wait for each other on a busy machine cost more than they bring.
    """
    return threadpool_limits(limits=1)
