"""The layout of graphs: whatever the graph, every node is drawn once, every edge arrives, and nothing lies on anything else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unipipe_tui.domain.graphs import Graph
from unipipe_tui.tui.graphs.drawing import Drawing, Size, Spacing
from unipipe_tui.tui.graphs.layers import arrange
from unipipe_tui.tui.graphs.layout import place
from unipipe_tui.tui.graphs.strokes import ACROSS, ARROW, UPRIGHT, cells_of, strokes


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to 24 nodes, with circles now and then."""
    count = draw(st.integers(0, 24))
    names = [f"s{number}" for number in range(count)]
    circles = draw(st.booleans()) and draw(st.booleans())
    parents = {}
    for number, name in enumerate(names):
        others = [other for other in names if other != name] if circles else names[:number]
        found = draw(st.lists(st.sampled_from(others), max_size=4, unique=True)) if others else []
        parents[name] = tuple(found)
    return Graph(parents)


sizes = st.builds(lambda width, height: Size(width, height, min(height - 1, 1)), st.integers(1, 30), st.integers(1, 5))
spacings = st.builds(Spacing, st.integers(0, 2), st.booleans())


@st.composite
def drawings(draw: st.DrawFn) -> tuple[Graph, Drawing]:
    graph = draw(graphs())
    return graph, place(arrange(graph), {name: draw(sizes) for name in graph.parents}, draw(spacings))


def inside(drawing: Drawing) -> Iterator[tuple[int, int]]:
    for box in drawing.boxes.values():
        yield from ((box.x + dx, box.y + dy) for dx in range(box.width) for dy in range(box.height))


@settings(max_examples=150)
@given(drawings())
def test_every_node_is_drawn_once_and_nothing_lies_on_anything_else(drawn: tuple[Graph, Drawing]) -> None:
    graph, drawing = drawn
    cells = list(inside(drawing))

    assert set(drawing.boxes) == set(graph.parents)
    assert sorted(name for layer in drawing.layers for name in layer) == sorted(graph.parents)
    assert len(cells) == len(set(cells)), "two boxes overlap"
    lines = {(x, y) for wire in drawing.wires for x, y, _ in cells_of(wire)}
    assert not lines & set(cells), "a line runs over a box"
    assert all(0 <= x < drawing.width and 0 <= y < drawing.height for x, y in (*cells, *lines))


@settings(max_examples=150)
@given(drawings())
def test_every_edge_runs_without_a_gap_from_its_parent_to_its_child(drawn: tuple[Graph, Drawing]) -> None:
    graph, drawing = drawn
    wanted = sorted((parent, child) for child, parents in graph.parents.items() for parent in parents)

    assert sorted((wire.parent, wire.child) for wire in drawing.wires) == wanted
    for wire in drawing.wires:
        left, right = (wire.child, wire.parent) if wire.is_backward else (wire.parent, wire.child)
        path = [(x, y) for x, y, _ in cells_of(wire)]
        first, last = drawing.boxes[left], drawing.boxes[right]
        assert path[0] == (first.right, first.port_y)
        assert path[-1] == (last.x - 1, last.port_y)
        assert all(abs(x1 - x2) + abs(y1 - y2) == 1 for (x1, y1), (x2, y2) in pairwise(path))
        assert len(path) == len(set(path))


@settings(max_examples=150)
@given(drawings())
def test_lines_of_strangers_only_cross(drawn: tuple[Graph, Drawing]) -> None:
    """Where two edges share neither end, one runs across and the other upright; so nobody takes one for the other."""
    _, drawing = drawn
    at: dict[tuple[int, int], list[tuple[str, str, int]]] = {}
    for wire in drawing.wires:
        left, right = (wire.child, wire.parent) if wire.is_backward else (wire.parent, wire.child)
        for x, y, stroke in cells_of(wire):
            at.setdefault((x, y), []).append((left, right, stroke.arms))
    for found in at.values():
        for number, (left, right, arms) in enumerate(found):
            for other_left, other_right, other_arms in found[:number]:
                if left != other_left and right != other_right:
                    shared = arms & other_arms
                    assert not shared, "they lie on each other"


