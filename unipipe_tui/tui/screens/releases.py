"""Releases: what is live on each target, how it does, and what was before."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.containers import Container, Vertical
from textual.widget import Widget

from unipipe_tui.actions import releases, serve, traffic
from unipipe_tui.actions.releases import ListReleases, ReleaseLine, ReleaseList, ShowRelease, TargetView
from unipipe_tui.actions.serve import Servers, ServeStatus
from unipipe_tui.actions.world import World
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import RELEASES
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.messages import Asked, JobWanted
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.releases import release_id, releases_sheet, target_lines, targets_sheet
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.themes import target_styles
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import TablePane
from unipipe_tui.tui.widgets.reading_pane import ReadingPane

MOST_RELEASES = 200


class TargetsPane(TablePane[Servers]):
    """The targets as they are now."""

    TITLE = "Targets"
    EMPTY = "No target; name one in unipipe.yaml:  targets: {local: {kind: local, port: 8765}}"

    def look_at(self, world: World) -> None:
        """Look at all targets, each in the colour that it has in unipipe.yaml."""
        self._styles = target_styles(world.targets)
        self.ask(serve.STATUS, ServeStatus(), world)

    def sheet_of(self, answer: Servers) -> Sheet:
        """One row a target."""
        return targets_sheet(answer, self._styles)


class HistoryPane(TablePane[ReleaseList]):
    """What was released on one target."""

    TITLE = "History"
    EMPTY = "Nothing was released here yet; u starts the server, or: unipipe serve start"

    def sheet_of(self, answer: ReleaseList) -> Sheet:
        """One row a release."""
        return releases_sheet(answer)


class TargetPane(ReadingPane[TargetView]):
    """All that is known of one target."""

    TITLE = "Target"

    @property
    def title(self) -> str:
        """Names the target."""
        return f"Target {harmless(self.answer.target)}" if self.answer else self.TITLE

    def lines_of(self, answer: TargetView) -> list[Line]:
        """What it answers with, how it does, what it should answer with."""
        return target_lines(answer)

    def about(self, answer: TargetView) -> str:
        """The target."""
        return answer.target


class ReleasesScreen(Place):
    """Targets and their releases."""

    NAME = "releases"
    BINDINGS = bindings_of(RELEASES)
    AUTO_FOCUS = "#targets Grid"

    def parts(self) -> Iterable[Widget]:
        """Targets, the history of the one under the cursor, and below or beside them how it does."""
        tables = Vertical(TargetsPane(id="targets"), HistoryPane(id="history"), id="release-tables")
        yield Container(tables, TargetPane(id="target"), id="releases-place")

    def look(self, world: World) -> None:
        """Look at the targets; history and details follow the cursor."""
        self.query_one(TargetsPane).look_at(world)
        self._look_at_target()

    def selection(self) -> Texts:
        """The target under the cursor; with the cursor in the history, also the model and version of that release."""
        release = self._release if self.query_one(HistoryPane).grid.has_focus else None
        found = {"target": self._target or ""}
        if release is not None:
            found |= {"model": release.model, "version": str(release.version)}
        return {name: text for name, text in found.items() if text}

    @on(Grid.Pointed, "#targets Grid")
    def show_target(self) -> None:
        """Show the target under the cursor."""
        self._look_at_target()

    @on(Grid.Chosen, "#targets Grid")
    def go_to_history(self) -> None:
        """Go on to its history."""
        self.query_one(HistoryPane).grid.focus()

    @on(Grid.Chosen, "#history Grid")
    def read_job(self) -> None:
        """Go to the job that released it."""
        release = self._release
        if release is not None:
            self.post_message(JobWanted(release.job))

    def action_try_out(self) -> None:
        """Ask for a prediction, with the record that the model was saved with as a beginning."""
        view = self.query_one(TargetPane).answer
        known = {"target": self._target or ""}
        if view is not None and view.target == self._target and view.example:
            known["record"] = view.example
        self.post_message(Asked(traffic.PREDICT, known))

    @property
    def _target(self) -> str | None:
        return self.query_one(TargetsPane).grid.pointed

    @property
    def _release(self) -> ReleaseLine | None:
        """The release under the cursor of the history."""
        row, answer = self.query_one(HistoryPane).grid.pointed, self.query_one(HistoryPane).answer
        return next((line for line in answer.releases if release_id(line) == row), None) if answer else None

    def _look_at_target(self) -> None:
        target, world = self._target, self.world
        if target and world:
            self.query_one(HistoryPane).ask(releases.LIST, ListReleases(target, MOST_RELEASES), world)
            self.query_one(TargetPane).ask(releases.SHOW, ShowRelease(target), world)
