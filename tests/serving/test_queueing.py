"""Requests that are scored together get what they would have got alone."""

from __future__ import annotations

import asyncio
import threading
import time
from threading import Event
from typing import Any

import numpy as np
import pytest

from unipipe_tui.serving.queueing import ScoringQueue
from unipipe_tui.serving.scoring import Facts, Scored
from unipipe_tui.serving.validation import Column, Columns, Kind


class Halving:
    """Answers each record with half of it, refuses negative ones, and waits for a sign before its first call."""

    facts = Facts("m", 1, "d", 0.5)
    columns = (Column("x", Kind.DOUBLE, True),)
    threads = 1

    def __init__(self, merges: bool = True) -> None:
        self.calls: list[int] = []
        self.threads_asked: list[threading.Thread] = []
        self.seconds = 0.0
        self.may_begin = Event()
        self._merges = merges

    def mergeable(self, columns: Columns) -> object | None:
        return tuple(columns) if self._merges else None

    def predict(self, columns: Columns, records: int) -> Any:
        self.may_begin.wait(10)
        self.calls.append(records)
        self.threads_asked.append(threading.current_thread())
        time.sleep(self.seconds)
        values = np.array(columns["x"], dtype=float)
        if (values < 0).any():
            raise ValueError("a negative number")
        return values / 2


async def asked(scorer: Halving, *values: float) -> list[Scored | BaseException]:
    queue = ScoringQueue(scorer)
    waiting = [asyncio.ensure_future(queue.score({"x": [value]}, 1)) for value in values]
    await asyncio.sleep(0.05)
    scorer.may_begin.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    queue.close()
    return results


async def test_those_that_waited_are_scored_in_one_call_and_each_gets_its_own() -> None:
    scorer = Halving()
    results = await asked(scorer, 1.0, 0.5, 0.25, 2.0)
    assert [one.outcomes[0].score for one in results if isinstance(one, Scored)] == [0.5, 0.25, 0.125, 1.0]
    assert sum(scorer.calls) == 4
    assert len(scorer.calls) <= 2


async def test_a_request_that_the_model_refuses_fails_alone() -> None:
    results = await asked(Halving(), 1.0, -1.0, 0.5)
    assert isinstance(results[1], ValueError)
    assert [one.outcomes[0].score for one in (results[0], results[2]) if isinstance(one, Scored)] == [0.5, 0.25]


async def test_a_model_of_which_nobody_knows_is_asked_for_each_request() -> None:
    scorer = Halving(merges=False)
    await asked(scorer, 1.0, 0.5, 0.25)
    assert scorer.calls == [1, 1, 1]


async def test_a_request_whose_caller_is_gone_is_not_scored() -> None:
    scorer = Halving(merges=False)
    queue = ScoringQueue(scorer)
    first, gone = (asyncio.ensure_future(queue.score({"x": [value]}, 1)) for value in (1.0, 2.0))
    await asyncio.sleep(0.05)
    gone.cancel()
    await asyncio.sleep(0)
    scorer.may_begin.set()
    await first
    queue.close()
    await asyncio.sleep(0.05)
    assert scorer.calls == [1]


async def test_a_request_that_comes_after_the_switch_away_is_still_answered() -> None:
    scorer = Halving()
    scorer.may_begin.set()
    queue = ScoringQueue(scorer)
    queue.close()
    await asyncio.sleep(0.05)
    scored = await asyncio.wait_for(queue.score({"x": [1.0]}, 1), 5)
    assert scored.outcomes[0].score == pytest.approx(0.5)


async def one_after_the_other(scorer: Halving, *records: int) -> list[bool]:
    """Whether each request was scored on the event loop."""
    scorer.may_begin.set()
    queue = ScoringQueue(scorer)
    for number in records:
        scored = await queue.score({"x": [1.0] * number}, number)
        assert [one.score for one in scored.outcomes] == [0.5] * number
    queue.close()
    return [thread is threading.current_thread() for thread in scorer.threads_asked]


async def test_a_model_that_has_shown_to_be_quick_is_asked_without_waking_a_thread() -> None:
    assert await one_after_the_other(Halving(), 1, 1, 1) == [False, True, True]


async def test_many_records_never_hold_up_the_event_loop() -> None:
    assert (await one_after_the_other(Halving(), 1, 5000, 1))[:2] == [False, False]


async def test_a_model_of_somebodys_own_never_holds_up_the_event_loop() -> None:
    assert await one_after_the_other(Halving(merges=False), 1, 1, 1) == [False, False, False]


async def test_a_model_that_has_become_slow_holds_up_the_event_loop_once() -> None:
    scorer = Halving()
    scorer.may_begin.set()
    queue = ScoringQueue(scorer)
    for seconds in (0.0, 0.0, 0.03, 0.03, 0.0, 0.0):
        scorer.seconds = seconds
        await queue.score({"x": [1.0]}, 1)
    queue.close()
    here = threading.current_thread()
    assert [thread is here for thread in scorer.threads_asked] == [False, True, True, False, False, True]


async def test_what_arrives_together_is_scored_together_on_the_event_loop_too() -> None:
    scorer = Halving()
    scorer.may_begin.set()
    queue = ScoringQueue(scorer)
    await queue.score({"x": [1.0]}, 1)
    both = await asyncio.gather(queue.score({"x": [1.0]}, 1), queue.score({"x": [-1.0]}, 1), return_exceptions=True)
    queue.close()
    assert isinstance(both[0], Scored)
    assert isinstance(both[1], ValueError)
    assert scorer.calls == [1, 2, 1, 1]
