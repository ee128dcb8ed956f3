"""A part of a place that shows the answer of one look, keeps it when no newer one comes, and says how old it is then."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Any, ClassVar, Generic, TypeVar

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.world import World
from unipipe_tui.tui.background import Problem, late
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import FILTER
from unipipe_tui.tui.looking import Looking, Question
from unipipe_tui.tui.remembered import Kept, text_of
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.text import duration, harmless
from unipipe_tui.tui.widgets.grid import Grid

Result = TypeVar("Result")

ANSWER_WITHIN_SECONDS = 10.0
AGE_EVERY_SECONDS = 1.0


class LookPane(Vertical, Generic[Result]):
    """Shows one look. Who fills it overrides `show_answer`."""

    TITLE: ClassVar[str] = ""
    EMPTY: ClassVar[str] = ""
    """What to run when there is nothing to show."""
    WITHIN_SECONDS: ClassVar[float] = ANSWER_WITHIN_SECONDS
    """How long an answer is waited for before it is called stale."""

    @dataclass
    class Answered(Message):
        """A new answer is shown."""

        pane: LookPane[Any]

        @property
        def control(self) -> LookPane[Any]:
            """Where it happened."""
            return self.pane

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = self.TITLE
        self._looking: Looking[Result] = Looking(self._take, self.WITHIN_SECONDS)
        self._answered_at: float | None = None
        self._asked: Hashable = None
        self._titled: tuple[str, str] | None = None
        """What the border says."""
        self.answer: Result | None = None
        self.problem: Problem | None = None
        self._waited = False
        """Whether it was said what the first answer waits for."""

    def on_mount(self) -> None:
        """Count the seconds of an answer that grows old."""
        self.set_interval(AGE_EVERY_SECONDS, self._tell_age)

    def on_unmount(self) -> None:
        """Want no answer any more."""
        self._looking.end()

    def ask(self, look: Look[Any, Result], request: Any, world: World) -> None:
        """Ask off the UI thread; what is shown stays until the answer comes."""
        if request != self._asked and self.answer is None:
            self._say_beside_title("looking …")
        self._asked = request
        self._looking.ask(Question(request, lambda: look.look(request, world)))

    def forget(self) -> None:
        """Something else is looked at: what is shown or still on its way is no answer to it, not even an old one."""
        self._looking.forget()
        self.answer = self.problem = self._answered_at = None
        self._waited = False
        self.set_class(False, "-stale")
        self._say_beside_title("looking …")

    def show_answer(self, answer: Result) -> None:
        """Show a new answer."""

    def show_problem(self, problem: Problem) -> None:
        """Show that there never was an answer, and why."""

    @property
    def title(self) -> str:
        """What the pane is called now."""
        return self.TITLE

    def count(self) -> str:
        """How much is shown, for the border; empty when that says nothing."""
        return ""

    def tell_count(self) -> None:
        """Write the border's right end anew."""
        if self.problem is None and self.answer is not None:
            self._say_beside_title(self.count())

    def say_waiting(self, what: str) -> None:
        """Say what its first answer waits for, which may take long: nothing hangs. Nothing when that is over."""
        if self.answer is not None:
            return
        self._waited = self._waited or bool(what)
        if what and self.problem == late(self.WITHIN_SECONDS):
            self.problem = None
        if self._waited and self.problem is None:
            self._say_beside_title(what or "looking …")

    def _take(self, asked: Hashable, answer: Result | Problem) -> None:
        if self._waited and self.answer is None and answer == late(self.WITHIN_SECONDS):
            return
        self._waited = False
        if isinstance(answer, Problem):
            self.problem = answer
            self.set_class(not answer.said_no or self.answer is not None, "-stale")
            if self.answer is None:
                self.show_problem(answer)
            self._tell_age()
            return
        self.problem, self.answer, self._answered_at = None, answer, monotonic()
        self.set_class(False, "-stale")
        self.show_answer(answer)
        self.tell_count()
        self.post_message(self.Answered(self))

    def _tell_age(self) -> None:
        if self.problem is None:
            return
        if self.problem.said_no and self._answered_at is None:
            # Nothing is old or missing here: the pane itself says what there is to say.
            self._say_beside_title("")
            return
        age = f"stale {duration(monotonic() - self._answered_at)}" if self._answered_at is not None else "no answer"
        self._say_beside_title(f"{age} · {harmless(self.problem.message)}", "$warning")

    def _say_beside_title(self, text: str, style: str = "$muted") -> None:
        title = self.title
        if (title, text) == self._titled:
            # A border that is written anew is painted anew, and an age is told every second.
            return
        self._titled = (title, text)
        # A subtitle stands in the lower border, and a pane has none: it goes behind the title.
        self.border_subtitle = Content(text)
        self.border_title = Content.assemble(title, *([(f" · {text}", style)] if text else []))


