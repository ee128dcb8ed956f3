"""What is counted, for Prometheus and for those who watch a rollout; every number begins anew with the process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest

from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.minutes import NOBODY, MinuteCounts, Who
from unipipe_tui.serving.scoring import Decision, Outcome

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SCORES = tuple(number / 20 for number in range(1, 21))
_OF_VARIANT = ("model", "version", "variant")


@frozen
class Answerer:
    """Who answers: what metrics and log rows name."""

    model: str
    version: int
    variant: str

    @property
    def labels(self) -> tuple[str, str, str]:
        """In the order of the metrics' labels."""
        return self.model, str(self.version), self.variant


class Metrics:
    """All numbers of one server, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self._requests = Counter(
            "unipipe_requests", "Requests for predictions.", (*_OF_VARIANT, "status"), registry=registry
        )
        self._seconds = Histogram(
            "unipipe_request_seconds", "Until the answer was ready.", _OF_VARIANT, registry=registry, buckets=SECONDS
        )
        self.in_flight = Gauge("unipipe_in_flight", "Requests that are being answered.", registry=registry)
        self._scores = Histogram(
            "unipipe_prediction_score", "Scores given.", _OF_VARIANT, registry=registry, buckets=SCORES
        )
        self._decisions = Counter(
            "unipipe_decisions", "Predictions decided.", (*_OF_VARIANT, "decision"), registry=registry
        )
        self._feedback = Counter(
            "unipipe_feedback", "Labels by decision.", (*_OF_VARIANT, "decision", "label"), registry=registry
        )
        self._dropped = Counter(
            "unipipe_shadow_dropped", "Copies that a shadow had no time for.", _OF_VARIANT, registry=registry
        )
        # To find a metric's child by its labels anew costs more than to count with it.
        self._requests_of = cache(self._requests.labels)
        self._seconds_of = cache(self._seconds.labels)
        self._scores_of = cache(self._scores.labels)
        self._decisions_of = cache(self._decisions.labels)
        self.minutes = MinuteCounts()
        self.rows_behind = Gauge("unipipe_log_rows_behind", "Log rows that are not written yet.", registry=registry)

    def prepare(self, answerer: Answerer) -> None:
        """Let a variant be seen before its first request."""
        self._seconds.labels(*answerer.labels)
        self._scores.labels(*answerer.labels)
        self._requests.labels(*answerer.labels, "200")

    def count_request(self, answerer: Answerer | None, status: int, seconds: float, in_flight: int = 0) -> None:
        """One request was answered or refused; by nobody when it never got to a variant. `in_flight` counts it still."""
        self._count(answerer, status, seconds)
        self.minutes.count(who(answerer) if answerer else NOBODY, status, seconds, in_flight)

    def count_copy(self, answerer: Answerer, status: int, seconds: float) -> None:
        """A shadow was done with a copy, which is nobody's request."""
        self._count(answerer, status, seconds)
        self.minutes.count(who(answerer, mirrored=True), status, seconds, 0)

    def _count(self, answerer: Answerer | None, status: int, seconds: float) -> None:
        labels = answerer.labels if answerer else ("", "", "")
        self._requests_of(*labels, str(status)).inc()
        if answerer is not None:
            self._seconds_of(*labels).observe(seconds)

    def count_outcomes(self, answerer: Answerer, outcomes: Sequence[Outcome], *, mirrored: bool = False) -> None:
        """Scores and decisions that were given."""
        self.minutes.count_predictions(who(answerer, mirrored), len(outcomes))
        scores = self._scores_of(*answerer.labels)
        told: dict[str, int] = {}
        for outcome in outcomes:
            if outcome.score is not None:
                scores.observe(outcome.score)
            if outcome.decision is not None:
                word = told_apart(outcome.decision)
                told[word] = told.get(word, 0) + 1
        for word, times in told.items():
            self._decisions_of(*answerer.labels, word).inc(times)

    def count_label(self, answerer: Answerer, decision: Decision, label: object) -> None:
        """A label came for a prediction."""
        self._feedback.labels(*answerer.labels, told_apart(decision), told_apart(label)).inc()

    def count_dropped(self, answerer: Answerer) -> None:
        """A shadow did not get its copy."""
        self._dropped.labels(*answerer.labels).inc()

    def families(self) -> Iterable[Metric]:
        """All of it as values."""
        return self._registry.collect()

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


def who(answerer: Answerer, mirrored: bool = False) -> Who:
    """By what minutes are told apart."""
    return answerer.model, answerer.version, answerer.variant, mirrored


def told_apart(value: object) -> str:
    """`0`, `1` or `other`."""
    text = str(int(value)) if isinstance(value, bool | float) and value == int(value) else str(value)
    return text if text in ("0", "1") else "other"
