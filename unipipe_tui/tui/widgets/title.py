"""The first line of every screen: where we are in the program and in the project."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from unipipe_tui.actions.overview import ProjectFacts
from unipipe_tui.tui.snapshot import Snapshot
from unipipe_tui.tui.text import clip, clock, harmless

PLACES = (("1", "overview", "Overview"), ("2", "jobs", "Jobs"))


class Title(Static):
    """Screens by number; project, branch, commit, dirty marker; how new the picture is, or why it is not."""

    def __init__(self, place: str) -> None:
        super().__init__(markup=False)
        self._place = place
        self._snapshot = Snapshot()

    def show(self, snapshot: Snapshot) -> None:
        """Tell what is known."""
        self._snapshot = snapshot
        self._paint()

    def on_resize(self) -> None:
        """The line is as wide as the screen."""
        self._paint()

    def _paint(self) -> None:
        left = Content.assemble((" unipipe ", "bold $primary"), *(self._tab(*place) for place in PLACES), "  ")
        right = self._age()
        room = self.content_size.width - left.cell_length - right.cell_length - 1
        middle = self._project(max(0, room))
        gap = " " * max(1, room - middle.cell_length + 1)
        self.update(Content.assemble(left, middle, gap, right))

    def _tab(self, key: str, place: str, label: str) -> Content:
        here = place == self._place
        return Content.assemble(
            (f" {key} ", "bold $accent on $panel" if here else "$accent"),
            (f"{label} ", "bold $foreground on $panel" if here else "$muted"),
        )

    def _project(self, room: int) -> Content:
        picture = self._snapshot.picture
        if picture is None:
            return Content("")
        facts = picture.overview.project
        words = [_where(facts), *([_read_only(facts)] if facts.read_only else [])]
        marks = Content("  ").join(words)
        name = clip(harmless(facts.name), max(8, room - marks.cell_length - 2))
        return Content.assemble((name, "bold"), "  ", marks).truncate(room, ellipsis=True)

    def _age(self) -> Content:
        snapshot = self._snapshot
        when = clock(snapshot.picture.at) if snapshot.picture else ""
        if snapshot.problem:
            return Content.styled(f"stale since {when} " if when else "no answer ", "bold $warning")
        return Content.styled(f"{when} UTC " if when else "looking … ", "$muted")


def _where(facts: ProjectFacts) -> Content:
    if facts.branch is None and facts.commit is None:
        return Content.styled("no Git repository", "$muted")
    branch = Content.styled(harmless(facts.branch or "detached"), "$secondary")
    commit = Content.styled((facts.commit or "no commit")[:7] if facts.commit else "no commit", "$muted")
    dirty = Content.styled(f" ±{facts.changed_files}" if facts.changed_files else "", "$warning")
    return Content.assemble(branch, " ", commit, dirty)


def _read_only(facts: ProjectFacts) -> Content:
    return Content.styled(f"read-only: {harmless(facts.read_only)}", "$warning")