class TablePane(LookPane[Result]):
    """A look as a table, with a filter. Who fills it overrides `sheet_of`."""

    BINDINGS = bindings_of(FILTER)
    ARRANGES: ClassVar[bool] = True
    """Whether the table filters and sorts by itself, because all rows are here."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.grid = Grid(empty="Looking …", arranges=self.ARRANGES)

    def compose(self) -> ComposeResult:
        """The table, and the line to type the filter in."""
        yield self.grid
        yield Input(placeholder=self.filter_hint, classes="filter", compact=True)

    @property
    def front(self) -> Widget:
        """What takes the keys when no filter is typed."""
        return self.grid

    @property
    def filter_hint(self) -> str:
        """What stands in the empty filter."""
        return "words that a row must have; enter keeps, esc clears"

    def sheet_of(self, answer: Result) -> Sheet:
        """The table of an answer."""
        raise NotImplementedError

    def show_answer(self, answer: Result) -> None:
        """Show its table."""
        self.grid.say_when_empty(self.EMPTY or "Nothing yet.")
        self.grid.show(self.sheet_of(answer))

    def show_problem(self, problem: Problem) -> None:
        """Say why there are no rows."""
        self.grid.say_when_empty(problem.sentence)

    def count(self) -> str:
        """How many rows of how many, and how many are marked."""
        sheet, shown = self.grid.sheet, len(self.grid.rows)
        total = sheet.total if sheet.total is not None else len(sheet.rows)
        said = f"{shown:,}" if shown == total else f"{shown:,} of {total:,}"
        marked = f" · {len(self.grid.marks)} marked" if self.grid.marks else ""
        return said + marked

    def filtered(self, words: str) -> None:
        """The filter is another; a pane whose table does not filter by itself asks again."""
        self.grid.filter(words)
        self.tell_count()

    def remember(self) -> Kept:
        """How the table stands: filter, order, cursor, columns."""
        return {**self.grid.remember(), "filter": self.grid.words}

    def recall(self, kept: Kept) -> None:
        """Let it stand like that again."""
        self.grid.recall(kept)
        words = text_of(kept, "filter")
        if words:
            self._filter.value = words
            self._filter.display = True

    @on(Grid.Marked)
    def count_marks(self) -> None:
        """Say how many are marked."""
        self.tell_count()

    # The filter

    def action_filter(self) -> None:
        """Type a filter."""
        self._filter.display = True
        # At once: who types fast has pressed the next key already.
        self.screen.set_focus(self._filter)

    def action_clear_filter(self) -> None:
        """Show all rows again; without a filter, take the marks away."""
        if self._filter.value or self._filter.display:
            self._filter.value = ""
            self._filter.display = False
            self.front.focus()
        elif self.grid.marks:
            self.grid.action_clear_marks()
        else:
            # The screen may have a use for the key.
            raise SkipAction

    @on(Input.Changed, ".filter")
    def take_filter(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        event.stop()
        self.filtered(event.value)

    @on(Input.Submitted, ".filter")
    def keep_filter(self, event: Input.Submitted) -> None:
        """Go back to the rows; the filter stays in sight as long as it says something."""
        event.stop()
        self._filter.display = bool(event.value)
        self.front.focus()

    @property
    def _filter(self) -> Input:
        return self.query_one(".filter", Input)
