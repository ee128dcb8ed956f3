"""How good a model's yes-or-no decisions and its scores are, overall and by slice, with honest intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from itertools import groupby

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.values import frozen

Z_95 = 1.959963984540054  # the 97.5 % quantile of the standard normal distribution


class Metric(Enum):
    """The figures a confusion matrix answers."""

    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    ACCURACY = "accuracy"


@frozen
class Estimate:
    """A share with its 95 % interval; all three are None when there is nothing to divide by."""

    value: float | None
    low: float | None
    high: float | None


UNKNOWN = Estimate(None, None, None)


@frozen
class Confusion:
    """How decisions and labels met, in rows."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def labels(self) -> int:
        """All rows."""
        return self.true_positive + self.false_positive + self.false_negative + self.true_negative

    @property
    def positives(self) -> int:
        """The rows whose label is yes."""
        return self.true_positive + self.false_negative

    @property
    def precision(self) -> Estimate:
        """Of the rows decided yes, the share labelled yes."""
        return wilson_interval(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> Estimate:
        """Of the rows labelled yes, the share decided yes."""
        return wilson_interval(self.true_positive, self.positives)

    @property
    def accuracy(self) -> Estimate:
        """The share of rows decided as labelled."""
        return wilson_interval(self.true_positive + self.true_negative, self.labels)

    @property
    def f1(self) -> Estimate:
        """The harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN).

        Its interval comes from that of F* = TP / (TP + FP + FN), a plain proportion of which F1 = 2 F* / (1 + F*) is a
        rising function (Hand, Christen and Kirielle, 2021; "Wilson indirect" in Lam, Gopal and Qian, 2023).
        """
        star = wilson_interval(self.true_positive, self.true_positive + self.false_positive + self.false_negative)
        return Estimate(_f1_of_star(star.value), _f1_of_star(star.low), _f1_of_star(star.high))

    def estimate(self, metric: Metric) -> Estimate:
        """The figure that a metric names."""
        match metric:
            case Metric.PRECISION:
                return self.precision
            case Metric.RECALL:
                return self.recall
            case Metric.F1:
                return self.f1
            case Metric.ACCURACY:
                return self.accuracy


@frozen
class Ranking:
    """How well scores put the positive rows first.

    `pr_auc` is average precision, None without a positive row; `roc_auc` is None unless there are rows of both labels.
    """

    pr_auc: float | None
    roc_auc: float | None


@frozen
class Metrics:
    """Everything known about one set of labelled decisions. `pr_auc` and `roc_auc` are those of `Ranking`."""

    confusion: Confusion
    precision: Estimate
    recall: Estimate
    f1: Estimate
    accuracy: Estimate
    pr_auc: float | None
    roc_auc: float | None


@frozen
class Evaluation:
    """The same figures for all rows and for each slice, slices in the order of their names."""

    overall: Metrics
    by_slice: tuple[tuple[str, Metrics], ...] = ()


class PerformanceState(Enum):
    """Whether a figure is good enough, as far as one can tell."""

    OK = "ok"
    BELOW = "below"
    TOO_FEW_LABELS = "too few labels"


@frozen
class PerformanceVerdict:
    """A figure held against what was asked of it; `surely` when its whole 95 % interval lies on the state's side."""

    metric: Metric
    value: float | None
    low: float | None
    high: float | None
    threshold: float
    labels: int
    state: PerformanceState
    surely: bool
    sentence: str


def evaluate(
    scores: Sequence[float], decisions: Sequence[bool], labels: Sequence[bool], slices: Sequence[str] | None = None
) -> Evaluation:
    """The figures of decisions and scores whose labels are known; all sequences are parallel, one entry a row.

    `slices` names the slice of each row. Raises `Failed` for sequences of different lengths and scores that are NaN.
    """
    lengths = {len(scores), len(decisions), len(labels)} | ({len(slices)} if slices is not None else set())
    if len(lengths) != 1:
        raise Failed("There must be one score, decision, label and slice a row.", f"Rows: {sorted(lengths)}.")
    members: dict[str, list[int]] = {}
    for row, name in enumerate(slices or ()):
        members.setdefault(name, []).append(row)
    return Evaluation(
        overall=_metrics(scores, decisions, labels, range(len(labels))),
        by_slice=tuple((name, _metrics(scores, decisions, labels, members[name])) for name in sorted(members)),
    )


def confusion_of(decisions: Sequence[bool], labels: Sequence[bool]) -> Confusion:
    """Count how decisions and labels met."""
    met = [(bool(decision), bool(label)) for decision, label in zip(decisions, labels, strict=True)]
    return Confusion(
        met.count((True, True)), met.count((True, False)), met.count((False, True)), met.count((False, False))
    )


def ranking_metrics(scores: Sequence[float], labels: Sequence[bool]) -> Ranking:
    """Average precision and the area under the ROC curve, in O(n log n).

    Rows of one score are one threshold, as in scikit-learn: average precision is the sum of (R_k - R_{k-1}) P_k over
    falling thresholds, without interpolation; the ROC area counts a tie as half a win (Mann and Whitney, 1947).
    Infinite scores rank like any other. Raises `Failed` for a score that is NaN.
    """
    ranked = sorted(zip(scores, labels, strict=True), key=lambda row: -row[0])
    if any(math.isnan(score) for score, _ in ranked):
        raise Failed("A score is not a number (NaN).", "Scores must be ordered; leave such rows out.")
    positives = sum(1 for label in labels if label)
    negatives = len(ranked) - positives
    seen = hits = 0
    precision_area = wins = 0.0
    for _, tied in groupby(ranked, key=lambda row: row[0]):
        group = [bool(label) for _, label in tied]
        won = sum(group)
        misses_before = seen - hits
        lost = len(group) - won
        seen, hits = seen + len(group), hits + won
        precision_area += won * hits / seen
        wins += won * (negatives - misses_before - lost / 2)
    return Ranking(
        pr_auc=precision_area / positives if positives else None,
        roc_auc=wins / (positives * negatives) if positives and negatives else None,
    )


def judge_performance(confusion: Confusion, metric: Metric, at_least: float, minimum_labels: int) -> PerformanceVerdict:
    """Hold one figure against `at_least`: below when the figure is, provided there are labels enough to say anything.

    Too few labels means fewer than `minimum_labels`, or none that the figure could be made from.
    """
    estimate = confusion.estimate(metric)
    if confusion.labels < minimum_labels or estimate.value is None or estimate.low is None or estimate.high is None:
        state, surely = PerformanceState.TOO_FEW_LABELS, False
        sentence = _too_few(confusion.labels, metric, minimum_labels)
    else:
        below = estimate.value < at_least
        state = PerformanceState.BELOW if below else PerformanceState.OK
        surely = estimate.high < at_least if below else estimate.low >= at_least
        sentence = (
            f"{metric.value} {estimate.value:.3f} (95 % {estimate.low:.3f} to {estimate.high:.3f}, "
            f"{confusion.labels:,} labels) is {'below' if below else 'at least'} {at_least:g}; "
            f"{'the whole interval is' if surely else 'the interval reaches across it'}."
        )
    return PerformanceVerdict(
        metric, estimate.value, estimate.low, estimate.high, at_least, confusion.labels, state, surely, sentence
    )


def wilson_interval(successes: int, trials: int) -> Estimate:
    """The share of successes with its 95 % score interval, which stays within 0 and 1 and holds for few trials
    (Wilson, 1927; recommended by Brown, Cai and DasGupta, 2001)."""
    if trials == 0:
        return UNKNOWN
    share = successes / trials
    scale = 1 + Z_95**2 / trials
    centre = (share + Z_95**2 / (2 * trials)) / scale
    reach = Z_95 / scale * math.sqrt(share * (1 - share) / trials + Z_95**2 / (4 * trials**2))
    return Estimate(share, min(share, max(0.0, centre - reach)), max(share, min(1.0, centre + reach)))


def _metrics(
    scores: Sequence[float], decisions: Sequence[bool], labels: Sequence[bool], rows: Sequence[int]
) -> Metrics:
    true = [labels[row] for row in rows]
    confusion = confusion_of([decisions[row] for row in rows], true)
    ranking = ranking_metrics([scores[row] for row in rows], true)
    return Metrics(
        confusion=confusion,
        precision=confusion.precision,
        recall=confusion.recall,
        f1=confusion.f1,
        accuracy=confusion.accuracy,
        pr_auc=ranking.pr_auc,
        roc_auc=ranking.roc_auc,
    )


def _f1_of_star(star: float | None) -> float | None:
    return None if star is None else 2 * star / (1 + star)


def _too_few(labels: int, metric: Metric, minimum_labels: int) -> str:
    if labels < minimum_labels:
        return f"too few labels to judge {metric.value}: {labels:,} of at least {minimum_labels:,}."
    return f"none of {labels:,} labels says anything about {metric.value}."
