"""The first line of every screen: where we are in the program and in the project."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from unipipe_tui.actions.overview import ProjectFacts
from unipipe_tui.tui.bindings import keys_in_force
from unipipe_tui.tui.places import PLACES, PlaceLine
from unipipe_tui.tui.snapshot import Snapshot
from unipipe_tui.tui.text import clip, clock, harmless

PROGRAM = " unipipe "
LEAST_PROJECT_CELLS = 24
"""Left for the project; where the labels of all places would take more, only the one that is here is written out."""

LEAST_NAME_CELLS = 8


class Title(Static):
    """Screens by number; project, branch, commit, dirty marker; how new the picture is, or why it is not."""

    def __init__(self, place: str) -> None:
        super().__init__(markup=False)
        self._place = place
        self._snapshot = Snapshot()
        self._short = False
        """Whether only the place that is here is written out."""

    def on_mount(self) -> None:
        """What lies above the place is part of where we are."""
        self.app.screen_change_signal.subscribe(self, lambda _: self.call_after_refresh(self._paint))

    def show(self, snapshot: Snapshot) -> None:
        """Tell what is known."""
        self._snapshot = snapshot
        self._paint()

    def on_resize(self) -> None:
        """The line is as wide as the screen."""
        self._paint()

    async def on_click(self, event: Click) -> None:
        """A place's number or name goes there."""
        at = event.get_content_offset(self)
        place = self._place_at(at.x) if at is not None else None
        if place is not None:
            await self.run_action(f"app.go('{place.name}')")

    def _place_at(self, x: int) -> PlaceLine | None:
        edge = cell_len(PROGRAM)
        for place in PLACES if x >= edge else ():
            edge += self._tab(place, self._short).cell_length
            if x < edge:
                return place
        return None

    def _paint(self) -> None:
        right = self._age()
        left = self._tabs(short=False)
        self._short = left.cell_length + right.cell_length + LEAST_PROJECT_CELLS > self.content_size.width
        if self._short:
            left = self._tabs(short=True)
        room = self.content_size.width - left.cell_length - right.cell_length - 1
        middle = self._crumbs(max(0, room)) or self._project(max(0, room))
        gap = " " * max(1, room - middle.cell_length + 1)
        self.update(Content.assemble(left, middle, gap, right))

    def _tabs(self, *, short: bool) -> Content:
        return Content.assemble((PROGRAM, "bold $primary"), *(self._tab(place, short) for place in PLACES), "  ")

    def _tab(self, place: PlaceLine, short: bool) -> Content:
        here = place.name == self._place
        label = f"{place.label} " if here or not short else ""
        key = next(iter(keys_in_force(self.app).keys_of(f"everywhere.{place.name}")), place.key)
        return Content.assemble(
            (f" {key} " if label else f" {key}", "bold $accent on $panel" if here else "$accent"),
            (label, "bold $foreground on $panel" if here else "$muted"),
        )

    def _crumbs(self, room: int) -> Content | None:
        """The way from the place to the dialog on top; None when there is none."""
        crumbs = [str(getattr(screen, "crumb", "")) for screen in self.app.screen_stack[1:]]
        named = [harmless(crumb) for crumb in crumbs if crumb]
        way = "".join(f"› {crumb} " for crumb in named)
        return Content.styled(way, "bold $foreground").truncate(room, ellipsis=True) if named else None

    def _project(self, room: int) -> Content:
        picture = self._snapshot.picture
        if picture is None:
            return Content("")
        facts = picture.overview.project
        marks = _marks(facts, room - LEAST_NAME_CELLS - 2)
        name = clip(harmless(facts.name), max(LEAST_NAME_CELLS, room - marks.cell_length - 2))
        return Content.assemble((name, "bold"), "  ", marks).truncate(room, ellipsis=True)

    def _age(self) -> Content:
        snapshot = self._snapshot
        when = clock(snapshot.picture.at) if snapshot.picture else ""
        if snapshot.is_stale:
            return Content.styled(f"stale since {when} " if when else "no answer ", "bold $warning")
        return Content.styled(f"seen {when[:5]} UTC " if when else "looking … ", "$muted")


def _marks(facts: ProjectFacts, room: int) -> Content:
    """Branch and commit, and that nothing may be changed: that first, where there is no room for all."""
    if not facts.read_only:
        return _where(facts)
    short = Content.styled("read-only", "$warning")
    ways = ([_where(facts), _read_only(facts)], [_read_only(facts)], [_where(facts), short], [short])
    fitting = (Content("  ").join(words) for words in ways)
    return next((marks for marks in fitting if marks.cell_length <= room), short)


def _where(facts: ProjectFacts) -> Content:
    if facts.branch is None and facts.commit is None:
        return Content.styled("no Git repository", "$muted")
    branch = Content.styled(harmless(facts.branch or "detached"), "$secondary")
    commit = Content.styled((facts.commit or "no commit")[:7] if facts.commit else "no commit", "$muted")
    dirty = Content.styled(f" ±{facts.changed_files}" if facts.changed_files else "", "$warning")
    return Content.assemble(branch, " ", commit, dirty)


def _read_only(facts: ProjectFacts) -> Content:
    return Content.styled(f"read-only: {harmless(facts.read_only)}", "$warning")
