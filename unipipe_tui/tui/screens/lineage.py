"""Lineage: from anything to what it came from and what it led to, and the audit."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from textual import on
from textual.actions import SkipAction
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from unipipe_tui.actions import audit
from unipipe_tui.actions.audit import AuditList, AuditVerdict, VerifyAudit
from unipipe_tui.actions.lineage import walk as lineage_walk
from unipipe_tui.actions.lineage.walk import WalkLineage
from unipipe_tui.actions.world import World
from unipipe_tui.domain.records import AuditEntry
from unipipe_tui.domain.things import ThingKind, Walk, id_of
from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.keys import LINEAGE
from unipipe_tui.tui.looking import Looking, Question
from unipipe_tui.tui.messages import JobWanted
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.sheet import Sheet
from unipipe_tui.tui.sheets.lineage import (
    ABOVE,
    BELOW,
    audit_request,
    audit_sheet,
    chain_sheet,
    entry_lines,
    first_row,
    texts_of_thing,
    thing_of,
    trail_line,
    verdict_words,
    walk_lines,
)
from unipipe_tui.tui.widgets.grid import Grid
from unipipe_tui.tui.widgets.pane import ANSWER_WITHIN_SECONDS, LookPane, TablePane
from unipipe_tui.tui.widgets.reading import Reading

START = str(ThingKind.PRODUCTION)
PAGE = 200


class ChainPane(TablePane[Walk]):
    """Where one stands, what that came from and what it led to."""

    TITLE = "Lineage"

    def sheet_of(self, answer: Walk) -> Sheet:
        """One row a neighbour."""
        return chain_sheet(answer)

    def count(self) -> str:
        """How many neighbours there are."""
        return f"{len(self.answer.above):,} above · {len(self.answer.below):,} below" if self.answer else ""


class AuditPane(TablePane[AuditList]):
    """What was done, by whom, and how it ended; the store filters, since not all of it is here."""

    TITLE = "Audit"
    EMPTY = "No entry yet; every change makes one."

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._verifying: Looking[AuditVerdict] = Looking(self._take_verdict, ANSWER_WITHIN_SECONDS)
        self.verdict: AuditVerdict | None = None
        self.typed = ""
        self.limit = PAGE
        self._world: World | None = None

    @property
    def filter_hint(self) -> str:
        """What stands in the empty filter."""
        return "words, actor:NAME, action:'models promote', since:7d; enter keeps, esc clears"

    def show_answer(self, answer: AuditList) -> None:
        """Show the entries; that none fits is another thing than that there is none."""
        super().show_answer(answer)
        if answer.total:
            self.grid.say_when_empty(f"None of {answer.total:,} fits; esc shows all.")

    def sheet_of(self, answer: AuditList) -> Sheet:
        """One row an entry."""
        return audit_sheet(answer, self.verdict)

    def on_unmount(self) -> None:
        """Want no verdict any more."""
        self._verifying.end()

    def look(self, world: World) -> None:
        """Ask for the newest entries that fit what is typed, and whether the chain is whole."""
        self._world = world
        self._list()
        self._verifying.ask(Question(None, lambda: audit.VERIFY.look(VerifyAudit(), world)))

    def _list(self) -> None:
        if self._world:
            self.ask(audit.LIST, audit_request(self.typed, self.limit), self._world)

    def _take_verdict(self, asked: Hashable, verdict: AuditVerdict | Problem) -> None:
        self.verdict = None if isinstance(verdict, Problem) else verdict
        if self.answer:
            self.show_answer(self.answer)
            self.tell_count()
            self.post_message(self.Answered(self))

    def show_more(self) -> None:
        """Show older entries too."""
        if self.answer and len(self.answer.entries) >= self.limit:
            self.limit += PAGE
            self._list()

    def filtered(self, words: str) -> None:
        """Ask again: entries that are not here may fit too."""
        self.typed = words
        self._list()

    def count(self) -> str:
        """How many are shown, fit and are there; and whether the chain is whole."""
        if not self.answer:
            return ""
        shown, fitting, total = len(self.answer.entries), self.answer.fitting, self.answer.total
        numbers = dict.fromkeys(f"{number:,}" for number in (shown, fitting, total))
        said = f"{' of '.join(numbers)}"
        return f"{said} · {verdict_words(self.verdict)[0]}" if total else said

    def entry(self, row: str | None) -> AuditEntry | None:
        """The entry of a row."""
        entries = self.answer.entries if self.answer else ()
        return next((entry for entry in entries if str(entry.number) == row), None)


class LineageScreen(Place):
    """A walk through lineage, and the audit."""

    NAME = "lineage"
    BINDINGS = bindings_of(LINEAGE)
    AUTO_FOCUS = "#chain Grid"

    def __init__(self) -> None:
        super().__init__()
        self._here = START
        self._trail: list[str] = []
        self._side = ABOVE
        """Where the last step led: the next one may go on that way."""
        self._pointed_at = ""
        """The thing that the cursor was put beside."""

    def parts(self) -> Iterable[Widget]:
        """The way that was walked, the chain, the audit, and all that is known of what the cursor stands on."""
        chain = Vertical(
            Static(id="trail", markup=False),
            Input(placeholder="prediction, MODEL/VERSION, run, commit, md5 or job", id="thing", compact=True),
            ChainPane(id="chain"),
            id="walk",
        )
        yield Container(chain, AuditPane(id="audit"), Reading("Here", id="about"), id="lineage-place")

    def look(self, world: World) -> None:
        """Look at the thing where one stands, and at the audit."""
        if self._chain.problem and self._chain.answer:
            # What was typed is nothing: stay where one stands.
            self._here = self._chain.answer.thing.id
        self._chain.ask(lineage_walk.WALK, WalkLineage(self._here), world)
        self._audit.look(world)

    def selection(self) -> Texts:
        """The thing under the cursor; in the audit, the job of the entry."""
        if self._in_audit:
            entry = self._audit.entry(self._audit.grid.pointed)
            return texts_of_thing(id_of(ThingKind.JOB, entry.job)) if entry else {}
        row = self._chain.grid.pointed
        return texts_of_thing(thing_of(row)) if row else {}

    # Walking

    @on(Grid.Chosen, "#chain Grid")
    def walk(self, event: Grid.Chosen) -> None:
        """Go to the thing under the cursor."""
        side = event.row_id.partition("\n")[0]
        if side in (ABOVE, BELOW):
            self._side = side
            self._go(thing_of(event.row_id))

    def action_walk_back(self) -> None:
        """Go back on the way that was walked; at its beginning the key means something else."""
        if not self._trail:
            raise SkipAction
        self._stand_at(self._trail.pop())

    def action_go_to(self) -> None:
        """Type where to go."""
        typed = self.query_one("#thing", Input)
        typed.display = True
        self.set_focus(typed)

    @on(Input.Submitted, "#thing")
    def go_to_typed(self, event: Input.Submitted) -> None:
        """Go to what is typed."""
        event.stop()
        event.input.display = False
        event.input.value = ""
        self.set_focus(self._chain.grid)
        if event.value.strip():
            self._side = ABOVE
            self._go(event.value.strip())

    def action_walk_from_entry(self) -> None:
        """Walk from the job of the audit entry under the cursor."""
        entry = self._audit.entry(self._audit.grid.pointed)
        if entry:
            self._side = BELOW
            self.set_focus(self._chain.grid)
            self._go(id_of(ThingKind.JOB, entry.job))

    def action_other_part(self) -> None:
        """Go to the audit, or back to the chain."""
        # At once: the next key may have been pressed already.
        self.set_focus((self._chain if self._in_audit else self._audit).grid)

    def _go(self, thing: str) -> None:
        here = self._chain.answer.thing.id if self._chain.answer else START
        if self._trail[-1:] != [here]:
            self._trail.append(here)
        self._stand_at(thing)

    def _stand_at(self, thing: str) -> None:
        self._here = thing
        if self.world:
            self._chain.ask(lineage_walk.WALK, WalkLineage(thing), self.world)

    @on(LookPane.Answered, "#chain")
    def stand(self) -> None:
        """Show where one stands now."""
        walk = self._chain.answer
        if walk is None:
            return
        self._here = walk.thing.id
        if self._trail and self._trail[-1] == walk.thing.id:
            self._trail.pop()
        self.query_one("#trail", Static).update(Content.assemble(*trail_line(tuple(self._trail), walk.thing.id)))
        if self._pointed_at != walk.thing.id:
            self._pointed_at = walk.thing.id
            self._chain.grid.point_at(first_row(walk, self._side))
        self._tell()

    # The audit

    @on(Grid.Chosen, "#audit Grid")
    def show_job(self, event: Grid.Chosen) -> None:
        """Go to what the job of the entry said."""
        entry = self._audit.entry(event.row_id)
        if entry:
            self.post_message(JobWanted(entry.job))

    @on(Grid.MoreWanted, "#audit Grid")
    def show_more(self) -> None:
        """Show older entries too."""
        self._audit.show_more()

    # What is told

    @on(Grid.Pointed)
    @on(LookPane.Answered, "#audit")
    def tell(self) -> None:
        """Tell of what the cursor stands on."""
        self._tell()

    def on_descendant_focus(self) -> None:
        """Tell of the part that was gone to."""
        self._tell()

    def _tell(self) -> None:
        about = self.query_one(Reading)
        entry = self._audit.entry(self._audit.grid.pointed) if self._in_audit else None
        if entry:
            about.border_title = "Entry"
            about.show(entry_lines(entry, self._audit.verdict), about=entry.number)
        elif self._chain.answer:
            about.border_title = "Here"
            about.show(walk_lines(self._chain.answer), about=self._chain.answer.thing.id)

    @property
    def _in_audit(self) -> bool:
        return self._audit.grid.has_focus

    @property
    def _chain(self) -> ChainPane:
        return self.query_one(ChainPane)

    @property
    def _audit(self) -> AuditPane:
        return self.query_one(AuditPane)
