"""Detectors of change in a stream of errors: the switch between two concepts of STAGGER, by a learner that is frozen."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from unipipe_tui.monitoring.quality.detectors import DETECTORS, KSWIN_ROWS, changes_in, states_of
from unipipe_tui.monitoring.quality.results import DetectorName

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DECIDING = next(choice for choice in DETECTORS if choice.decides)
SWITCH = 2000
WITHIN = 150


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.1])
def test_a_switch_of_concept_is_seen_within_150_samples_and_nothing_is_seen_before_it(noise: float) -> None:
    from concept_drift import stagger_errors

    for seed, (before, after) in enumerate([(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] * 2):
        first, *_ = changes_in(stagger_errors(seed, before, after, noise), DECIDING)
        assert SWITCH <= first < SWITCH + WITHIN


def test_one_detector_decides_and_it_is_adwin() -> None:
    assert [choice.name for choice in DETECTORS if choice.decides] == [DetectorName.ADWIN]
    assert {choice.name for choice in DETECTORS} == set(DetectorName)


def test_a_state_tells_when_the_error_changed_and_from_what_to_what() -> None:
    errors = [False] * 1000 + [True, False] * 150
    moments = [NOON + timedelta(minutes=place) for place in range(len(errors))]
    states = {state.name: state for state in states_of(errors, moments)}
    adwin = states[DetectorName.ADWIN]
    assert adwin.worsened
    assert adwin.rows_since is not None
    assert adwin.changes[-1] == moments[-1 - adwin.rows_since]
    assert adwin.error_before == pytest.approx(0.02, abs=0.03)
    assert adwin.error_now == pytest.approx(0.5, abs=0.02)


def test_an_error_that_falls_is_a_change_but_no_worsening() -> None:
    generator = np.random.default_rng(2)
    errors = [*(generator.random(1000) < 0.5).tolist(), *([False] * 1000)]
    adwin = states_of(errors, [NOON] * len(errors), [DECIDING])[0]
    assert adwin.changes
    assert not adwin.worsened


def test_a_stream_without_a_change_and_an_empty_one_raise_no_alarm() -> None:
    steady = (np.random.default_rng(4).random(5000) < 0.2).tolist()
    assert changes_in(steady, DECIDING) == ()
    empty = states_of([], [])
    assert all((state.rows, state.changes, state.error_now) == (0, (), None) for state in empty)


def test_the_slow_detector_is_shown_the_newest_rows_only() -> None:
    slow = next(choice for choice in DETECTORS if choice.name is DetectorName.KSWIN)
    assert states_of([False] * 2100, [NOON] * 2100, [slow])[0].rows == KSWIN_ROWS
