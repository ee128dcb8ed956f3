"""A graph laid out: how much room its nodes take, where they stand and how its edges run. Values only."""

from __future__ import annotations

from collections.abc import Mapping

from unipipe_tui.domain.values import frozen


@frozen
class Size:
    """How much room a node takes, in cells."""

    width: int
    height: int
    port: int = 0
    """The line of it at which edges come and go."""


@frozen
class Spacing:
    """How much room is left between things."""

    rows: int = 1
    """Between two nodes of one layer."""
    is_tight: bool = False
    """Channels as narrow as they can be."""


@frozen
class Box:
    """A node in its place."""

    name: str
    x: int
    y: int
    width: int
    height: int
    port_y: int
    layer: int

    @property
    def right(self) -> int:
        """The first column after it."""
        return self.x + self.width


@frozen
class Wire:
    """An edge as the corners of its way, from the box at its left end to the one at its right end."""

    parent: str
    child: str
    points: tuple[tuple[int, int], ...]
    """Columns and rows; both ends lie beside their boxes."""
    is_backward: bool
    """The child stands at the left: the two are on a circle."""


@frozen
class Drawing:
    """A graph laid out."""

    width: int
    height: int
    boxes: Mapping[str, Box]
    """In running order."""
    wires: tuple[Wire, ...]
    layers: tuple[tuple[str, ...], ...]
    """From left to right, each from top to bottom."""
