"""Error budgets burn at the rate that the workbook says, and one bad event in a quiet night wakes nobody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.fakes import NOON
from unipipe_tui.domain.findings import FindingState, Severity
from unipipe_tui.domain.objectives import BudgetState, Tally
from unipipe_tui.monitoring.operations.budgets import judged
from unipipe_tui.monitoring.operations.burn_rates import DAY, HOUR, RULES, WINDOWS, Ledger, Threshold, charged

MONTH = 30 * DAY
EASY = Threshold(events=100, bad=5)


def minutes(count: int, events: float, bad: float, until: datetime = NOON) -> list[Tally]:
    """So many minutes up to a moment, each with the same events."""
    return [Tally(until - timedelta(minutes=number), events, bad) for number in range(count, 0, -1)]


def state_of(tallies: Iterable[Tally], goal: float = 0.999, threshold: Threshold = EASY) -> BudgetState:
    return judged(Ledger(charged(tallies, goal)), MONTH, NOON, threshold)


def test_the_rules_are_those_of_the_workbook() -> None:
    told = [(rule.factor, rule.long_seconds, rule.short_seconds, rule.severity) for rule in RULES]
    assert told == [
        (14.4, 3600, 300, Severity.CRITICAL),
        (6.0, 6 * 3600, 1800, Severity.CRITICAL),
        (1.0, 3 * 86400, 6 * 3600, Severity.WARNING),
    ]
    assert [rule.share_of_budget(MONTH) for rule in RULES] == pytest.approx([0.02, 0.05, 0.10])
    assert WINDOWS == (300, 1800, 3600, 21600, 259200)


@pytest.mark.parametrize(
    ("share", "minutes_of_it", "severity"),
    [
        (0.0150, 60, Severity.CRITICAL),
        (0.0143, 360, Severity.CRITICAL),  # below 14.4 times, above 6 times
        (0.0061, 360, Severity.CRITICAL),
        (0.0059, 4320, Severity.WARNING),
        (0.0011, 4320, Severity.WARNING),
    ],
)
def test_a_budget_that_burns_too_fast_is_a_problem_as_bad_as_the_fastest_rule(
    share: float, minutes_of_it: int, severity: Severity
) -> None:
    good = minutes(4320, 1000, 0, NOON - timedelta(minutes=minutes_of_it))
    state = state_of([*good, *minutes(minutes_of_it, 1000, 1000 * share)])
    assert (state.state, state.severity) == (FindingState.PROBLEM, severity)


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.00099])
def test_a_budget_that_lasts_is_fine(share: float) -> None:
    assert state_of(minutes(4320, 1000, 1000 * share)).state is FindingState.FINE


def test_trouble_that_is_over_is_no_alert_as_soon_as_the_short_window_is_clean() -> None:
    bad = minutes(50, 1000, 20, NOON - timedelta(minutes=6))
    before = minutes(4320, 1000, 0, NOON - timedelta(minutes=56))
    fast = state_of([*before, *bad, *minutes(6, 1000, 0)]).rules[0]
    assert fast.long.burn_rate is not None
    assert fast.long.burn_rate > 14.4
    assert fast.short.burn_rate == 0
    assert not fast.burns


def test_one_failed_request_in_a_quiet_night_wakes_nobody_and_closes_nothing() -> None:
    quiet = [Tally(NOON - timedelta(hours=number), 2, 0) for number in range(100, 1, -1)]
    state = state_of([*quiet, Tally(NOON - timedelta(minutes=2), 3, 1)])
    assert state.rules[0].long.burn_rate == pytest.approx(1 / 3 / 0.001)
    assert state.rules[0].too_few
    assert state.state is FindingState.UNKNOWN


def test_few_requests_that_nearly_all_fail_are_an_alert() -> None:
    assert state_of([Tally(NOON - timedelta(minutes=2), 6, 5)]).state is FindingState.PROBLEM


@pytest.mark.parametrize("tallies", [[], minutes(20, 1, 0), minutes(4000, 1, 0, NOON - timedelta(hours=7))])
def test_silence_and_few_events_are_not_known(tallies: list[Tally]) -> None:
    assert state_of(tallies).state is FindingState.UNKNOWN


def test_what_is_left_is_what_the_bad_events_left_of_what_was_allowed() -> None:
    state = state_of([Tally(NOON - timedelta(days=10), 100_000, 25), Tally(NOON - timedelta(hours=1), 100_000, 35)])
    assert state.period.allowed == pytest.approx(200)
    assert state.left == pytest.approx(0.7)
    older = Tally(NOON - timedelta(days=31), 100_000, 100_000)
    assert state_of([older]).left is None


def test_objectives_that_share_a_budget_spend_it_together() -> None:
    served = charged([Tally(NOON - timedelta(hours=1), 100_000, 60)], 0.999)
    decided = charged([Tally(NOON - timedelta(hours=2), 1000, 40)], 0.95)
    together = judged(Ledger([*served, *decided]), MONTH, NOON, EASY)
    assert (together.period.bad, together.period.allowed) == (100, pytest.approx(150))
    assert together.left == pytest.approx(1 / 3)
    # Each of them alone would be within its own.
    assert all(
        judged(Ledger(one), MONTH, NOON, EASY).left == pytest.approx(left)
        for one, left in ((served, 0.4), (decided, 0.2))
    )


def test_a_heavier_decision_spends_and_brings_more() -> None:
    charges = charged([Tally(NOON - timedelta(hours=1), 1000, 40)], 0.95, weight=20)
    state = judged(Ledger(charges), MONTH, NOON, EASY)
    assert (state.period.bad, state.period.spent, state.period.allowed) == (40, 800, pytest.approx(1000))


def test_it_is_told_when_a_budget_is_gone_at_the_rate_of_the_last_hours() -> None:
    # Thirty full days: 43,200 minutes of 100 requests allow 4,320 bad ones.
    good = [Tally(NOON - timedelta(hours=number), 6000, 0) for number in range(30 * 24, 6, -1)]
    state = state_of([*good, *minutes(360, 100, 0.2)])
    spent = 360 * 0.2
    assert state.gone_in_seconds == pytest.approx((4320 - spent) / (0.2 / 60), rel=1e-6)


def test_a_budget_that_is_used_up_is_gone_now_and_one_that_lasts_is_never() -> None:
    assert state_of([Tally(NOON - timedelta(days=1), 1000, 2)]).gone_in_seconds == 0
    assert state_of(minutes(1000, 1000, 0.5)).gone_in_seconds is None
    assert state_of([]).gone_in_seconds is None


@given(
    some.lists(some.tuples(some.integers(0, 40 * DAY), some.integers(0, 1000), some.floats(0, 1)), max_size=40),
    some.sampled_from([60, HOUR, DAY, MONTH]),
)
def test_a_window_counts_what_began_in_it(rows: list[tuple[int, int, float]], seconds: int) -> None:
    tallies = [Tally(NOON - timedelta(seconds=age), events, round(events * share)) for age, events, share in rows]
    window = Ledger(charged(tallies, 0.99)).last(seconds, NOON)
    inside = [one for one in tallies if NOON - timedelta(seconds=seconds) <= one.at < NOON]
    assert (window.events, window.bad) == (sum(one.events for one in inside), sum(one.bad for one in inside))
    assert window.allowed == pytest.approx(0.01 * window.events)
