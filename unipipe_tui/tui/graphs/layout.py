"""Where the nodes of a graph stand and how its edges run: layers left to right, no overlap. Pure.

The second half of the way of Sugiyama, Tagawa and Toda (1981), after the order in the layers: rows near the rows of
neighbours; then each gap between two layers is routed like a channel, every parent on a track of its own. All edges of one
parent share a line as long as they go the same way, so a wide graph has few lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from unipipe_tui.tui.graphs.channels import Net, Route, route_channel
from unipipe_tui.tui.graphs.drawing import Box, Drawing, Size, Spacing, Wire
from unipipe_tui.tui.graphs.layers import Arrangement, Item

ROW_SWEEPS = 8
"""How often the rows of all layers are bettered."""
NODE_WEIGHT, PASSING_WEIGHT = 20, 1
"""How much it counts that a node stands, or a line runs, where it wants to: chains of nodes are straight first."""


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
        name: Box(name, columns[item.layer], item.top, item.size.width, item.size.height, item.row, item.layer)
        for name, item in arrangement.nodes.items()
    }
    wires = [_wire(arrangement.nodes, edge, boxes, routes) for edge in arrangement.edges]
    return Drawing(
        width=max((box.right for box in boxes.values()), default=0),
        height=max((*(item.top + item.size.height for layer in arrangement.layers for item in layer), lowest + 1)),
        boxes=boxes,
        wires=tuple(wires),
        layers=tuple(tuple(item.name for item in layer if not item.passes) for layer in arrangement.layers),
    )


def _choose_rows(layers: Sequence[Sequence[Item]], gap: int) -> None:
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


def _wanted_top(item: Item, neighbours: Sequence[Item]) -> int:
    """Where the edges of the item run straight: at the row of its middle neighbour."""
    if not neighbours:
        return item.top
    rows = sorted(one.row for one in neighbours)
    middle = len(rows) // 2
    row = rows[middle] if len(rows) % 2 else (rows[middle - 1] + rows[middle]) // 2 if item.passes else rows[middle - 1]
    return row - item.size.port


def _settle(layer: Sequence[Item], wanted: Sequence[int], gap: int) -> None:
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


def _choose_columns(layers: Sequence[Sequence[Item]], spacing: Spacing) -> tuple[list[int], dict[int, Route], int]:
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
    nodes: Mapping[str, Item], edge: tuple[str, str, bool], boxes: Mapping[str, Box], routes: Mapping[int, Route]
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


def _passing(items: Iterable[Item]) -> Item:
    return next(item for item in items if item.passes)
