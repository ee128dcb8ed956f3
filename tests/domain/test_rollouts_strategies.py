"""Strategies as lists of traffics: where each begins, ends, and whom it moves on the way."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.rollouts.strategies import Step, Strategy, StrategyKind, course_of
from unipipe_tui.domain.rollouts.traffic import Traffic, Variant

OLD = Variant("stable", "fraud", 3, "d3")
NEW = Variant("stable", "fraud", 4, "d4")

rising = st.lists(st.floats(0.01, 99.99), min_size=1, max_size=6, unique=True).map(lambda steps: tuple(sorted(steps)))
strategies = st.builds(
    Strategy,
    kind=st.sampled_from(StrategyKind),
    steps=rising,
    pause_seconds=st.floats(0, 1e6),
    automatic=st.booleans(),
    sticky=st.none() | st.just("customer"),
)


def told(steps: tuple[Step, ...]) -> list[str]:
    return [step.traffic.told for step in steps]


@given(strategies, st.sampled_from([None, OLD]))
def test_every_course_ends_with_the_candidate_alone(strategy: Strategy, stable: Variant | None) -> None:
    last = course_of(strategy, stable, NEW)[-1]
    assert (last.traffic.main.digest, last.traffic.main.name, last.traffic.main.weight) == ("d4", "stable", 100)
    assert not last.analysed
    assert not last.by_hand


@given(strategies)
def test_all_weights_always_make_a_hundred(strategy: Strategy) -> None:
    for step in course_of(strategy, OLD, NEW):
        answering = [variant.weight for variant in step.traffic.variants if not variant.mirrored]
        assert math.isclose(sum(answering), 100, abs_tol=1e-6)
        assert len({variant.name for variant in step.traffic.variants}) == len(step.traffic.variants)


@given(rising, st.floats(0, 100, exclude_max=True))
def test_whom_a_canary_has_it_keeps(steps: tuple[float, ...], caller: float) -> None:
    course = course_of(Strategy(StrategyKind.CANARY, steps, sticky="customer"), OLD, NEW)
    served = [_answers(step.traffic, caller) == NEW.digest for step in course]
    assert served == sorted(served)
    assert all(step.traffic.sticky == "customer" for step in course[:-1])


def _answers(traffic: Traffic, caller: float) -> str:
    """Who answers a caller whose key lies so far on the line from 0 to 100, cut in the order of the variants."""
    end = 0.0
    for variant in traffic.variants:
        end += variant.weight
        if caller < end:
            return variant.digest
    return traffic.variants[-1].digest


@pytest.mark.parametrize("kind", StrategyKind)
def test_an_empty_target_takes_the_candidate_at_once(kind: StrategyKind) -> None:
    assert told(course_of(Strategy(kind), None, NEW)) == ["version 4 100 %"]


def test_rolling_is_one_step() -> None:
    assert told(course_of(Strategy(), OLD, NEW)) == ["version 4 100 %"]


def test_blue_green_tries_green_beside_blue_and_keeps_the_previous_one_ready() -> None:
    steps = course_of(Strategy(StrategyKind.BLUE_GREEN, automatic=False), OLD, NEW)
    assert told(steps) == [
        "version 3 100 % (blue) · version 4 0 % (green)",
        "version 4 100 % · version 3 0 % (previous)",
    ]
    assert [step.by_hand for step in steps] == [True, False]


def test_a_canary_grows_by_its_steps_and_is_compared_at_each() -> None:
    steps = course_of(Strategy(StrategyKind.CANARY, (5, 50), pause_seconds=30), OLD, NEW)
    assert told(steps) == [
        "version 4 5 % (canary) · version 3 95 %",
        "version 4 50 % (canary) · version 3 50 %",
        "version 4 100 %",
    ]
    assert [step.analysed for step in steps] == [True, True, False]
    assert [step.pause_seconds for step in steps] == [30, 30, 0]


def test_a_shadow_answers_nobody_and_waits_for_a_person() -> None:
    first, _ = course_of(Strategy(StrategyKind.SHADOW), OLD, NEW)
    assert first.traffic.told == "version 3 100 % · version 4 mirrored (shadow)"
    assert first.by_hand


def test_an_ab_test_gives_b_the_first_share_and_waits_for_a_person() -> None:
    first, _ = course_of(Strategy(StrategyKind.AB, (30, 60), sticky="customer"), OLD, NEW)
    assert first.traffic.told == "version 3 70 % (a) · version 4 30 % (b)"
    assert first.by_hand
    assert first.analysed


@pytest.mark.parametrize("steps", [(), (0,), (100,), (50, 25), (10, 10), (math.nan,), (-5, 10)])
def test_steps_that_lead_nowhere_are_refused(steps: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="rise between 0 and 100"):
        Strategy(StrategyKind.CANARY, steps)


@pytest.mark.parametrize("pause", [-1.0, math.nan, math.inf])
def test_a_pause_that_never_ends_or_never_began_is_refused(pause: float) -> None:
    with pytest.raises(UsageError, match="pause"):
        Strategy(pause_seconds=pause)
