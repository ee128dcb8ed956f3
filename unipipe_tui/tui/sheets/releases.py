"""Targets and what was released on them, as tables and lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from unipipe_tui.actions.release.difference import ReleaseDifference
from unipipe_tui.actions.release.history import ReleaseLine, ReleasesSoFar
from unipipe_tui.actions.release.status import TargetStatus
from unipipe_tui.actions.release.view import TargetView
from unipipe_tui.domain.records import Alert, Release
from unipipe_tui.domain.rollouts.course import Move, RolloutState
from unipipe_tui.domain.serving import TrafficWindow
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.lines import MUTED, Line, fact, remark, section
from unipipe_tui.tui.sheet import Cell, Column, Sheet, SheetRow
from unipipe_tui.tui.sheets.rollouts import INTERRUPTED, live_lines, shares, way_lines, way_told
from unipipe_tui.tui.text import clip, counted, day_and_clock, duration, harmless
from unipipe_tui.tui.theme import ROLLOUT_SIGNS, SERVER_SIGNS, Sign

LIVE = Sign("●", "$success")
REPLACED = Sign("·", "$muted")
STOPPED = Sign("■", "$muted")
UNKNOWN = Sign("?", "$muted")
ASKING = Sign("◌", "$muted")
AWAY = Sign("✗", "$error")


@frozen
class SeenTarget:
    """A target as far as it is seen: each is asked by itself."""

    target: str
    kind: str
    status: TargetStatus | None
    """The last answer; None before the first."""
    problem: str = ""
    """Why there is no newer one."""


def targets_sheet(seen: Sequence[SeenTarget], styles: Mapping[str, str] | None = None) -> Sheet:
    """One row a target, as it is now; `styles` of targets by name."""
    wrong = any(map(_problem, seen))
    moving = any(one.status and one.status.rollout for one in seen)
    columns = (
        Column("target", "target", 24),
        Column("state", "state"),
        # Mostly nothing is on its way, and nothing is wrong: a head above nothing only takes room.
        *([Column("way", "on its way", 40)] if moving else []),
        Column("traffic", "answers with", 60),
        *([Column("problem", "what is wrong", 72)] if wrong else []),
        Column("since", "since"),
        Column("kind", "kind"),
        Column("url", "where", 40),
    )
    looks = styles or {}
    rows = (_target_row(one, looks.get(one.target, "bold"), moving=moving, wrong=wrong) for one in seen)
    return Sheet(columns, tuple(rows))


def _target_row(seen: SeenTarget, style: str, *, moving: bool, wrong: bool) -> SheetRow:
    live = seen.status.live if seen.status else None
    state, sign = _state(seen)
    variants = [one.variant for one in live.variants] if live else []
    return SheetRow(
        seen.target,
        (
            Cell(harmless(seen.target), style),
            Cell(f"{sign.glyph} {state}", sign.style),
            *((_way_cell(seen),) if moving else ()),
            Cell(shares(variants) if variants else "–", "$accent" if variants else MUTED),
            *((Cell(harmless(_problem(seen)), "$error"),) if wrong else ()),
            Cell(_moment(live.since if live else None), MUTED, live.since.timestamp() if live and live.since else None),
            Cell(harmless(seen.kind), MUTED),
            Cell(harmless(live.url if live else "–").removeprefix("http://"), "$secondary"),
        ),
    )


def _state(seen: SeenTarget) -> tuple[str, Sign]:
    if seen.status is None:
        return ("no answer", AWAY) if seen.problem else ("looking", ASKING)
    if seen.status.live is None:
        return "cannot be asked", AWAY
    state = seen.status.live.state
    return state.value, SERVER_SIGNS[state]


def _way_cell(seen: SeenTarget) -> Cell:
    way = seen.status.rollout if seen.status else None
    if way is None:
        return Cell("–", MUTED)
    return Cell(way_told(way), INTERRUPTED.style if way.interrupted else ROLLOUT_SIGNS[way.state].style)


def _problem(seen: SeenTarget) -> str:
    status = seen.status
    if seen.problem:
        return f"stale: {seen.problem}" if status else seen.problem
    if status is None or status.problem:
        return status.problem if status else ""
    live = status.live
    ill = [f"{one.variant.name}: {one.said or 'not ready'}" for one in live.variants if not one.ready] if live else []
    return "; ".join([*ill, *(live.remarks if live else ())])


def releases_sheet(found: ReleasesSoFar) -> Sheet:
    """One row a release, the newest first."""
    several = len({release.target for release in found.releases}) > 1
    told = any(release.reason for release in found.releases)
    columns = (
        Column("state", "state"),
        *((Column("target", "target", 20),) if several else ()),
        Column("version", "version", 40),
        Column("at", "released"),
        Column("until", "for"),
        Column("action", "how", 18),
        Column("actor", "by", 16),
        *((Column("reason", "because", 60),) if told else ()),
        Column("release", "release"),
        Column("commit", "commit"),
        Column("data", "data", 8),
        Column("job", "job", 24, stretches=True),
    )
    rows = tuple(_release_row(release, several=several, told=told) for release in found.releases)
    return Sheet(columns, rows, found.total)


def release_id(release: ReleaseLine) -> str:
    """What tells one release from all others."""
    return release.release or f"{release.target} {release.job} {release.at.isoformat()}"


def release_state(release: ReleaseLine) -> tuple[str, Sign]:
    """What became of a release, in a word and a sign."""
    if release.state is not RolloutState.DONE:
        return release.state.value, ROLLOUT_SIGNS[release.state]
    if release.live:
        return "live", LIVE
    if release.until is None:
        return "not known", UNKNOWN
    return ("stopped", STOPPED) if release.stopped else ("replaced", REPLACED)


def _release_row(release: ReleaseLine, *, several: bool, told: bool) -> SheetRow:
    state, sign = release_state(release)
    action = release.action or ""
    # A release of its own is known by its strategy; another change brought a version at once.
    brought = action if action and not action.startswith("release ") else release.strategy
    return SheetRow(
        release_id(release),
        (
            Cell(f"{sign.glyph} {state}", sign.style),
            *((Cell(harmless(release.target)),) if several else ()),
            Cell(f"{harmless(release.model)} {release.version}", LIVE.style if release.live else "bold"),
            Cell(day_and_clock(release.at), MUTED, release.at.timestamp()),
            _time_cell(release),
            Cell(harmless(brought)),
            Cell(harmless(release.actor), "$secondary"),
            *((Cell(harmless(release.reason) or "–", "" if release.reason else MUTED),) if told else ()),
            Cell(harmless(release.release or "–"), MUTED),
            Cell(harmless(release.commit or "–")[:7], "$secondary"),
            Cell(harmless(release.data or "–")[:8], MUTED),
            Cell(harmless(release.job), MUTED),
        ),
    )


def _time_cell(release: ReleaseLine) -> Cell:
    if release.until is None:
        return Cell("–", MUTED, float("inf"))
    seconds = (release.until - release.at).total_seconds()
    return Cell(duration(seconds), MUTED, seconds)


def target_lines(view: TargetView) -> list[Line]:
    """All that is known of a target: what is wrong, what is on its way, what it answers with, how, and what it should."""
    status = view.status
    return [
        *section("To do", map(_remark_line, view.remarks)),
        *section("On its way", way_lines(status.rollout) if status.rollout else ()),
        *section("Answers", _answers(view)),
        *section("Alerts", map(_alert_line, view.alerts)),
        *section("Traffic", _traffic(view)),
        *section("Newest release", _newest(view.release) if view.release else ()),
        *section("Try it (t) with", [remark(view.example)] if view.example else ()),
    ]


def _remark_line(text: str) -> Line:
    return (("! ", "bold $accent"), (harmless(text), ""))


def _alert_line(alert: Alert) -> Line:
    since = f"  since {day_and_clock(alert.opened)}"
    return (("! ", "bold $accent"), (harmless(alert.message), ""), (since, MUTED))


def _answers(view: TargetView) -> Iterator[Line]:
    live = view.status.live
    if live is None:
        yield fact("state", f"{AWAY.glyph} cannot be asked", AWAY.style)
        yield fact("problem", view.status.problem, "$error")
        yield from _stood(view.status.stood)
    else:
        sign = SERVER_SIGNS[live.state]
        yield fact("state", f"{sign.glyph} {live.state.value}  {live.url}", sign.style)
        yield from live_lines(live)
    if view.follows:
        yield fact(
            "follows", f"{view.follows}: {'no version yet' if view.wanted is None else f'version {view.wanted}'}"
        )
    else:
        yield fact("follows", "nothing: only explicit releases")


def _stood(stood: Move | None) -> Iterator[Line]:
    if stood is not None:
        told = stood.traffic.told if stood.traffic else "nothing"
        yield fact("as recorded", f"{told}, since {day_and_clock(stood.at)} by {stood.actor}")


def _newest(release: ReleaseLine) -> Iterator[Line]:
    state, sign = release_state(release)
    yield fact("state", f"{sign.glyph} {state}", sign.style)
    yield fact("version", f"{release.model} version {release.version}", "bold")
    yield fact("at", f"{release.at:%Y-%m-%d %H:%M} UTC by {release.actor}")
    yield fact("last job", f"{release.action or 'a job'}  {release.job}")
    if release.reason:
        yield fact("because", release.reason)
    yield fact("commit", (release.commit or "–")[:12], "$secondary")
    yield fact("data", release.data)
    yield fact("bundle", f"sha256 {release.digest[:16]}…")


def _traffic(view: TargetView) -> Iterator[Line]:
    traffic = view.traffic
    if view.requests is not None:
        yield fact("requests", f"{view.requests:,} since it started")
    yield fact("predictions", f"{view.predictions:,} logged, {counted(view.labels, 'label')}")
    if not traffic.rows:
        yield remark("No prediction of this version yet.")
        return
    version = "" if traffic.version is None else f" of version {traffic.version}"
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


def difference_lines(found: ReleaseDifference, width: int) -> list[Line]:
    """Which two releases, what is another, what is the same, and the code between them."""
    rows = [(one.name, one.before or "–", one.after or "–") for one in found.different]
    cells = max(8, (width - 2 * 14 - 4) // 2)
    different = [
        ((f"{harmless(name):<12}  ", MUTED), (_cut(before, cells), ""), ("  →  ", MUTED), (_cut(after, cells), "bold"))
        for name, before, after in rows
    ]
    same = [remark(f"the same: {', '.join(found.same)}")] if found.same else []
    return [
        *section(f"Releases of {found.target}", [_side("before", found.before), _side("after", found.after)]),
        *section("Different", [*different, *same]),
        *section("Code", _code(found)),
        remark(f"more: {found.hint}"),
    ]


def _side(name: str, release: Release) -> Line:
    by = f"{day_and_clock(release.at)} by {release.actor}"
    return fact(name, f"{release.model} {release.version}  {release.id or 'without an id'}  {by}", "bold")


def _code(found: ReleaseDifference) -> Iterator[Line]:
    if found.files is None:
        return
    yield fact(counted(found.files, "file"), f"+{found.insertions or 0:,} −{found.deletions or 0:,} lines")
    yield from (remark(f"  {path}") for path in found.paths)


def _cut(text: str, cells: int) -> str:
    return clip(harmless(text), cells)