@settings(max_examples=60)
@given(graphs(), spacings)
def test_the_same_graph_is_always_drawn_the_same_way(graph: Graph, spacing: Spacing) -> None:
    room = {name: Size(8, 1) for name in graph.parents}

    assert place(arrange(graph), room, spacing) == place(arrange(graph), room, spacing)


@settings(max_examples=100)
@given(drawings())
def test_without_circles_every_child_stands_right_of_its_parents(drawn: tuple[Graph, Drawing]) -> None:
    graph, drawing = drawn
    if graph.stuck:
        return
    for child, parents in graph.parents.items():
        assert all(drawing.boxes[parent].right < drawing.boxes[child].x for parent in parents)


def drawn_as_text(graph: Graph) -> list[str]:
    drawing = place(arrange(graph), {name: Size(len(name) + 1, 1) for name in graph.parents}, Spacing())
    grid = [[" "] * drawing.width for _ in range(drawing.height)]
    for y, row in strokes(drawing.wires).items():
        for x, stroke in row.items():
            grid[y][x] = stroke.glyph()
    for box in drawing.boxes.values():
        grid[box.y][box.x : box.right] = f"{box.name} "
    return ["".join(row).rstrip() for row in grid]


def test_a_diamond_looks_like_one() -> None:
    diamond = Graph({"split": (), "left": ("split",), "right": ("split",), "join": ("left", "right")})

    assert drawn_as_text(diamond) == [
        "       ┌─▶left ──┬─▶join",
        "split ─┤         │",
        "       └─▶right ─┘",
    ]


def test_a_chain_is_a_straight_line_and_what_skips_a_stage_runs_below() -> None:
    chain = Graph({"a": (), "b": ("a",), "c": ("b",), "d": ("c", "a")})

    assert drawn_as_text(chain) == [
        "a ─┬─▶b ──▶c ─┬─▶d",
        "   │          │",
        "   └──────────┘",
    ]


def test_data_stands_right_before_the_first_stage_that_reads_it() -> None:
    graph = Graph({"raw": (), "a": ("raw",), "b": ("a",), "labels": (), "train": ("b", "labels")})
    drawing = place(arrange(graph), dict.fromkeys(graph.parents, Size(5, 1)), Spacing())

    assert drawing.layers == (("raw",), ("a",), ("b", "labels"), ("train",))


def wide(stages: int, layers: int) -> Graph:
    """A made-up pipeline: every stage reads two of the layer before, every fifth something older."""
    per_layer = stages // layers
    parents: dict[str, tuple[str, ...]] = {}
    for number in range(stages):
        layer, place_in_layer = divmod(number, per_layer)
        near = [(layer - 1) * per_layer + (place_in_layer * 7 + step) % per_layer for step in (0, 3)] if layer else []
        far = [(layer - 3) * per_layer + place_in_layer] if layer > 2 and number % 5 == 0 else []
        parents[f"stage{number}"] = tuple(f"stage{one}" for one in dict.fromkeys((*near, *far)))
    return Graph(parents)


@pytest.mark.parametrize("layers", [4, 10, 50])
def test_five_hundred_stages_are_laid_out_in_an_instant(layers: int) -> None:
    graph = wide(500, layers)
    graph.order, graph.layers  # noqa: B018

    began = time.process_time()
    drawing = place(arrange(graph), dict.fromkeys(graph.parents, Size(20, 1)), Spacing())
    assert time.process_time() - began < 0.3
    assert len(drawing.boxes) == 500


def test_lines_that_only_cross_are_not_joined() -> None:
    graph = Graph({"a": (), "b": (), "c": ("a", "b"), "d": ("a", "b"), "e": ("a",), "f": ("b",)})
    drawing = place(arrange(graph), dict.fromkeys(graph.parents, Size(3, 1)), Spacing())
    crossings = [s for row in strokes(drawing.wires).values() for s in row.values() if s.arms == ACROSS | UPRIGHT]

    assert all(stroke.glyph() == ("┼" if stroke.turns else "│") for stroke in crossings)
    assert sum(stroke.end == ARROW for row in strokes(drawing.wires).values() for stroke in row.values()) == 4
