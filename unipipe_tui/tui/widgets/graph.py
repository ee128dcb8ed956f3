"""A pipeline as a graph: boxes and lines, a cursor that goes along them, foreach stages folded; scrolls to any side."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.events import Click, Resize
from textual.geometry import Region, Size, Spacing
from textual.scroll_view import ScrollView
from textual.strip import Strip

from unipipe_tui.actions.pipeline.view import PipelineView, StageLine
from unipipe_tui.domain.graphs import Graph
from unipipe_tui.tui.bindings import bindings_of
from unipipe_tui.tui.graphs.drawing import Box, Drawing
from unipipe_tui.tui.graphs.layers import Arrangement, arrange
from unipipe_tui.tui.graphs.strokes import HEAVY, THIN, Rows, Stroke, strokes
from unipipe_tui.tui.graphs.walk import Walk
from unipipe_tui.tui.keys import GRAPH
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.sheets.pipeline_fit import Fitting
from unipipe_tui.tui.sheets.pipeline_nodes import Density, node_of
from unipipe_tui.tui.widgets.inks import Inks
from unipipe_tui.tui.widgets.said import SaidBy

AROUND_CURSOR = 4
"""Cells that stay in sight around the stage under the cursor."""
LINE, LIT, FADED = "$muted", "bold $primary", "$muted"


class StageGraph(ScrollView, can_focus=True):
    """Draws the stages of a pipeline; knows which one is under the cursor, by its name."""

    BINDINGS = bindings_of(GRAPH)
    COMPONENT_CLASSES: ClassVar = {"graph--cursor", "graph--empty"}

    @dataclass
    class Pointed(SaidBy["StageGraph"]):
        """The cursor came to another stage."""

        stage: str

    @dataclass
    class Chosen(SaidBy["StageGraph"]):
        """Somebody wants to open a stage."""

        stage: str

    @dataclass
    class FoldWanted(SaidBy["StageGraph"]):
        """Somebody wants the stages of a template folded or unfolded."""

        stage: str

    def __init__(self) -> None:
        super().__init__()
        self._empty = "Looking …"
        self._most_rows = 0
        self._stages: dict[str, StageLine] = {}
        self._arrangement: Arrangement | None = None
        self._drawing = Drawing(0, 0, {}, (), ())
        self._walk = Walk(self._drawing)
        self._fitting = Fitting()
        self._density = Density.LABELS
        self._wires: Rows = {}
        self._lit: Rows = {}
        self._boxes_at: dict[int, list[Box]] = {}
        self._painted: dict[int, Strip] = {}
        self._pointed: str | None = None
        self._words: tuple[str, ...] = ()
        self._inks = Inks(self)

    @property
    def pointed(self) -> str | None:
        """The stage under the cursor."""
        return self._pointed if self._pointed in self._stages else None

    @property
    def drawing(self) -> Drawing:
        """The graph as it is laid out now."""
        return self._drawing

    @property
    def density(self) -> Density:
        """How much is shown of each stage."""
        return self._density

    def show(self, view: PipelineView) -> None:
        """Show other stages; the cursor stays on its own, or goes to the one that stands for it now."""
        before = self._stages.get(self._pointed or "")
        shape = {line.stage: line.after for line in view.stages}
        if self._arrangement is None or shape != {name: line.after for name, line in self._stages.items()}:
            self._arrangement = arrange(Graph(shape))
        self._stages = {line.stage: line for line in view.stages}
        self._draw()
        if self.pointed is None and self._stages:
            self._point(self._successor(before))

    def take_rows(self, most: int) -> None:
        """Draw for so many rows, whatever it is high now; who holds it gives it those that it then has."""
        self._most_rows = most
        self._draw()

    @property
    def rows_needed(self) -> int:
        """Of the graph as it is drawn, with the bar that scrolls it to the sides."""
        bar = self.size.width and self._drawing.width > self.size.width
        return max(1, self._drawing.height) + bool(bar)

    def say_when_empty(self, text: str) -> None:
        """What stands in place of stages."""
        self._empty = text
        self.refresh()

    def point_at(self, stage: str) -> None:
        """Put the cursor on a stage, if it is there."""
        if stage in self._stages:
            self._point(stage)

    def find(self, words: str) -> int:
        """Fade all stages but those that have these words in their names, go to the first; how many have them."""
        self._words = tuple(words.casefold().split())
        found = [name for name in self._stages if self._is_meant(name)]
        self._paint_anew()
        if self._words and found and self._pointed not in found:
            self._point(found[0])
        return len(found)

    # What happens

    def action_right(self) -> None:
        """Follow a line to the right."""
        self._go(self._walk.right(self._pointed))

    def action_left(self) -> None:
        """Follow a line to the left."""
        self._go(self._walk.left(self._pointed))

    def action_down(self) -> None:
        """Go down in the layer."""
        self._go(self._walk.down(self._pointed))

    def action_up(self) -> None:
        """Go up in the layer."""
        self._go(self._walk.up(self._pointed))

    def action_page(self, step: int) -> None:
        """Go half a page in the layer."""
        rows = step * max(1, self.size.height // 2)
        self._go(self._walk.within_rows(self._pointed, rows))

    def action_match(self, step: int) -> None:
        """Go to the next stage that is meant, round and round."""
        names = list(self._stages)
        found = [name for name in names if self._is_meant(name)] if self._words else []
        if found:
            at = names.index(self._pointed) if self._pointed in names else 0
            turned = [*names[at + 1 :], *names[: at + 1]] if step > 0 else [*names[:at][::-1], *names[at:][::-1]]
            self._go(next(name for name in turned if name in found))

    def action_first(self) -> None:
        """Go to the first stage."""
        self._go(next(iter(self._stages), None))

    def action_last(self) -> None:
        """Go to the last stage."""
        self._go(next(reversed(self._stages), None))

    def action_choose(self) -> None:
        """Open the stage; unfold one that stands for several."""
        line = self._stages.get(self._pointed or "")
        if line:
            self.post_message((self.FoldWanted if line.is_folded else self.Chosen)(self, line.stage))

    def action_fold(self) -> None:
        """Unfold the template under the cursor, or fold the stages of the one that it belongs to."""
        line = self._stages.get(self._pointed or "")
        if line and line.template:
            self.post_message(self.FoldWanted(self, line.stage))

    def on_click(self, event: Click) -> None:
        """A stage gets the cursor; a second click opens it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        x, y = offset.x + self.scroll_offset.x, offset.y + self.scroll_offset.y
        found = next((box for box in self._boxes_at.get(y, ()) if box.x <= x < box.right), None)
        if found:
            self._point(found.name)
            if event.chain > 1:
                self.action_choose()

    def on_resize(self, event: Resize) -> None:
        """Another way to draw may fit now."""
        self._draw()

    def on_mount(self) -> None:
        """Paint anew in other colours."""
        self._inks.follow_theme(self._paint_anew)

    # Where everything stands

    def _draw(self) -> None:
        if self._arrangement is None or not self.size.width:
            return
        height = self._most_rows or self.size.height
        density, drawing = self._fitting.drawn(self._arrangement, self._stages, self.size.width, height)
        if density is not self._density or drawing is not self._drawing:
            self._density, self._drawing = density, drawing
            self._walk = Walk(drawing)
            self._wires = strokes(drawing.wires)
            self._boxes_at = _by_row(drawing)
            self.virtual_size = Size(drawing.width, drawing.height)
            self._light()
            self.call_after_refresh(self._show_pointed)
        self._paint_anew()

    def _successor(self, before: StageLine | None) -> str:
        """Where the cursor goes when its stage is gone: folded into its template, unfolded from it, or away."""
        if before and before.template:
            for name, line in self._stages.items():
                if line.template == before.template:
                    return name
        return next((name for name, line in self._stages.items() if not line.is_data), next(iter(self._stages)))

    def _go(self, stage: str | None) -> None:
        if stage is not None:
            self._point(stage)

    def _point(self, stage: str) -> None:
        news = stage != self._pointed
        self._pointed = stage
        self._walk.came_to(stage)
        self._light()
        self._show_pointed()
        if news:
            # Told from here, whoever moved the cursor: a message does not rise above the one that made it.
            self.call_later(self._tell_pointed)

    def _tell_pointed(self) -> None:
        if self.pointed:
            self.post_message(self.Pointed(self, self.pointed))

    def _light(self) -> None:
        """The lines of the stage under the cursor are drawn heavy, over all others."""
        self._lit = strokes(wire for wire in self._drawing.wires if self._pointed in (wire.parent, wire.child))
        self._paint_anew()

    def _show_pointed(self) -> None:
        box = self._drawing.boxes.get(self._pointed or "")
        if box:
            region = Region(box.x, box.y, box.width, box.height)
            around = Spacing(1, AROUND_CURSOR, 1, AROUND_CURSOR)
            self.scroll_to_region(region, spacing=around, animate=False, force=True)

    # How it is painted

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.scrollable_content_region.width
        if not self._stages:
            line: Line = [(text, "") for text in wrap(self._empty, max(1, width))[y : y + 1]]
            return self._inks.strip(line, self.get_component_rich_style("graph--empty"), width)
        x, row = self.scroll_offset.x, self.scroll_offset.y + y
        if row not in self._painted:
            self._painted[row] = self._paint(row)
        return self._painted[row].crop_extend(x, x + width, self.rich_style)

    def _paint(self, row: int) -> Strip:
        base = self.rich_style
        lit = self._lit.get(row, {})
        pieces = [
            (x, self._inks.segments(_stroke_line(stroke, lit.get(x)), base))
            for x, stroke in self._wires.get(row, {}).items()
        ]
        pieces += [(box.x, self._box_segments(box, row - box.y, base)) for box in self._boxes_at.get(row, ())]
        segments: list[Segment] = []
        at = 0
        for x, found in sorted(pieces, key=lambda piece: piece[0]):
            if x > at:
                segments.append(Segment(" " * (x - at), base))
            segments.extend(found)
            at = x + sum(segment.cell_length for segment in found)
        return Strip(segments).simplify()

    def _box_segments(self, box: Box, number: int, base: RichStyle) -> list[Segment]:
        pointed = box.name == self._pointed
        if pointed and self.has_focus:
            base = base + self.get_component_rich_style("graph--cursor")
        line = node_of(self._stages[box.name], self._density, pointed=pointed).lines[number]
        if self._words and not self._is_meant(box.name):
            line = [(text, FADED) for text, _ in line]
        return self._inks.segments(line, base)

    def _is_meant(self, name: str) -> bool:
        return all(word in name.casefold() for word in self._words)

    def _paint_anew(self) -> None:
        self._painted.clear()
        self.refresh()

    def on_focus(self) -> None:
        """The cursor is lit."""
        self._paint_anew()

    def on_blur(self) -> None:
        """The cursor is not."""
        self._paint_anew()


def _stroke_line(stroke: Stroke, lit: Stroke | None) -> Line:
    return ((stroke.glyph(THIN), LINE),) if lit is None else ((lit.glyph(HEAVY), LIT),)


def _by_row(drawing: Drawing) -> dict[int, list[Box]]:
    rows: dict[int, list[Box]] = {}
    for box in drawing.boxes.values():
        for y in range(box.y, box.y + box.height):
            rows.setdefault(y, []).append(box)
    return rows
