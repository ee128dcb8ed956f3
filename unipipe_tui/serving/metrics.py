"""What is counted, for Prometheus and for those who watch a rollout; every number begins anew with the process."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from unipipe_tui.domain.values import frozen
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
        self.rows_behind = Gauge("unipipe_log_rows_behind", "Log rows that are not written yet.", registry=registry)

    def prepare(self, answerer: Answerer) -> None:
        """Let a variant be seen before its first request."""
        self._seconds.labels(*answerer.labels)
        self._scores.labels(*answerer.labels)
        self._requests.labels(*answerer.labels, "200")

    def count_request(self, answerer: Answerer | None, status: int, seconds: float) -> None:
        """One request was answered or refused; by nobody when it never got to a variant."""
        labels = answerer.labels if answerer else ("", "", "")
        self._requests.labels(*labels, str(status)).inc()
        if answerer is not None:
            self._seconds.labels(*labels).observe(seconds)

    def count_outcomes(self, answerer: Answerer, outcomes: Sequence[Outcome]) -> None:
        """Scores and decisions that were given."""
        scores = self._scores.labels(*answerer.labels)
        told: dict[str, int] = {}
        for outcome in outcomes:
            if outcome.score is not None:
                scores.observe(outcome.score)
            if outcome.decision is not None:
                word = told_apart(outcome.decision)
                told[word] = told.get(word, 0) + 1
        for word, times in told.items():
            self._decisions.labels(*answerer.labels, word).inc(times)

    def count_label(self, answerer: Answerer, decision: Decision, label: object) -> None:
        """A label came for a prediction."""
        self._feedback.labels(*answerer.labels, told_apart(decision), told_apart(label)).inc()

    def count_dropped(self, answerer: Answerer) -> None:
        """A shadow did not get its copy."""
        self._dropped.labels(*answerer.labels).inc()

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


def told_apart(value: object) -> str:
    """`0`, `1` or `other`."""
    text = str(int(value)) if isinstance(value, bool | float) and value == int(value) else str(value)
    return text if text in ("0", "1") else "other"
