"""Where the nodes of a graph stand and how its edges run: layers left to right, few crossings, no overlap. Pure.

The way of Sugiyama, Tagawa and Toda (1981): layers by the longest path, an order within each layer by barycentres, rows
near the rows of neighbours; then each gap between two layers is routed like a channel, every parent on a track of its own.
All edges of one parent share a line as long as they go the same way, so a wide graph has few lines.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from unipipe_tui.domain.graphs import Graph
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.graph_channels import Net, Route, route_channel

ORDER_SWEEPS, SWITCH_SWEEPS, ROW_SWEEPS = 24, 6, 8
"""How often the order within layers is bettered, first by barycentres, then by switching neighbours, and how often the rows."""
NODE_WEIGHT, PASSING_WEIGHT = 20, 1
"""How much it counts that a node stands, or a line runs, where it wants to: chains of nodes are straight first."""


@frozen
class Size:
    """How much room a node takes, in cells."""

    width: int
    height: int
    port: int = 0
    """The line of it at which edges come and go."""


ONE_CELL = Size(1, 1)


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


@dataclass(eq=False)
class _Item:
    """A node, or the place where long edges of a parent pass a layer."""

    name: str
    layer: int
    passes: bool = False
    left: list[_Item] = field(default_factory=list)
    right: list[_Item] = field(default_factory=list)
    place: int = 0
    """Among those of its layer."""
    top: int = 0
    size: Size = ONE_CELL

    @property
    def row(self) -> int:
        """Where edges come and go."""
        return self.top + self.size.port


@dataclass(eq=False)
class Arrangement:
    """The layers with an order, before anything has a size; may be placed many times."""

    layers: list[list[_Item]]
    nodes: Mapping[str, _Item]
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
    nodes = {name: _Item(name, depth[name]) for name in graph.order}
    layers: list[list[_Item]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
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


def _link(source: _Item, targets: Sequence[_Item], layers: list[list[_Item]]) -> None:
    """Join a node to its targets, through one place in every layer between that some of them lie beyond."""
    last = max((target.layer for target in targets), default=0)
    current = source
    for layer in range(source.layer + 1, last + 1):
        reached = [target for target in targets if target.layer == layer]
        if layer < last:
            passing = _Item(source.name, layer, passes=True)
            layers[layer].append(passing)
            reached.append(passing)
        current.right.extend(reached)
        for item in reached:
            item.left.append(current)
        current = reached[-1]


def _order_layers(layers: list[list[_Item]]) -> None:
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


def _switch_neighbours(layer: list[_Item]) -> bool:
    """Let neighbours change places where fewer of their edges cross then; whether any did."""
    switched = False
    for place in range(len(layer) - 1):
        upper, lower = layer[place], layer[place + 1]
        if _crossed(upper, lower) > _crossed(lower, upper):
            layer[place : place + 2] = lower, upper
            lower.place, upper.place = place, place + 1
            switched = True
    return switched


def _crossed(upper: _Item, lower: _Item) -> int:
    """How many pairs of their edges cross when one stands above the other."""
    return sum(
        one.place > other.place
        for ones, others in ((upper.left, lower.left), (upper.right, lower.right))
        for one in ones
        for other in others
    )


def _number(layers: list[list[_Item]]) -> None:
    for layer in layers:
        for place, item in enumerate(layer):
            item.place = place


def _barycentre(item: _Item, neighbours: Sequence[_Item]) -> float:
    if not neighbours:
        return item.place
    return sum(one.place for one in neighbours) / len(neighbours)


def _crossings(layers: Sequence[Sequence[_Item]]) -> int:
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


def least_room(arrangement: Arrangement, sizes: Mapping[str, Size], spacing: Spacing) -> tuple[int, int]:
    """What a drawing has at least as width and height; takes no time to find out, so what cannot fit need not be drawn."""
    width = height = 0
    for layer in arrangement.layers:
        found = [sizes[item.name] for item in layer if not item.passes]
        width += max((size.width for size in found), default=1) + 1
        passing = len(layer) - len(found)
        height = max(height, sum(size.height for size in found) + passing + spacing.rows * (len(layer) - 1))
    return max(0, width - 1), height


def place(arrangement: Arrangement, sizes: Mapping[str, Size], spacing: Spacing) -> Drawing:
    """Give every node its place and every edge its way."""
    for name, item in arrangement.nodes.items():
        item.size = sizes[name]
    _choose_rows(arrangement.layers, spacing.rows)
    columns, routes, lowest = _choose_columns(arrangement.layers, spacing)
    boxes = {
        name: Box(name, columns[i.layer], i.top, i.size.width, i.size.height, i.row, i.layer)
        for name, i in arrangement.nodes.items()
    }
    wires = [_wire(arrangement.nodes, edge, boxes, routes) for edge in arrangement.edges]
    return Drawing(
        width=max((box.right for box in boxes.values()), default=0),
        height=max((*(item.top + item.size.height for layer in arrangement.layers for item in layer), lowest + 1)),
        boxes=boxes,
        wires=tuple(wires),
        layers=tuple(tuple(item.name for item in layer if not item.passes) for layer in arrangement.layers),
    )


def _choose_rows(layers: Sequence[Sequence[_Item]], gap: int) -> None:
    for layer in layers:
        top = 0
        for item in layer:
            item.top = top
            top += item.size.height + gap
    for sweep in range(ROW_SWEEPS + 1):
        # The last sweep goes forward: a chain is then a straight line.
        forward = sweep % 2 == 0
        for layer in layers if forward else reversed(layers):
            wanted = [_wanted_top(item, item.left if forward else item.right) for item in layer]
            _settle(layer, wanted, gap)
    highest = min((item.top for layer in layers for item in layer), default=0)
    for layer in layers:
        for item in layer:
            item.top -= highest


def _wanted_top(item: _Item, neighbours: Sequence[_Item]) -> int:
    """Where the edges of the item run straight: at the row of its middle neighbour."""
    if not neighbours:
        return item.top
    rows = sorted(one.row for one in neighbours)
    middle = len(rows) // 2
    row = rows[middle] if len(rows) % 2 else (rows[middle - 1] + rows[middle]) // 2 if item.passes else rows[middle - 1]
    return row - item.size.port


def _settle(layer: Sequence[_Item], wanted: Sequence[int], gap: int) -> None:
    """Put the items of a layer as near as can be to where they want to stand, keeping their order and the gaps.

    Pool adjacent violators: the least weighted sum of squared distances under the order.
    """
    offsets: list[int] = []
    offset = 0
    for item in layer:
        offsets.append(offset)
        offset += item.size.height + gap
    pools: list[_Pool] = []
    for item, want, offset in zip(layer, wanted, offsets, strict=True):
        weight = PASSING_WEIGHT if item.passes else NODE_WEIGHT
        pool = _Pool(weight * (want - offset), weight, 1)
        while pools and pools[-1].mean >= pool.mean:
            before = pools.pop()
            pool = _Pool(pool.total + before.total, pool.weight + before.weight, pool.count + before.count)
        pools.append(pool)
    settled = [round(pool.mean) for pool in pools for _ in range(pool.count)]
    for item, base, offset in zip(layer, settled, offsets, strict=True):
        item.top = base + offset


@dataclass
class _Pool:
    """Neighbours that push each other and so stand as one block."""

    total: int
    weight: int
    count: int

    @property
    def mean(self) -> float:
        return self.total / self.weight


def _choose_columns(layers: Sequence[Sequence[_Item]], spacing: Spacing) -> tuple[list[int], dict[int, Route], int]:
    """The first column of each layer, how every item goes on to the next layer, and the lowest row that a line takes."""
    columns: list[int] = []
    routes: dict[int, Route] = {}
    x = lowest = 0
    for number, layer in enumerate(layers):
        columns.append(x)
        x += max((item.size.width for item in layer if not item.passes), default=1)
        sources = [item for item in layer if item.right]
        taken = {item.row for item in (*layer, *layers[number + 1])} if sources else set()
        nets = [Net(item.row, tuple(target.row for target in item.right)) for item in sources]
        channel = route_channel(nets, taken, x, is_tight=spacing.is_tight)
        routes.update((id(item), route) for item, route in zip(sources, channel.routes, strict=True))
        x += channel.width
        lowest = max(lowest, channel.lowest)
    return columns, routes, lowest


def _wire(
    nodes: Mapping[str, _Item], edge: tuple[str, str, bool], boxes: Mapping[str, Box], routes: Mapping[int, Route]
) -> Wire:
    left, right, is_backward = edge
    target = nodes[right]
    points = [(boxes[left].right, boxes[left].port_y)]
    current = nodes[left]
    while current is not target:
        following = next((one for one in current.right if one is target), None) or _passing(current.right)
        points.extend(routes[id(current)].way_to(current.row, following.row))
        current = following
    points.append((boxes[right].x - 1, boxes[right].port_y))
    parent, child = (right, left) if is_backward else (left, right)
    return Wire(parent, child, tuple(points), is_backward)


def _passing(items: Iterable[_Item]) -> _Item:
    return next(item for item in items if item.passes)
