"""The figures of decisions and scores, held against scikit-learn's and SciPy's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from unipipe_tui.domain.errors import Failed
from unipipe_tui.monitoring.performance import (
    Confusion,
    Metric,
    PerformanceState,
    confusion_of,
    evaluate,
    judge_performance,
    ranking_metrics,
    wilson_interval,
)

scores = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(-1e6, 1e6))
rows = st.lists(st.tuples(scores, st.booleans(), st.booleans(), st.sampled_from(["north", "süd", "[b]"])), max_size=60)
confusions = st.builds(Confusion, *(st.integers(0, 500) for _ in range(4)))


@given(rows)
def test_average_precision_and_roc_area_are_those_of_scikit_learn(rows: list[tuple[float, bool, bool, str]]) -> None:
    values, labels = [row[0] for row in rows], [row[2] for row in rows]
    ranking = ranking_metrics(values, labels)
    if any(labels):
        assert ranking.pr_auc == pytest.approx(metrics.average_precision_score(labels, values), abs=1e-9)
    else:
        assert ranking.pr_auc is None
    if any(labels) and not all(labels):
        assert ranking.roc_auc == pytest.approx(metrics.roc_auc_score(labels, values), abs=1e-9)
    else:
        assert ranking.roc_auc is None


@given(rows)
def test_precision_recall_f1_and_accuracy_are_those_of_scikit_learn(rows: list[tuple[float, bool, bool, str]]) -> None:
    decisions, labels = [row[1] for row in rows], [row[2] for row in rows]
    confusion = confusion_of(decisions, labels)
    for estimate, theirs in [
        (confusion.precision, metrics.precision_score),
        (confusion.recall, metrics.recall_score),
        (confusion.f1, metrics.f1_score),
        (confusion.accuracy, metrics.accuracy_score),
    ]:
        if estimate.value is not None:
            assert estimate.value == pytest.approx(theirs(labels, decisions), abs=1e-12)


@given(rows)
def test_the_slices_add_up_to_the_whole(rows: list[tuple[float, bool, bool, str]]) -> None:
    values, decisions = [row[0] for row in rows], [row[1] for row in rows]
    labels, slices = [row[2] for row in rows], [row[3] for row in rows]
    found = evaluate(values, decisions, labels, slices)
    cells = ("true_positive", "false_positive", "false_negative", "true_negative")
    for cell in cells:
        parts = sum(getattr(part.confusion, cell) for _, part in found.by_slice)
        assert parts == getattr(found.overall.confusion, cell)
    assert [name for name, _ in found.by_slice] == sorted(set(slices))
    assert found.overall.confusion.labels == len(rows)
    assert all(part == evaluate(*rows_of(rows, name)).overall for name, part in found.by_slice)


def rows_of(rows: list[tuple[float, bool, bool, str]], name: str) -> tuple[list[float], list[bool], list[bool]]:
    wanted = [row for row in rows if row[3] == name]
    return [row[0] for row in wanted], [row[1] for row in wanted], [row[2] for row in wanted]


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_the_wilson_interval_is_that_of_scipy(successes: int, failures: int) -> None:
    estimate = wilson_interval(successes, successes + failures)
    if successes + failures == 0:
        assert estimate.value is None
        return
    theirs = stats.binomtest(successes, successes + failures).proportion_ci(method="wilson")
    assert (estimate.low, estimate.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(confusions, st.sampled_from(Metric))
def test_every_interval_holds_its_value_and_stays_a_share(confusion: Confusion, metric: Metric) -> None:
    estimate = confusion.estimate(metric)
    if estimate.value is not None:
        assert estimate.low is not None
        assert estimate.high is not None
        assert 0.0 <= estimate.low <= estimate.value <= estimate.high <= 1.0


def test_equal_scores_rank_alike_in_whatever_order_they_come() -> None:
    once, again = (
        ranking_metrics([0.5, 0.5, 0.1], [True, False, True]),
        ranking_metrics([0.5, 0.5, 0.1], [False, True, True]),
    )
    assert once == again


def test_infinite_scores_rank_like_any_other() -> None:
    assert ranking_metrics([math.inf, 1.0, -math.inf], [True, True, False]).roc_auc == 1.0


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(Failed, match="not a number"):
        evaluate([0.5, math.nan], [True, False], [True, False])


def test_sequences_of_different_lengths_are_refused() -> None:
    with pytest.raises(Failed, match="one score"):
        evaluate([0.5], [True, False], [True, False])


def test_no_rows_at_all_is_an_evaluation_that_knows_nothing() -> None:
    found = evaluate([], [], [], [])
    assert found.overall.precision.value is None
    assert found.overall.pr_auc is None
    assert found.by_slice == ()


def test_a_precision_surely_under_its_threshold_is_below_and_the_sentence_says_how_surely() -> None:
    verdict = judge_performance(Confusion(80, 40, 10, 900), Metric.PRECISION, at_least=0.95, minimum_labels=200)
    assert (verdict.state, verdict.surely) == (PerformanceState.BELOW, True)
    assert "precision 0.667" in verdict.sentence
    assert "whole interval" in verdict.sentence


def test_a_precision_just_under_its_threshold_is_below_but_not_surely() -> None:
    verdict = judge_performance(Confusion(94, 6, 10, 900), Metric.PRECISION, at_least=0.95, minimum_labels=200)
    assert (verdict.state, verdict.surely) == (PerformanceState.BELOW, False)
    assert "reaches across" in verdict.sentence


def test_a_recall_over_its_threshold_is_ok() -> None:
    verdict = judge_performance(Confusion(990, 6, 10, 900), Metric.RECALL, at_least=0.95, minimum_labels=200)
    assert (verdict.state, verdict.surely) == (PerformanceState.OK, True)


@pytest.mark.parametrize("confusion", [Confusion(0, 9, 1, 10), Confusion(0, 0, 0, 5000), Confusion(0, 0, 0, 0)])
def test_too_few_labels_are_no_verdict(confusion: Confusion) -> None:
    verdict = judge_performance(confusion, Metric.PRECISION, at_least=0.95, minimum_labels=200)
    assert verdict.state is PerformanceState.TOO_FEW_LABELS
    assert not verdict.surely
