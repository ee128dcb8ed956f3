"""A look whose answer is read as lines."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

from textual.app import ComposeResult

from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.lines import Line, remark
from unipipe_tui.tui.widgets.pane import LookPane
from unipipe_tui.tui.widgets.reading import Reading

Result = TypeVar("Result")


class ReadingPane(LookPane[Result]):
    """Shows the answer of one look as lines. Who fills it overrides `lines_of`."""

    def compose(self) -> ComposeResult:
        """The lines."""
        yield Reading("")

    @property
    def reading(self) -> Reading:
        """Where the lines are."""
        return self.query_one(Reading)

    def lines_of(self, answer: Result) -> Sequence[Line]:
        """The lines of an answer."""
        raise NotImplementedError

    def about(self, answer: Result) -> Hashable:
        """What it is about: as long as that is the same, it stays where it was scrolled to."""
        return None

    def show_answer(self, answer: Result) -> None:
        """Show its lines."""
        self.reading.show(self.lines_of(answer), about=self.about(answer))

    def show_problem(self, problem: Problem) -> None:
        """Say why there are none."""
        self.reading.show([remark(problem.sentence)])
