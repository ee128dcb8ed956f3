"""The timeline of the overview, as a picture."""

from __future__ import annotations

from datetime import datetime

from unipipe_tui.actions.timeline import Timeline
from unipipe_tui.charts.timelines import draw_timeline
from unipipe_tui.tui.drawn import TIMELINE, lines_of
from unipipe_tui.tui.lines import Line, remark


def timeline_picture(timeline: Timeline, width: int, height: int, chosen: datetime | None = None) -> list[Line]:
    """Performance, drift and latency over the same time, with what happened below them; `chosen` is pointed at."""
    if not timeline.series and not timeline.marks:
        return [remark(f"Nothing is known of {timeline.target} yet."), *map(remark, timeline.notices)]
    return lines_of(draw_timeline(timeline.series, timeline.marks, width, height, chosen), TIMELINE)
