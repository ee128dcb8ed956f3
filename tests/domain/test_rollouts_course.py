"""The course of a rollout: each event from each state, and that what is over stays over."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.domain.errors import Refused
from unipipe_tui.domain.rollouts.analysis import Verdict
from unipipe_tui.domain.rollouts.course import Rollout, RolloutState, aborted, advanced, arrived, held, judged
from unipipe_tui.domain.rollouts.strategies import Strategy, StrategyKind, course_of
from unipipe_tui.domain.rollouts.traffic import Variant, only

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OLD = Variant("stable", "fraud", 3, "d3")
NEW = Variant("stable", "fraud", 4, "d4")
OVER = (RolloutState.DONE, RolloutState.ABORTED)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def begun(strategy: Strategy | None = None, stable: Variant | None = OLD) -> Rollout:
    chosen = strategy or Strategy(StrategyKind.CANARY, (10, 50))
    return Rollout(
        id="r-1",
        target="shop",
        strategy=chosen,
        before=only(stable) if stable else None,
        candidate=NEW,
        steps=course_of(chosen, stable, NEW),
        place=0,
        state=RolloutState.MOVING,
        started=NOON,
        since=NOON,
        actor="ada",
        job="j-1",
    )


def test_a_step_that_arrived_is_watched_and_one_by_hand_waits() -> None:
    assert arrived(begun(), after(5)).state is RolloutState.WATCHING
    by_hand = begun(Strategy(StrategyKind.CANARY, automatic=False))
    assert arrived(by_hand, after(5)).state is RolloutState.WAITING


def test_good_news_goes_on_when_the_pause_is_over_and_not_before() -> None:
    watching = arrived(begun(), after(5))
    assert judged(watching, Verdict.ADVANCE, after(64), "") == watching
    on = judged(watching, Verdict.ADVANCE, after(65), "")
    assert (on.state, on.place) == (RolloutState.MOVING, 1)


@pytest.mark.parametrize("seconds", [6, 600])
def test_bad_news_goes_back_at_once(seconds: int) -> None:
    back = judged(arrived(begun(), after(5)), Verdict.ABORT, after(seconds), "too many errors")
    assert (back.state, back.reason, back.wanted) == (RolloutState.ABORTING, "too many errors", only(OLD))
    assert arrived(back, after(700)).state is RolloutState.ABORTED


def test_a_step_by_hand_never_goes_on_by_itself_but_bad_news_goes_back() -> None:
    waiting = arrived(begun(Strategy(StrategyKind.SHADOW)), after(5))
    assert judged(waiting, Verdict.ADVANCE, after(9999), "") == waiting
    assert judged(waiting, Verdict.ABORT, after(6), "bad").state is RolloutState.ABORTING


def test_who_is_held_stays_until_somebody_goes_on() -> None:
    rests = held(arrived(begun(), after(5)), after(9), "lunch")
    assert judged(rests, Verdict.ADVANCE, after(9999), "") == rests
    assert (advanced(rests, after(20)).state, advanced(rests, after(20)).place) == (RolloutState.MOVING, 1)


def test_the_last_step_ends_it() -> None:
    last = dataclasses.replace(begun(), place=2)
    done = arrived(last, after(5))
    assert (done.state, done.wanted) == (RolloutState.DONE, only(NEW))


def test_an_abort_of_the_first_release_ever_leaves_nothing() -> None:
    back = aborted(begun(stable=None), after(1), "no")
    assert back.wanted is None


def test_a_step_that_is_applied_again_after_an_interruption_stays_what_it_was() -> None:
    watching = arrived(begun(), after(5))
    resting = held(watching, after(9), "lunch")
    assert arrived(watching, after(30)) == watching
    assert arrived(resting, after(30)) == resting


def test_a_second_abort_keeps_the_reason_of_the_first() -> None:
    back = aborted(begun(), after(1), "errors")
    assert aborted(back, after(2), "me too") == back


@pytest.mark.parametrize("state", [RolloutState.MOVING, RolloutState.ABORTING, *OVER])
def test_nobody_goes_on_or_holds_what_is_on_its_way_or_over(state: RolloutState) -> None:
    rollout = dataclasses.replace(begun(), state=state)
    with pytest.raises(Refused, match=state.value):
        advanced(rollout, after(1))
    with pytest.raises(Refused, match=state.value):
        held(rollout, after(1), "")


@pytest.mark.parametrize("state", OVER)
def test_what_is_over_is_not_aborted_and_says_how_to_go_back(state: RolloutState) -> None:
    with pytest.raises(Refused, match="already") as refusal:
        aborted(dataclasses.replace(begun(), state=state), after(1), "")
    assert refusal.value.hint == "unipipe rollback shop"


Event = Callable[[Rollout, datetime], Rollout]
EVENTS: dict[str, Event] = {
    "arrived": arrived,
    "advanced": advanced,
    "held": lambda rollout, now: held(rollout, now, "wait"),
    "aborted": lambda rollout, now: aborted(rollout, now, "no"),
    **{
        f"judged {verdict}": lambda rollout, now, verdict=verdict: judged(rollout, verdict, now, "so")
        for verdict in Verdict
    },
}


@given(
    st.sampled_from(StrategyKind),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(list(EVENTS)), st.floats(0, 100)), max_size=30),
)
def test_whatever_happens_a_rollout_is_somewhere_and_never_leaves_its_end(
    kind: StrategyKind, automatic: bool, events: list[tuple[str, float]]
) -> None:
    rollout, now = begun(Strategy(kind, automatic=automatic)), NOON
    for event, seconds in events:
        now += timedelta(seconds=seconds)
        try:
            later = EVENTS[event](rollout, now)
        except Refused:
            continue
        if rollout.state.is_over:
            assert later == rollout
        assert 0 <= later.place < len(later.steps)
        assert later.place in (rollout.place, rollout.place + 1)
        assert later.wanted == (rollout.before if "abort" in later.state.value else later.step.traffic)
        assert later == rollout or later.moves == rollout.moves + 1
        assert later.state is not RolloutState.DONE or later.place == len(later.steps) - 1
        rollout = later


@given(st.sampled_from(StrategyKind), st.booleans())
def test_going_on_often_enough_always_ends_it(kind: StrategyKind, automatic: bool) -> None:
    rollout = begun(Strategy(kind, automatic=automatic))
    for number in range(len(rollout.steps)):
        rollout = arrived(rollout, after(number))
        if not rollout.state.is_over:
            rollout = advanced(rollout, after(number))
    assert (rollout.state, rollout.step.traffic.main.digest) == (RolloutState.DONE, "d4")
