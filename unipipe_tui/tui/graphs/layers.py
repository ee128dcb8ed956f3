"""In which layer every node of a graph stands, and where in it, so that few edges cross. Pure.

The first half of the way of Sugiyama, Tagawa and Toda (1981): layers by the longest path, an order within each layer by
barycentres, then neighbours change places as long as that helps.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from unipipe_tui.domain.graphs import Graph
from unipipe_tui.tui.graphs.drawing import Size

ORDER_SWEEPS, SWITCH_SWEEPS = 24, 6
"""How often the order within layers is bettered, first by barycentres, then by switching neighbours."""
ONE_CELL = Size(1, 1)


@dataclass(eq=False)
class Item:
    """A node, or the place where long edges of a parent pass a layer."""

    name: str
    layer: int
    passes: bool = False
    left: list[Item] = field(default_factory=list)
    right: list[Item] = field(default_factory=list)
    place: int = 0
    """Among those of its layer."""
    size: Size = ONE_CELL
    top: int = 0
    """Its first row; this and the size are of the drawing that is made of it last."""

    @property
    def row(self) -> int:
        """Where edges come and go."""
        return self.top + self.size.port


@dataclass(eq=False)
class Arrangement:
    """The layers with an order, before anything has a size; may be placed many times."""

    layers: list[list[Item]]
    nodes: Mapping[str, Item]
    edges: list[tuple[str, str, bool]]
    """Left end, right end, and whether the edge runs backward."""


def arrange(graph: Graph) -> Arrangement:
    """Give every node a layer, and every layer an order in which few edges cross."""
    rank = {name: number for number, name in enumerate(graph.order)}
    edges = [
        (parent, child, False) if rank[parent] < rank[child] else (child, parent, True)
        for child in graph.order
        for parent in graph.parents[child]
        if parent != child
    ]
    depth = _depths(graph.order, edges)
    nodes = {name: Item(name, depth[name]) for name in graph.order}
    layers: list[list[Item]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for item in nodes.values():
        layers[item.layer].append(item)
    targets: dict[str, dict[str, None]] = {name: {} for name in nodes}
    for left, right, _ in edges:
        targets[left][right] = None
    for name, found in targets.items():
        _link(nodes[name], [nodes[target] for target in found], layers)
    _order_layers(layers)
    return Arrangement(layers, nodes, edges)


def _depths(order: Sequence[str], edges: Sequence[tuple[str, str, bool]]) -> dict[str, int]:
    """One more than the deepest at the left end; what waits for nothing stands right before the first that needs it."""
    before: dict[str, list[str]] = {name: [] for name in order}
    after: dict[str, list[str]] = {name: [] for name in order}
    for left, right, _ in edges:
        before[right].append(left)
        after[left].append(right)
    depth: dict[str, int] = {}
    for name in order:
        depth[name] = 1 + max((depth[left] for left in before[name]), default=-1)
    for name in order:
        if not before[name] and after[name]:
            depth[name] = min(depth[right] for right in after[name]) - 1
    return depth


def _link(source: Item, targets: Sequence[Item], layers: list[list[Item]]) -> None:
    """Join a node to its targets, through one place in every layer between that some of them lie beyond."""
    last = max((target.layer for target in targets), default=0)
    current = source
    for layer in range(source.layer + 1, last + 1):
        reached = [target for target in targets if target.layer == layer]
        if layer < last:
            passing = Item(source.name, layer, passes=True)
            layers[layer].append(passing)
            reached.append(passing)
        current.right.extend(reached)
        for item in reached:
            item.left.append(current)
        current = reached[-1]


def _order_layers(layers: list[list[Item]]) -> None:
    _number(layers)
    best, fewest = [list(layer) for layer in layers], _crossings(layers)
    for sweep in range(ORDER_SWEEPS):
        if not fewest:
            break
        forward = sweep % 2 == 0
        for layer in layers[1:] if forward else reversed(layers[:-1]):
            layer.sort(key=lambda item: _barycentre(item, item.left if forward else item.right))
            for place, item in enumerate(layer):
                item.place = place
        crossings = _crossings(layers)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    layers[:] = best
    _number(layers)
    for _ in range(SWITCH_SWEEPS if fewest else 0):
        switched = [_switch_neighbours(layer) for layer in layers]
        if not any(switched):
            break


def _switch_neighbours(layer: list[Item]) -> bool:
    """Let neighbours change places where fewer of their edges cross then; whether any did."""
    switched = False
    for place in range(len(layer) - 1):
        upper, lower = layer[place], layer[place + 1]
        if _crossed(upper, lower) > _crossed(lower, upper):
            layer[place : place + 2] = lower, upper
            lower.place, upper.place = place, place + 1
            switched = True
    return switched


def _crossed(upper: Item, lower: Item) -> int:
    """How many pairs of their edges cross when one stands above the other."""
    return sum(
        one.place > other.place
        for ones, others in ((upper.left, lower.left), (upper.right, lower.right))
        for one in ones
        for other in others
    )


def _number(layers: list[list[Item]]) -> None:
    for layer in layers:
        for place, item in enumerate(layer):
            item.place = place


def _barycentre(item: Item, neighbours: Sequence[Item]) -> float:
    if not neighbours:
        return item.place
    return sum(one.place for one in neighbours) / len(neighbours)


def _crossings(layers: Sequence[Sequence[Item]]) -> int:
    """How many pairs of edges cross, straight lines between the places assumed."""
    count = 0
    for layer in layers:
        seen: list[int] = []
        for item in layer:
            places = [target.place for target in item.right]
            count += sum(len(seen) - bisect_right(seen, place) for place in places)
            for place in places:
                insort(seen, place)
    return count
