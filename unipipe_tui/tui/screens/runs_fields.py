"""Choosing metrics, params and tags among those that the runs have."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.containers import Vertical

from unipipe_tui.actions.runs import contents
from unipipe_tui.actions.runs.contents import ColumnList
from unipipe_tui.actions.runs.sync import at_once
from unipipe_tui.actions.world import World
from unipipe_tui.domain.runs.query import FieldKind
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.keys import FIELDS
from unipipe_tui.tui.runs_view import RunsView
from unipipe_tui.tui.screens.dialog import Dialog
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.runs_charts import columns_sheet
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import LookPane, TablePane

LOGGED = (FieldKind.METRIC, FieldKind.PARAM, FieldKind.TAG)


@frozen
class Choice:
    """What is to be chosen."""

    title: str
    view: RunsView
    """Of which runs."""
    kinds: tuple[FieldKind, ...] = LOGGED
    chosen: tuple[str, ...] = ()
    """What is chosen already."""
    several: bool = True


class FieldsPane(TablePane[ColumnList]):
    """The fields that there are."""

    EMPTY = "The runs have nothing of this kind."

    def __init__(self, kinds: Iterable[FieldKind]) -> None:
        super().__init__(id="fields-pane")
        self._kinds = tuple(kinds)

    def sheet_of(self, answer: ColumnList) -> Sheet:
        """One row a field."""
        return columns_sheet(answer, self._kinds)

    def action_clear_filter(self) -> None:
        """Show all rows again; marks are what is chosen, so they stay."""
        if not self.grid.words:
            raise SkipAction
        super().action_clear_filter()


class FieldScreen(Dialog[tuple[str, ...] | None]):
    """Answers with the chosen fields, none meaning what is usual, or with None."""

    BINDINGS = bindings_of(FIELDS)
    AUTO_FOCUS = "FieldsPane Grid"

    def __init__(self, choice: Choice, world: World) -> None:
        super().__init__()
        self._choice = choice
        self._world = world
        self._begun = False

    def compose(self) -> ComposeResult:
        """The table."""
        with Vertical(id="dialog", classes="-large") as dialog:
            dialog.border_title = self._choice.title
            several = "space mark · u unmark all · enter take" if self._choice.several else "enter take"
            dialog.border_subtitle = f"/ filter · {several} · esc close"
            yield FieldsPane(self._choice.kinds)

    def on_mount(self) -> None:
        """Look what there is."""
        self.query_one(FieldsPane).ask(contents.COLUMNS, self._choice.view.contents(), at_once(self._world))

    @on(LookPane.Answered)
    def begin(self) -> None:
        """Begin with what is chosen already."""
        if self._begun:
            return
        self._begun = True
        grid = self.query_one(FieldsPane).grid
        if self._choice.several:
            grid.mark(self._choice.chosen)
            self.query_one(FieldsPane).tell_count()
        if self._choice.chosen:
            grid.point_at(self._choice.chosen[0])

    @on(Grid.Chosen)
    def take(self, event: Grid.Chosen) -> None:
        """Answer."""
        self.dismiss(event.teller.marks if self._choice.several else (event.row_id,))

    def action_unmark(self) -> None:
        """Take all marks away."""
        self.query_one(FieldsPane).grid.action_clear_marks()

    def action_close(self) -> None:
        """Change nothing."""
        self.dismiss(None)
