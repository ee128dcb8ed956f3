"""Asking one look again and again: which answers are told, and which nobody wants any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable

from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.looking import Looking, Question


class Held:
    """A question whose answer comes when it is let go."""

    def __init__(self, asked: str) -> None:
        self.question = Question(asked, self._answer)
        self._begun, self._freed = threading.Event(), threading.Event()

    def _answer(self) -> str:
        self._begun.set()
        self._freed.wait(10)
        return f"about {self.question.asked}"

    async def begun(self) -> None:
        await asyncio.to_thread(self._begun.wait, 10)

    def let_go(self) -> None:
        self._freed.set()


class Told:
    """What was told, in its order."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def __call__(self, asked: Hashable, answer: str | Problem) -> None:
        self.all.append(answer.message if isinstance(answer, Problem) else answer)


async def so(true: Callable[[], object]) -> None:
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come true in time")


async def test_an_answer_that_a_newer_question_overtook_is_not_told() -> None:
    told = Told()
    looking: Looking[str] = Looking(told, 10.0)
    old, new = Held("bees"), Held("cows")
    looking.ask(old.question)
    await old.begun()
    looking.ask(new.question)
    new.let_go()
    old.let_go()
    await so(lambda: not looking.busy)

    assert told.all == ["about cows"]


async def test_an_answer_that_was_forgotten_on_its_way_is_not_told() -> None:
    told = Told()
    looking: Looking[str] = Looking(told, 0.01)
    held = Held("bees")
    looking.ask(held.question)
    await held.begun()
    looking.forget()
    await asyncio.sleep(0.05)
    held.let_go()
    await so(lambda: not looking.busy)

    assert told.all == []


async def test_who_forgets_and_asks_the_same_again_is_told_the_newer_answer_only() -> None:
    told = Told()
    looking: Looking[str] = Looking(told, 10.0)
    old = Held("bees")
    looking.ask(old.question)
    await old.begun()
    looking.forget()
    looking.ask(Question("bees", lambda: "newer"))
    old.let_go()
    await so(lambda: not looking.busy)

    assert told.all == ["newer"]


async def test_an_answer_that_is_late_is_told_when_it_comes_after_all() -> None:
    told = Told()
    looking: Looking[str] = Looking(told, 0.01)
    held = Held("bees")
    looking.ask(held.question)
    await so(lambda: told.all)
    held.let_go()
    await so(lambda: not looking.busy)

    assert told.all == ["No answer within 0.01 seconds.", "about bees"]


async def test_who_ended_is_told_nothing() -> None:
    told = Told()
    looking: Looking[str] = Looking(told, 10.0)
    held = Held("bees")
    looking.ask(held.question)
    await held.begun()
    looking.end()
    held.let_go()
    await so(lambda: not looking.busy)

    assert told.all == []
