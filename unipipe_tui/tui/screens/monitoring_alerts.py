"""What keys do with the alerts of the monitoring place: take note, set aside, close, read, run what comes next."""

from __future__ import annotations

from textual import on

from unipipe_tui.actions.action import Change
from unipipe_tui.actions.alerts import listing as alerts
from unipipe_tui.actions.alerts import marks as alert_marks
from unipipe_tui.actions.alerts.listing import ListAlerts, ShowAlert
from unipipe_tui.domain.records import Alert
from unipipe_tui.tui.messages import Asked
from unipipe_tui.tui.screens.monitoring_panes import AlertsPane
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.screens.reading import ReadingScreen
from unipipe_tui.tui.sheets.monitoring import alert_lines
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import LookPane


class AlertKeys(Place):
    """A place with a pane of alerts."""

    @property
    def alerts_pane(self) -> AlertsPane:
        """Where they are."""
        return self.query_one(AlertsPane)

    def say(self, text: str) -> None:
        """Tell why a key does nothing here."""
        self.notify(text, markup=False)

    @on(LookPane.Answered, "#open-alerts")
    def give_room(self) -> None:
        """Without an alert there is only to say that."""
        self.alerts_pane.set_class(not self.alerts_pane.grid.rows, "-none")

    @on(Grid.Pointed, "#open-alerts Grid")
    def tell_next_command(self) -> None:
        """Say what to run next for the alert under the cursor."""
        self.alerts_pane.tell_count()

    def action_toggle_all_alerts(self) -> None:
        """Show alerts that are gone as well, or only open ones again."""
        self.alerts_pane.shows_all = not self.alerts_pane.shows_all
        if self.world:
            self.alerts_pane.ask(alerts.LIST, ListAlerts(all=self.alerts_pane.shows_all), self.world)

    def action_acknowledge(self) -> None:
        """Ask why the alert under the cursor is left as it is, and take note of it."""
        found = self.alerts_pane.pointed
        if found is not None and found.closed is None and not found.asks:
            self.say(f"{found.acknowledged_by} has acknowledged it; z takes the last change back.")
        else:
            self._ask_of_alert(found, alerts.ACKNOWLEDGE)

    def action_snooze(self) -> None:
        """Ask until when, and why, the alert under the cursor is set aside."""
        self._ask_of_alert(self.alerts_pane.pointed, alert_marks.SNOOZE)

    def action_close_alert(self) -> None:
        """Ask why the alert under the cursor is no problem, and close it."""
        self._ask_of_alert(self.alerts_pane.pointed, alert_marks.CLOSE)

    def action_next_command(self) -> None:
        """Ask for the command that the alert under the cursor names as the next one."""
        found = self.alerts_pane.pointed
        if found is None or not found.command:
            self.say("No alert with a next command is under the cursor.")
        else:
            self.ask_for_command(found.command)

    @on(Grid.Chosen, "#open-alerts Grid")
    def read_alert(self) -> None:
        """Read the alert under the cursor, with its evidence."""
        found, world = self.alerts_pane.pointed, self.world
        if found is not None and world is not None:
            self.app.push_screen(ReadingScreen(alerts.SHOW, ShowAlert(found.id), world, alert_lines))

    def _ask_of_alert(self, found: Alert | None, change: Change) -> None:  # type: ignore[type-arg]
        if found is None or found.closed is not None:
            self.say("No open alert is under the cursor.")
        else:
            self.post_message(Asked(change, {"alert": found.id}, complete=False))
