"""The edges of a drawing as box characters, cell by cell. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.graphs.drawing import Wire

ARROW, BACK_ARROW = "▶", "◀"


WEST, EAST, NORTH, SOUTH = 1, 2, 4, 8
"""To which sides a line goes from the middle of a cell; their sum is all that it does there."""
ACROSS, UPRIGHT = WEST | EAST, NORTH | SOUTH


def _table(glyphs: str) -> Mapping[int, str]:
    """Of the glyphs ─ │ ┌ ┐ └ ┘ ├ ┤ ┬ ┴ ┼, by the arms that each has."""
    arms = (
        ACROSS, UPRIGHT, EAST | SOUTH, WEST | SOUTH, EAST | NORTH, WEST | NORTH,
        UPRIGHT | EAST, UPRIGHT | WEST, ACROSS | SOUTH, ACROSS | NORTH, ACROSS | UPRIGHT,
    )  # fmt: skip
    return MappingProxyType(dict(zip(arms, glyphs, strict=True)))


THIN, HEAVY = _table("─│┌┐└┘├┤┬┴┼"), _table("━┃┏┓┗┛┣┫┳┻╋")


@frozen
class Stroke:
    """What of edges lies in one cell."""

    arms: int
    """A sum of sides."""
    turns: bool
    """Whether an edge turns here; lines that only cross do not."""
    end: str = ""
    """The head of an arrow."""

    def glyph(self, table: Mapping[int, str] = THIN) -> str:
        """The character; where lines cross without meeting, the upright one is drawn whole."""
        if self.end:
            return self.end
        if self.arms == ACROSS | UPRIGHT and not self.turns:
            return table[UPRIGHT]
        return table[self.arms]


_KNOWN: Mapping[tuple[int, bool, str], Stroke] = MappingProxyType(
    {
        (arms, turns, end): Stroke(arms, turns, end)
        for arms in range(ACROSS + UPRIGHT + 1)
        for turns in (False, True)
        for end in ("", ARROW, BACK_ARROW)
    }
)
"""There are few: making one for each cell of a wide graph takes longer than laying it out."""

Rows = Mapping[int, Mapping[int, Stroke]]
"""By row and column."""


def strokes(wires: Iterable[Wire]) -> Rows:
    """All cells that edges touch."""
    rows: dict[int, dict[int, Stroke]] = {}
    for wire in wires:
        for x, y, found in cells_of(wire):
            row = rows.setdefault(y, {})
            there = row.get(x)
            if there is not None:
                found = _KNOWN[there.arms | found.arms, there.turns or found.turns, there.end or found.end]
            row[x] = found
    return rows


def cells_of(wire: Wire) -> Iterator[tuple[int, int, Stroke]]:
    """The cells of one edge from its left end to its right end; each once."""
    path = list(_walk(wire.points))
    for number, (x, y) in enumerate(path):
        arms = WEST if number == 0 else _towards((x, y), path[number - 1])
        arms |= EAST if number == len(path) - 1 else _towards((x, y), path[number + 1])
        end = ""
        if wire.is_backward and number == 0:
            end = BACK_ARROW
        elif not wire.is_backward and number == len(path) - 1:
            end = ARROW
        yield x, y, _KNOWN[arms, arms not in (ACROSS, UPRIGHT), end]


def _walk(points: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    previous: tuple[int, int] | None = None
    for x, y in points:
        if previous is None:
            yield x, y
        else:
            px, py = previous
            step_x, step_y = (x > px) - (x < px), (y > py) - (y < py)
            while (px, py) != (x, y):
                px, py = px + step_x, py + step_y
                yield px, py
        previous = (x, y)


def _towards(cell: tuple[int, int], other: tuple[int, int]) -> int:
    if other[0] != cell[0]:
        return EAST if other[0] > cell[0] else WEST
    return SOUTH if other[1] > cell[1] else NORTH
