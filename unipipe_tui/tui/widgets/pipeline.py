"""The two parts of the pipeline's place: the stages as a graph or a list, and all that is known of one of them."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import Input, Static

from unipipe_tui.actions.pipeline.stages import StageView
from unipipe_tui.actions.pipeline.view import PipelineView, StageLine, folded
from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.lines import remark
from unipipe_tui.tui.remembered import Kept
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.pipeline import stages_sheet, totals
from unipipe_tui.tui.sheets.stage import log_lines, stage_lines
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.graph import StageGraph
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import LookPane, TablePane
from unipipe_tui.tui.widgets.reading import Reading

LEAST_GRAPH = (64, 7)
"""In less room, columns and lines, a graph says less than a list."""
LEAST_STAGE = 7
"""Lines that the stage under the cursor has at least."""
MOST_PROBLEMS = 3


class PipelineRoom(Container):
    """Both parts: the graph takes what it needs, and the stage the rest, at least two fifths."""

    def compose(self) -> ComposeResult:
        """The graph above, the stage below."""
        yield PipelinePane(id="stages")
        yield StagePane(id="stage")

    def on_resize(self, event: Resize) -> None:
        """Share the room anew."""
        rows = event.size.height
        self.query_one(PipelinePane).take_rows(rows - max(LEAST_STAGE, rows * 2 // 5))


class PipelinePane(TablePane[PipelineView]):
    """All stages; drawn as a graph where there is room for it and nobody wants the list."""

    TITLE = "Pipeline"
    EMPTY = "No stage yet. A dvc.yaml describes them; one to begin with: unipipe init --recipe fraud-detection ."

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.graph = StageGraph()
        self.grid.display = False
        self._unfolded: frozenset[str] = frozenset()
        self._list_wanted = False
        self._most = sum(LEAST_GRAPH)
        """How many lines it may take, with its title."""
        self._shown = PipelineView((), 0, ())

    def compose(self) -> ComposeResult:
        """What is wrong with the files, the graph, and the list with its filter."""
        problems = Static(classes="problems", markup=False)
        problems.display = False
        yield problems
        yield self.graph
        yield from super().compose()

    @property
    def front(self) -> Widget:
        """The graph, or the list in its place."""
        return self.grid if self.shows_list else self.graph

    @property
    def filter_hint(self) -> str:
        """What stands in the empty filter."""
        return "words that a stage must have; enter keeps, esc clears"

    @property
    def shows_list(self) -> bool:
        """Whether it is a list now."""
        columns, lines = LEAST_GRAPH
        return self._list_wanted or (bool(self.size.width) and (self.size.width < columns or self._most < lines))

    @property
    def pointed(self) -> StageLine | None:
        """The stage under the cursor."""
        name = self.grid.pointed if self.shows_list else self.graph.pointed
        return next((line for line in self._shown.stages if line.stage == name), None)

    def members(self, line: StageLine) -> Sequence[StageLine]:
        """The stages that are folded into a line."""
        if not line.is_folded or self.answer is None:
            return ()
        return [member for member in self.answer.stages if member.template == line.template]

    def sheet_of(self, answer: PipelineView) -> Sheet:
        """One row a stage, or a template."""
        return stages_sheet(self._shown)

    def show_answer(self, answer: PipelineView) -> None:
        """Show graph and list, folded as they are."""
        self._shown = folded(answer, self._unfolded)
        self.graph.say_when_empty(self.EMPTY)
        self.graph.show(self._shown)
        super().show_answer(answer)
        self._tell_problems(answer.problems if answer.stages else ())
        self._choose_front()

    def show_problem(self, problem: Problem) -> None:
        """Say why there are no stages."""
        super().show_problem(problem)
        self.graph.say_when_empty(problem.sentence)

    def count(self) -> str:
        """How many stages there are, and how many of them will run."""
        return totals(self.answer) if self.answer else ""

    def filtered(self, words: str) -> None:
        """The graph fades what is not meant; the list leaves it out."""
        self.graph.find(words)
        super().filtered(words)

    def fold(self, stage: str) -> None:
        """Unfold the template that a line stands for, or fold the one that it belongs to."""
        line = next((line for line in self._shown.stages if line.stage == stage), None)
        if line and line.template:
            self._fold_as(self._unfolded ^ {line.template})
            self.grid.point_at(next(one.stage for one in self._shown.stages if one.template == line.template))

    def fold_all(self) -> None:
        """Unfold every template; when all are, fold them."""
        templates = frozenset(line.template for line in self.answer.stages if line.template) if self.answer else None
        if templates:
            self._fold_as(frozenset() if self._unfolded >= templates else templates)

    def turn(self) -> None:
        """Show the list in place of the graph, or the other way round."""
        before = self.pointed
        self._list_wanted = not self._list_wanted
        self._choose_front()
        if before:
            self.grid.point_at(before.stage)
            self.graph.point_at(before.stage)

    def remember(self) -> Kept:
        """What is unfolded, and whether it is a list."""
        return {**super().remember(), "unfolded": sorted(self._unfolded), "list": self._list_wanted}

    def recall(self, kept: Kept) -> None:
        """Let it stand like that again."""
        super().recall(kept)
        found = kept.get("unfolded")
        self._unfolded = frozenset(str(name) for name in found) if isinstance(found, list) else frozenset()
        self._list_wanted = kept.get("list") is True

    def take_rows(self, most: int) -> None:
        """Take so many lines at most; a graph that needs fewer leaves the rest."""
        self._most = most
        self._choose_front()

    def on_resize(self, event: Resize) -> None:
        """Graph or list, as there is room."""
        self._choose_front()

    def _fold_as(self, unfolded: frozenset[str]) -> None:
        self._unfolded = unfolded
        if self.answer is not None:
            self.show_answer(self.answer)
            self.tell_count()
            self.post_message(self.Answered(self))

    def _choose_front(self) -> None:
        had_focus = self.grid.has_focus or self.graph.has_focus
        was_list = self.grid.display and not self.graph.display
        self.grid.display = self.shows_list
        self.graph.display = not self.shows_list
        self._share_rows()
        if had_focus and was_list != self.shows_list:
            self.front.focus()

    def _share_rows(self) -> None:
        problems = self.query_one(".problems", Static)
        around = 1 + (min(len(self._shown.problems), MOST_PROBLEMS + 1) if problems.display else 0)
        self.graph.take_rows(self._most - around)
        needed = self._most if self.shows_list else self.graph.rows_needed + around + self.query_one(Input).display
        self.styles.height = max(3, min(self._most, needed))

    def _tell_problems(self, problems: Sequence[str]) -> None:
        told = self.query_one(".problems", Static)
        told.display = bool(problems)
        more = [f"… and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
        told.update("\n".join([*(f"! {harmless(problem)}" for problem in problems[:MOST_PROBLEMS]), *more]))

    @on(StageGraph.FoldWanted)
    def fold_wanted(self, event: StageGraph.FoldWanted) -> None:
        """Fold, as the graph was asked to."""
        self.fold(event.stage)

    @on(Grid.Marked)
    def fold_row(self) -> None:
        """In the list, the key for a mark folds as in the graph: a mark would mean nothing here."""
        row = next(iter(self.grid.marks), None)
        self.grid.mark(())
        if row:
            self.fold(row)
            self.grid.point_at(row)


class StagePane(LookPane[StageView]):
    """One stage: why it is as it is, what it reads and writes, how it went, what it said."""

    TITLE = "Stage"
    EMPTY = "Of a stage you read here what it reads and writes, why it will run, and what it said."

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._line: StageLine | None = None
        self._members: Sequence[StageLine] = ()

    def compose(self) -> ComposeResult:
        """What it is, and where there is room its words beside that."""
        yield Horizontal(Reading("", id="stage-facts"), Reading("", id="stage-log"))

    def show_line(self, line: StageLine | None, members: Sequence[StageLine]) -> None:
        """Show at once what is known already."""
        self._line, self._members = line, members
        self._write()

    def show_answer(self, answer: StageView) -> None:
        """Show the rest."""
        self._write()

    def on_resize(self) -> None:
        """Other widths, other columns."""
        self._write()

    def _write(self) -> None:
        line = self._line
        facts, log = self.query_one("#stage-facts", Reading), self.query_one("#stage-log", Reading)
        view = self.answer if self.answer and line and self.answer.stage == line.stage else None
        if line is None:
            facts.show([remark(self.EMPTY)])
            log.show([])
            return
        beside = log.display and not self._members
        width = max(20, facts.size.width - 2)
        facts.show(stage_lines(line, self._members, view, width, with_log=not beside), about=line.stage)
        log.show(log_lines(view) if beside and view else [], about=line.stage)
        if line.running or line.failed:
            log.scroll_end(animate=False)
