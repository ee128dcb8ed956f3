"""A chart as large as its place: drawn off the UI thread, and anew when the place changes its size."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from textual.content import Content
from textual.widget import Widget

from unipipe_tui.charts.text import Drawn, draw
from unipipe_tui.domain.charts import Chart, ParallelChart
from unipipe_tui.tui.background import Problem
from unipipe_tui.tui.looking import Looking, Question
from unipipe_tui.tui.text import harmless

TONES = ("$primary", "$accent", "$secondary", "$success", "$warning", "$error")
PARALLEL_TONES = ("$muted", "bold $success")
DRAWN_WITHIN_SECONDS = 10.0


class Plot(Widget):
    """Shows one chart; the old one stays until the new one is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._looking: Looking[Content] = Looking(self._take, DRAWN_WITHIN_SECONDS)
        self._make: Callable[[], Chart] | None = None
        self._number = 0
        self._picture = Content("")

    @property
    def picture(self) -> Content:
        """What is drawn."""
        return self._picture

    def show(self, make: Callable[[], Chart]) -> None:
        """Draw what this makes, which may take a while where there are many points."""
        self._make = make
        self._number += 1
        self._draw()

    def on_resize(self) -> None:
        """Draw for another size."""
        self._draw()

    def on_unmount(self) -> None:
        """Want no picture any more."""
        self._looking.end()

    def render(self) -> Content:
        """The picture."""
        return self._picture

    def _draw(self) -> None:
        make, (width, height) = self._make, self.content_size
        if make is not None and width > 0 and height > 0:
            self._looking.ask(Question((self._number, width, height), lambda: _picture(make(), width, height)))

    def _take(self, _asked: Hashable, picture: Content | Problem) -> None:
        self._picture = Content(harmless(picture.sentence)) if isinstance(picture, Problem) else picture
        self.refresh()


def _picture(chart: Chart, width: int, height: int) -> Content:
    tones = PARALLEL_TONES if isinstance(chart, ParallelChart) else TONES
    first, *rest = draw(chart, width, height)
    lines = [_line(first, tones).stylize("bold"), *(_line(line, tones) for line in rest)]
    return Content("\n").join(lines)


def _line(line: Drawn, tones: tuple[str, ...]) -> Content:
    return Content.assemble(
        *((span.text, "" if span.tone is None else tones[span.tone % len(tones)]) for span in line)
    ).rstrip()
