"""The small panels of the overview: what is live, what is wrong, and rows of jobs wherever they are listed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from unipipe_tui.actions.jobs import JobLine
from unipipe_tui.domain.records import Alert
from unipipe_tui.domain.serving import ServerStatus
from unipipe_tui.tui.text import clock, day_and_clock, duration, harmless
from unipipe_tui.tui.theme import JOB_SIGNS, SERVER_SIGNS
from unipipe_tui.tui.widgets.rows import Cell, Row, painted

Line = Sequence[tuple[str, str]]
"""Pieces of text with their style."""

WIDE_FROM_CELLS = 70
WIDER_FROM_CELLS = 150


class Panel(Static):
    """Lines that are cut to the panel's width, or wrapped."""

    def __init__(self, title: str, *, id: str, wraps: bool = False) -> None:
        super().__init__(id=id, markup=False)
        self._wraps = wraps
        self.border_title = title
        self._lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Show lines, each of pieces of text with their style."""
        self._lines = lines
        self._paint()

    def on_resize(self, event: Resize) -> None:
        """Lines are as wide as the panel."""
        self._paint()

    def _paint(self) -> None:
        lines = [Content.assemble(*line) for line in self._lines]
        if not self._wraps:
            lines = [line.truncate(self.content_size.width, ellipsis=True) for line in lines]
        self.update(Content("\n").join(lines))


def live_lines(servers: Sequence[ServerStatus]) -> list[Line]:
    """What each target serves, where and since when."""
    if not servers:
        return [[("Nothing is live yet.", "$muted")]]
    return [line for server in servers for line in _server_lines(server)]


def _server_lines(server: ServerStatus) -> list[Line]:
    sign = SERVER_SIGNS[server.state]
    version = f"v{server.version}" if server.version is not None else server.state.value
    since = f"  since {day_and_clock(server.since)}" if server.since else ""
    lines: list[Line] = [
        [
            (f"{sign.glyph} ", sign.style),
            (f"{harmless(server.target)} ", "bold"),
            (version, sign.style),
            (since, "$muted"),
        ]
    ]
    if server.version is not None:
        requests = f"  {server.requests:,} requests" if server.requests is not None else ""
        lines.append([(requests, ""), (f"  {harmless(server.url).removeprefix('http://')}", "$muted")])
    if server.error:
        lines.append([(f"  {harmless(server.error)}", "$error")])
    return lines


def alert_lines(alerts: Sequence[Alert], notices: Sequence[str]) -> list[Line]:
    """What is wrong, and what else there is to know."""
    lines: list[Line] = [
        [
            ("! ", "bold $accent"),
            (harmless(alert.message), ""),
            (f"  {harmless(alert.target)} since {day_and_clock(alert.opened)}", "$muted"),
        ]
        for alert in alerts
    ]
    lines += [[("· ", "$muted"), (harmless(notice), "$muted")] for notice in notices]
    return lines or [[("✓ ", "$success"), ("No open alert.", "$muted")]]


def job_rows(jobs: Sequence[JobLine]) -> list[Row]:
    """A row for each job."""
    return [Row(job.id, partial(_job_row, job)) for job in jobs]


def log_rows(jobs: Sequence[JobLine]) -> list[Row]:
    """A row for each command line that ran: when, who, what, how it ended and how long it took."""
    return [Row(job.id, partial(_log_row, job)) for job in jobs]


def _job_row(job: JobLine, width: int) -> Content:
    sign = JOB_SIGNS[job.state]
    message = harmless(job.message) or ("runs" if not job.state.ended else job.state.value)
    if width < WIDE_FROM_CELLS:
        cells = [
            Cell(clock(job.started)[:5], 5, "$muted"),
            Cell(harmless(job.action), 14),
            Cell(message, style="$muted"),
        ]
        return painted(width, Cell(sign.glyph, 1, sign.style), *cells)
    command = [Cell(f"$ {harmless(job.command)}", width // 2, "$muted")] if width >= WIDER_FROM_CELLS else []
    return painted(
        width,
        Cell(sign.glyph, 1, sign.style),
        Cell(day_and_clock(job.started), 11, "$muted"),
        Cell(harmless(job.action), 15, "bold"),
        Cell(f"{duration(job.seconds):>9}", 9, "$muted"),
        Cell(message),
        *command,
    )


def _log_row(job: JobLine, width: int) -> Content:
    sign = JOB_SIGNS[job.state]
    return painted(
        width,
        Cell(clock(job.started), 8, "$muted"),
        Cell(harmless(job.actor), 8, "$secondary"),
        Cell(f"$ {harmless(job.command)}"),
        Cell(f"{sign.glyph} {job.state.value}", 9, sign.style),
        Cell(f"{duration(job.seconds):>9}", 9, "$muted"),
    )
