"""Hours that are not as such hours are: found when they are, and not otherwise."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from unipipe_tui.domain.operations import Measure
from unipipe_tui.monitoring.operations.anomalies import HourSeen, judge

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
WEEK = 168
AFTERNOON = 30 * 24 + 14


def traffic(seed: int, hours: int, base: float = 800.0, weekend: float = 0.4, growth: float = 0.0) -> list[HourSeen]:
    """Traffic with days and weekends, that grows; latency that rises with the day; some requests fail."""
    random = np.random.default_rng(seed)
    seen = []
    for number in range(hours):
        at = MONDAY + timedelta(hours=number)
        day = math.sin(2 * math.pi * (at.hour - 8) / 24)
        mean = base * math.exp(0.8 * day + growth * number / WEEK) * (weekend if at.weekday() >= 5 else 1.0)
        requests = int(random.poisson(mean * math.exp(random.normal(0, 0.08))))
        errors = int(random.binomial(requests, 0.002))
        p95 = 5 * math.exp(0.2 * day + random.normal(0, 0.05) + random.normal(0, 1 / math.sqrt(max(requests, 1))))
        seen.append(HourSeen(at, 60.0, requests, errors, p95 if requests else None, requests))
    return seen


def found(hours: list[HourSeen], since: datetime) -> list[tuple[datetime, Measure]]:
    return [(one.at, one.measure) for one in judge(hours, since) if one.unusual]


@pytest.mark.parametrize(
    ("base", "weekend", "growth"), [(800, 0.4, 0.0), (8, 0.4, 0.0), (20_000, 0.05, 0.0), (800, 0.4, 0.1), (2, 1.0, 0.0)]
)
def test_normal_traffic_with_days_weekends_and_growth_raises_nothing(
    base: float, weekend: float, growth: float
) -> None:
    for seed in range(2):
        hours = traffic(seed, 4 * WEEK, base, weekend, growth)
        judged = judge(hours, MONDAY + timedelta(hours=WEEK + 1))
        assert len(judged) > 2 * 2 * WEEK
        assert [one for one in judged if one.unusual] == []


@pytest.mark.parametrize(
    ("measure", "change"),
    [
        (Measure.TRAFFIC, lambda hour: replace(hour, requests=int(hour.requests * 0.4))),
        (Measure.TRAFFIC, lambda hour: replace(hour, requests=int(hour.requests * 2.2))),
        (Measure.TRAFFIC, lambda hour: replace(hour, requests=0, p95_ms=None, timed=0)),
        (Measure.LATENCY, lambda hour: replace(hour, p95_ms=hour.p95_ms * 1.8)),
        (Measure.ERRORS, lambda hour: replace(hour, errors=int(hour.requests * 0.05))),
    ],
)
def test_a_dip_a_spike_silence_slow_answers_and_failures_are_found_in_their_hour(measure: Measure, change) -> None:
    hours = traffic(3, AFTERNOON + 1)
    hours[AFTERNOON] = change(hours[AFTERNOON])
    assert found(hours, hours[AFTERNOON].at - timedelta(hours=12)) == [(hours[AFTERNOON].at, measure)]


def test_a_latency_step_is_told_at_once_and_becomes_usual_within_a_week() -> None:
    hours = traffic(4, 6 * WEEK)
    step = 4 * WEEK + 10
    hours = [replace(one, p95_ms=one.p95_ms * 2) if number >= step else one for number, one in enumerate(hours)]
    slow = [at for at, measure in found(hours, hours[step - 24].at) if measure is Measure.LATENCY]
    assert slow[0] == hours[step].at
    assert slow[-1] <= hours[step + WEEK].at


def test_that_answers_became_faster_is_no_anomaly() -> None:
    hours = traffic(5, AFTERNOON + 1)
    hours[AFTERNOON] = replace(hours[AFTERNOON], p95_ms=0.5)
    assert found(hours, hours[AFTERNOON].at) == []


def test_before_a_week_is_known_nothing_is_judged() -> None:
    hours = traffic(6, WEEK - 1)
    assert judge(hours, MONDAY + timedelta(days=6)) == ()


def test_gaps_and_hours_in_which_a_clock_was_set_back_raise_nothing() -> None:
    hours = traffic(7, 5 * WEEK)
    # Servers were down for two days, one hour came twice, one only for a quarter.
    hours = [*hours[:400], *hours[448:]]
    twice = hours[600]
    hours[600] = replace(twice, minutes=120.0, requests=2 * twice.requests, timed=2 * twice.timed)
    hours[601] = replace(hours[601], minutes=15.0, requests=hours[601].requests // 4)
    assert found(hours, hours[500].at) == []


def test_an_hour_that_is_not_over_is_judged_by_its_rate_and_not_in_its_first_minutes() -> None:
    hours = traffic(8, AFTERNOON + 1)
    begun = hours[AFTERNOON]
    assert judge([*hours[:AFTERNOON], replace(begun, minutes=5.0, requests=0)], begun.at) == ()
    half = replace(begun, minutes=30.0, requests=begun.requests // 2)
    assert found([*hours[:AFTERNOON], half], begun.at) == []
    assert found([*hours[:AFTERNOON], replace(half, requests=begun.requests // 8)], begun.at) == [
        (begun.at, Measure.TRAFFIC)
    ]


def test_an_outlier_in_the_history_does_not_hide_the_next_one() -> None:
    hours = traffic(9, AFTERNOON + 1)
    for number in (100, 268, 436):
        hours[number] = replace(hours[number], requests=hours[number].requests * 20)
    hours[AFTERNOON] = replace(hours[AFTERNOON], requests=int(hours[AFTERNOON].requests * 0.35))
    assert found(hours, hours[AFTERNOON].at) == [(hours[AFTERNOON].at, Measure.TRAFFIC)]


def test_what_is_too_early_to_judge_at_the_beginning_is_judged_when_a_week_is_known() -> None:
    judged = judge(traffic(1, 2 * WEEK), MONDAY)
    first = {measure: min(one.at for one in judged if one.measure is measure) for measure in Measure}
    assert set(first.values()) == {MONDAY + timedelta(hours=WEEK - 1)}


def test_requests_where_there_never_were_any_are_unusual() -> None:
    silent = [HourSeen(MONDAY + timedelta(hours=number), 60.0, 0, 0, None, 0) for number in range(2 * WEEK)]
    asked = replace(silent[-1], requests=500)
    assert found([*silent[:-1], asked], asked.at) == [(asked.at, Measure.TRAFFIC)]
