"""Stages as nodes of a drawn pipeline: cards with a reason, labels, or bare names, by the room that there is."""

from __future__ import annotations

from enum import Enum
from textwrap import wrap

from rich.cells import cell_len

from unipipe_tui.actions.pipeline.view import StageLine
from unipipe_tui.domain.freshness import Freshness
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.graphs.drawing import Size
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.sheets.pipeline import name_of, sign_of, state_of, took, why
from unipipe_tui.tui.text import clip, fit, harmless

SHORT_STATES = {Freshness.FRESH.value: "", Freshness.NEVER_RUN.value: "not run", Freshness.NOT_PULLED.value: "not here"}
"""Below a name that nothing is known to have run."""
THIN_CARD, HEAVY_CARD = "╭─╮│╰╯", "┏━┓┃┗┛"

CARD_CELLS, LARGE_CARD_CELLS = 18, 24
"""What a card is wide at least, inside its border."""
LABEL_CELLS = 9
"""What a label is wide at least, so that a duration finds room below a short name."""


class Density(Enum):
    """How much of each stage a graph shows."""

    LARGE_CARDS = "large cards"
    CARDS = "cards"
    LABELS = "labels"
    NAMES = "names"


@frozen
class Node:
    """A stage as it is drawn: lines of pieces, all of the same width."""

    size: Size
    lines: tuple[Line, ...]


def node_of(line: StageLine, density: Density, *, pointed: bool = False) -> Node:
    """A stage in its place; the one under the cursor bears a mark that needs no colour."""
    if density is Density.CARDS:
        return _card(line, CARD_CELLS, 1, pointed=pointed)
    if density is Density.LARGE_CARDS:
        return _card(line, LARGE_CARD_CELLS, 2, pointed=pointed)
    sign, name = sign_of(line), name_of(line)
    width = max(2 + cell_len(name), 0 if density is Density.NAMES else LABEL_CELLS)
    end = "❮" if pointed else " "
    first: Line = (
        (f"{sign.glyph} ", sign.style),
        (name, "bold" if pointed else ""),
        (end, "bold $primary"),
        (" " * (width - 2 - cell_len(name)), ""),
    )
    if density is Density.NAMES:
        return Node(Size(width + 1, 1), (first,))
    below = took(line) or SHORT_STATES.get(state_of(line), state_of(line))
    return Node(Size(width + 1, 2), (first, (("  ", ""), (fit(clip(below, width - 2), width - 1), "$muted"))))


def _card(line: StageLine, cells: int, told_lines: int, *, pointed: bool) -> Node:
    sign, name = sign_of(line), name_of(line)
    seconds = took(line)
    inside = max(cells, cell_len(name) + 10)
    room = inside - 3 - cell_len(seconds)
    edge = "bold $primary" if pointed else "$muted" if line.state == Freshness.FRESH.value else sign.style
    left_top, across, right_top, upright, left_bottom, right_bottom = tuple(HEAVY_CARD if pointed else THIN_CARD)
    return Node(
        Size(inside + 4, 3 + told_lines, 1),
        (
            ((f"{left_top}{across * (inside + 2)}{right_top}", edge),),
            (
                (f"{upright} ", edge),
                (f"{sign.glyph} ", sign.style),
                (fit(name, room), "bold"),
                (f" {seconds}", "$muted"),
                (f" {upright}", edge),
            ),
            *(
                ((f"{upright} ", edge), (fit(told, inside), "$muted"), (f" {upright}", edge))
                for told in _told(line, inside, told_lines)
            ),
            ((f"{left_bottom}{across * (inside + 2)}{right_bottom}", edge),),
        ),
    )


def _told(line: StageLine, cells: int, lines: int) -> list[str]:
    """Why it stands as it does, in so many lines; what it is for, where that leaves one free."""
    told = wrap(why(line), cells) or [""]
    if len(told) < lines:
        told = [*told, harmless(line.description)]
    return [*told[: lines - 1], " ".join(told[lines - 1 :]), *[""] * lines][:lines]
