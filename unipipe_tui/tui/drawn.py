"""What the room of charts draws, as lines with the colours of the theme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from unipipe_tui.charts import overlays, timelines
from unipipe_tui.charts.text import Drawn
from unipipe_tui.tui.lines import MUTED, Line

CHART: Mapping[int, str] = MappingProxyType({0: "$primary", 1: "$warning", 2: "$secondary", 3: "$success"})
OVERLAY: Mapping[int, str] = MappingProxyType(
    {
        overlays.NOW: "$primary",
        overlays.BEFORE: "bold $accent",
        overlays.QUIET: MUTED,
        overlays.OVER: "bold $background on $primary",
    }
)
TIMELINE: Mapping[int, str] = MappingProxyType(
    {
        timelines.GOOD: "$success",
        timelines.BAD: "bold $error",
        timelines.HELD: "$line",
        timelines.MARKED: "bold $accent",
        timelines.QUIET: MUTED,
    }
)


def lines_of(drawn: Iterable[Drawn], tones: Mapping[int, str]) -> list[Line]:
    """Each span in the style of its tone."""
    return [
        tuple((span.text, "" if span.tone is None else tones.get(span.tone, "")) for span in line) for line in drawn
    ]
