"""Scores into probabilities: an isotonic regression on a labelled reference, where that makes them truer."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit

from unipipe_tui.monitoring.quality.figures import Bools, Evidence, Floats

BINS = 10
SPLITS = 10
TESTED = 0.1
SEED = 42
PERFECT = 0.999
FEWEST_OF_A_LABEL = 10
"""With fewer rows of a label, no tenth of them can be set aside to test on."""


class Calibrator(Protocol):
    """Turns scores into probabilities."""

    def __call__(self, scores: Floats) -> Floats:
        """The probability that each row is positive."""
        ...

    def evidence(self, probabilities: Floats) -> Evidence:
        """What probabilities that it gave rest on."""
        ...


class AsTheyAre:
    """Scores that are taken for probabilities, cut to what a probability can be."""

    def __call__(self, scores: Floats) -> Floats:
        """The scores."""
        return np.clip(scores, 0.0, 1.0)

    def evidence(self, probabilities: Floats) -> Evidence:
        """They are taken for granted."""
        return Evidence(np.zeros(len(probabilities), dtype=np.int64), np.full(len(probabilities), np.inf))


class Isotonic:
    """The rising step function nearest to the labels, with straight lines between its steps."""

    def __init__(self, scores: Floats, labels: Bools) -> None:
        self._fitted = IsotonicRegression(out_of_bounds="clip", increasing=True).fit(scores, labels.astype(np.float64))
        self._steps, rows = np.unique(self(scores), return_counts=True)
        self._rows = rows.astype(np.float64)

    def __call__(self, scores: Floats) -> Floats:
        """The probability that each row is positive."""
        return np.asarray(self._fitted.predict(scores), dtype=np.float64)

    def evidence(self, probabilities: Floats) -> Evidence:
        """The rows of the reference on the nearest step."""
        above = np.clip(np.searchsorted(self._steps, probabilities), 0, len(self._steps) - 1)
        below = np.maximum(above - 1, 0)
        nearer = probabilities - self._steps[below] < self._steps[above] - probabilities
        blocks = np.where(nearer, below, above).astype(np.int64)
        return Evidence(blocks, self._rows[blocks])


def fit_calibrator(scores: Floats, labels: Bools) -> Calibrator:
    """The calibrator of a reference: isotonic where that makes scores truer on rows it was not fitted on.

    The rule is that of NannyML 0.13: ten times a tenth of the rows is set aside (stratified, seed 42); isotonic regression is
    used when it makes the expected calibration error of all those rows, in ten bins of equally many, smaller. Scores that
    separate the labels almost perfectly (ROC area above 0.999) stay as they are, and so do those of a reference of one label.
    Scores that are no probabilities are always calibrated.
    """
    if len(scores) == 0 or labels.all() or not labels.any():
        return AsTheyAre()
    probabilities = bool(scores.min() >= 0.0 and scores.max() <= 1.0)
    return Isotonic(scores, labels) if not probabilities or _gains(scores, labels) else AsTheyAre()


def _gains(scores: Floats, labels: Bools) -> bool:
    if min(labels.sum(), (~labels).sum()) < FEWEST_OF_A_LABEL or roc_auc_score(labels, scores) > PERFECT:
        return False
    splits = StratifiedShuffleSplit(n_splits=SPLITS, test_size=TESTED, random_state=SEED).split(scores, labels)
    parts = [(Isotonic(scores[fitted], labels[fitted])(scores[test]), test) for fitted, test in splits]
    tested = np.concatenate([test for _, test in parts])
    after = np.concatenate([calibrated for calibrated, _ in parts])
    return equal_mass_error(scores[tested], labels[tested]) > equal_mass_error(after, labels[tested])


def equal_mass_error(scores: Floats, labels: Bools) -> float:
    """The expected calibration error in bins of equally many rows; the last takes what is left over."""
    order = np.argsort(scores)
    width = max(1, len(scores) // BINS)
    cuts = np.arange(0, len(scores), width)[: max(1, len(scores) // width)]
    said, true = np.add.reduceat(scores[order], cuts), np.add.reduceat(labels[order].astype(np.float64), cuts)
    return float(np.abs(said - true).sum() / len(scores))
