"""Asking one look again and again for one pane: at most one is in hand, and a question that was changed meanwhile wins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.background import Problem, begin, late

Answer = TypeVar("Answer")


@frozen
class Question(Generic[Answer]):
    """Work to do off the UI thread, and what is asked with it: equal questions may have equal answers."""

    asked: Hashable
    work: Callable[[], Answer]


class Looking(Generic[Answer]):
    """Tells answers in the order of the questions and never an answer to a question that nobody asks any more."""

    def __init__(self, told: Callable[[Hashable, Answer | Problem], None], within_seconds: float) -> None:
        self._told = told
        self._within_seconds = within_seconds
        self._wanted: Question[Answer] | None = None
        self._in_hand: Question[Answer] | None = None
        """What is being asked, as long as somebody wants the answer."""
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return self._task is not None and not self._task.done()

    def ask(self, question: Question[Answer]) -> None:
        """Ask; if one is in hand, as soon as it has been answered."""
        self._wanted = question
        if not self.busy:
            self._task = asyncio.get_running_loop().create_task(self._answer())

    def forget(self) -> None:
        """Want no answer to anything that was asked until now."""
        self._wanted = self._in_hand = None

    def end(self) -> None:
        """Tell nothing more."""
        self._wanted = None
        if self._task:
            self._task.cancel()

    async def _answer(self) -> None:
        while self._wanted is not None:
            question = self._in_hand = self._wanted
            self._wanted = None
            taking = begin(question.work)
            done, _ = await asyncio.wait({taking}, timeout=self._within_seconds)
            if not done and (self._in_hand or self._wanted):
                self._told(question.asked, late(self._within_seconds))
            # A tool that hangs is waited for: asking again would only start a second one that hangs.
            answer = await taking
            if self._in_hand and not self._was_changed(question):
                self._told(question.asked, answer)
        self._in_hand = None

    def _was_changed(self, question: Question[Answer]) -> bool:
        return self._wanted is not None and self._wanted.asked != question.asked
