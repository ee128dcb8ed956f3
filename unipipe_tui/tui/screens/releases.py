"""Releases: what is live on each target, what is on its way there, how it does, and what was before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.containers import Container, Vertical
from textual.widget import Widget

from unipipe_tui.actions import going_back, traffic
from unipipe_tui.actions.action import Change
from unipipe_tui.actions.release import moving, starting, status
from unipipe_tui.actions.release.difference import DIFF, DiffReleases
from unipipe_tui.actions.release.history import HISTORY, ReleaseHistory, ReleaseLine
from unipipe_tui.actions.release.status import RolloutLine
from unipipe_tui.actions.release.view import SHOW, ShowRelease
from unipipe_tui.actions.world import World
from unipipe_tui.domain.rollouts.course import RolloutState
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import RELEASES
from unipipe_tui.tui.messages import Asked, JobWanted
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.screens.reading import ReadingScreen
from unipipe_tui.tui.screens.releases_panes import HistoryPane, TargetPane, TargetsPane
from unipipe_tui.tui.sheets.releases import difference_lines, release_id
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import LookPane

MOST_RELEASES = 200
STAYS = (RolloutState.WATCHING, RolloutState.WAITING, RolloutState.HELD)
"""Where a step stands, so that one may go on from it."""
HOLDS = (RolloutState.WATCHING, RolloutState.WAITING)
ABORTS = tuple(state for state in RolloutState if not state.is_over and state is not RolloutState.ABORTING)


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

    @on(LookPane.Answered, "#target")
    def make_room(self) -> None:
        """Leave the history fewer rows while there is a release on its way to read about."""
        view = self.query_one(TargetPane).answer
        moving = view is not None and view.status.rollout is not None
        self.query_one("#releases-place").set_class(moving, "-moving")

    def action_release(self) -> None:
        """Ask which version is released, and how; in the history the one under the cursor is meant."""
        way = self._way
        if way is not None and not way.state.is_over:
            self._say(f"Release {way.release} is {way.state.value} on {self._target}: advance or abort it first.")
            return
        self.post_message(Asked(starting.START, self.selection()))

    def action_advance(self) -> None:
        """Plan the next step of the release on its way; of an interrupted one, to go on with it."""
        way, target = self._way, self._target
        if way is not None and target is not None and way.interrupted:
            self.post_message(Asked(status.RESUME, {"target": target}, complete=True))
        else:
            self._move(moving.ADVANCE, STAYS, "goes on by itself")

    def action_hold(self) -> None:
        """Plan to let it stay where it is."""
        self._move(moving.HOLD, HOLDS, "cannot be held")

    def action_abort(self) -> None:
        """Plan to take it back."""
        self._move(moving.ABORT, ABORTS, "is taken back already")

    def action_back_to(self) -> None:
        """Plan to go back to the release under the cursor of the history."""
        release = self._release
        if release is None:
            self._say("Nothing was released here yet.")
        elif release.live:
            self._say(f"{release.target} answers with version {release.version} already.")
        else:
            known = {"target": release.target, "to": release.release or str(release.version)}
            self.post_message(Asked(going_back.ROLL_BACK, known, complete=True))

    def action_compare(self) -> None:
        """Show what differs between two marked releases; with one or none, the one under the cursor and the one before it."""
        history, world, target = self.query_one(HistoryPane), self.world, self._target
        done = [one for one in self._releases if one.state is RolloutState.DONE]
        marked = [one for one in done if release_id(one) in history.grid.marks]
        after = self._release if history.grid.has_focus else None
        never = after is not None and after not in done and len(marked) != 2
        pair = marked if len(marked) == 2 else [after] if after in done and after is not None else []
        if len(done) < 2 or world is None or target is None:
            self._say("There are no two releases to compare yet.")
        elif never and after is not None:
            self._say(
                f"Release {after.release} is {after.state.value}: it never answered alone, so there is nothing to compare."
            )
        elif any(not one.release for one in pair):
            self._say("A release that was recorded without an id cannot be named.")
        else:
            names = [one.release for one in pair]
            request = DiffReleases(target, names[1] if len(names) == 2 else None, names[0] if names else None)
            self.app.push_screen(ReadingScreen(DIFF, request, world, difference_lines))

    def action_try_out(self) -> None:
        """Ask for a prediction, with the record that the model was saved with as a beginning."""
        view = self.query_one(TargetPane).answer
        known = {"target": self._target or ""}
        if view is not None and view.target == self._target and view.example:
            known["record"] = view.example
        self.post_message(Asked(traffic.PREDICT, known))

    def _move(self, change: Change, states: Sequence[RolloutState], otherwise: str) -> None:  # type: ignore[type-arg]
        """Plan a move of the release on its way, or say why there is none to make."""
        way, target = self._way, self._target
        if target is None:
            return
        if way is None:
            self._say(f"No release is on its way to {target}.")
        elif way.interrupted and change is not moving.ABORT:
            self._say(f"Release {way.release} was interrupted; advance goes on with it, abort takes it back.")
        elif way.state not in states:
            self._say(f"Release {way.release} is {way.state.value}: it {otherwise}.")
        else:
            self.post_message(Asked(change, {"target": target}, complete=True))

    def _say(self, text: str) -> None:
        self.notify(text, markup=False)

    @property
    def _way(self) -> RolloutLine | None:
        """The release on its way to the target under the cursor."""
        seen = self.query_one(TargetsPane).seen(self._target)
        return seen.status.rollout if seen and seen.status else None

    @property
    def _releases(self) -> tuple[ReleaseLine, ...]:
        answer = self.query_one(HistoryPane).answer
        return answer.releases if answer else ()

    @property
    def _target(self) -> str | None:
        return self.query_one(TargetsPane).grid.pointed

    @property
    def _release(self) -> ReleaseLine | None:
        """The release under the cursor of the history."""
        row = self.query_one(HistoryPane).grid.pointed
        return next((line for line in self._releases if release_id(line) == row), None)

    def _look_at_target(self) -> None:
        target, world = self._target, self.world
        if target and world:
            self.query_one(HistoryPane).ask_of(target, HISTORY, ReleaseHistory(target, limit=MOST_RELEASES), world)
            self.query_one(TargetPane).ask_of(target, SHOW, ShowRelease(target), world)
