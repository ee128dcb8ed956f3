"""How a cursor goes through a drawn graph: along edges to the sides, up and down within a layer. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from unipipe_tui.tui.graphs.drawing import Box, Drawing


class Walk:
    """Remembers the way, so that going back leads where one came from."""

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._right: dict[str, list[str]] = {}
        self._left: dict[str, list[str]] = {}
        for wire in drawing.wires:
            left, right = (wire.child, wire.parent) if wire.is_backward else (wire.parent, wire.child)
            self._right.setdefault(left, []).append(right)
            self._left.setdefault(right, []).append(left)
        self._visits: dict[str, int] = {}

    def came_to(self, name: str) -> None:
        """Note that the cursor is there now."""
        self._visits[name] = max(self._visits.values(), default=0) + 1

    def right(self, name: str | None) -> str | None:
        """The newest visited neighbour at the right end of an edge, else the nearest; without edges, the nearest box."""
        return self._along(name, self._right, 1)

    def left(self, name: str | None) -> str | None:
        """The same at the left end."""
        return self._along(name, self._left, -1)

    def down(self, name: str | None) -> str | None:
        """The next one in the layer."""
        return self._within(name, 1)

    def up(self, name: str | None) -> str | None:
        """The one before in the layer."""
        return self._within(name, -1)

    def within_rows(self, name: str | None, rows: int) -> str | None:
        """The one in the layer that stands so many rows further down, or nearest to there."""
        box = self._drawing.boxes.get(name or "")
        if box is None:
            return None
        layer = (self._drawing.boxes[other] for other in self._drawing.layers[box.layer])
        return min(layer, key=lambda other: abs(other.port_y - box.port_y - rows)).name

    def _along(self, name: str | None, edges: dict[str, list[str]], step: int) -> str | None:
        box = self._drawing.boxes.get(name or "")
        if box is None:
            return None
        joined = [self._drawing.boxes[other] for other in edges.get(box.name, ())]
        visited = [other for other in joined if other.name in self._visits]
        if visited:
            return max(visited, key=lambda other: self._visits[other.name]).name
        if joined:
            return _nearest(joined, box)
        layer = box.layer + step
        while 0 <= layer < len(self._drawing.layers):
            found = [self._drawing.boxes[other] for other in self._drawing.layers[layer]]
            if found:
                return _nearest(found, box)
            layer += step
        return None

    def _within(self, name: str | None, step: int) -> str | None:
        box = self._drawing.boxes.get(name or "")
        if box is None:
            return None
        layer = self._drawing.layers[box.layer]
        number = layer.index(box.name) + step
        return layer[number] if 0 <= number < len(layer) else None


def _nearest(boxes: Iterable[Box], to: Box) -> str:
    return min(boxes, key=lambda box: (abs(box.layer - to.layer), abs(box.port_y - to.port_y), box.y)).name
