"""Targets and what was released on them, as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from unipipe_tui.actions.releases import ReleaseLine, ReleaseList, TargetView
from unipipe_tui.actions.serve import Servers
from unipipe_tui.domain.records import Alert
from unipipe_tui.domain.serving import ServerStatus, TrafficWindow
from unipipe_tui.tui.lines import MUTED, Line, fact, remark, section
from unipipe_tui.tui.sheet import Cell, Column, Sheet, SheetRow
from unipipe_tui.tui.text import counted, day_and_clock, duration, harmless
from unipipe_tui.tui.theme import SERVER_SIGNS, Sign

LIVE = Sign("●", "$success")
NEWEST = Sign("·", "$muted")


def targets_sheet(found: Servers, styles: Mapping[str, str] | None = None) -> Sheet:
    """One row a target, as it is now; `styles` of targets by name."""
    wrong = any(server.error for server in found.servers)
    columns = (
        Column("target", "target", 24),
        Column("state", "state"),
        Column("version", "version", 40),
        Column("since", "since"),
        Column("requests", "requests", right=True),
        Column("url", "where", 40),
        # Mostly nothing is wrong, and a head above nothing only takes room.
        *([Column("error", "what is wrong", 200, stretches=True)] if wrong else []),
    )
    return Sheet(
        columns,
        tuple(_target_row(server, (styles or {}).get(server.target, "bold"), wrong=wrong) for server in found.servers),
    )


def _target_row(server: ServerStatus, style: str, *, wrong: bool) -> SheetRow:
    sign = SERVER_SIGNS[server.state]
    named = f"{server.model} {server.version}" if server.version is not None else "–"
    return SheetRow(
        server.target,
        (
            Cell(harmless(server.target), style),
            Cell(f"{sign.glyph} {server.state.value}", sign.style),
            Cell(harmless(named), "bold $accent" if server.version is not None else MUTED, server.version),
            Cell(_moment(server.since), MUTED, server.since.timestamp() if server.since else None),
            Cell("–" if server.requests is None else f"{server.requests:,}", rank=server.requests),
            Cell(harmless(server.url).removeprefix("http://"), "$secondary"),
            *((Cell(harmless(server.error or ""), "$error"),) if wrong else ()),
        ),
    )


def releases_sheet(found: ReleaseList) -> Sheet:
    """One row a release, the newest first."""
    several = len({release.target for release in found.releases}) > 1
    columns = (
        Column("at", "released"),
        *((Column("target", "target", 20),) if several else ()),
        Column("version", "version", 40),
        Column("until", "for"),
        Column("action", "by what", 18),
        Column("actor", "by", 16),
        Column("commit", "commit"),
        Column("data", "data", 8),
        Column("job", "job", 24, stretches=True),
    )
    rows = tuple(_release_row(release, several=several) for release in found.releases)
    return Sheet(columns, rows, found.total)


def release_id(release: ReleaseLine) -> str:
    """What tells one release from all others."""
    return f"{release.target} {release.job} {release.at.isoformat()}"


def _release_row(release: ReleaseLine, *, several: bool) -> SheetRow:
    sign = LIVE if release.live else NEWEST
    return SheetRow(
        release_id(release),
        (
            Cell(day_and_clock(release.at), MUTED, release.at.timestamp()),
            *((Cell(harmless(release.target)),) if several else ()),
            Cell(f"{sign.glyph} {harmless(release.model)} {release.version}", LIVE.style if release.live else "bold"),
            _time_cell(release),
            Cell(harmless(release.action or "–")),
            Cell(harmless(release.actor), "$secondary"),
            Cell(harmless(release.commit or "–")[:7], "$secondary"),
            Cell(harmless(release.data or "–")[:8], MUTED),
            Cell(harmless(release.job), MUTED),
        ),
    )


def _time_cell(release: ReleaseLine) -> Cell:
    if release.until is None:
        return Cell("live" if release.live else "not known", LIVE.style if release.live else MUTED, float("inf"))
    seconds = (release.until - release.at).total_seconds()
    return Cell(duration(seconds), MUTED, seconds)


def target_lines(view: TargetView) -> list[Line]:
    """All that is known of a target: what is wrong, what it answers with, how, and what it should answer with."""
    return [
        *section("To do", map(_remark_line, view.remarks)),
        *section("Alerts", map(_alert_line, view.alerts)),
        *section("Live", _live(view)),
        *section("Traffic", _traffic(view)),
        *section("Newest release", _newest(view.release) if view.release else ()),
        *section("Try it (t) with", [remark(view.example)] if view.example else ()),
    ]


def _remark_line(text: str) -> Line:
    return (("! ", "bold $accent"), (harmless(text), ""))


def _alert_line(alert: Alert) -> Line:
    since = f"  since {day_and_clock(alert.opened)}"
    return (("! ", "bold $accent"), (harmless(alert.message), ""), (since, MUTED))


def _live(view: TargetView) -> Iterator[Line]:
    server = view.server
    sign = SERVER_SIGNS[server.state]
    yield fact("state", f"{sign.glyph} {server.state.value}", sign.style)
    if server.error:
        yield fact("problem", server.error, "$error")
    serves = f"{server.model} version {server.version}" if server.version is not None else None
    yield fact("answers with", serves, "bold $accent" if serves else "")
    if view.follows:
        wanted = f"version {view.wanted}" if view.wanted is not None else "no version yet"
        yield fact("follows", f"{view.follows}: {wanted}")
    else:
        yield fact("follows", "nothing: only explicit releases")
    yield fact("since", f"{server.since:%Y-%m-%d %H:%M} UTC" if server.since else None)
    yield fact("where", f"{view.kind}, {server.url}" + (f", pid {server.pid}" if server.pid else ""), "$secondary")


def _newest(release: ReleaseLine) -> Iterator[Line]:
    yield fact("version", f"{release.model} version {release.version}", "bold")
    yield fact("at", f"{release.at:%Y-%m-%d %H:%M} UTC by {release.actor}")
    yield fact("put there by", f"{release.action or 'a job'}  {release.job}")
    yield fact("commit", (release.commit or "–")[:12], "$secondary")
    yield fact("data", release.data)
    yield fact("bundle", f"sha256 {release.digest[:16]}…")


def _traffic(view: TargetView) -> Iterator[Line]:
    server, traffic = view.server, view.traffic
    if server.requests is not None:
        yield fact("requests", f"{server.requests:,} since it started")
    yield fact("predictions", f"{view.predictions:,} logged, {counted(view.labels, 'label')}")
    if not traffic.rows:
        yield remark("No prediction of this version yet.")
        return
    version = "" if server.version is None else f" of version {server.version}"
    yield fact("the latest", f"{traffic.rows:,}{version}, {_span(traffic)}")
    yield fact("latency", _latency(traffic))
    if traffic.labelled:
        yield fact("labelled", f"{traffic.labelled:,} of them; {_judged(traffic)}")


def _span(traffic: TrafficWindow) -> str:
    if traffic.first is None or traffic.last is None:
        return "times not known"
    first, last = _moment(traffic.first), _moment(traffic.last)
    return first if first == last else f"{first} to {last}"


def _latency(traffic: TrafficWindow) -> str | None:
    if traffic.p50_ms is None or traffic.p95_ms is None:
        return None
    return f"p50 {traffic.p50_ms:.1f} ms, p95 {traffic.p95_ms:.1f} ms"


def _judged(traffic: TrafficWindow) -> str:
    right = traffic.true_positive + traffic.true_negative
    alarms = counted(traffic.false_positive, "false alarm")
    return f"{right:,} right, {alarms}, {traffic.false_negative:,} missed"


def _moment(moment: datetime | None) -> str:
    return day_and_clock(moment) if moment else "–"
