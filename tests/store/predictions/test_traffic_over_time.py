"""All the traffic in stretches of equally many rows, and where the scores lie."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.made import NOON
from tests.store.predictions.test_log import Row, label, prediction, segment
from unipipe_tui.domain.serving import ScoreCell
from unipipe_tui.store.predictions.log import PredictionLog


@pytest.fixture
def log(tmp_path: Path) -> PredictionLog:
    return PredictionLog(tmp_path)


def scored(number: int, score: object) -> Row:
    return prediction(number) | {"score": score}


def test_a_target_without_traffic_has_neither_stretches_nor_scores(log: PredictionLog) -> None:
    assert log.stretches("local", 10) == ()
    assert log.scores("local", 10, 5) == ()


def test_stretches_are_of_equally_many_rows_oldest_first_with_their_own_figures(
    log: PredictionLog, tmp_path: Path
) -> None:
    segment(tmp_path, "predictions-1", *(prediction(number, number % 2) for number in range(8)))
    segment(tmp_path, "feedback-1", label(0, 0), label(1, 1), label(7, 0))
    first, second = log.stretches("local", 2)
    assert [(one.rows, one.yes, one.labelled) for one in (first, second)] == [(4, 2, 2), (4, 2, 1)]
    assert (first.true_positive, first.true_negative, second.false_positive) == (1, 1, 1)
    assert (first.first, first.last) == (NOON, NOON + timedelta(minutes=3))
    assert (first.p50_ms, second.p50_ms) == (1.5, 5.5)


def test_a_stretch_is_of_one_version(log: PredictionLog, tmp_path: Path) -> None:
    rows = [prediction(number, version=1 if number < 5 else 2) for number in range(8)]
    segment(tmp_path, "predictions-1", *rows)
    assert [(one.version, one.rows) for one in log.stretches("local", 2)] == [(1, 4), (1, 1), (2, 3)]


def test_only_what_came_since_a_moment_counts(log: PredictionLog, tmp_path: Path) -> None:
    segment(tmp_path, "predictions-1", *(prediction(number) for number in range(8)))
    found = log.stretches("local", 1, NOON + timedelta(minutes=6))
    assert [(one.rows, one.first) for one in found] == [(2, NOON + timedelta(minutes=6))]


def test_scores_are_counted_in_cells_for_the_latest_and_for_as_many_before(log: PredictionLog, tmp_path: Path) -> None:
    scores = [0.9, 0.9, 0.1, 0.1, 0.5, 1.0]
    segment(tmp_path, "predictions-1", *(scored(number, score) for number, score in enumerate(scores)))
    assert log.scores("local", 2, 2) == (ScoreCell(0.0, 0.5, 0, 2), ScoreCell(0.5, 1.0, 2, 0))


def test_scores_that_are_no_probabilities_have_cells_as_far_as_they_reach(log: PredictionLog, tmp_path: Path) -> None:
    segment(tmp_path, "predictions-1", *(scored(number, number * 10.0) for number in range(5)))
    assert [(one.low, one.high, one.latest) for one in log.scores("local", 9, 2)] == [(0.0, 20.0, 2), (20.0, 40.0, 3)]


def test_a_model_without_scores_has_none(log: PredictionLog, tmp_path: Path) -> None:
    segment(tmp_path, "predictions-1", scored(1, None), scored(2, None))
    assert log.scores("local", 9, 2) == ()


def test_equal_scores_lie_in_one_cell(log: PredictionLog, tmp_path: Path) -> None:
    segment(tmp_path, "predictions-1", scored(1, 7.0), scored(2, 7.0))
    assert [one.latest for one in log.scores("local", 9, 2)] == [2, 0]
