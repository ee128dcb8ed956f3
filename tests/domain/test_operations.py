"""Latencies in buckets: what is told of them is near what they were, however they are put together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.domain.operations import PERCENTILE_WITHIN, Latency, bucket_of, merged

TIMES = st.lists(st.floats(0.02, 120_000), min_size=1, max_size=200)


def counted(times: Sequence[float]) -> Latency:
    return Latency(tuple(sorted(Counter(bucket_of(time) for time in times).items())))


@given(TIMES, st.floats(0.01, 1.0))
def test_a_percentile_is_within_two_and_a_half_percent_of_the_exact_one(times: list[float], share: float) -> None:
    exact = sorted(times)[max(1, math.ceil(share * len(times) - 1e-9)) - 1]
    told = counted(times).percentile(share)
    assert told is not None
    assert abs(told / exact - 1) <= PERCENTILE_WITHIN + 1e-9 < 0.025


@given(TIMES, TIMES)
def test_histograms_that_are_merged_are_the_histogram_of_all(one: list[float], other: list[float]) -> None:
    assert merged([counted(one), counted(other)]) == counted(one + other)


@given(TIMES, st.floats(0.02, 120_000))
def test_how_many_took_longer_is_off_by_no_more_than_the_bucket_of_the_limit(times: list[float], limit: float) -> None:
    told = counted(times)
    at_limit = dict(told.counts).get(bucket_of(limit), 0)
    assert abs(told.over(limit) - sum(time > limit for time in times)) <= at_limit


def test_nothing_has_no_percentile() -> None:
    assert Latency().percentile(0.5) is None
    assert Latency().over(10) == 0.0


def test_what_took_no_time_is_counted_in_the_first_bucket() -> None:
    assert counted([0.0, 0.001]).counts == ((0, 2),)
