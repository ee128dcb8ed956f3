"""The small panels of the overview: what is live, what is wrong, and rows of jobs wherever they are listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from rich.cells import cell_len
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from unipipe_tui.actions.jobs.listing import JobLine
from unipipe_tui.actions.overview import OnItsWay
from unipipe_tui.domain.records import Alert, Release
from unipipe_tui.domain.server_status import ServerStatus
from unipipe_tui.tui.sheets.rollouts import INTERRUPTED, shares
from unipipe_tui.tui.text import clock, counted, day_and_clock, duration, harmless
from unipipe_tui.tui.theme import ALERT_SIGNS, JOB_SIGNS, ROLLOUT_SIGNS, SERVER_SIGNS
from unipipe_tui.tui.widgets.rows import Cell, Row, painted

Line = Sequence[tuple[str, str]]
"""Pieces of text with their style."""

WIDE_FROM_CELLS = 70
WIDER_FROM_CELLS = 150
BEFORE_MESSAGE = 1 + 2 + 11 + 2 + 18 + 2 + 9 + 2


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
        if not (self._wraps and self._has_room_for(lines)):
            lines = [line.truncate(self.content_size.width, ellipsis=True) for line in lines]
        self.update(Content("\n").join(lines))

    def _has_room_for(self, lines: Sequence[Content]) -> bool:
        """Whether all of them can be read whole: otherwise each has one line, so that the last is seen as well."""
        width, height = self.content_size
        return sum(-(-line.cell_length // max(width, 1)) or 1 for line in lines) <= height


def live_lines(
    servers: Sequence[ServerStatus],
    releases: Sequence[Release] = (),
    styles: Mapping[str, str] | None = None,
    ways: Sequence[OnItsWay] = (),
) -> list[Line]:
    """What each target serves, since when and how much, what it was made of what is on its way; `styles` by target."""
    if not servers:
        return [[("Nothing is live yet.", "$muted")]]
    newest = {release.target: release for release in releases}
    looks, coming = styles or {}, {way.target: way for way in ways}
    return [
        line
        for server in servers
        for line in _server_lines(
            server, newest.get(server.target), looks.get(server.target, "bold"), coming.get(server.target)
        )
    ]


def _server_lines(server: ServerStatus, release: Release | None, style: str, way: OnItsWay | None) -> list[Line]:
    sign = SERVER_SIGNS[server.state]
    was = f", was version {release.version}" if release else ""
    version = f"version {server.version}" if server.version is not None else f"{server.state.value}{was}"
    since = f"  since {day_and_clock(server.since)}" if server.since else ""
    lines: list[Line] = [
        [
            (f"{sign.glyph} ", sign.style),
            (harmless(server.target), style),
            (" ", ""),
            (version, sign.style),
            (since, "$muted"),
        ]
    ]
    if server.version is not None:
        requests = f", {counted(server.requests, 'request')}" if server.requests is not None else ""
        several = way.traffic.variants if way and way.traffic and len(way.traffic.variants) > 1 else ()
        answers = shares(several) if several else f"{server.state.value}, {server.shares or 'all traffic'}"
        lines.append([(f"  {answers}", sign.style), ("" if several else requests, "")])
    if way is not None:
        lines.append(_way_line(way))
    if release is not None and server.version in (release.version, None):
        lines.append(_made_of(release))
    if server.version is not None:
        lines.append([(f"  {harmless(server.url).removeprefix('http://')}", "$muted")])
    if server.error:
        lines.append([(f"  {harmless(server.error)}", "$error")])
    return lines


def _way_line(way: OnItsWay) -> Line:
    """`◆ canary 10 %, step 1 of 4 watching, version 3`."""
    sign = INTERRUPTED if way.interrupted else ROLLOUT_SIGNS[way.state]
    known = way.traffic.variants if way.traffic else ()
    share = next((f" {one.weight:.3g} %" for one in known if one.version == way.version and not one.mirrored), "")
    said = "interrupted" if way.interrupted else way.state.value
    return [
        (f"  {sign.glyph} {harmless(way.strategy)}{share}, step {way.step} of {way.steps} {said}", sign.style),
        (f", version {way.version}", "$muted"),
    ]


def _made_of(release: Release) -> Line:
    """Short names of data and commit: enough to find them in the lineage."""
    data = release.data[:8] if release.data else "unknown data"
    commit = release.commit[:7] if release.commit else "unknown commit"
    return [(f"  data {harmless(data)}", ""), (f", commit {harmless(commit)}", "$secondary")]


def now_lines(alerts: Sequence[Alert], running: Sequence[JobLine], notices: Sequence[str]) -> list[Line]:
    """What asks for attention, what runs and how far it is, what was acknowledged, what else there is to know."""
    asking = [_alert_line(alert) for alert in alerts if alert.asks]
    quiet: list[Line] = [] if asking else [[("✓ ", "$success"), ("Nothing asks for attention.", "$muted")]]
    noted = [_alert_line(alert) for alert in alerts if not alert.asks]
    known: list[Line] = [[("· ", "$muted"), (harmless(notice), "$muted")] for notice in notices]
    return [*quiet, *asking, *map(_running_line, running), *noted, *known]


def _alert_line(alert: Alert) -> Line:
    sign = ALERT_SIGNS["asks" if alert.asks else "acknowledged"]
    by = "" if alert.asks else f"  acknowledged by {harmless(alert.acknowledged_by)}"
    return [
        (f"{sign.glyph} ", sign.style),
        (harmless(alert.message), "" if alert.asks else "$muted"),
        (f"  {harmless(alert.target)} since {day_and_clock(alert.opened)}{by}", "$muted"),
    ]


def _running_line(job: JobLine) -> Line:
    sign = JOB_SIGNS[job.state]
    return [
        (f"{sign.glyph} ", sign.style),
        (f"{harmless(job.action)} ", "bold"),
        (harmless(job.progress) or "runs", ""),
        (f"  {duration(job.seconds)}", "$muted"),
    ]


def job_rows(jobs: Sequence[JobLine]) -> list[Row]:
    """A row for each job."""
    messages = max((cell_len(_message(job)) for job in jobs), default=0)
    return [Row(job.id, partial(_job_row, job, messages)) for job in jobs]


def _message(job: JobLine) -> str:
    return (harmless(job.message) if job.state.ended else harmless(job.progress) or "runs") or job.state.value


def _command(job: JobLine) -> str:
    return f"$ {harmless(job.command)}"


def _job_row(job: JobLine, message_cells: int, width: int) -> Content:
    sign, message = JOB_SIGNS[job.state], _message(job)
    if width < WIDE_FROM_CELLS:
        cells = [
            Cell(clock(job.started)[:5], 5, "$muted"),
            Cell(harmless(job.action), 14),
            Cell(message, style="$muted"),
        ]
        return painted(width, Cell(sign.glyph, 1, sign.style), *cells)
    # What the messages leave, and at least a third of it.
    left = width - BEFORE_MESSAGE
    command = [Cell(_command(job), max(left // 3, left - message_cells - 2), "$muted")] * (width >= WIDER_FROM_CELLS)
    return painted(
        width,
        Cell(sign.glyph, 1, sign.style),
        Cell(day_and_clock(job.started), 11, "$muted"),
        Cell(harmless(job.action), 18, "bold"),
        Cell(f"{duration(job.seconds):>9}", 9, "$muted"),
        Cell(message),
        *command,
    )
