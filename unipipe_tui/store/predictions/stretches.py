"""A long log in stretches, made of the summaries of its segments: what cannot be told from them need not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from unipipe_tui.domain.operations import Latency
from unipipe_tui.domain.serving import TrafficWindow
from unipipe_tui.domain.values import frozen
from unipipe_tui.store.predictions.choice import stem
from unipipe_tui.store.predictions.label_summaries import LabelledCell
from unipipe_tui.store.predictions.segment_summaries import Cell, Held, added, moment_of


@frozen
class _Placed:
    """A cell and the segment that it is of."""

    segment: str
    cell: Cell

    @property
    def key(self) -> tuple[str, int, int, str]:
        """By what labels name it."""
        return self.segment, self.cell.hour, self.cell.version, self.cell.variant


def rolled_stretches(
    segments: Sequence[Held], labelled: Sequence[LabelledCell], most: int, since: datetime | None
) -> tuple[TrafficWindow, ...]:
    """About so many stretches of about equally many rows, oldest first, each of one version.

    They begin and end where cells do: an hour of a segment is never split, and percentiles are those of histograms.
    """
    placed = [_Placed(stem(one.path), cell) for one in segments for cell in one.cells]
    asked = [one for one in placed if since is None or moment_of(one.cell.last) >= since]
    of_cell: dict[tuple[str, int, int, str], list[LabelledCell]] = {}
    for one in labelled:
        of_cell.setdefault((one.segment, one.hour, one.version, one.variant), []).append(one)
    return tuple(
        _window(group, [label for one in group for label in of_cell.get(one.key, ())])
        for group in _grouped(asked, most)
    )


def newest_labelled(
    segments: Sequence[Held], labelled: Sequence[LabelledCell], rows: int, version: int | None
) -> tuple[Held, ...]:
    """The segments that hold the latest so many labelled predictions, of one version if given."""
    counts: dict[str, int] = {}
    for one in labelled:
        if version in (None, one.version):
            counts[one.segment] = counts.get(one.segment, 0) + one.labelled
    asked = [one for one in segments if counts.get(stem(one.path))]
    surely = 0
    for segment in sorted(asked, key=lambda segment: segment.first, reverse=True):
        surely += counts[stem(segment.path)]
        if surely >= rows:
            return tuple(other for other in asked if other.last >= segment.first)
    return tuple(asked)


def _grouped(placed: Sequence[_Placed], most: int) -> Iterator[list[_Placed]]:
    wanted = max(1, -(-sum(one.cell.rows for one in placed) // most))
    groups: dict[tuple[int, int], list[_Placed]] = {}
    before = 0
    for one in sorted(placed, key=lambda one: (one.cell.first, one.segment)):
        # Where its middle lies, so that neither end of a stretch draws all cells to itself.
        groups.setdefault(((before + one.cell.rows // 2) // wanted, one.cell.version), []).append(one)
        before += one.cell.rows
    return iter(sorted(groups.values(), key=lambda group: min(one.cell.first for one in group)))


def _window(group: Sequence[_Placed], labels: Sequence[LabelledCell]) -> TrafficWindow:
    cells = [one.cell for one in group]
    latency = Latency(tuple(sorted(added(cell.latency for cell in cells).items())))
    return TrafficWindow(
        rows=sum(cell.rows for cell in cells),
        first=moment_of(min(cell.first for cell in cells)),
        last=moment_of(max(cell.last for cell in cells)),
        version=cells[0].version,
        labelled=sum(one.labelled for one in labels),
        true_positive=sum(one.true_positive for one in labels),
        false_positive=sum(one.false_positive for one in labels),
        false_negative=sum(one.false_negative for one in labels),
        true_negative=sum(one.true_negative for one in labels),
        p50_ms=latency.percentile(0.5),
        p95_ms=latency.percentile(0.95),
        yes=sum(cell.yes for cell in cells),
    )
