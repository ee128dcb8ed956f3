"""Many rollouts in numbers only: how often one of an equal version is aborted, and how soon one of a worse version is.

    python benchmarks/canary_false_alarms.py [--rollouts 400] [--seed 7]

Every rollout is looked at after each batch of requests, as the driver of a release does each second. One JSON line a figure.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from figures import Figure

from unipipe_tui.domain.rollouts.analysis import AnalysisPolicy, Histogram, Measures, Verdict
from unipipe_tui.monitoring.rollout_analysis import analyse

ROLLOUTS = 400
SEED = 7
REQUESTS_PER_SECOND = 50
CANARY_SHARE = 0.1
SECONDS_LIMITS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SCORE_LIMITS = tuple(i / 20 for i in range(1, 21))
Counts = np.random.Generator


@dataclass(frozen=True)
class Behaviour:
    """What a variant truly does."""

    errors: float = 0.01
    slow: float = 0.05
    yes: float = 0.1
    score_shift: float = 0.0
    precision: float = 0.8
    response: float = 0.05
    labelled: float = 0.2


ERRORS = AnalysisPolicy()
EVERYTHING = AnalysisPolicy(
    errors_worse_by=0.01,
    slow_after_ms=250,
    yes_differs_by=0.05,
    scores_differ_by=0.1,
    precision_worse_by=0.05,
    response_worse_by=0.02,
)
HARSH = replace(
    EVERYTHING,
    errors_worse_by=0.0,
    slow_at_most=0.0,
    yes_differs_by=0.0,
    scores_differ_by=0.0,
    precision_worse_by=0.0,
    response_worse_by=0.0,
)
"""Nothing is tolerated, so that an equal version stands on the very border of what is: the hardest case for false alarms."""

EQUAL = {
    "equal, errors 1 %, nothing tolerated": (Behaviour(), Behaviour(), replace(ERRORS, errors_worse_by=0.0)),
    "equal, errors 20 %, nothing tolerated": (Behaviour(0.2), Behaviour(0.2), replace(ERRORS, errors_worse_by=0.0)),
    "exactly as much worse as tolerated": (Behaviour(0.01), Behaviour(0.02), ERRORS),
    "equal, all six questions": (Behaviour(), Behaviour(), EVERYTHING),
    "equal, all six questions, nothing tolerated": (Behaviour(), Behaviour(), HARSH),
}
WORSE = {
    "errors 20 % against 0 %": (Behaviour(0.0), Behaviour(0.2), ERRORS),
    "errors 20 % against 0 %, all six questions": (Behaviour(0.0), Behaviour(0.2), EVERYTHING),
    "errors 5 % against 1 %": (Behaviour(0.01), Behaviour(0.05), ERRORS),
    "slow 10 % against 5 %": (Behaviour(), Behaviour(slow=0.1), EVERYTHING),
    "slow 20 % against 10 %": (Behaviour(slow=0.1), Behaviour(slow=0.2), EVERYTHING),
    "scores shifted by 0.2": (Behaviour(), Behaviour(score_shift=0.2), EVERYTHING),
    "precision 0.6 against 0.8": (Behaviour(), Behaviour(precision=0.6), EVERYTHING),
}


def share_aborted(name: str, rollouts: int, looks: int, random: Counts, outage: bool = False) -> Figure:
    """In what share of rollouts of an equal version any look says abort; steps of 10, 25 and 50 %, each counted anew."""
    stable, candidate, policy = EQUAL[name]
    begun = time.perf_counter()
    aborted = 0
    for _ in range(rollouts):
        steps = (_first_abort(stable, candidate, policy, share, looks, random, outage) for share in (0.1, 0.25, 0.5))
        aborted += any(seen is not None for seen in steps)
    told = f"{name}, and an outage of both" if outage else name
    counted = {"aborted": aborted, "share": round(aborted / rollouts, 4), "looks_each": 3 * looks}
    milliseconds = round((time.perf_counter() - begun) * 1000 / (rollouts * 3 * looks), 2)
    return Figure(
        told, f"share at most {policy.false_alarms}", rollouts, counted={**counted, "milliseconds_a_look": milliseconds}
    )


def requests_to_abort(name: str, rollouts: int, looks: int, random: Counts) -> Figure:
    """How many requests of the candidate, and seconds at 50 requests a second with a canary of 10 %, an abort takes."""
    stable, candidate, policy = WORSE[name]
    seen = [_first_abort(stable, candidate, policy, CANARY_SHARE, looks, random) for _ in range(rollouts)]
    # One that was missed took longer than all looks.
    found = sorted(look if look is not None else looks for look in seen)
    a_look = REQUESTS_PER_SECOND * CANARY_SHARE
    median, late = found[len(found) // 2], found[math.ceil(0.95 * len(found)) - 1]
    counted = {"median_requests": median * a_look, "p95_requests": late * a_look, "p95_seconds": late}
    missed = sum(look is None for look in seen)
    return Figure(name, "20 % errors: 30 s", rollouts, median, counted={**counted, "missed": missed})


def _first_abort(
    stable: Behaviour,
    candidate: Behaviour,
    policy: AnalysisPolicy,
    share: float,
    looks: int,
    random: Counts,
    outage: bool = False,
) -> int | None:
    """The first of so many looks, one a second, that says abort; at three steps, so that each spends a third."""
    before, now = empty("stable", 1), empty("canary", 2)
    for look in range(1, looks + 1):
        bad = outage and looks // 3 < look <= looks // 2
        ours = int(random.binomial(REQUESTS_PER_SECOND, share))
        before = after_batch(before, replace(stable, errors=0.5) if bad else stable, REQUESTS_PER_SECOND - ours, random)
        now = after_batch(now, replace(candidate, errors=0.5) if bad else candidate, ours, random)
        if analyse(before, now, policy, counted_anew=3).verdict is Verdict.ABORT:
            return look
    return None


def empty(name: str, version: int) -> Measures:
    """A variant that was asked nothing yet."""
    seconds = Histogram(SECONDS_LIMITS, (0,) * (len(SECONDS_LIMITS) + 1))
    return Measures(name, version, seconds=seconds, scores=Histogram(SCORE_LIMITS, (0,) * (len(SCORE_LIMITS) + 1)))


def after_batch(was: Measures, does: Behaviour, requests: int, random: Counts) -> Measures:
    """The counters after so many more requests."""
    slow = random.random(requests) < does.slow
    seconds = np.where(slow, 0.4, 0.03)
    scores = np.clip(random.beta(1, 4, requests) + does.score_shift, 0, 1)
    yes = int(random.binomial(requests, does.yes))
    labelled = int(random.binomial(requests, does.labelled))
    hits, good = int(random.binomial(labelled, 0.5)), int(random.binomial(labelled, does.response))
    precise = int(random.binomial(hits, does.precision))
    return replace(
        was,
        requests=was.requests + requests,
        errors=was.errors + int(random.binomial(requests, does.errors)),
        seconds=_filled(was.seconds, seconds),
        scores=_filled(was.scores, scores),
        decided=was.decided + requests,
        yes=was.yes + yes,
        true_positive=was.true_positive + precise,
        false_positive=was.false_positive + hits - precise,
        false_negative=was.false_negative + good,
        true_negative=was.true_negative + labelled - hits,
    )


def _filled(was: Histogram, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Histogram:
    added = [int((values <= limit).sum()) for limit in (*was.limits, math.inf)]
    return Histogram(was.limits, tuple(a + b for a, b in zip(was.counts, added, strict=True)))


def false_alarms(workspace: Path) -> Figure:
    """The largest share of rollouts of an equal version that were aborted, of all kinds of equal versions."""
    random = np.random.default_rng(SEED)
    each = [share_aborted(name, _affordable(name, ROLLOUTS), 60, random) for name in EQUAL]
    counted = {f"share, {one.figure}": one.counted["share"] for one in each}
    return Figure("false alarms of a canary", "share <= 0.05", sum(one.runs for one in each), counted=counted)


def abort_of_errors(workspace: Path) -> Figure:
    """How soon errors of 20 % are found, in numbers only."""
    return requests_to_abort("errors 20 % against 0 %", ROLLOUTS // 10, 600, np.random.default_rng(SEED))


def _affordable(name: str, rollouts: int) -> int:
    return rollouts // 5 if "six" in name else rollouts


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=ROLLOUTS)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    random = np.random.default_rng(asked.seed)
    figures: list[Callable[[], Figure]] = [
        *(lambda name=name: share_aborted(name, _affordable(name, asked.rollouts), 60, random) for name in EQUAL),
        lambda: share_aborted("equal, errors 1 %, nothing tolerated", asked.rollouts, 60, random, outage=True),
        *(lambda name=name: requests_to_abort(name, max(20, asked.rollouts // 10), 600, random) for name in WORSE),
    ]
    for figure in figures:
        print(figure().line(), flush=True)


if __name__ == "__main__":
    main()
