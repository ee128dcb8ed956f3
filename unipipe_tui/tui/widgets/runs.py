"""The panes of the runs: experiments, the runs that fit what is typed, and one of them in full."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from unipipe_tui.actions.runs.contents import ExperimentList
from unipipe_tui.actions.runs.listing import RunList, RunView
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.runs.query_text import parse_where
from unipipe_tui.tui.lines import Line, remark
from unipipe_tui.tui.remembered import Kept, text_of, texts_of
from unipipe_tui.tui.runs_view import RunsView
from unipipe_tui.tui.sheet import Order, Sheet
from unipipe_tui.tui.sheets.runs import experiments_sheet, run_lines, runs_sheet
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.pane import TablePane
from unipipe_tui.tui.widgets.reading_pane import ReadingPane


class ExperimentsPane(TablePane[ExperimentList]):
    """The experiments."""

    TITLE = "Experiments"
    EMPTY = "No run yet."

    def sheet_of(self, answer: ExperimentList) -> Sheet:
        """One row an experiment, and one for all."""
        return experiments_sheet(answer)

    def count(self) -> str:
        """How many there are; the row of all is none."""
        return f"{max(0, len(self.grid.sheet.rows) - 1):,}"


class RunsPane(TablePane[RunList]):
    """The runs that fit; the index filters and orders them."""

    TITLE = "Runs"
    EMPTY = "No run yet; the pipeline makes the first: unipipe pipeline run"
    ARRANGES = False

    @dataclass
    class Narrowed(Message):
        """Somebody wants other runs."""

        where: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = RunsView()
        self._said: dict[str, str] = {}

    @property
    def filter_hint(self) -> str:
        """What can be typed."""
        return "metrics.f1 > 0.8 params.depth=6 tag:x text; enter keeps, esc clears"

    def compose(self) -> ComposeResult:
        """The table, the filter, what is wrong with it, and what the answer lacks."""
        yield from super().compose()
        yield Static(id="fault", markup=False)
        yield Static(id="notice", markup=False)

    @property
    def title(self) -> str:
        """What is shown of the runs."""
        named = (harmless(name) for name in self.view.experiments)
        return " · ".join((self.TITLE, *named, *(["deleted"] if self.view.deleted else [])))

    def remember(self) -> Kept:
        """The view, beside what every table keeps."""
        view = self.view
        return {**super().remember(), "filter": view.where, "columns": [*view.columns], "deleted": view.deleted}

    def recall(self, kept: Kept) -> None:
        """The same view again, from the first look on."""
        where, key = text_of(kept, "filter"), text_of(kept, "order")
        self.view = RunsView(
            where="" if _fault(where) else where,
            order=Order(key, kept.get("descending") is True) if key else None,
            columns=texts_of(kept, "columns"),
            deleted=kept.get("deleted") is True,
        )
        super().recall(kept)

    def filtered(self, words: str) -> None:
        """Ask for other runs, or say where the question is wrong and leave the rows as they are."""
        fault = _fault(words)
        self._say("fault", fault)
        if not fault:
            self.post_message(self.Narrowed(words))

    def sheet_of(self, answer: RunList) -> Sheet:
        """One row a run."""
        return runs_sheet(answer, self.view.order)

    def show_answer(self, answer: RunList) -> None:
        """Show the rows, and what keeps them from being all or new."""
        super().show_answer(answer)
        if not answer.runs:
            self.grid.say_when_empty(self._nothing(answer))
        more = f"  (and {len(answer.problems) - 1} more)" if len(answer.problems) > 1 else ""
        self._say("notice", f"! {harmless(answer.problems[0])}{more}" if answer.problems else "")

    def _nothing(self, answer: RunList) -> str:
        if answer.problems:
            return "None is known yet; what keeps it from being new stands below."
        if answer.filtered:
            return "No run fits; esc in the filter shows all."
        return "No run is deleted; d shows the others." if self.view.deleted else self.EMPTY

    def _say(self, where: str, text: str) -> None:
        # What is written anew lays the whole screen out anew: not at every key.
        if self._said.get(where, "") != text:
            self._said[where] = text
            line = self.query_one(f"#{where}", Static)
            line.display = bool(text)
            line.update(Content(text))


class RunPane(ReadingPane[RunView]):
    """One run in full."""

    TITLE = "Run"

    def lines_of(self, answer: RunView) -> Sequence[Line]:
        """All that is known of it."""
        return run_lines(answer)

    def show_nothing(self) -> None:
        """There is no run under the cursor."""
        self.forget()
        self.reading.show([remark("Of a run you read here its metrics, params, tags, data and note.")])
        self._say_beside_title("")

    def about(self, answer: RunView) -> Hashable:
        """Its id."""
        return answer.run.run_id


def _fault(words: str) -> str:
    try:
        parse_where(words)
    except UsageError as error:
        remedy, _, picture = error.hint.partition("\n")
        lines = [f"✗ {error.message}  {'' if remedy == 'Look here:' else remedy}", *picture.split("\n")]
        return "\n".join(line.rstrip() for line in lines)
    return ""
