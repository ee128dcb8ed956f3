"""How much of each stage a pipeline shows so that it fits its room: the roomiest way of drawing it that does. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from unipipe_tui.actions.pipeline.view import StageLine
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.graphs.drawing import Drawing, Size, Spacing
from unipipe_tui.tui.graphs.layers import Arrangement
from unipipe_tui.tui.graphs.layout import least_room, place
from unipipe_tui.tui.sheets.pipeline_nodes import Density, node_of

WAYS = (
    (Density.LARGE_CARDS, Spacing(1)),
    (Density.CARDS, Spacing(1)),
    (Density.LABELS, Spacing(1)),
    (Density.LABELS, Spacing(0, is_tight=True)),
    (Density.NAMES, Spacing(0, is_tight=True)),
)
"""From the roomiest to the narrowest: the first that fits is taken."""
WHEN_NONE_FITS = (Density.LABELS, Spacing(0, is_tight=True))


@frozen
class _Way:
    """What a drawing follows from."""

    arrangement: Arrangement
    sizes: Mapping[str, Size]
    spacing: Spacing


class Fitting:
    """Remembers the last drawing: the same stages of the same sizes stand where they stood, and need not be laid out again."""

    def __init__(self) -> None:
        self._last: tuple[_Way, Drawing] | None = None

    def drawn(
        self, arrangement: Arrangement, stages: Mapping[str, StageLine], width: int, height: int
    ) -> tuple[Density, Drawing]:
        """The stages in so many columns and rows; where no way fits, more than that."""
        for density, spacing in WAYS:
            sizes = _sizes(stages, density)
            least_width, least_height = least_room(arrangement, sizes, spacing)
            if least_width <= width and least_height <= height:
                drawing = self._placed(arrangement, sizes, spacing)
                if drawing.width <= width and drawing.height <= height:
                    return density, drawing
        density, spacing = WHEN_NONE_FITS
        return density, self._placed(arrangement, _sizes(stages, density), spacing)

    def _placed(self, arrangement: Arrangement, sizes: Mapping[str, Size], spacing: Spacing) -> Drawing:
        way = _Way(arrangement, sizes, spacing)
        if self._last is None or self._last[0] != way:
            self._last = (way, place(arrangement, sizes, spacing))
        return self._last[1]


def _sizes(stages: Mapping[str, StageLine], density: Density) -> dict[str, Size]:
    return {name: node_of(line, density).size for name, line in stages.items()}
