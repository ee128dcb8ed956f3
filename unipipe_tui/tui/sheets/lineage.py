"""Lineage as a chain that is walked, and the audit as a table that is read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from unipipe_tui.actions.audit import AuditList, AuditVerdict, ListAudit
from unipipe_tui.domain.records import AuditEntry
from unipipe_tui.domain.things import Neighbour, Thing, ThingKind, Walk, split_id
from unipipe_tui.tui.forms import Texts
from unipipe_tui.tui.lines import MUTED, Line, fact, remark, section
from unipipe_tui.tui.sheet import Cell, Column, Sheet, SheetRow
from unipipe_tui.tui.text import day_and_clock, harmless
from unipipe_tui.tui.theme import JOB_SIGNS, Sign

HERE = "here"
ABOVE, BELOW = "above", "below"
FITS, BROKEN, NOT_VERIFIED = Sign("✓", "$success"), Sign("✗", "$error"), Sign("·", "$muted")
OUTCOMES = {state.value: sign for state, sign in JOB_SIGNS.items()}
UNKNOWN_OUTCOME = Sign("?", "$muted")


def chain_sheet(walk: Walk) -> Sheet:
    """What a thing came from above it, the thing itself, and what it led to below it; a row's id ends with its thing's."""
    columns = (
        Column("tree", "", 1),
        Column("relation", "", 20),
        Column("thing", "thing", 40),
        Column("at", "when"),
        Column("said", "what it says", 200, stretches=True),
    )
    here = walk.thing
    rows = (
        *(_row(ABOVE, neighbour, "┌" if not n else "├") for n, neighbour in enumerate(walk.above)),
        SheetRow(row_id(HERE, "", here.id), _cells("●", "$accent", "you stand here", here, "bold $accent")),
        *(_row(BELOW, neighbour, "└" if n == len(walk.below) - 1 else "├") for n, neighbour in enumerate(walk.below)),
    )
    return Sheet(columns, rows)


def row_id(side: str, relation: str, thing: str) -> str:
    """The id of a row of the chain."""
    return f"{side}\n{relation}\n{thing}"


def thing_of(row: str) -> str:
    """The id of the thing that a row of the chain stands for."""
    return row.rpartition("\n")[2]


def first_row(walk: Walk, side: str) -> str:
    """The row to point at: the first on a side; on the other one when there is none; else the thing itself."""
    sides = ((ABOVE, walk.above), (BELOW, walk.below))
    for name, neighbours in sides if side == ABOVE else reversed(sides):
        if neighbours:
            return row_id(name, neighbours[0].relation, neighbours[0].thing.id)
    return row_id(HERE, "", walk.thing.id)


def _row(side: str, neighbour: Neighbour, branch: str) -> SheetRow:
    name = row_id(side, neighbour.relation, neighbour.thing.id)
    return SheetRow(name, _cells(branch, MUTED, neighbour.relation, neighbour.thing, "bold"))


def _cells(branch: str, style: str, relation: str, thing: Thing, title_style: str) -> tuple[Cell, ...]:
    at = day_and_clock(thing.at) if thing.at else ""
    return (
        Cell(branch, style, 0.0),
        Cell(harmless(relation), style),
        Cell(harmless(thing.title), title_style),
        Cell(at, MUTED, thing.at.timestamp() if thing.at else None),
        # Nothing is said twice.
        Cell("" if thing.said == relation else harmless(thing.said)),
    )


def walk_lines(walk: Walk) -> list[Line]:
    """All that is known of the thing where one stands."""
    thing = walk.thing
    identity = [fact("id", thing.id), *(fact(one.name, one.value) for one in walk.facts)]
    notes: list[Line] = [((f"! {harmless(note)}", "$warning"),) for note in walk.notes]
    if not walk.above and thing.kind is not ThingKind.PRODUCTION:
        notes.append(remark("Nothing is recorded that it came from."))
    if not walk.below and thing.kind is not ThingKind.PRODUCTION:
        notes.append(remark("Nothing is recorded that it led to."))
    kind = thing.kind.value.capitalize()
    title = kind if thing.title == kind else f"{kind}  {thing.title}"
    return [*section(title, [*([remark(thing.said)] if thing.said else []), *identity]), *notes]


def texts_of_thing(thing: str) -> Texts:
    """What a capability that is asked for here is filled in with."""
    kind, name = split_id(thing) or (None, thing)
    if kind is ThingKind.VERSION:
        model, _, version = name.rpartition("/")
        return {"thing": thing, "model": model, "version": version}
    fields = {ThingKind.RUN: "run", ThingKind.JOB: "job", ThingKind.COMMIT: "commit"}
    return {"thing": thing} | ({fields[kind]: name} if kind in fields else {})


def trail_line(trail: tuple[str, ...], here: str) -> Line:
    """Where one stands and the way back from there: what there is no room for is farthest away."""
    way = "".join(f"  ‹ {_short(step)}" for step in reversed(trail))
    return ((f"● {_short(here)}", "bold $accent"), (way, MUTED))


def _short(thing: str) -> str:
    kind, name = split_id(thing) or ("", thing)
    last = name.rpartition("/")[2] if kind in (ThingKind.RELEASE, ThingKind.PROMOTION) else name
    return harmless(f"{kind} {last[-22:] if kind == ThingKind.VERSION else last[:22]}".strip())


# The audit


def audit_request(typed: str, limit: int) -> ListAudit:
    """What is asked when this is typed: words, and `actor:`, `action:` and `since:` with a value."""
    try:
        words = shlex.split(typed)
    except ValueError:
        words = typed.split()
    plain: list[str] = []
    named = dict.fromkeys(("actor", "action", "since"), "")
    for word in words:
        name, colon, value = word.partition(":")
        if colon and name in named:
            named[name] = value
        else:
            plain.append(word)
    return ListAudit(limit, " ".join(plain), named["actor"], named["action"], named["since"])


def audit_sheet(listed: AuditList, verdict: AuditVerdict | None) -> Sheet:
    """One row an entry, the newest first."""
    columns = (
        Column("verified", "", 1, restless=True),
        Column("number", "no", right=True),
        Column("at", "when"),
        Column("actor", "who", 12),
        Column("outcome", "", 1),
        Column("command", "command", 34),
        Column("detail", "what came of it", 300, stretches=True),
    )
    rows = tuple(_audit_row(entry, verdict) for entry in reversed(listed.entries))
    return Sheet(columns, rows, listed.fitting)


def _audit_row(entry: AuditEntry, verdict: AuditVerdict | None) -> SheetRow:
    verified = sign_of(entry, verdict)
    outcome = OUTCOMES.get(entry.outcome, UNKNOWN_OUTCOME)
    return SheetRow(
        str(entry.number),
        (
            Cell(verified.glyph, verified.style, verified.glyph),
            Cell(str(entry.number), MUTED, entry.number),
            Cell(day_and_clock(entry.at), MUTED, entry.at.timestamp()),
            Cell(harmless(entry.actor), "$secondary"),
            Cell(outcome.glyph, outcome.style, entry.outcome),
            Cell(harmless(entry.command).removeprefix("unipipe ")),
            Cell(harmless(entry.detail), MUTED),
        ),
    )


def sign_of(entry: AuditEntry, verdict: AuditVerdict | None) -> Sign:
    """Whether an entry stands in the whole part of the chain."""
    if verdict is None:
        return NOT_VERIFIED
    return FITS if verdict.broken_from is None or entry.number < verdict.broken_from else BROKEN


def verdict_words(verdict: AuditVerdict | None) -> tuple[str, str]:
    """What the verification found, and its style."""
    if verdict is None:
        return f"{NOT_VERIFIED.glyph} not verified yet", NOT_VERIFIED.style
    if verdict.whole:
        return f"{FITS.glyph} the chain of {verdict.entries:,} is whole", FITS.style
    return f"{BROKEN.glyph} {harmless(verdict.problem)}", BROKEN.style


def entry_lines(entry: AuditEntry, verdict: AuditVerdict | None) -> list[Line]:
    """All that an entry says."""
    return section(f"Audit entry {entry.number}", _entry(entry, verdict))


def _entry(entry: AuditEntry, verdict: AuditVerdict | None) -> Iterator[Line]:
    outcome = OUTCOMES.get(entry.outcome, UNKNOWN_OUTCOME)
    verified = sign_of(entry, verdict)
    words = {FITS: "fits the chain", BROKEN: "cannot be trusted", NOT_VERIFIED: "not verified yet"}[verified]
    yield fact("when", f"{entry.at:%Y-%m-%d %H:%M:%S} UTC")
    yield fact("who", entry.actor, "$secondary")
    yield fact("command", f"$ {entry.command}", "$primary")
    yield fact("outcome", f"{outcome.glyph} {entry.outcome}", outcome.style)
    yield fact("what came of it", entry.detail)
    yield fact("job", entry.job)
    yield fact("verified", f"{verified.glyph} {words}", verified.style)
    yield fact("hash", entry.hash, MUTED)
    yield fact("hash before", entry.previous, MUTED)
    yield ()
    yield remark("enter shows what its job said · w walks from its job")
