"""Which way a metric gets better: what `unipipe.yaml` says, else what the words of its name say, else nobody knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from itertools import pairwise


class Direction(Enum):
    """Which values of a metric are the better ones."""

    HIGHER = "higher"
    LOWER = "lower"
    UNKNOWN = "unknown"


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


LOWER_WORDS = _set_of(
    "loss error err errors mse rmse mae mape smape rmsle msle rse deviance perplexity ppl bpc bpb nll logloss "
    "crossentropy brier ece wer cer ter fid kid lpips divergence kl distance regret cost penalty impurity fpr "
    "fnr fdr misclassification hinge latency duration time seconds ms bytes memory violations failures drift "
    "psi inertia aic bic eer hamming emd chamfer"
)
"""One of these words makes smaller values the better ones, whatever else is in the name: `accuracy_error`."""

HIGHER_WORDS = _set_of(
    "accuracy acc auc auroc auprc aucpr roc prc ap map precision recall f1 f2 fbeta fscore score r2 rsquared "
    "tpr tnr sensitivity specificity iou miou jaccard dice bleu rouge meteor ndcg mrr hit hits gain lift gini "
    "kappa mcc psnr ssim likelihood reward return returns throughput correlation pearson spearman kendall "
    "profit revenue success coverage silhouette purity wins winrate top1 top5 ppv npv youden completeness "
    "homogeneity"
)
"""One of these words makes larger values the better ones."""

_NEGATED = frozenset({"neg", "negative"})
"""scikit-learn turns errors round so that larger is better: `neg_mean_squared_error`."""

_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")


def direction_of(metric: str, configured: Mapping[str, str]) -> Direction:
    """Which way a metric gets better.

    What is configured counts first: by the metric's whole name, `higher` or `lower` (`max...` and `min...` are
    understood too). Then the words of its name, which end at any sign that is no letter or digit, and where small
    letters turn into capital ones: `val/ROC_AUC`, `testLoss`. Two words that stand together count as one as well
    (`cross_entropy`), and so does a word without the number at its end (`map50`). A word for an error beats a word
    for a success, `neg` turns either round, and a name without any known word stays unknown.
    """
    if metric in configured:
        return _said(configured[metric])
    words = words_of(metric)
    pairs = {first + second for first, second in pairwise(words)}
    found = {*words, *pairs, *(word.rstrip("0123456789") for word in words)}
    if found & LOWER_WORDS:
        return Direction.HIGHER if found & _NEGATED else Direction.LOWER
    if found & HIGHER_WORDS:
        return Direction.LOWER if found & _NEGATED else Direction.HIGHER
    return Direction.UNKNOWN


def words_of(metric: str) -> tuple[str, ...]:
    """The words of a metric's name, in small letters: `val/ROC_AUC@top5` are val, roc, auc and top5."""
    return tuple(word.lower() for word in _PARTS.findall(metric))


def better(value: float, other: float, direction: Direction) -> bool | None:
    """Whether a value is better than another one; None when they are equal, no numbers, or the direction is unknown."""
    if direction is Direction.UNKNOWN or value == other or value != value or other != other:
        return None
    return (value > other) is (direction is Direction.HIGHER)


def _said(words: str) -> Direction:
    known = {"higher": Direction.HIGHER, "max": Direction.HIGHER, "lower": Direction.LOWER, "min": Direction.LOWER}
    return next((way for start, way in known.items() if words.lower().startswith(start)), Direction.UNKNOWN)
