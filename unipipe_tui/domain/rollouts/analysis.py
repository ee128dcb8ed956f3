"""What is counted of each variant while a step lasts, what is asked of it, and what came out."""

from __future__ import annotations

import math
from enum import StrEnum

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.values import frozen


class Verdict(StrEnum):
    """What an analysis says."""

    ADVANCE = "advance"
    HOLD = "hold"
    """What was seen is not enough to be sure, or looks worse than tolerated without being surely so."""
    ABORT = "abort"


@frozen
class Histogram:
    """Counts up to rising limits; the last count is of everything."""

    limits: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    """How many were at most the limit of the same place, then how many there were in all: one more than limits."""

    @property
    def total(self) -> int:
        """How many there were."""
        return self.counts[-1] if self.counts else 0

    def own_limit(self, limit: float) -> float:
        """The limit of its own that comes nearest, the one that `above` counts exactly; the same when it has none."""
        return min(self.limits, key=lambda own: abs(own - limit), default=limit)

    def above(self, limit: float) -> int:
        """How many were above; an upper bound when the limit is not one of the histogram's own."""
        below = [count for bound, count in zip(self.limits, self.counts, strict=False) if bound <= limit]
        return self.total - (below[-1] if below else 0)


@frozen
class Measures:
    """What a variant did since it was started, or since an earlier count of the same."""

    name: str
    """The variant's."""
    version: int
    requests: int = 0
    errors: int = 0
    """Requests that the server failed at (5xx); refused ones (4xx) are the caller's."""
    seconds: Histogram = Histogram()
    """How long requests took."""
    scores: Histogram = Histogram()
    decided: int = 0
    yes: int = 0
    """Predictions decided 1, of those decided."""
    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0

    def since(self, before: Measures) -> Measures:
        """What was added after an earlier count; all of this one when the counters began anew meanwhile."""
        if before.version != self.version:
            return self
        added = Measures(
            name=self.name,
            version=self.version,
            requests=self.requests - before.requests,
            errors=self.errors - before.errors,
            seconds=_less(self.seconds, before.seconds),
            scores=_less(self.scores, before.scores),
            decided=self.decided - before.decided,
            yes=self.yes - before.yes,
            true_positive=self.true_positive - before.true_positive,
            false_positive=self.false_positive - before.false_positive,
            false_negative=self.false_negative - before.false_negative,
            true_negative=self.true_negative - before.true_negative,
        )
        return self if added._fell else added

    @property
    def _fell(self) -> bool:
        """Whether any count is below nothing: no counter falls, so it was set back to zero."""
        counts = (self.requests, self.errors, self.decided, self.yes, *self.seconds.counts, *self.scores.counts)
        return min(*counts, self.true_positive, self.false_positive, self.false_negative, self.true_negative) < 0


class AdvanceRule(StrEnum):
    """When a step that lasted long enough and had requests enough may go on."""

    NO_SIGN_OF_HARM = "no-sign-of-harm"
    """No question is surely answered by harm, and no figure, as it was counted, is worse than tolerated. Quick; a version that is
    a little worse than tolerated may pass a step, and is still watched at the next one."""
    SURELY_NO_WORSE = "surely-no-worse"
    """Every question's whole interval lies within what is tolerated. Nothing worse than tolerated passes, save in the share
    `false_alarms` of rollouts; needs requests in the order of ten divided by the tolerance, or by its square."""


@frozen
class AnalysisPolicy:
    """What a candidate must not do worse than the stable variant, and by how much it may."""

    minimum_requests: int = 100
    """With fewer requests of the candidate, a step does not go on; an abort waits for no number."""
    advance_when: AdvanceRule = AdvanceRule.NO_SIGN_OF_HARM
    """What else it takes to go on: `no-sign-of-harm` or `surely-no-worse`."""
    errors_worse_by: float | None = 0.01
    """Share of failed requests that the candidate may have more than the stable variant."""
    slow_after_ms: float | None = None
    """A request is slow from here on; counted from the nearest limit of the server's histogram."""
    slow_at_most: float = 0.05
    """Share of the candidate's requests that may be slow; more is no reason to abort while the stable variant is as slow."""
    yes_differs_by: float | None = None
    """How far the share of predictions decided yes may be from the stable variant's, either way."""
    scores_differ_by: float | None = None
    """How far the distribution of scores may be from the stable variant's (Kolmogorov-Smirnov distance)."""
    precision_worse_by: float | None = None
    """How much lower the precision by feedback may be."""
    response_worse_by: float | None = None
    """How much lower the share of positive labels among the labelled (a click-through rate) may be."""
    false_alarms: float = 0.05
    """In what share of rollouts of an equal version an abort is tolerated, however often one looks; the questions share it."""

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        shares = (
            self.errors_worse_by,
            self.slow_at_most,
            self.yes_differs_by,
            self.scores_differ_by,
            self.precision_worse_by,
            self.response_worse_by,
        )
        if any(share is not None and not 0 <= share < 1 for share in shares) or not 0 < self.false_alarms < 1:
            raise UsageError("Every tolerance of an analysis is a share between 0 and 1.", hint="errors_worse_by: 0.01")
        if self.minimum_requests < 0 or not (self.slow_after_ms is None or 0 < self.slow_after_ms < math.inf):
            raise UsageError("Numbers of requests and milliseconds are above nothing.", hint="slow_after_ms: 250")


@frozen
class ComparedMeasure:
    """One question about the candidate, answered by intervals that hold however often one looks."""

    name: str
    """`error rate`, `slow requests`, `decided yes`, `scores`, `precision`, `response`."""
    verdict: Verdict
    stable: float | None
    candidate: float | None
    low: float | None
    """From where, and to where, the truth lies, however often one looks: of the difference, candidate less stable; of the
    candidate's own share for slow requests; of the distance for scores. None: nothing to make it from."""
    high: float | None
    tolerated: float
    """What it is held against."""
    stable_count: int
    """Of how many requests, decisions, scores or labels its share is."""
    candidate_count: int
    said: str
    """One sentence with the figures and the method."""


@frozen
class Analysis:
    """All questions, and what follows from them."""

    verdict: Verdict
    checks: tuple[ComparedMeasure, ...]
    why: str
    """The sentence that decided."""


def _less(now: Histogram, before: Histogram) -> Histogram:
    if now.limits != before.limits:
        return now
    return Histogram(now.limits, tuple(a - b for a, b in zip(now.counts, before.counts, strict=True)))
