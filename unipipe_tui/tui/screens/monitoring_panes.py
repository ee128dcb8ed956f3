"""The panes of the monitoring place: each shows one look, by itself."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from unipipe_tui.actions.alerts.listing import AlertList
from unipipe_tui.actions.drift.explained import ColumnExplained
from unipipe_tui.actions.drift.history import DriftHistory, DriftView
from unipipe_tui.actions.monitor.standing import MonitorStanding
from unipipe_tui.actions.objectives.budgets import BudgetView
from unipipe_tui.actions.operations import OperationsView
from unipipe_tui.actions.performance import PerformanceView
from unipipe_tui.actions.timeline import Timeline
from unipipe_tui.actions.traffic import TrafficView
from unipipe_tui.domain.records import Alert
from unipipe_tui.domain.server_status import ServerStatus
from unipipe_tui.tui.lines import remark
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.monitoring import (
    NO_SERVERS,
    NO_STYLES,
    alerts_sheet,
    beside_lines,
    check_title,
    features_sheet,
    has_moved_beside,
    standing_line,
    standing_sheet,
)
from unipipe_tui.tui.sheets.monitoring_pictures import (
    explanation_picture,
    history_picture,
    measured_picture,
    performance_picture,
    predictions_picture,
)
from unipipe_tui.tui.sheets.operations import operations_picture
from unipipe_tui.tui.sheets.overview import timeline_picture
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.drawing import Painter
from unipipe_tui.tui.widgets.pane import TablePane
from unipipe_tui.tui.widgets.picture_pane import PicturePane

NO_COLUMN = "Here a column of a check is drawn over the reference."
PERFORMANCE_WITHIN_SECONDS = 30.0
"""What it computes with takes seconds to begin."""


class TargetsPane(TablePane[MonitorStanding]):
    """The targets under watch, how they were checked last, and whether they answer."""

    TITLE = "Targets"
    live: Mapping[str, ServerStatus] = NO_SERVERS
    """How each answered when the project was looked at last."""
    looks: Mapping[str, str] = NO_STYLES
    """In which colour each is written."""

    def sheet_of(self, answer: MonitorStanding) -> Sheet:
        """One row a target."""
        return standing_sheet(answer, self.live, self.looks)

    def take_live(self, live: Mapping[str, ServerStatus], looks: Mapping[str, str]) -> None:
        """Show how the targets answer now, each in its colour."""
        # What was not known before has not changed.
        known, self.live, self.looks = bool(self.live), live, looks
        if self.answer is not None:
            self.grid.show(self.sheet_of(self.answer), changed=known)

    def line_of(self, target: str) -> str:
        """How one target stands, in a few words."""
        found = (one for one in (self.answer.targets if self.answer else ()) if one.target == target)
        return next((standing_line(one, self.live.get(target)) for one in found), "")


class TimelinePane(PicturePane[Timeline]):
    """All figures of a target on one axis, with what happened."""

    TITLE = "Timeline"
    chosen: datetime | None = None
    """When the check was made that is looked at; None: the last one."""
    standing = ""
    count_of_targets = 1

    @property
    def title(self) -> str:
        """Of which target, and how it stands."""
        if self.answer is None:
            return self.TITLE
        several = f" ({self.count_of_targets} targets)" if self.count_of_targets > 1 else ""
        named = f"Timeline of {harmless(self.answer.target)}{several}"
        return ", ".join(part for part in (named, self.standing) if part)

    def painter_of(self, answer: Timeline) -> Painter:
        """All of it."""
        return lambda width, height: timeline_picture(answer, width, height, self.chosen)

    def point_at(self, chosen: datetime | None) -> None:
        """Point at the check that is looked at."""
        self.chosen = chosen
        self.drawing.refresh()

    def say_standing(self, standing: str, count_of_targets: int) -> None:
        """Say in the title how the target stands, and how many there are to go to."""
        self.standing, self.count_of_targets = standing, count_of_targets
        self.tell_count()


class FeaturesPane(TablePane[DriftView]):
    """The columns of a check."""

    TITLE = "Drift"
    EMPTY = "No column was compared."
    history: DriftHistory | None = None
    _shown: tuple[Hashable, datetime] | None = None
    """What was asked for what is shown, and when that check was made."""

    @property
    def title(self) -> str:
        """Which check it is."""
        return check_title(self.answer, self.history) if self.answer else self.TITLE

    def compose(self) -> ComposeResult:
        """The table, and below it what was found beside the columns."""
        yield from super().compose()
        yield Static(classes="beside", markup=False)

    def count(self) -> str:
        """How many columns a filter leaves; the rest is in the title."""
        shown, known = len(self.grid.rows), len(self.grid.sheet.rows)
        return "" if shown == known else f"{shown} of {known}"

    def sheet_of(self, answer: DriftView) -> Sheet:
        """One row a column."""
        return features_sheet(answer, self.history)

    def show_answer(self, answer: DriftView) -> None:
        """Show its columns; where another check is looked at, nothing has changed."""
        self.grid.say_when_empty(self.EMPTY)
        is_another = self._shown is not None and (self._asked, answer.at) != self._shown
        asked_again = self._shown is not None and self._asked == self._shown[0]
        first = self.grid.rows[0].id if self.grid.rows else None
        is_on_first = self.grid.pointed == first
        self.grid.show(self.sheet_of(answer), changed=asked_again)
        if is_another and is_on_first:
            # Who has chosen no column looks at what moved farthest, also in the next check.
            self.grid.action_first()
        lines = beside_lines(answer)
        beside = self.query_one(".beside", Static)
        beside.set_class(bool(lines), "-said")
        beside.set_class(has_moved_beside(answer), "-moved")
        beside.update(Content("\n").join(Content.assemble(*line) for line in lines))
        self._shown = self._asked, answer.at

    def take_history(self, history: DriftHistory) -> None:
        """Show in each row how it was before."""
        self.history = history
        if self.answer is not None:
            self.grid.show(self.sheet_of(self.answer))
            self.tell_count()

    def forget(self) -> None:
        """Another target is looked at: no row is about it."""
        self.history = None
        super().forget()
        self.query_one(".beside", Static).remove_class("-said", "-moved")
        self.grid.say_when_empty("Looking …")
        self.grid.show(Sheet())


class ExplanationPane(PicturePane[ColumnExplained]):
    """What changed in the column under the cursor."""

    TITLE = "What changed"

    @property
    def title(self) -> str:
        """In which column."""
        return f"What changed in {harmless(self.answer.column.column)}" if self.answer else self.TITLE

    def on_mount(self) -> None:
        """Nothing is asked before a column is known."""
        super().on_mount()
        self._say_what_comes()

    def forget(self) -> None:
        """Another target is looked at, and none of its columns is known yet."""
        super().forget()
        self._say_beside_title("")
        self._say_what_comes()

    def _say_what_comes(self) -> None:
        self.drawing.show(lambda width, height: [remark(NO_COLUMN)])

    def painter_of(self, answer: ColumnExplained) -> Painter:
        """The window over the reference."""
        return lambda width, height: explanation_picture(answer, width, height)


class HistoryPane(PicturePane[DriftHistory]):
    """One column over all checks."""

    TITLE = "Column over all checks"
    column: str | None = None

    def painter_of(self, answer: DriftHistory) -> Painter:
        """The column under the cursor."""
        return lambda width, height: history_picture(answer, self.column, width, height)

    def show_column(self, column: str | None) -> None:
        """Another one is under the cursor."""
        self.column = column
        self.drawing.refresh()


class PerformancePane(PicturePane[PerformanceView]):
    """Performance window by window."""

    TITLE = "Performance"
    WITHIN_SECONDS = PERFORMANCE_WITHIN_SECONDS

    @property
    def title(self) -> str:
        """Of which version."""
        known = self.answer is not None and self.answer.version is not None
        return f"{self.TITLE} of version {self.answer.version}" if self.answer and known else self.TITLE

    def painter_of(self, answer: PerformanceView) -> Painter:
        """With what is asked of it."""
        return lambda width, height: performance_picture(answer, width, height)

    def take_traffic(self, traffic: TrafficView) -> None:
        """Until it is looked at closely, show how it was over the whole log."""
        measured = traffic.measured
        if self.answer is None and measured is not None and measured.points:
            self.drawing.show(lambda width, height: measured_picture(measured, width, height))


class OperationsPane(PicturePane[OperationsView]):
    """How fast, how much, how often it failed, and what is left of error budgets."""

    TITLE = "Operations"
    traffic: TrafficView | None = None
    budgets: tuple[BudgetView, ...] = ()

    def painter_of(self, answer: OperationsView) -> Painter:
        """With the stretches of the log where servers wrote down too little."""
        return lambda width, height: operations_picture(answer, self.traffic, self.budgets, width, height)

    def take_traffic(self, traffic: TrafficView) -> None:
        """Show how the log's latency went on."""
        self.traffic = traffic
        self.drawing.refresh()

    def take_budgets(self, budgets: tuple[BudgetView, ...]) -> None:
        """Show what is left of error budgets."""
        self.budgets = budgets
        self.drawing.refresh()

    def forget(self) -> None:
        """Another target is looked at."""
        super().forget()
        self.traffic, self.budgets = None, ()


class PredictionsPane(PicturePane[TrafficView]):
    """What the answers were."""

    TITLE = "Predictions"

    def painter_of(self, answer: TrafficView) -> Painter:
        """How often yes, and the scores."""
        return lambda width, height: predictions_picture(answer, width, height)


class AlertsPane(TablePane[AlertList]):
    """Open alerts, or all of them."""

    TITLE = "Alerts"
    EMPTY = "✓ No open alert; A shows those that are gone."
    shows_all = False

    @property
    def title(self) -> str:
        """Which alerts are shown."""
        return "All alerts" if self.shows_all else self.TITLE

    def count(self) -> str:
        """How many, and the next command of the one under the cursor."""
        pointed = self.pointed
        following = f" · next: {harmless(pointed.command)}" if pointed and pointed.command else ""
        return super().count() + following

    @property
    def pointed(self) -> Alert | None:
        """The alert under the cursor."""
        known = self.answer.alerts if self.answer else ()
        return next((alert for alert in known if alert.id == self.grid.pointed), None)

    def sheet_of(self, answer: AlertList) -> Sheet:
        """One row an alert."""
        return alerts_sheet(answer)
