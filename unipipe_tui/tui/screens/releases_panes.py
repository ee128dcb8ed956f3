"""The panes of the releases place. Each target is asked by itself: one that hangs holds up nothing but its own row."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from functools import partial
from typing import Any, Generic, TypeVar

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.release.history import ReleasesSoFar
from unipipe_tui.actions.release.status import TARGETS, ReleaseStatus, ReleaseStatuses
from unipipe_tui.actions.release.view import TargetView
from unipipe_tui.actions.world import World
from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.looking import Looking, Question
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.releases import SeenTarget, releases_sheet, target_lines, targets_sheet
from unipipe_tui.tui.text import harmless
from unipipe_tui.tui.themes import target_styles
from unipipe_tui.tui.widgets.pane import LookPane, TablePane
from unipipe_tui.tui.widgets.reading_pane import ReadingPane

Result = TypeVar("Result")


class TargetsPane(TablePane[tuple[SeenTarget, ...]]):
    """The targets as they are now; each row is as new as its own target answers."""

    TITLE = "Targets"
    EMPTY = "No target; name one in unipipe.yaml:  targets: {local: {kind: local, port: 8765}}"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._each: dict[str, Looking[ReleaseStatuses]] = {}
        self._seen: dict[str, SeenTarget] = {}
        self._is_first = True
        """Whether a target has just answered for the first time: that is no change of it."""

    def on_unmount(self) -> None:
        """Want no answer any more."""
        for looking in self._each.values():
            looking.end()

    def look_at(self, world: World) -> None:
        """Look at all targets, each in the colour that it has in unipipe.yaml."""
        self._styles = target_styles(world.targets)
        kinds = {name: config.kind.value for name, config in world.targets.items()}
        self._seen = {name: self._seen.get(name) or SeenTarget(name, kind, None) for name, kind in kinds.items()}
        self._tell()
        for name in kinds:
            request = ReleaseStatus(name)
            looking = self._each.setdefault(name, Looking(partial(self._take_of, name), self.WITHIN_SECONDS))
            looking.ask(Question(request, partial(TARGETS.look, request, world)))

    def sheet_of(self, answer: tuple[SeenTarget, ...]) -> Sheet:
        """One row a target."""
        return targets_sheet(answer, self._styles)

    def show_answer(self, answer: tuple[SeenTarget, ...]) -> None:
        """Show the rows; what had not answered before has not changed."""
        self.grid.say_when_empty(self.EMPTY)
        self.grid.show(self.sheet_of(answer), changed=not self._is_first)

    def seen(self, target: str | None) -> SeenTarget | None:
        """A target as it was seen last."""
        return self._seen.get(target or "")

    def _take_of(self, name: str, _: Hashable, answer: ReleaseStatuses | Problem) -> None:
        before = self._seen.get(name)
        if before is None:
            # It was taken out of unipipe.yaml meanwhile.
            return
        self._is_first = before.status is None
        if isinstance(answer, Problem):
            self._seen[name] = replace(before, problem=answer.message)
        else:
            self._seen[name] = SeenTarget(name, before.kind, answer.targets[0])
        self._tell()

    def _tell(self) -> None:
        self._take(None, tuple(self._seen.values()))


class OfTarget(LookPane[Result], Generic[Result]):
    """What is asked of one target after the other, without waiting for one that was left."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._of: str | None = None
        self._each: dict[str, Looking[Result]] = {}

    def on_unmount(self) -> None:
        """Want no answer any more."""
        for looking in self._each.values():
            looking.end()

    def ask_of(self, target: str, look: Look[Any, Result], request: Any, world: World) -> None:
        """Ask about a target; what is known of another one is no answer."""
        if target != self._of:
            self._of = target
            self._looking = self._each.setdefault(target, Looking(partial(self._take_of, target), self.WITHIN_SECONDS))
            self.forget()
        self.ask(look, request, world)

    def _take_of(self, target: str, asked: Hashable, answer: Result | Problem) -> None:
        if target == self._of:
            self._take(asked, answer)


class HistoryPane(OfTarget[ReleasesSoFar], TablePane[ReleasesSoFar]):
    """What was released on one target."""

    TITLE = "History"
    EMPTY = "Nothing was released here yet; R releases a version, or: unipipe release start"

    def sheet_of(self, answer: ReleasesSoFar) -> Sheet:
        """One row a release."""
        return releases_sheet(answer)

    def show_answer(self, answer: ReleasesSoFar) -> None:
        """Show the rows; where nobody reads further down, the newest stays in sight."""
        at_newest = self.grid.pointed == next((row.id for row in self.grid.rows), None) and not self.grid.has_focus
        super().show_answer(answer)
        if at_newest and self.grid.rows:
            self.grid.point_at(self.grid.rows[0].id)


class TargetPane(OfTarget[TargetView], ReadingPane[TargetView]):
    """All that is known of one target."""

    TITLE = "Target"

    @property
    def title(self) -> str:
        """Names the target."""
        return f"Target {harmless(self._of)}" if self._of else self.TITLE

    def lines_of(self, answer: TargetView) -> list[Line]:
        """What is on its way, what it answers with, how it does, what it should answer with."""
        return target_lines(answer)

    def about(self, answer: TargetView) -> str:
        """The target."""
        return answer.target
