"""A look whose answer is drawn. One that reads a long log is asked again the less often, the longer it takes."""

from __future__ import annotations

from collections.abc import Hashable
from time import monotonic
from typing import Any, TypeVar

from textual.app import ComposeResult

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.world import World
from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.lines import remark
from unipipe_tui.tui.widgets.drawing import Drawing, Painter
from unipipe_tui.tui.widgets.pane import LookPane

Result = TypeVar("Result")

REST = 10
"""How many times as long as its answer took it rests, before the same is asked again: traffic moves all the time."""


class PicturePane(LookPane[Result]):
    """Shows the answer of one look as a picture. Who fills it overrides `painter_of`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._waiting: tuple[Look[Any, Result], Any, World, Hashable] | None = None
        """What is asked when it has rested."""
        self._last: Hashable = None
        self._began = self._rests_until = 0.0

    def compose(self) -> ComposeResult:
        """The picture."""
        yield Drawing()

    @property
    def drawing(self) -> Drawing:
        """Where it is drawn."""
        return self.query_one(Drawing)

    def painter_of(self, answer: Result) -> Painter:
        """What draws an answer."""
        raise NotImplementedError

    def ask(self, look: Look[Any, Result], request: Any, world: World, recorded: Hashable = None) -> None:
        """Ask at once what was not asked last, or when other things are recorded; the same again when it has rested."""
        rest = self._rests_until - monotonic()
        if (request, recorded) != self._last or rest <= 0:
            self._waiting, self._last, self._began = None, (request, recorded), monotonic()
            super().ask(look, request, world)
            return
        if self._waiting is None:
            self.set_timer(rest, self._ask_waiting)
        self._waiting = (look, request, world, recorded)

    def show_answer(self, answer: Result) -> None:
        """Draw it, and rest."""
        self._rests_until = monotonic() + REST * (monotonic() - self._began)
        self.drawing.show(self.painter_of(answer))

    def show_problem(self, problem: Problem) -> None:
        """Say why there is no picture."""
        sentence = problem.sentence
        self.drawing.show(lambda width, height: [remark(sentence)])

    def forget(self) -> None:
        """Something else is looked at: the picture is not of it."""
        super().forget()
        self.drawing.show(lambda width, height: [remark("Looking …")])

    def _ask_waiting(self) -> None:
        if self._waiting is not None:
            self.ask(*self._waiting)
