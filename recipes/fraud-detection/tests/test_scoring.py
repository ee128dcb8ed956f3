"""The threshold and the metrics, on numbers one can check by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scoring import curve, metrics, threshold_for_precision

LABELS = np.array([0, 0, 1, 0, 1, 1])
SCORES = np.array([0.1, 0.2, 0.3, 0.6, 0.7, 0.9])


def test_the_threshold_is_the_lowest_that_keeps_the_precision() -> None:
    assert threshold_for_precision(LABELS, SCORES, 1.0) == 0.7
    assert threshold_for_precision(LABELS, SCORES, 0.75) == 0.3


def test_where_no_threshold_keeps_the_precision_the_most_precise_is_taken() -> None:
    assert threshold_for_precision(np.array([1, 1, 0]), np.array([0.2, 0.4, 0.6]), 0.9) == 0.2


def test_metrics_at_a_threshold_count_what_was_caught() -> None:
    found = metrics(LABELS, SCORES, 0.6)
    assert (found["rows"], found["fraud"], found["flagged"]) == (6, 3, 3)
    assert found["precision"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["recall"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["roc_auc"] == pytest.approx(8 / 9, abs=1e-6)


def test_what_is_undefined_is_left_out() -> None:
    found = metrics(np.array([0, 0]), np.array([0.1, 0.2]), 0.5)
    assert found == {"rows": 2, "fraud": 0, "flagged": 0}


def test_the_curve_runs_from_everything_flagged_to_the_highest_score() -> None:
    points = curve(LABELS, SCORES)
    assert points["recall"].iloc[0] == 1.0
    assert points["threshold"].iloc[-1] == 0.9
