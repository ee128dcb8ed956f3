"""Whether scores mean what they say, and what the Brier score is made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from unipipe_tui.monitoring.quality.calibrators import AsTheyAre, equal_mass_error, fit_calibrator
from unipipe_tui.monitoring.quality.reliability import calibration_of

rows = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80)


@given(rows)
@example([(0.7, False)] * 3)
def test_the_parts_of_the_brier_score_add_up_to_it(found: list[tuple[float, bool]]) -> None:
    scores, labels = (np.array(column) for column in zip(*found, strict=True))
    made = calibration_of(scores, labels)
    assert made is not None
    assert made.brier == pytest.approx(brier_score_loss(labels, scores))
    assert made.unreliability - made.resolution + made.uncertainty + made.within == pytest.approx(made.brier)
    assert sum(one.rows for one in made.bins) == made.rows == len(found)
    # The mean of equal scores at the end of a bin may be rounded beyond it.
    assert all(one.low - 1e-15 <= one.said <= one.high + 1e-15 for one in made.bins)
    assert made.error >= 0.0


def test_scores_of_one_value_a_bin_hide_nothing_within_it() -> None:
    scores = np.repeat([0.05, 0.35, 0.95], 100)
    made = calibration_of(scores, np.tile([True, False], 150))
    assert made is not None
    assert made.within == pytest.approx(0.0, abs=1e-12)


def test_perfect_scores_are_rarely_called_off_and_their_error_is_what_chance_makes() -> None:
    generator = np.random.default_rng(1)
    found = []
    for _ in range(100):
        scores = generator.beta(2, 5, 1000)
        found.append(calibration_of(scores, generator.random(1000) < scores))
    known = [one for one in found if one is not None]
    assert np.mean([one.error for one in known]) == pytest.approx(
        np.mean([one.error_by_chance for one in known]), rel=0.1
    )
    assert sum(one.p_value is not None and one.p_value < 0.05 for one in known) <= 12
    assert sum(one.surely_off for one in known) <= 1


def test_scores_that_promise_too_much_are_surely_off() -> None:
    generator = np.random.default_rng(2)
    true = generator.beta(2, 5, 4000)
    made = calibration_of(np.minimum(1.0, true * 1.6), generator.random(4000) < true)
    assert made is not None
    assert made.surely_off
    assert made.error > 0.1


def test_scores_that_are_no_probabilities_or_missing_are_not_judged() -> None:
    assert calibration_of(np.array([0.2, 3.0]), np.array([True, False])) is None
    assert calibration_of(np.array([np.nan]), np.array([True])) is None
    certain = calibration_of(np.array([0.0, 1.0]), np.array([False, True]))
    assert certain is not None
    assert (certain.error, certain.p_value, certain.surely_off) == (0.0, None, False)


def test_calibration_makes_scores_that_promise_too_much_truer() -> None:
    generator = np.random.default_rng(3)
    true = generator.beta(2, 5, 6000)
    scores, labels = np.minimum(1.0, true * 1.8), generator.random(6000) < true
    calibrate = fit_calibrator(scores[:3000], labels[:3000])
    assert (
        equal_mass_error(calibrate(scores[3000:]), labels[3000:]) < equal_mass_error(scores[3000:], labels[3000:]) / 3
    )


def test_few_rows_of_a_label_leave_scores_as_they_are() -> None:
    labels = np.array([True] * 3 + [False] * 60)
    assert isinstance(fit_calibrator(np.linspace(0, 1, 63), labels), AsTheyAre)
    assert fit_calibrator(np.zeros(0), np.zeros(0, dtype=bool))(np.array([1.5]))[0] == 1.0
