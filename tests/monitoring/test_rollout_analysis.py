"""What a policy's questions are answered, what follows for the step, and how often that is wrong."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.domain.rollouts.analysis import (
    AdvanceRule,
    Analysis,
    AnalysisPolicy,
    ComparedMeasure,
    Histogram,
    Measures,
    Verdict,
)
from unipipe_tui.monitoring.rollout_analysis import analyse

EVERYTHING = AnalysisPolicy(
    slow_after_ms=200,
    yes_differs_by=0.05,
    scores_differ_by=0.1,
    precision_worse_by=0.05,
    response_worse_by=0.05,
)
STRICT = AnalysisPolicy(advance_when=AdvanceRule.SURELY_NO_WORSE)
NAMES = ["error rate", "slow requests", "decided yes", "scores", "precision", "response"]


def did(
    requests: int, errors: int = 0, slow: int = 0, yes: int | None = None, low_scores: int | None = None
) -> Measures:
    half = requests // 2 if low_scores is None else low_scores
    return Measures(
        name="canary",
        version=2,
        requests=requests,
        errors=errors,
        seconds=Histogram((0.1, 0.25), (requests - slow, requests - slow, requests)),
        scores=Histogram((0.5, 1.0), (half, requests, requests)),
        decided=requests,
        yes=requests // 10 if yes is None else yes,
    )


def labelled(right: int, wrong: int, missed: int = 0, rest: int = 0) -> Measures:
    counts = Measures("canary", 2, requests=1000)
    return dataclasses.replace(
        counts, true_positive=right, false_positive=wrong, false_negative=missed, true_negative=rest
    )


def named(analysis: Analysis, name: str) -> ComparedMeasure:
    return next(check for check in analysis.checks if check.name == name)


def test_a_fifth_of_errors_against_none_is_an_abort_after_some_dozen_requests() -> None:
    analysis = analyse(did(300), did(40, errors=8), AnalysisPolicy())
    assert analysis.verdict is Verdict.ABORT
    assert analysis.why.startswith("surely worse than tolerated: error rate: 20.0 % of 40 requests against 0.0 %")


def test_an_abort_waits_for_no_minimum_of_requests() -> None:
    policy = AnalysisPolicy(minimum_requests=1000)
    assert analyse(did(300), did(40, errors=8), policy).verdict is Verdict.ABORT
    held = analyse(did(300), did(40), policy)
    assert (held.verdict, held.why) == (Verdict.HOLD, "40 of at least 1,000 requests of the candidate so far")


def test_enough_requests_without_a_sign_of_harm_go_on() -> None:
    analysis = analyse(did(900, errors=9), did(100, errors=1), AnalysisPolicy())
    assert analysis.verdict is Verdict.ADVANCE
    assert analysis.why.startswith("no sign of harm in 100 requests: error rate: 1.0 % of 100")


def test_a_figure_worse_than_tolerated_that_is_not_sure_holds() -> None:
    analysis = analyse(did(900), did(100, errors=3), AnalysisPolicy())
    assert analysis.verdict is Verdict.HOLD
    assert analysis.why.startswith("not sure enough to go on: error rate: 3.0 %")


def test_the_strict_rule_waits_until_no_more_than_tolerated_is_sure() -> None:
    assert analyse(did(900), did(100), STRICT).verdict is Verdict.HOLD
    sure = analyse(did(18_000), did(2000), STRICT)
    assert sure.verdict is Verdict.ADVANCE
    assert sure.why.startswith("surely no worse than tolerated in 2,000 requests")
    assert (sure.checks[0].high or 1) <= 0.01


def test_a_better_candidate_is_no_reason_to_abort() -> None:
    assert analyse(did(900, errors=400), did(900), AnalysisPolicy()).verdict is Verdict.ADVANCE


def test_slow_requests_are_counted_from_the_nearest_limit_and_it_is_said() -> None:
    analysis = analyse(did(900), did(200, slow=60), AnalysisPolicy(slow_after_ms=200))
    assert analysis.verdict is Verdict.ABORT
    assert "30.0 % of 200 requests took longer than 250 ms" in analysis.why


def test_a_candidate_as_slow_as_the_stable_variant_is_not_aborted_for_it() -> None:
    policy = AnalysisPolicy(slow_after_ms=250)
    assert analyse(did(900, slow=270), did(900, slow=270), policy).verdict is Verdict.ADVANCE
    assert analyse(did(900, slow=270), did(900, slow=275), policy).verdict is Verdict.HOLD
    assert analyse(None, did(900, slow=270), policy).verdict is Verdict.ABORT


def test_a_server_that_times_nothing_holds_and_says_so() -> None:
    silent = dataclasses.replace(did(900), seconds=Histogram())
    check = named(analyse(silent, silent, AnalysisPolicy(slow_after_ms=250)), "slow requests")
    assert (check.verdict, check.said) == (Verdict.HOLD, "slow requests: none of the candidate was timed yet")


@pytest.mark.parametrize("yes", [10, 400])
def test_decisions_may_differ_neither_way(yes: int) -> None:
    policy = AnalysisPolicy(errors_worse_by=None, yes_differs_by=0.05)
    analysis = analyse(did(2000, yes=400), did(1000, yes=yes), policy)
    assert analysis.verdict is Verdict.ABORT
    assert analysis.checks[0].name == "decided yes"


def test_shifted_scores_are_an_abort_and_other_limits_hold() -> None:
    policy = AnalysisPolicy(scores_differ_by=0.1)
    shifted = analyse(did(2000), did(500, low_scores=100), policy)
    assert shifted.verdict is Verdict.ABORT
    assert "0.300 apart (Kolmogorov-Smirnov)" in shifted.why
    other = dataclasses.replace(did(2000), scores=Histogram((0.4, 1.0), (1000, 2000, 2000)))
    assert named(analyse(other, did(500), policy), "scores").verdict is Verdict.HOLD


def test_precision_and_response_are_judged_by_labels() -> None:
    policy = AnalysisPolicy(errors_worse_by=None, precision_worse_by=0.05, response_worse_by=0.05)
    worse = analyse(labelled(800, 200, 100, 900), labelled(500, 500, 100, 900), policy)
    assert [check.verdict for check in worse.checks] == [Verdict.ABORT, Verdict.ABORT]
    assert (worse.checks[0].stable, worse.checks[0].candidate) == (0.8, 0.5)
    assert (worse.checks[1].stable, worse.checks[1].candidate) == (0.45, 0.3)
    better = analyse(labelled(500, 500, 100, 900), labelled(800, 200, 100, 900), policy)
    assert better.verdict is Verdict.ADVANCE


@pytest.mark.parametrize(("rule", "verdict"), [("no-sign-of-harm", Verdict.ADVANCE), ("surely-no-worse", Verdict.HOLD)])
def test_labels_that_nobody_gave_yet_hold_only_who_must_be_sure(rule: str, verdict: Verdict) -> None:
    policy = AnalysisPolicy(errors_worse_by=None, precision_worse_by=0.05, advance_when=AdvanceRule(rule))
    assert analyse(labelled(0, 0), labelled(0, 0), policy).verdict is verdict
    assert analyse(labelled(8, 2), labelled(1, 2), policy).verdict is verdict


def test_without_a_stable_variant_there_is_nothing_to_compare_with() -> None:
    analysis = analyse(None, did(500), EVERYTHING)
    assert analysis.verdict is Verdict.HOLD
    assert "nothing to compare yet" in analysis.why
    assert named(analysis, "slow requests").verdict is Verdict.ADVANCE


def test_a_policy_without_questions_only_counts_requests() -> None:
    policy = AnalysisPolicy(errors_worse_by=None)
    assert analyse(None, did(99), policy).verdict is Verdict.HOLD
    enough = analyse(None, did(100, errors=100), policy)
    assert (enough.verdict, enough.why) == (Verdict.ADVANCE, "no sign of harm in 100 requests")


def test_questions_and_steps_share_the_false_alarms() -> None:
    alone = analyse(did(900), did(100), AnalysisPolicy()).checks[0]
    among_six = analyse(did(900), did(100), EVERYTHING).checks[0]
    of_three_steps = analyse(did(900), did(100), AnalysisPolicy(), counted_anew=3).checks[0]
    assert (alone.high or 0) < (of_three_steps.high or 0) < (among_six.high or 0)
    assert "(95 % confidence sequence)" in alone.said
    assert "(98.3 % confidence sequence)" in of_three_steps.said


def test_all_questions_are_answered_in_order_with_a_sentence_each() -> None:
    analysis = analyse(did(900), did(100), EVERYTHING)
    assert [check.name for check in analysis.checks] == NAMES
    assert all(check.said.startswith(f"{check.name}: ") for check in analysis.checks)


counts = st.integers(0, 3000)
histograms = st.builds(Histogram, st.just((0.1, 0.25)), st.tuples(counts, counts, counts)) | st.just(Histogram())
measures = st.builds(
    Measures,
    name=st.just("x"),
    version=st.just(1),
    requests=counts,
    errors=counts,
    seconds=histograms,
    scores=histograms,
    decided=counts,
    yes=counts,
    true_positive=counts,
    false_positive=counts,
    false_negative=counts,
    true_negative=counts,
)


@given(st.none() | measures, measures, st.sampled_from(AdvanceRule))
def test_no_counters_however_torn_are_an_error(stable: Measures | None, candidate: Measures, rule: AdvanceRule) -> None:
    analysis = analyse(stable, candidate, dataclasses.replace(EVERYTHING, advance_when=rule))
    assert (analysis.verdict is Verdict.ABORT) == any(check.verdict is Verdict.ABORT for check in analysis.checks)
    for check in analysis.checks:
        assert check.low is None or check.high is None or check.low <= check.high


@given(measures)
def test_a_variant_is_never_worse_than_itself(one: Measures) -> None:
    assert analyse(one, one, EVERYTHING).verdict is not Verdict.ABORT


def test_equal_versions_are_hardly_ever_aborted_though_looked_at_every_second() -> None:
    random = np.random.default_rng(11)
    policy = AnalysisPolicy(errors_worse_by=0.0, slow_after_ms=250, slow_at_most=0.0)
    aborted = sum(_first_abort(random, policy, 0.05, 0.05, looks=40) is not None for _ in range(25))
    assert aborted <= 25 * policy.false_alarms


def test_a_fifth_of_errors_is_found_within_thirty_seconds_of_a_tenth_of_the_traffic() -> None:
    random = np.random.default_rng(13)
    seconds = [_first_abort(random, EVERYTHING, 0.0, 0.2, looks=30) for _ in range(10)]
    assert all(found is not None for found in seconds)


def _first_abort(
    random: np.random.Generator, policy: AnalysisPolicy, stable: float, candidate: float, looks: int
) -> int | None:
    """The second of the abort, at 50 requests a second of which 5 are the candidate's, looked at every second."""
    before, now = [0, 0, 0], [0, 0, 0]
    for look in range(1, looks + 1):
        for seen, requests, share in ((before, 45, stable), (now, 5, candidate)):
            for place, likely in enumerate((share, 0.05, 0.1)):
                seen[place] += int(random.binomial(requests, likely))
        if analyse(did(45 * look, *before), did(5 * look, *now), policy, counted_anew=3).verdict is Verdict.ABORT:
            return look
    return None
