"""Figures of rows that are positive with some probability: with labels those of scikit-learn, without them their means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from unipipe_tui.monitoring.performance import UNKNOWN
from unipipe_tui.monitoring.quality.calibrators import Isotonic
from unipipe_tui.monitoring.quality.cbpe import fit_binary, realized
from unipipe_tui.monitoring.quality.dle import measured_loss, row_losses
from unipipe_tui.monitoring.quality.figures import expected, expected_with_range
from unipipe_tui.monitoring.quality.measured import measured
from unipipe_tui.monitoring.quality.results import Loss, Quality
from unipipe_tui.monitoring.quality.thresholds import chunks_of, usual_band

SHARES = (Quality.PRECISION, Quality.RECALL, Quality.F1, Quality.ACCURACY, Quality.SPECIFICITY)
rows = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), st.booleans(), st.booleans()), min_size=1, max_size=40
)


@given(rows)
def test_with_labels_the_figures_are_those_of_scikit_learn(found: list[tuple[float, bool, bool]]) -> None:
    scores, decisions, labels = (np.array(column) for column in zip(*found, strict=True))
    theirs = {
        Quality.PRECISION: metrics.precision_score,
        Quality.RECALL: metrics.recall_score,
        Quality.F1: metrics.f1_score,
        Quality.ACCURACY: metrics.accuracy_score,
    }
    for metric, score in theirs.items():
        ours = realized(metric, scores, decisions, labels)
        given = {} if metric is Quality.ACCURACY else {"zero_division": 0.0}
        assert (ours or 0.0) == pytest.approx(score(labels, decisions, **given))
        assert measured(metric, scores, decisions, labels).value == (None if ours is None else pytest.approx(ours))
    if labels.any() and not labels.all():
        area = metrics.roc_auc_score(labels, scores)
        assert realized(Quality.ROC_AUC, scores, decisions, labels) == pytest.approx(area)
        shown = measured(Quality.ROC_AUC, scores, decisions, labels)
        assert shown.value == pytest.approx(area)
        assert 0 <= (shown.low or 0.0) <= area + 1e-12 <= (shown.high or 0.0) + 1e-9 <= 1 + 1e-9
    else:
        assert measured(Quality.ROC_AUC, scores, decisions, labels) == UNKNOWN


@settings(max_examples=40)
@given(rows, st.integers(0, 2**32 - 1))
def test_the_slopes_are_those_of_small_steps(found: list[tuple[float, bool, bool]], seed: int) -> None:
    scores, decisions, _ = (np.array(column) for column in zip(*found, strict=True))
    p = np.random.default_rng(seed).uniform(0.05, 0.95, len(scores))
    for metric in Quality:
        slope = expected(metric, scores, decisions, p)
        if slope is None:
            continue
        step = 1e-6
        for place in range(min(3, len(p))):
            more, less = p.copy(), p.copy()
            more[place] += step
            less[place] -= step
            up, down = expected(metric, scores, decisions, more), expected(metric, scores, decisions, less)
            assert up is not None and down is not None
            assert slope.gradient[place] == pytest.approx((up.value - down.value) / (2 * step), abs=1e-5)


@pytest.mark.parametrize("metric", [*SHARES, Quality.ROC_AUC, Quality.PR_AUC])
def test_the_range_of_an_estimate_holds_what_labels_show_in_95_of_100_windows(metric: Quality) -> None:
    generator = np.random.default_rng(11)
    p = generator.beta(0.6, 1.2, 600)
    decisions = p > 0.4
    told = expected_with_range(metric, p, decisions, p)
    assert told.low is not None and told.high is not None and told.value is not None
    shown = [realized(metric, p, decisions, generator.random(600) < p) for _ in range(400)]
    assert np.mean([told.low <= (one or 0.0) <= told.high for one in shown]) == pytest.approx(0.95, abs=0.035)
    assert np.mean([one for one in shown if one is not None]) == pytest.approx(told.value, abs=0.01)


def test_the_interval_of_the_roc_area_holds_the_true_one_in_95_of_100_samples() -> None:
    generator = np.random.default_rng(3)
    true = 0.7602499389065233  # the normal distribution's share below 1 / sqrt(2)
    held = 0
    for _ in range(300):
        labels = generator.random(300) < 0.3
        scores = generator.normal(labels * 1.0)
        found = measured(Quality.ROC_AUC, scores, scores > 0, labels)
        held += (found.low or 0.0) <= true <= (found.high or 0.0)
    assert held / 300 == pytest.approx(0.95, abs=0.035)


def test_nothing_to_divide_by_is_unknown_and_no_zero() -> None:
    none = np.zeros(3, dtype=bool)
    assert expected_with_range(Quality.PRECISION, np.ones(3), none, np.full(3, 0.5)) == UNKNOWN
    assert expected_with_range(Quality.RECALL, np.ones(3), none, np.zeros(3)) == UNKNOWN
    assert expected_with_range(Quality.ACCURACY, np.ones(0), none[:0], np.zeros(0)) == UNKNOWN


def test_losses_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(5)
    true, predicted = generator.uniform(1, 9, 500), generator.uniform(1, 9, 500)
    theirs = {
        Loss.MAE: metrics.mean_absolute_error,
        Loss.MAPE: metrics.mean_absolute_percentage_error,
        Loss.MSE: metrics.mean_squared_error,
        Loss.RMSE: metrics.root_mean_squared_error,
        Loss.MSLE: metrics.mean_squared_log_error,
        Loss.RMSLE: metrics.root_mean_squared_log_error,
    }
    for loss, score in theirs.items():
        found = measured_loss(loss, predicted, true)
        assert found.value == pytest.approx(score(true, predicted))
        assert (found.low or 0.0) < (found.value or 0.0) < (found.high or 0.0)


def test_a_loss_that_is_not_defined_leaves_its_rows_out() -> None:
    assert np.isnan(row_losses(Loss.MSLE, np.array([1.0]), np.array([-3.0])))[0]
    assert measured_loss(Loss.MSLE, np.array([1.0]), np.array([-3.0])) == UNKNOWN


def test_usual_is_cut_to_what_is_possible_and_not_known_from_one_chunk() -> None:
    band = usual_band([0.9, 1.0, None, 0.8, 1.0], 0.0, 1.0)
    assert band is not None
    assert (band.low, band.high, band.chunks) == (pytest.approx(0.925 - 3 * 0.0829156), 1.0, 4)
    assert band.alerts(0.5)
    assert not band.alerts(None)
    assert usual_band([0.9, None], 0.0, 1.0) is None
    assert [part.stop - part.start for part in chunks_of(25, 10)] == [10, 10, 5]


@pytest.mark.parametrize("metric", [Quality.PRECISION, Quality.RECALL, Quality.ROC_AUC])
def test_the_range_holds_after_a_small_reference_too(metric: Quality) -> None:
    held = []
    for seed in range(25):
        generator = np.random.default_rng(seed)
        scores = np.round(generator.beta(0.5, 0.8, 2600), 2)
        labels = generator.random(2600) < scores**1.5
        decisions = scores > 0.6
        reference, rest = slice(0, 600), range(600, 2600, 500)
        estimator = fit_binary(scores[reference], decisions[reference], labels[reference], 100)
        for at in (slice(start, start + 500) for start in rest):
            told = estimator.estimate(metric, scores[at], decisions[at])
            shown = realized(metric, scores[at], decisions[at], labels[at])
            held.append((told.low or 0.0) <= (shown or 0.0) <= (told.high or 0.0))
    assert np.mean(held) >= 0.86


def test_thirty_of_thirty_are_not_taken_for_always() -> None:
    scores = np.concatenate([np.full(300, 0.05), np.full(30, 0.95)])
    labels = np.concatenate([np.arange(300) % 60 == 0, np.ones(30, dtype=bool)])
    calibrator = Isotonic(scores, labels)
    p = calibrator(scores)
    told = expected_with_range(Quality.PRECISION, scores, scores > 0.5, p, calibrator.evidence(p))
    assert told.value == pytest.approx(1.0)
    assert (told.low or 1.0) < 0.97
    taken_for_granted = expected_with_range(Quality.PRECISION, scores, scores > 0.5, p)
    assert taken_for_granted.low == pytest.approx(1.0)
