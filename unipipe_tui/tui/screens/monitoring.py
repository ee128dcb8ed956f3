"""Monitoring: drift of every feature, what it looks like, performance, predictions and latency over time, alerts."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget

from unipipe_tui.actions import alerts, drift_history, timeline, traffic
from unipipe_tui.actions.alerts import AlertList, ListAlerts
from unipipe_tui.actions.drift_history import DriftHistory, DriftView, ShowDrift, ShowDriftHistory
from unipipe_tui.actions.timeline import ShowTimeline, Timeline
from unipipe_tui.actions.traffic import ShowTraffic, TrafficView
from unipipe_tui.actions.world import World
from unipipe_tui.domain.records import Alert
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import MONITORING
from unipipe_tui.tui.lines import remark
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.monitoring import (
    alerts_sheet,
    check_title,
    distribution_picture,
    features_sheet,
    history_picture,
    latency_picture,
    performance_picture,
    predictions_picture,
)
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.widgets.drawing import Drawing, Painter
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import LookPane, TablePane
from unipipe_tui.tui.widgets.picture_pane import PicturePane

VIEWS = ("distribution", "history", "performance", "predictions", "latency")
"""One of them is in sight where panes are stacked, all of them where there is room."""
NO_FEATURE = "A feature of the latest check is drawn here against the reference."


class FeaturesPane(TablePane[DriftView]):
    """The columns of the last check."""

    TITLE = "Drift"
    EMPTY = "No column was compared."
    history: DriftHistory | None = None

    @property
    def title(self) -> str:
        """Which check it is."""
        return check_title(self.answer) if self.answer else self.TITLE

    def count(self) -> str:
        """How many features a filter leaves; the rest is in the title."""
        shown, known = len(self.grid.rows), len(self.grid.sheet.rows)
        return "" if shown == known else f"{shown} of {known}"

    def sheet_of(self, answer: DriftView) -> Sheet:
        """One row a column."""
        return features_sheet(answer, self.history)

    def take_history(self, history: DriftHistory) -> None:
        """Show in each row how it was before."""
        self.history = history
        if self.answer is not None:
            self.grid.show(self.sheet_of(self.answer))

    def forget(self) -> None:
        """Another target is looked at: no row is about it."""
        self.history = None
        super().forget()
        self.grid.say_when_empty("Looking …")
        self.grid.show(Sheet())


class HistoryPane(PicturePane[DriftHistory]):
    """One column over all checks."""

    TITLE = "History"
    column: str | None = None

    def painter_of(self, answer: DriftHistory) -> Painter:
        """The column under the cursor."""
        return lambda width, height: history_picture(answer, self.column, width, height)


class PerformancePane(PicturePane[Timeline]):
    """Performance over time."""

    TITLE = "Performance"

    def painter_of(self, answer: Timeline) -> Painter:
        """With what is asked of it."""
        return lambda width, height: performance_picture(answer, width, height)


class LatencyPane(PicturePane[TrafficView]):
    """How fast the answers were."""

    TITLE = "Latency"

    def painter_of(self, answer: TrafficView) -> Painter:
        """Median and p95."""
        return lambda width, height: latency_picture(answer, width, height)


class AlertsPane(TablePane[AlertList]):
    """Open alerts, or all of them."""

    TITLE = "Alerts"
    shows_all = False

    @property
    def title(self) -> str:
        """Which alerts are shown."""
        return "All alerts" if self.shows_all else self.TITLE

    EMPTY = "✓ No open alert; A shows those that are gone."

    @property
    def pointed(self) -> Alert | None:
        """The alert under the cursor."""
        known = self.answer.alerts if self.answer else ()
        return next((alert for alert in known if alert.id == self.grid.pointed), None)

    def sheet_of(self, answer: AlertList) -> Sheet:
        """One row an alert."""
        return alerts_sheet(answer)


class MonitoringScreen(Place):
    """One target under watch."""

    NAME = "monitoring"
    BINDINGS = bindings_of(MONITORING)
    AUTO_FOCUS = "#features Grid"

    def __init__(self) -> None:
        super().__init__()
        self._wanted: str | None = None
        """The target that was chosen here."""
        self._view = 0

    def parts(self) -> Iterable[Widget]:
        """Features, what they look like, the charts, alerts."""
        yield Container(
            FeaturesPane(id="features"),
            Drawing("Distribution", id="distribution", classes="view"),
            HistoryPane(id="history"),
            PerformancePane(id="performance"),
            Drawing("Predictions", id="predictions", classes="view"),
            LatencyPane(id="latency"),
            AlertsPane(id="open-alerts"),
            id="monitoring-place",
        )

    def on_mount(self) -> None:
        """Show the first view."""
        self.query_one("#distribution", Drawing).show(lambda width, height: [remark(NO_FEATURE)])
        for name in VIEWS:
            self.query_one(f"#{name}").add_class("view")
        self._turn_to(0)

    def look(self, world: World) -> None:
        """Look at the target."""
        target = self._target(world)
        self.query_one(FeaturesPane).ask(drift_history.SHOW, ShowDrift(target), world)
        self.query_one(HistoryPane).ask(drift_history.HISTORY, ShowDriftHistory(target), world)
        self.query_one(PerformancePane).ask(timeline.SHOW, ShowTimeline(target), world)
        self.query_one(LatencyPane).ask(traffic.SHOW, ShowTraffic(target), world)
        self._alerts.ask(alerts.LIST, ListAlerts(all=self._alerts.shows_all), world)

    def selection(self) -> Texts:
        """The target, and the feature and the alert under the cursors."""
        texts = {
            "target": self._target(self.world) if self.world else None,
            "column": self.query_one(FeaturesPane).grid.pointed,
            "alert": self._alerts.grid.pointed,
        }
        return {name: text for name, text in texts.items() if text}

    @on(Grid.Pointed, "#features Grid")
    @on(LookPane.Answered, "#features")
    def show_feature(self) -> None:
        """Show what the feature under the cursor looks like and how it was before."""
        pane = self.query_one(FeaturesPane)
        name = pane.grid.pointed
        found = next((column for column in pane.answer.columns if column.column == name), None) if pane.answer else None
        if found is None:
            return
        drawing = self.query_one("#distribution", Drawing)
        drawing.border_title = Content(f"Distribution · {harmless(found.column)}")
        drawing.show(lambda width, height: distribution_picture(found, width, height))
        history = self.query_one(HistoryPane)
        history.column = name
        history.drawing.refresh()

    @on(LookPane.Answered, "#history")
    def show_history(self) -> None:
        """Show in each row how it was before."""
        answer = self.query_one(HistoryPane).answer
        if answer is not None:
            self.query_one(FeaturesPane).take_history(answer)

    @on(LookPane.Answered, "#latency")
    def show_predictions(self) -> None:
        """The same answer tells how the predictions lie."""
        answer = self.query_one(LatencyPane).answer
        if answer is not None:
            view = answer
            drawing = self.query_one("#predictions", Drawing)
            drawing.show(lambda width, height: predictions_picture(view, width, height))

    @on(Grid.Chosen, "#features Grid")
    def show_distribution(self) -> None:
        """Show what the feature looks like."""
        self._turn_to(0)

    def action_turn(self, by: int) -> None:
        """Show the next view, where only one is in sight."""
        self._turn_to((self._view + by) % len(VIEWS))

    def action_next_target(self) -> None:
        """Look at the next target."""
        if self.world is None:
            return
        names = list(self.world.targets)
        if len(names) == 1:
            self.notify(f"{names[0]} is the only target.", markup=False)
            return
        self._wanted = names[(names.index(self._target(self.world)) + 1) % len(names)]
        self.query_one(FeaturesPane).forget()
        for pane in (self.query_one(HistoryPane), self.query_one(PerformancePane), self.query_one(LatencyPane)):
            pane.forget()
        distribution = self.query_one("#distribution", Drawing)
        distribution.border_title = "Distribution"
        distribution.show(lambda width, height: [remark(NO_FEATURE)])
        self.query_one("#predictions", Drawing).show(lambda width, height: [])
        self.look(self.world)

    def action_toggle_all_alerts(self) -> None:
        """Show alerts that are gone as well, or only open ones again."""
        self._alerts.shows_all = not self._alerts.shows_all
        if self.world:
            self._alerts.ask(alerts.LIST, ListAlerts(all=self._alerts.shows_all), self.world)

    def action_acknowledge(self) -> None:
        """Ask why the alert under the cursor is left as it is, and take note of it."""
        found = self._alerts.pointed
        if found is None or found.closed is not None:
            self.notify("No open alert is under the cursor.", markup=False)
        elif not found.asks:
            self.notify(f"{found.acknowledged_by} has acknowledged it; z takes the last change back.", markup=False)
        else:
            self.post_message(Asked(alerts.ACKNOWLEDGE, {"alert": found.id}, complete=False))

    @property
    def _alerts(self) -> AlertsPane:
        return self.query_one(AlertsPane)

    def _turn_to(self, view: int) -> None:
        self._view = view
        for number, name in enumerate(VIEWS):
            self.query_one(f"#{name}").set_class(number == view, "-shown")

    def _target(self, world: World) -> str:
        names = tuple(world.targets)
        return self._wanted if self._wanted is not None and self._wanted in names else names[0]
