"""Edges between two neighbouring layers: every net on a track of its own, so that no two lines lie on each other. Pure.

A net is what one node sends to the next layer. It goes right from its row to its track, up and down the track, and right again
on the rows of its targets. Two nets may share a track where their spans do not touch. On a row that is the source of one net
and a target of another, the first must turn before the second arrives; where such demands go in a circle, one net takes a
detour over a row that nobody uses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from dataclasses import field as later
from heapq import heapify, heappop, heappush

from unipipe_tui.domain.values import frozen

FEW_TRACKS = 3
"""Up to so many stand with a blank between them."""


@frozen
class Net:
    """One node's edges to the next layer, as rows."""

    source: int
    targets: tuple[int, ...]


@frozen
class Route:
    """How a net runs: straight without tracks, up and down one track, or two of them and a row between."""

    tracks: tuple[int, ...] = ()
    """Columns."""
    detour: int | None = None
    """The row between two tracks."""

    def way_to(self, source: int, target: int) -> tuple[tuple[int, int], ...]:
        """The corners on the way from the source's row to a target's."""
        if not self.tracks or (self.detour is None and source == target):
            return ()
        if self.detour is None:
            return ((self.tracks[0], source), (self.tracks[0], target))
        first, second = self.tracks
        return ((first, source), (first, self.detour), (second, self.detour), (second, target))


@frozen
class Channel:
    """The room between two layers."""

    routes: tuple[Route, ...]
    """In the order of the nets."""
    width: int
    lowest: int
    """The lowest row that a detour takes."""


@dataclass(eq=False)
class _Span:
    """A vertical line that needs a track."""

    net: int
    source: int
    targets: tuple[int, ...]
    ends_detour: bool = False
    """It goes on from the row of a detour, which nobody but its own first half leads to."""
    after: list[_Span] = later(default_factory=list)
    """Those that must stand further right."""
    waits_for: int = 0
    earliest: int = 0
    track: int = -1

    @property
    def top(self) -> int:
        return min(self.source, *self.targets)

    @property
    def bottom(self) -> int:
        return max(self.source, *self.targets)

    @property
    def urgency(self) -> tuple[bool, int, int]:
        """Of lines that go down the lowest turns first, of those that go up the highest: so they do not cross."""
        goes_down = self.bottom - self.source >= self.source - self.top
        return (goes_down, -self.source if goes_down else self.source, self.net)


def route_channel(nets: Sequence[Net], taken: Collection[int], x: int, *, is_tight: bool) -> Channel:
    """Find the ways of all nets; `taken`: rows at which something enters or leaves; `x`: the first column."""
    spans = [
        _Span(number, net.source, net.targets)
        for number, net in enumerate(nets)
        if any(target != net.source for target in net.targets)
    ]
    detours = _put_in_order(spans, set(taken))
    count = _choose_tracks(spans)
    stub = 0 if is_tight else 1
    step = 2 if count <= FEW_TRACKS and not is_tight else 1
    column: Callable[[_Span], int] = lambda span: x + stub + span.track * step  # noqa: E731
    routes = [Route() for _ in nets]
    for number in {span.net for span in spans}:
        own = sorted((span for span in spans if span.net == number), key=lambda span: span.track)
        routes[number] = Route(tuple(map(column, own)), detours.get(number))
    width = 1 + stub + (stub + (count - 1) * step + 1 if count else 1)
    return Channel(tuple(routes), width, max(detours.values(), default=0))


def _put_in_order(spans: list[_Span], taken: set[int]) -> dict[int, int]:
    """Say which span must stand left of which; spans that demand it of each other are cut in two at a free row."""
    detours: dict[int, int] = {}
    while True:
        _demand(spans)
        stuck = _stuck(spans)
        if not stuck:
            return detours
        chosen = min(stuck, key=lambda span: (span.bottom - span.top, span.net))
        row = _free_row(taken, (chosen.top + chosen.bottom) // 2)
        taken.add(row)
        detours[chosen.net] = row
        spans.remove(chosen)
        spans.append(_Span(chosen.net, chosen.source, (row,)))
        spans.append(_Span(chosen.net, row, chosen.targets, ends_detour=True))


def _demand(spans: Sequence[_Span]) -> None:
    by_source = {span.source: span for span in spans}
    for span in spans:
        span.after, span.waits_for = [], 0
    for span in spans:
        for row in span.targets:
            other = by_source.get(row)
            if other is None or other is span:
                continue
            first, second = (span, other) if other.ends_detour else (other, span)
            first.after.append(second)
            second.waits_for += 1


def _stuck(spans: Sequence[_Span]) -> list[_Span]:
    """The spans on a circle of demands."""
    waiting = {id(span): span.waits_for for span in spans}
    ready = [span for span in spans if not span.waits_for]
    done = set()
    while ready:
        span = ready.pop()
        done.add(id(span))
        for other in span.after:
            waiting[id(other)] -= 1
            if not waiting[id(other)]:
                ready.append(other)
    left = [span for span in spans if id(span) not in done]
    # Those that only wait for a circle are not on one: nothing that is left waits for them.
    return [span for span in left if any(id(other) not in done for other in span.after)]


def _free_row(taken: Collection[int], wanted: int) -> int:
    distance = 0
    while True:
        for row in (wanted + distance, wanted - distance):
            if row >= 0 and row not in taken:
                return row
        distance += 1


def _choose_tracks(spans: Sequence[_Span]) -> int:
    """Give every span the first track that is free and right of all that it must stand right of; their number."""
    waiting = {id(span): span.waits_for for span in spans}
    by_key = {span.urgency: span for span in spans}
    ready = [span.urgency for span in spans if not span.waits_for]
    heapify(ready)
    tracks: list[list[_Span]] = []
    while ready:
        span = by_key[heappop(ready)]
        span.track = next(
            number
            for number in range(span.earliest, len(tracks) + span.earliest + 1)
            if number >= len(tracks) or all(not _touch(span, other) for other in tracks[number])
        )
        while len(tracks) <= span.track:
            tracks.append([])
        tracks[span.track].append(span)
        for other in span.after:
            other.earliest = max(other.earliest, span.track + 1)
            waiting[id(other)] -= 1
            if not waiting[id(other)]:
                heappush(ready, other.urgency)
    return len(tracks)


def _touch(one: _Span, other: _Span) -> bool:
    return one.top <= other.bottom and other.top <= one.bottom
