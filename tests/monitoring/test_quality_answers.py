"""Regressions and models of several classes are told from yes and no by their log, measured, and estimated where that can be."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    f1_score,
    mean_absolute_error,
    precision_score,
    recall_score,
    roc_auc_score,
    root_mean_squared_error,
)

from unipipe_tui.domain.answers import AnswerKind, kind_of
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.serving import AnsweredRows
from unipipe_tui.monitoring.performance import Estimate
from unipipe_tui.monitoring.quality.answers import report_answers
from unipipe_tui.monitoring.quality.classes import measured_classes, recalls
from unipipe_tui.monitoring.quality.forecasts import forecast
from unipipe_tui.monitoring.quality.measured import mean_roc_area
from unipipe_tui.monitoring.quality.results import Clock, Loss, Quality, QualitySettings, TrendState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLASSES = ("apple", "pear", "plum")
names = st.lists(st.sampled_from(CLASSES), min_size=2, max_size=40)


def moments(rows: int) -> tuple[datetime, ...]:
    return tuple(NOON + timedelta(hours=place) for place in range(rows))


def numbers(rows: int, labelled: int | None = None, noisier_from: int | None = None, seed: int = 1) -> AnsweredRows:
    """A row an hour; the noise of half of them is three times that of the others. From one row on all are as noisy."""
    generator = np.random.default_rng(seed)
    amount, noisy = generator.normal(50, 10, rows), generator.random(rows) < 0.5
    if noisier_from is not None:
        noisy[noisier_from:] = True
    true = amount + generator.normal(0, 1, rows) * np.where(noisy, 6.0, 2.0)
    known = rows if labelled is None else labelled
    at = moments(rows)
    return AnsweredRows(
        at=at,
        scores=tuple(amount.tolist()),
        decisions=(None,) * rows,
        labels=tuple(str(one) if place < known else None for place, one in enumerate(true.tolist())),
        label_at=tuple(moment if place < known else None for place, moment in enumerate(at)),
        inputs={"amount": tuple(amount.tolist()), "kind": tuple("rough" if one else "fine" for one in noisy)},
    )


def classes(rows: int, wrong_from: int | None = None) -> AnsweredRows:
    """Nine of ten are right; from one row on every pear is called a plum."""
    generator = np.random.default_rng(2)
    true = generator.choice(CLASSES, rows)
    said = np.where(generator.random(rows) < 0.9, true, generator.choice(CLASSES, rows))
    if wrong_from is not None:
        said[wrong_from:] = np.where(true[wrong_from:] == "pear", "plum", said[wrong_from:])
    return AnsweredRows(
        at=moments(rows),
        scores=(None,) * rows,
        decisions=tuple(said.tolist()),
        labels=tuple(true.tolist()),
        label_at=moments(rows),
        inputs={"colour": tuple("green" if one == "pear" else "red" for one in true)},
    )


def answers(scores: list[float | None], decisions: list[str | None], labels: list[str | None]) -> AnsweredRows:
    rows = len(scores)
    return AnsweredRows(moments(rows), tuple(scores), tuple(decisions), tuple(labels), (None,) * rows)


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (answers([0.2, 0.9], ["0", "1"], ["1", None]), AnswerKind.DECISIONS),
        (answers([0.2, 0.9], [None, None], ["1", "0"]), AnswerKind.DECISIONS),
        (answers([0.2, None], ["false", "True"], [None, None]), AnswerKind.DECISIONS),
        (answers([0.2, 0.9], [None, None], ["0.3", None]), AnswerKind.NUMBERS),
        (answers([3.5, 0.9], [None, None], [None, None]), AnswerKind.NUMBERS),
        (answers([None, None], ["0", "1"], ["2", None]), AnswerKind.CLASSES),
        (answers([None, None], ["pear", "plum"], [None, None]), AnswerKind.CLASSES),
        (answers([], [], []), AnswerKind.DECISIONS),
        (
            AnsweredRows(
                moments(2),
                (None,) * 2,
                ("0", "1"),
                ("1", None),
                (NOON, None),
                probabilities=dict.fromkeys("012", (0.3, 0.4)),
            ),
            AnswerKind.CLASSES,
        ),
    ],
)
def test_the_log_tells_what_a_model_answers_with(rows: AnsweredRows, kind: AnswerKind) -> None:
    assert kind_of(rows) is kind


def test_losses_are_measured_with_t_intervals_and_estimated_before_true_values_come() -> None:
    truth = numbers(4000, noisier_from=3000)
    report = report_answers(
        numbers(4000, labelled=3000, noisier_from=3000), None, QualitySettings(Loss.MAE, 4.0, 100, 500)
    )
    assert (report.kind, report.metric, report.less_is_better) == (AnswerKind.NUMBERS, Loss.MAE, True)
    first, last = report.windows[2], report.windows[-1]
    true, said = np.array([float(one or "nan") for one in truth.labels]), np.array(truth.scores)
    losses = np.abs(true - said)[1000:1500]
    measured = first.figure(Loss.MAE).measured
    assert measured.value == pytest.approx(mean_absolute_error(true[1000:1500], said[1000:1500]))
    assert measured.high == pytest.approx(losses.mean() + 1.9647 * losses.std(ddof=1) / math.sqrt(500), rel=1e-4)
    root = first.figure(Loss.RMSE).measured
    assert root.value == pytest.approx(root_mean_squared_error(true[1000:1500], said[1000:1500]))
    assert (last.labelled, last.figure(Loss.MAE).measured.value) == (0, None)
    # The inputs tell the trees that all these rows are noisy.
    late = mean_absolute_error(true[3500:], said[3500:])
    assert last.figure(Loss.MAE).estimated.value == pytest.approx(late, rel=0.1)
    assert report.misses(last.figure(Loss.MAE).estimated.value)
    assert not report.misses(measured.value)


def test_errors_of_numbers_that_grow_are_seen_by_the_detector_that_decides() -> None:
    report = report_answers(numbers(4000, noisier_from=3000), None, QualitySettings(Loss.RMSE, None, 100, 250))
    adwin = next(one for one in report.detectors if one.decides)
    assert adwin.worsened
    assert adwin.changes[-1] >= NOON + timedelta(hours=3000)
    assert "farther off than" in report.detected_on
    assert report.limit is not None
    assert "upper end of what is usual" in report.notices[0]


def test_numbers_without_labels_enough_are_not_estimated_and_nothing_is_made_up() -> None:
    report = report_answers(numbers(300, labelled=20), None, QualitySettings(Loss.MAE, None, 100, 100))
    assert report.limit is None
    assert all(window.figure(Loss.MAE).estimated.value is None for window in report.windows)
    assert any("Nothing is estimated" in one for one in report.notices)
    assert report.forecast.state is TrendState.TOO_FEW_WINDOWS


def test_a_loss_that_rises_has_a_forecast_like_a_figure_that_falls() -> None:
    at = moments(12)
    rising = [Estimate(value, value - 0.05, value + 0.05) for value in (1 + place / 10 for place in range(12))]
    found = forecast("mae", 3.0, at, rising, less_is_better=True)
    assert found.state is TrendState.RISING
    assert "mae rises above 3 in about" in found.sentence
    assert found.below_in_seconds == pytest.approx(9 * 3600, rel=0.01)
    assert (found.slope_per_day, found.limit) == (pytest.approx(2.4), 3.0)
    assert forecast("mae", 1.5, at, rising, less_is_better=True).state is TrendState.ALREADY_ABOVE
    assert forecast("mae", None, at, rising, less_is_better=True).sentence.endswith("nothing is asked of it.")
    assert forecast("mae", 3.0, at, rising[::-1], less_is_better=True).state is TrendState.NO_TREND


def test_classes_are_measured_overall_and_each_and_nothing_is_estimated() -> None:
    report = report_answers(classes(4000, wrong_from=3000), None, QualitySettings(Quality.F1, 0.8, 100, 500))
    assert report.kind is AnswerKind.CLASSES
    last = report.windows[-1]
    assert [one.name for one in last.classes] == ["apple", "pear", "plum"]
    assert last.classes[1].recall.value == 0.0
    assert report.misses(last.figure(Quality.F1).measured.value)
    assert all(figure.estimated.value is None for window in report.windows for figure in window.figures)
    assert "no probabilities" in report.notices[-1]
    assert next(one for one in report.detectors if one.decides).worsened
    assert report.drop is not None
    assert (report.drop.slices[0].column, report.drop.slices[0].value) == ("colour", "green")
    with pytest.raises(UsageError, match="roc_auc of several classes"):
        report_answers(classes(100), None, QualitySettings(Quality.ROC_AUC, 0.8, 100, 500))


def likely(rows: int, labelled: int) -> AnsweredRows:
    """Each class comes true as often as it is said to, and the likeliest is chosen."""
    generator = np.random.default_rng(6)
    shares = generator.dirichlet((0.6, 0.6, 0.6), rows)
    true = [CLASSES[generator.choice(3, p=share)] for share in shares]
    return AnsweredRows(
        at=moments(rows),
        scores=(None,) * rows,
        decisions=tuple(CLASSES[place] for place in shares.argmax(axis=1)),
        labels=tuple(one if place < labelled else None for place, one in enumerate(true)),
        label_at=moments(rows),
        probabilities={name: tuple(shares[:, place].tolist()) for place, name in enumerate(CLASSES)},
    )


def test_classes_are_estimated_where_the_log_has_their_probabilities() -> None:
    rows = likely(1800, 1200)
    report = report_answers(rows, None, QualitySettings(Quality.ACCURACY, 0.6, 100, 150))
    estimated = (Quality.ACCURACY, Quality.PRECISION, Quality.RECALL, Quality.F1, Quality.ROC_AUC)
    inside = 0
    for window in report.windows:
        for metric in estimated:
            figure = window.figure(metric)
            assert figure.estimated.low is not None and figure.estimated.high is not None
            assert (figure.measured.value is None) is (window.labelled == 0)
            if figure.measured.value is not None:
                inside += figure.estimated.low <= figure.measured.value <= figure.estimated.high
    assert inside >= 0.85 * 8 * len(estimated)
    last = report.windows[-1].figure(Quality.ACCURACY).estimated
    assert last.value == pytest.approx(np.max(list(rows.probabilities.values()), axis=0)[-150:].mean(), abs=0.06)
    assert not report.notices
    by_labels = report_answers(rows, None, QualitySettings(Quality.F1, 0.6, 100, 150, clock=Clock.LABEL))
    assert all(figure.estimated.value is None for window in by_labels.windows for figure in window.figures)
    few = report_answers(rows, None, QualitySettings(Quality.ACCURACY, 0.6, 3000, 150))
    assert "480 labelled rows of at least 3,000" in few.notices[-1]


def test_a_reference_with_other_classes_estimates_nothing() -> None:
    other = dataclasses.replace(likely(600, 600), probabilities={"fig": (1.0,) * 600})
    report = report_answers(likely(900, 0), other, QualitySettings(Quality.ACCURACY, 0.6, 100, 300), "other.parquet")
    assert "the reference has 0 labelled rows" in report.notices[-1]


def test_the_mean_area_of_classes_is_that_of_scikit_learn_and_its_interval_that_of_draws() -> None:
    rows = likely(900, 900)
    scores = np.column_stack([rows.probabilities[name] for name in CLASSES])
    real = np.array([CLASSES.index(str(one)) for one in rows.labels])
    found = mean_roc_area(scores, real)
    assert found.value == pytest.approx(roc_auc_score(real, scores, multi_class="ovr"))
    draws = np.random.default_rng(3).integers(0, len(real), (100, len(real)))
    spread = np.std([roc_auc_score(real[draw], scores[draw], multi_class="ovr") for draw in draws])
    assert found.low is not None and found.high is not None
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(spread, rel=0.2)
    assert mean_roc_area(scores[real < 2], real[real < 2]).value is None


@given(names, st.randoms())
def test_means_over_classes_are_those_of_scikit_learn_and_lie_in_their_interval(
    true: list[str], random: object
) -> None:
    generator = np.random.default_rng(len(true))
    said = generator.choice(CLASSES, len(true))
    of = {Quality.PRECISION: precision_score, Quality.RECALL: recall_score, Quality.F1: f1_score}
    for metric, theirs in of.items():
        found = measured_classes(metric, said, np.array(true))
        assert found.value == pytest.approx(theirs(true, said, average="macro", zero_division=0))
        assert found.value is not None and found.low is not None and found.high is not None
        assert 0 <= found.low <= found.value <= found.high <= 1
    assert sum(one.rows for one in recalls(said, np.array(true))) == len(true)


def test_the_interval_of_macro_f1_holds_what_it_promises() -> None:
    generator = np.random.default_rng(5)
    table = np.array([[0.3, 0.05, 0.0], [0.05, 0.2, 0.1], [0.02, 0.08, 0.2]])
    tops = 2 * table.diagonal() / (table.sum(axis=0) + table.sum(axis=1))
    held = 0
    for _ in range(300):
        cells = generator.choice(9, 300, p=(table / table.sum()).ravel())
        said, true = np.array(CLASSES)[cells % 3], np.array(CLASSES)[cells // 3]
        found = measured_classes(Quality.F1, said, true)
        assert found.low is not None and found.high is not None
        held += found.low <= tops.mean() <= found.high
    assert 0.92 <= held / 300 <= 0.98
