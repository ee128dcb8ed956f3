"""What is counted of variants, and what a policy may ask."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.rollouts.analysis import AnalysisPolicy, Histogram, Measures

SECONDS = Histogram((0.1, 0.5), (5, 9, 10))
BEFORE = Measures("canary", 4, requests=10, errors=2, seconds=SECONDS, decided=10, yes=3, true_positive=1)
whole = st.integers(0, 1000)
measures = st.builds(
    Measures,
    name=st.just("canary"),
    version=st.just(4),
    requests=whole,
    errors=whole,
    seconds=st.lists(whole, min_size=3, max_size=3).map(lambda counts: Histogram((0.1, 0.5), tuple(sorted(counts)))),
    decided=whole,
    yes=whole,
    true_positive=whole,
)


def plus(one: Measures, other: Measures) -> Measures:
    counts = tuple(a + b for a, b in zip(one.seconds.counts, other.seconds.counts, strict=True))
    return dataclasses.replace(
        one,
        requests=one.requests + other.requests,
        errors=one.errors + other.errors,
        seconds=Histogram((0.1, 0.5), counts),
        decided=one.decided + other.decided,
        yes=one.yes + other.yes,
        true_positive=one.true_positive + other.true_positive,
    )


@given(measures, measures)
def test_what_was_added_is_what_was_done_since(before: Measures, added: Measures) -> None:
    assert plus(before, added).since(before) == added


@pytest.mark.parametrize(
    "anew",
    [
        dataclasses.replace(BEFORE, requests=3),
        dataclasses.replace(BEFORE, requests=50, errors=1),
        dataclasses.replace(BEFORE, requests=50, seconds=Histogram((0.1, 0.5), (4, 40, 50))),
        dataclasses.replace(BEFORE, requests=50, true_positive=0),
        dataclasses.replace(BEFORE, requests=50, version=5),
    ],
)
def test_counters_that_began_anew_count_whole(anew: Measures) -> None:
    assert anew.since(BEFORE) == anew


def test_a_histogram_tells_how_many_were_above() -> None:
    assert [SECONDS.above(limit) for limit in (0.1, 0.5, 0.05)] == [5, 1, 10]
    assert SECONDS.total == 10
    assert (Histogram().total, Histogram().above(1.0)) == (0, 0)


@pytest.mark.parametrize(("asked", "own"), [(0.1, 0.1), (0.2, 0.1), (0.45, 0.5), (0.01, 0.1), (60, 0.5)])
def test_a_histogram_knows_its_nearest_limit(asked: float, own: float) -> None:
    assert SECONDS.own_limit(asked) == own
    assert Histogram().own_limit(asked) == asked


@pytest.mark.parametrize(
    "wrong",
    [
        {"errors_worse_by": 1.0},
        {"errors_worse_by": -0.1},
        {"slow_at_most": math.nan},
        {"scores_differ_by": 2.0},
        {"false_alarms": 0.0},
        {"false_alarms": 1.0},
        {"minimum_requests": -1},
        {"slow_after_ms": 0.0},
        {"slow_after_ms": math.inf},
    ],
)
def test_what_is_no_share_and_no_number_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        dataclasses.replace(AnalysisPolicy(), **wrong)  # type: ignore[arg-type]
