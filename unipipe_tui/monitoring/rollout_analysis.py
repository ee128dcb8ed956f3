"""Whether a candidate does worse than the stable variant: each question of a policy answered, and what follows for the step.

Every interval is one of `sequential`: it holds at all looks together. The questions share the policy's `false_alarms`
equally, and so do the steps of a rollout that begin to count anew, so an equal version is aborted in no more than that share of
rollouts, whatever is looked at and when (Bonferroni; the true rate is well below).

- **abort**: a question's whole interval lies beyond what is tolerated. A single question is enough, and no minimum of requests is
  waited for: an interval knows itself how little was seen.
- **advance**: the candidate had its minimum of requests and every question allows it by the policy's `advance_when`. A question
  about labels that nobody gave yet stands in the way only of `surely-no-worse`: labels may come weeks later.
- **hold**: else. A question that cannot be answered at all holds, and its sentence says why.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from unipipe_tui.domain.rollouts.analysis import (
    AdvanceRule,
    Analysis,
    AnalysisPolicy,
    ComparedMeasure,
    Histogram,
    Measures,
    Verdict,
)
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.sequential import (
    Counted,
    Interval,
    difference_interval,
    greatest_distance_interval,
    share_interval,
)
from unipipe_tui.monitoring.words import percent

NOTHING = Counted(0, 0)
MILLISECONDS = 1000.0


def analyse(stable: Measures | None, candidate: Measures, policy: AnalysisPolicy, counted_anew: int = 1) -> Analysis:
    """Answer each question that the policy asks, and conclude.

    Both must have been counted over the same time with unchanged shares of the traffic. `counted_anew` says at how many steps of
    the rollout counting begins at zero; each may spend so much less of `false_alarms`. Without a stable variant only the slow
    requests can be judged, and every other question holds. Torn counts (more errors than requests) are cut, never an error.
    """
    questions = _questions(policy)
    alpha = policy.false_alarms / max(1, len(questions) * counted_anew)
    checks = tuple(question(stable, candidate, policy, alpha) for question in questions)
    return _concluded(checks, candidate, policy)


Question = Callable[[Measures | None, Measures, AnalysisPolicy, float], ComparedMeasure]


@frozen
class _Harm:
    """How much worse the candidate is, as it was counted and as far as is sure."""

    counted: float
    surely: Interval


def _questions(policy: AnalysisPolicy) -> tuple[Question, ...]:
    """Those that are asked, the most urgent first."""
    asked: list[tuple[object, Question]] = [
        (policy.errors_worse_by, _errors),
        (policy.slow_after_ms, _slow),
        (policy.yes_differs_by, _decided_yes),
        (policy.scores_differ_by, _scores),
        (policy.precision_worse_by, partial(_labels, "precision", _precise, policy.precision_worse_by)),
        (policy.response_worse_by, partial(_labels, "response", _responded, policy.response_worse_by)),
    ]
    return tuple(question for configured, question in asked if configured is not None)


def _errors(stable: Measures | None, candidate: Measures, policy: AnalysisPolicy, alpha: float) -> ComparedMeasure:
    before, now = _failed(stable), _failed(candidate)
    between = difference_interval(now, before, alpha)
    harm = _Harm(_difference(now, before), between)
    return _compared("error rate", "requests", before, now, between, harm, policy.errors_worse_by or 0.0, policy, alpha)


def _decided_yes(stable: Measures | None, candidate: Measures, policy: AnalysisPolicy, alpha: float) -> ComparedMeasure:
    before, now = _yes(stable), _yes(candidate)
    between = difference_interval(now, before, alpha)
    apart = Interval(max(between.low, -between.high, 0.0), max(-between.low, between.high))
    harm = _Harm(abs(_difference(now, before)), apart)
    return _compared(
        "decided yes", "decisions", before, now, between, harm, policy.yes_differs_by or 0.0, policy, alpha
    )


def _labels(
    name: str,
    count: Callable[[Measures | None], Counted],
    tolerated: float | None,
    stable: Measures | None,
    candidate: Measures,
    policy: AnalysisPolicy,
    alpha: float,
) -> ComparedMeasure:
    before, now = count(stable), count(candidate)
    between = difference_interval(now, before, alpha)
    # Labels come slowly: what a handful of them says is only heard when it is sure.
    enough = min(now.trials, before.trials) >= policy.minimum_requests
    harm = _Harm(-_difference(now, before) if enough else -1.0, Interval(-between.high, -between.low))
    return _compared(name, "labels", before, now, between, harm, tolerated or 0.0, policy, alpha)


def _slow(stable: Measures | None, candidate: Measures, policy: AnalysisPolicy, alpha: float) -> ComparedMeasure:
    """Both "more than the limit" and "more than the stable variant" must be sure for an abort: each alone is wrong with
    probability `alpha` at most, so both together are (intersection-union test; Berger, 1982)."""
    limit = candidate.seconds.own_limit((policy.slow_after_ms or 0.0) / MILLISECONDS)
    now, before = _above(candidate.seconds, limit), NOTHING if stable is None else _above(stable.seconds, limit)
    within = share_interval(now, alpha)
    between = Interval(1.0, 1.0) if stable is None else difference_interval(now, before, alpha)
    slower = _difference(now, before) > 0 if stable is not None else True
    said = (
        f"slow requests: {_share(now, 'requests')} took longer than {limit * MILLISECONDS:g} ms{_against(before)}; "
        f"truly {percent(within.low)} to {percent(within.high)}{_surely(alpha)}; tolerated {percent(policy.slow_at_most)}"
    )
    if not now.trials:
        verdict, said = Verdict.HOLD, "slow requests: none of the candidate was timed yet"
    elif within.low > policy.slow_at_most and between.low > 0:
        verdict = Verdict.ABORT
    elif policy.advance_when is AdvanceRule.SURELY_NO_WORSE:
        verdict = Verdict.ADVANCE if within.high <= policy.slow_at_most or between.high <= 0 else Verdict.HOLD
    else:
        verdict = Verdict.HOLD if (now.share or 0.0) > policy.slow_at_most and slower else Verdict.ADVANCE
    return _answer("slow requests", verdict, before, now, within if now.trials else None, policy.slow_at_most, said)


def _scores(stable: Measures | None, candidate: Measures, policy: AnalysisPolicy, alpha: float) -> ComparedMeasure:
    tolerated = policy.scores_differ_by or 0.0
    ours, theirs = candidate.scores, candidate.scores if stable is None else stable.scores
    now = Counted(0, ours.total)
    before = NOTHING if stable is None else Counted(0, theirs.total)
    if not now.trials or not before.trials:
        said = f"scores: {now.trials:,} of the candidate and {before.trials:,} of the stable variant, nothing to compare yet"
        return _answer("scores", Verdict.HOLD, before, now, None, tolerated, said)
    if ours.limits != theirs.limits:
        said = "scores: the two variants count theirs by different limits, so they cannot be compared"
        return _answer("scores", Verdict.HOLD, before, now, None, tolerated, said)
    apart = greatest_distance_interval(_cut_all(ours), _cut_all(theirs), alpha)
    seen = max(
        (abs(a / now.trials - b / before.trials) for a, b in zip(ours.counts, theirs.counts, strict=True)), default=0.0
    )
    said = (
        f"scores: the distributions of {now.trials:,} and {before.trials:,} are {seen:.3f} apart (Kolmogorov-Smirnov); "
        f"truly {apart.low:.3f} to {apart.high:.3f}{_surely(alpha)}; tolerated {tolerated:g}"
    )
    verdict = _verdict(_Harm(seen, apart), tolerated, policy)
    return _answer("scores", verdict, before, now, apart, tolerated, said)


def _compared(
    name: str,
    of: str,
    before: Counted,
    now: Counted,
    between: Interval,
    harm: _Harm,
    tolerated: float,
    policy: AnalysisPolicy,
    alpha: float,
) -> ComparedMeasure:
    if not before.trials or not now.trials:
        # Labels come when they come: a step does not wait for the first one unless it must be sure.
        waits = of != "labels" or policy.advance_when is AdvanceRule.SURELY_NO_WORSE
        verdict = Verdict.HOLD if waits else Verdict.ADVANCE
        counts = f"{_many(now.trials, of)} of the candidate and {before.trials:,} of the stable variant"
        said = f"{name}: {counts}, nothing to compare yet"
        return _answer(name, verdict, before, now, None, tolerated, said)
    said = (
        f"{name}: {_share(now, of)}{_against(before)}; truly {_points(between.low)} to {_points(between.high)} "
        f"points{_surely(alpha)}; tolerated {tolerated * 100:g} points"
    )
    return _answer(name, _verdict(harm, tolerated, policy), before, now, between, tolerated, said)


def _verdict(harm: _Harm, tolerated: float, policy: AnalysisPolicy) -> Verdict:
    if harm.surely.low > tolerated:
        return Verdict.ABORT
    strict = policy.advance_when is AdvanceRule.SURELY_NO_WORSE
    return Verdict.ADVANCE if (harm.surely.high if strict else harm.counted) <= tolerated else Verdict.HOLD


def _concluded(checks: tuple[ComparedMeasure, ...], candidate: Measures, policy: AnalysisPolicy) -> Analysis:
    bad = next((check for check in checks if check.verdict is Verdict.ABORT), None)
    if bad is not None:
        return Analysis(Verdict.ABORT, checks, f"surely worse than tolerated: {bad.said}")
    if candidate.requests < policy.minimum_requests:
        seen = f"{candidate.requests:,} of at least {policy.minimum_requests:,} requests of the candidate so far"
        return Analysis(Verdict.HOLD, checks, seen)
    waiting = next((check for check in checks if check.verdict is Verdict.HOLD), None)
    if waiting is not None:
        return Analysis(Verdict.HOLD, checks, f"not sure enough to go on: {waiting.said}")
    strict = policy.advance_when is AdvanceRule.SURELY_NO_WORSE
    good = "surely no worse than tolerated" if strict else "no sign of harm"
    told = checks[0].said if len(checks) == 1 else ", ".join(check.name for check in checks)
    return Analysis(Verdict.ADVANCE, checks, f"{good} in {_many(candidate.requests, 'requests')}{told and ': '}{told}")


def _answer(
    name: str, verdict: Verdict, before: Counted, now: Counted, between: Interval | None, tolerated: float, said: str
) -> ComparedMeasure:
    low, high = (between.low, between.high) if between else (None, None)
    shared = name != "scores"
    return ComparedMeasure(
        name=name,
        verdict=verdict,
        stable=before.share if shared else None,
        candidate=now.share if shared else None,
        low=low,
        high=high,
        tolerated=tolerated,
        stable_count=before.trials,
        candidate_count=now.trials,
        said=said,
    )


def _failed(measures: Measures | None) -> Counted:
    return NOTHING if measures is None else _cut(measures.errors, measures.requests)


def _yes(measures: Measures | None) -> Counted:
    return NOTHING if measures is None else _cut(measures.yes, measures.decided)


def _precise(measures: Measures | None) -> Counted:
    if measures is None:
        return NOTHING
    return _cut(measures.true_positive, measures.true_positive + measures.false_positive)


def _responded(measures: Measures | None) -> Counted:
    if measures is None:
        return NOTHING
    positive = measures.true_positive + measures.false_negative
    return _cut(positive, positive + measures.false_positive + measures.true_negative)


def _cut(yes: int, trials: int) -> Counted:
    # Counters are read one after another while requests come in, so one may be a little ahead of the other.
    return Counted(max(0, min(yes, trials)), max(0, trials))


def _cut_all(histogram: Histogram) -> tuple[int, ...]:
    return tuple(_cut(count, histogram.total).yes for count in histogram.counts)


def _above(histogram: Histogram, limit: float) -> Counted:
    # Without limits everything would count as above.
    return _cut(histogram.above(limit), histogram.total) if histogram.limits else NOTHING


def _difference(now: Counted, before: Counted) -> float:
    return (now.share or 0.0) - (before.share or 0.0)


def _share(counted: Counted, of: str) -> str:
    return f"{percent(counted.share or 0.0)} of {_many(counted.trials, of)}"


def _against(before: Counted) -> str:
    return f" against {percent(before.share or 0.0)} of the stable variant's {before.trials:,}" if before.trials else ""


def _many(count: int, of: str) -> str:
    return f"{count:,} {of.removesuffix('s') if count == 1 else of}"


def _points(share: float) -> str:
    return f"{share * 100:+.2f}"


def _surely(alpha: float) -> str:
    return f" ({(1 - alpha) * 100:.3g} % confidence sequence)"
