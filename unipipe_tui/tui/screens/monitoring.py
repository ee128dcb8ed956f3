"""Monitoring: targets, their timeline, the columns of a check and what changed in them, performance, traffic, alerts."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime

from textual import on
from textual.actions import SkipAction
from textual.containers import Container
from textual.widget import Widget

from unipipe_tui.actions import operations, performance, timeline, traffic
from unipipe_tui.actions.alerts import listing as alerts
from unipipe_tui.actions.alerts.listing import ListAlerts
from unipipe_tui.actions.drift import explained as explained_drift
from unipipe_tui.actions.drift import history as drift_history
from unipipe_tui.actions.drift.explained import ExplainDrift
from unipipe_tui.actions.drift.history import CheckLine, ShowDrift, ShowDriftHistory
from unipipe_tui.actions.monitor import standing, story
from unipipe_tui.actions.monitor.standing import MonitorStatus
from unipipe_tui.actions.monitor.story import ShowStory, Story
from unipipe_tui.actions.objectives import budgets as objectives
from unipipe_tui.actions.objectives.budgets import Objectives, ShowObjectives
from unipipe_tui.actions.operations import ShowOperations
from unipipe_tui.actions.performance import ShowPerformance
from unipipe_tui.actions.timeline import ShowTimeline
from unipipe_tui.actions.traffic import ShowTraffic
from unipipe_tui.actions.world import World
from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import MONITORING
from unipipe_tui.tui.looking import Looking, Question
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.screens.monitoring_alerts import AlertKeys
from unipipe_tui.tui.screens.monitoring_panes import (
    AlertsPane,
    ExplanationPane,
    FeaturesPane,
    HistoryPane,
    OperationsPane,
    PerformancePane,
    PredictionsPane,
    TargetsPane,
    TimelinePane,
)
from unipipe_tui.tui.sheets.monitoring_story import story_line
from unipipe_tui.tui.snapshot import Snapshot
from unipipe_tui.tui.themes import target_styles
from unipipe_tui.tui.widgets.drawing import Drawing
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import ANSWER_WITHIN_SECONDS, LookPane

VIEWS = ("explanation", "history", "performance", "operations", "predictions")
"""One of them is in sight where there is little room, all of them where there is enough."""

PERFORMANCE_AFTER_SECONDS = 1.0
PROGRESS_EVERY_SECONDS = 0.5
ABOUT_TARGET = (*VIEWS, "features", "timeline")


class MonitoringScreen(AlertKeys):
    """One target under watch."""

    NAME = "monitoring"
    BINDINGS = bindings_of(MONITORING)
    AUTO_FOCUS = "#features Grid"

    def __init__(self) -> None:
        super().__init__()
        self._wanted: str | None = None
        """The target that was chosen here."""
        self._chosen: datetime | None = None
        """When the check was made that was chosen here; None: the last one, whichever that is."""
        self._view = 0
        self._knows_performance = False
        """Whether performance is asked for by now: only where it is in sight, and not before the rest."""
        self._budgets: Looking[Objectives] = Looking(self._take_budgets, ANSWER_WITHIN_SECONDS)
        self._story: Looking[Story] = Looking(self._take_story, ANSWER_WITHIN_SECONDS)

    def parts(self) -> Iterable[Widget]:
        """Targets, what happened, the columns of a check, one view of them or all, alerts."""
        yield Container(
            TargetsPane(id="targets"),
            TimelinePane(id="timeline"),
            Drawing(id="story"),
            Container(
                FeaturesPane(id="features"),
                ExplanationPane(id="explanation"),
                PerformancePane(id="performance"),
                OperationsPane(id="operations"),
                HistoryPane(id="history"),
                PredictionsPane(id="predictions"),
                id="drift-and-views",
            ),
            AlertsPane(id="open-alerts"),
            id="monitoring-place",
            classes="-one",
        )

    def on_mount(self) -> None:
        """Show the first view."""
        for name in VIEWS:
            self.query_one(f"#{name}").add_class("view")
        self._turn_to(0)
        self.set_interval(PROGRESS_EVERY_SECONDS, self._tell_progress)

    def look(self, world: World) -> None:
        """Look at the target; what changed in a column is asked when the column is known."""
        target, told = self._target(world), ShowStory(self._target(world))
        self._story.ask(Question(told, lambda: story.SHOW.look(told, world)))
        self.query_one(FeaturesPane).ask(drift_history.SHOW, ShowDrift(target, at=self._at), world)
        self.query_one(HistoryPane).ask(drift_history.HISTORY, ShowDriftHistory(target), world, self.recorded)
        self.alerts_pane.ask(alerts.LIST, ListAlerts(all=self.alerts_pane.shows_all), world)
        self.query_one(TargetsPane).ask(standing.SHOW, MonitorStatus(ask=False), world)
        self.query_one(TimelinePane).ask(timeline.SHOW, ShowTimeline(target), world, self.recorded)
        self.query_one(OperationsPane).ask(operations.SHOW, ShowOperations(target), world)
        self.query_one(PredictionsPane).ask(traffic.SHOW, ShowTraffic(target), world)
        if self._knows_performance:
            self._look_at_performance()
        else:
            # What it computes with takes a while to begin: the rest comes first.
            self.set_timer(PERFORMANCE_AFTER_SECONDS, self._begin_with_performance)
        if world.config.slos:
            request = ShowObjectives(target)
            self._budgets.ask(Question(request, lambda: objectives.SHOW.look(request, world)))

    def on_resize(self) -> None:
        """With more room there is more in sight."""
        if self._knows_performance:
            self.call_after_refresh(self._look_at_performance)

    def on_unmount(self) -> None:
        """Want no answer any more."""
        self._budgets.end()
        self._story.end()

    def show(self, snapshot: Snapshot) -> None:
        """Say how the targets answer."""
        picture = snapshot.picture
        if picture is not None:
            live = {one.target: one for one in picture.overview.live}
            self.query_one(TargetsPane).take_live(live, target_styles(picture.world.targets))
            self._say_standing()

    def selection(self) -> Texts:
        """The target, the check if one was chosen, and the column and the alert under the cursors."""
        texts = {
            "target": self._target(self.world) if self.world else None,
            "column": self.query_one(FeaturesPane).grid.pointed,
            "alert": self.alerts_pane.grid.pointed,
            "at": self._at,
        }
        return {name: text for name, text in texts.items() if text}

    # What follows from an answer, and from another row under a cursor

    @on(LookPane.Answered, "#targets")
    def make_room(self) -> None:
        """A table of one target would only waste room where there is little: the timeline's title says how it stands."""
        count = len(self.query_one(TargetsPane).grid.sheet.rows)
        self.query_one("#monitoring-place").set_class(count < 2, "-one")
        if self.world and self._wanted is None:
            self.query_one(TargetsPane).grid.point_at(self._target(self.world))
        self._say_standing()

    @on(LookPane.Answered, "#timeline")
    def _say_standing(self) -> None:
        if self.world:
            line = self.query_one(TargetsPane).line_of(self._target(self.world))
            self.query_one(TimelinePane).say_standing(line, len(self.world.targets))

    @on(Grid.Pointed, "#targets Grid")
    def show_target(self, event: Grid.Pointed) -> None:
        """Look at the target under the cursor."""
        self._go_to_target(event.row_id)

    @on(Grid.Chosen, "#targets Grid")
    def go_to_columns(self) -> None:
        """Go on to its columns."""
        self.query_one(FeaturesPane).grid.focus()

    @on(Grid.Pointed, "#features Grid")
    @on(LookPane.Answered, "#features")
    def show_feature(self) -> None:
        """Show what changed in the column under the cursor, and how it was before."""
        features = self.query_one(FeaturesPane)
        name, view, world = features.grid.pointed, features.answer, self.world
        if name is None or view is None or world is None:
            return
        request = ExplainDrift(name, view.target, view.at.isoformat())
        self.query_one(ExplanationPane).ask(explained_drift.EXPLAIN, request, world)
        self.query_one(HistoryPane).show_column(name)
        if self._knows_performance:
            self._look_at_performance()

    @on(LookPane.Answered, "#history")
    def show_history(self) -> None:
        """Show in each row how it was before."""
        answer = self.query_one(HistoryPane).answer
        if answer is not None:
            self.query_one(FeaturesPane).take_history(answer)

    @on(LookPane.Answered, "#predictions")
    def show_traffic(self) -> None:
        """The same answer tells how latency went on."""
        answer = self.query_one(PredictionsPane).answer
        if answer is not None:
            self.query_one(OperationsPane).take_traffic(answer)
            self.query_one(PerformancePane).take_traffic(answer)

    def _take_budgets(self, asked: Hashable, answer: Objectives | Problem) -> None:
        # What cannot be told now stays as it was; `slo show` says why.
        if self.world and asked == ShowObjectives(self._target(self.world)) and not isinstance(answer, Problem):
            self.query_one(OperationsPane).take_budgets(answer.budgets)

    def _take_story(self, asked: Hashable, answer: Story | Problem) -> None:
        # What cannot be told now stays as it was; `monitor story` says why.
        if self.world and asked == ShowStory(self._target(self.world)) and not isinstance(answer, Problem):
            self.query_one("#story", Drawing).show(lambda width, height: [story_line(answer, width)])
            self.query_one("#monitoring-place").set_class(bool(answer.checks or answer.began), "-story")

    # Keys

    @on(Grid.Chosen, "#features Grid")
    def enlarge(self) -> None:
        """Give the view all the room that there is; again: show all of it."""
        self.query_one("#monitoring-place").toggle_class("-large")

    def action_back(self) -> None:
        """Show all of it again; after that, go back to the last check."""
        place = self.query_one("#monitoring-place")
        if place.has_class("-large"):
            place.remove_class("-large")
        elif self._chosen is not None:
            self._choose_check(None)
        else:
            raise SkipAction

    def action_turn(self, by: int) -> None:
        """Show the next view, where only one is in sight."""
        self._turn_to((self._view + by) % len(VIEWS))

    def action_check(self, by: int) -> None:
        """Look at the check before or after the one that is looked at."""
        checks = self._checks
        if not checks:
            self.say("No check is recorded yet; d makes one.")
            return
        moments = [check.at for check in checks]
        now = moments.index(self._chosen) if self._chosen in moments else len(moments) - 1
        wanted = now + by
        if wanted < 0:
            self.say("That is the first check.")
        elif wanted >= len(moments):
            self.say("That is the last check.")
        else:
            self._choose_check(None if wanted == len(moments) - 1 else moments[wanted])

    def action_next_target(self) -> None:
        """Look at the next target."""
        if self.world is None:
            return
        names = list(self.world.targets)
        if len(names) == 1:
            self.say(f"{names[0]} is the only target.")
            return
        following = names[(names.index(self._target(self.world)) + 1) % len(names)]
        self.query_one(TargetsPane).grid.point_at(following)
        self._go_to_target(following)

    def action_draw(self) -> None:
        """Ask where to draw to what changed in the column."""
        column = self.query_one(FeaturesPane).grid.pointed
        if column is None:
            self.say("There is no column to draw.")
            return
        self.post_message(Asked(explained_drift.DRAW, {**self.selection(), "to": f"drift-{column}.svg"}))

    # What is looked at

    @property
    def _checks(self) -> tuple[CheckLine, ...]:
        answer = self.query_one(HistoryPane).answer
        return answer.checks if answer else ()

    @property
    def _at(self) -> str | None:
        return self._chosen.isoformat() if self._chosen else None

    def _target(self, world: World) -> str:
        names = tuple(world.targets)
        return self._wanted if self._wanted is not None and self._wanted in names else names[0]

    def _go_to_target(self, name: str) -> None:
        world = self.world
        if world is None or name == self._target(world):
            return
        self._wanted, self._chosen = name, None
        for pane in self.query(LookPane):
            if pane.id in ABOUT_TARGET:
                pane.forget()
        self.query_one("#monitoring-place").remove_class("-story")
        self.query_one(TimelinePane).point_at(None)
        self._say_standing()
        self.look(world)

    def _choose_check(self, moment: datetime | None) -> None:
        self._chosen = moment
        self.query_one(TimelinePane).point_at(moment)
        world = self.world
        if world is not None:
            target = self._target(world)
            self.query_one(FeaturesPane).ask(drift_history.SHOW, ShowDrift(target, at=self._at), world)

    def _tell_progress(self) -> None:
        """Say how far a log is that is read for the first time."""
        told = self.world and self.world.operations.under_way(self._target(self.world))
        said = f"the log is read once: {told.done:,} of {told.of:,} segments …" if told else ""
        for pane in self.query_one("#monitoring-place").query(LookPane):
            pane.say_waiting(said)

    def _begin_with_performance(self) -> None:
        self._knows_performance = True
        self._look_at_performance()

    def _look_at_performance(self) -> None:
        """Of the version whose traffic the check looked at: with an earlier check one sees how it was then."""
        pane, world = self.query_one(PerformancePane), self.world
        if world is None or not pane.display:
            return
        view, target = self.query_one(FeaturesPane).answer, self._target(world)
        version = view.version if view is not None and view.target == target else None
        pane.ask(performance.SHOW, ShowPerformance(target, version), world, self.recorded)

    def _turn_to(self, view: int) -> None:
        self._view = view
        for number, name in enumerate(VIEWS):
            self.query_one(f"#{name}").set_class(number == view, "-shown")
        # Where most of them are in sight, it takes the place of another one.
        self.query_one("#monitoring-place").set_class(VIEWS[view] == "history", "-history")
        if self._knows_performance:
            self.call_after_refresh(self._look_at_performance)
