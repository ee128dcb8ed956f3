"""Releases as lines of text: what each target answers with, what is on its way there, and what was before."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.text import Text

from unipipe_tui.actions.release.difference import ReleaseDifference
from unipipe_tui.actions.release.history import ReleaseLine, ReleasesSoFar
from unipipe_tui.actions.release.starting import Released
from unipipe_tui.actions.release.status import ReleaseStatuses, RolloutLine, TargetStatus
from unipipe_tui.actions.release.view import TargetView
from unipipe_tui.cli.grids import (
    PAGE_CELLS,
    QUIET,
    SHORT_COMMIT,
    SHORT_ID,
    Lines,
    block,
    clipped,
    duration,
    grid,
    indented,
    pairs,
    shown,
)
from unipipe_tui.cli.output import plain
from unipipe_tui.domain.ports.targets import LiveTarget, LiveVariant
from unipipe_tui.domain.records import Release
from unipipe_tui.domain.rollouts.analysis import Analysis, Verdict
from unipipe_tui.domain.rollouts.course import Move, RolloutState
from unipipe_tui.domain.rollouts.strategies import Step
from unipipe_tui.domain.rollouts.traffic import ALL, STABLE
from unipipe_tui.domain.serving import ServerState

BAR_CELLS = 10
HEADER = ("", "released", "lasted", "target", "version", "how", "by", "release")
SERVERS = {
    ServerState.READY: ("●", "green"),
    ServerState.STARTING: ("◌", "cyan"),
    ServerState.STOPPED: ("·", QUIET),
    ServerState.DIED: ("✗", "red"),
}
STATES = {
    RolloutState.MOVING: ("▸", "cyan"),
    RolloutState.WATCHING: ("◆", "cyan"),
    RolloutState.WAITING: ("!", "magenta"),
    RolloutState.HELD: ("◇", "yellow"),
    RolloutState.ABORTING: ("◀", "yellow"),
    RolloutState.DONE: ("✓", "green"),
    RolloutState.ABORTED: ("✗", "red"),
}
VERDICTS = {Verdict.ADVANCE: ("✓", "green"), Verdict.HOLD: ("~", "yellow"), Verdict.ABORT: ("✗", "red")}


def status_lines(found: ReleaseStatuses) -> Lines:
    """A paragraph for each target, then what goes on because somebody asked."""
    lines: Lines = [Text(f"as it was at {shown(found.at)} UTC", style=QUIET), Text()] if found.at else []
    for number, target in enumerate(found.targets):
        lines += [*([Text()] if number else []), *target_lines(target, then=found.at is not None)]
    if found.resumed:
        lines += [Text(), *(Text(f"▸ goes on as job {job}", style="cyan") for job in found.resumed)]
    return lines


def target_lines(status: TargetStatus, *, then: bool = False) -> Lines:
    """What a target answers with, and what is on its way there."""
    if then:
        return [Text(f"{plain(status.target)}  {status.kind}", style="bold"), *indented(_stood(status.stood))]
    live = status.live
    if live is None:
        head = Text.assemble((plain(status.target), "bold"), ("  ✗ cannot be asked", "red"), f"  {status.kind}")
        body = [*_folded(status.problem, "  "), *indented(_stood(status.stood))]
    else:
        glyph, style = SERVERS[live.state]
        state = (f"  {glyph} {live.state.value}", style)
        head = Text.assemble((plain(status.target), "bold"), state, f"  {status.kind}  {plain(live.url)}")
        body = _live(live)
    return [head, *body, *([] if status.rollout is None else _way(status.rollout, status.target))]


def _stood(stood: Move | None) -> Lines:
    if stood is None:
        return [Text("nothing was released to it yet", style=QUIET)]
    told = stood.traffic.told if stood.traffic else "nothing"
    release = f", release {stood.rollout}" if stood.rollout else ""
    return [Text(plain(told)), Text(f"since {shown(stood.at)} by {plain(stood.actor)}{release}", style=QUIET)]


def _live(live: LiveTarget) -> Lines:
    ordered = sorted(live.variants, key=_by_share)
    rows = [_variant(one) for one in ordered]
    lines: Lines = []
    for row, one in zip(grid(rows, header=False) if rows else [], ordered, strict=True):
        lines.append(Text("  ").append_text(row))
        lines += _folded(one.said, "      ", style="red")
        lines += [Text(f"      {plain(one.image)}", style=QUIET)] if one.image else []
    if live.release:
        by = f" by {plain(live.actor)}" if live.actor else ""
        lines.append(Text(f"  release {live.release}{by}, {shown(live.since)}", style=QUIET))
    if live.sticky:
        lines.append(Text(f"  callers keep their variant by {plain(live.sticky)}", style=QUIET))
    return lines + [line for remark in live.remarks for line in _folded(f"! {remark}", "  ", style="magenta")]


def _by_share(one: LiveVariant) -> tuple[bool, float, bool]:
    return one.variant.mirrored, -one.variant.weight, one.variant.name != STABLE


def _variant(one: LiveVariant) -> tuple[str, ...]:
    weight = one.variant.weight
    share = "mirror" if one.variant.mirrored else f"{weight:.4g} %"
    ready = "ready" if one.ready else "not ready"
    replicas = f"{one.ready_replicas}/{one.replicas} ready" if one.replicas != 1 else ready
    return (
        f"v{one.variant.version}",
        _bar(0.0 if one.variant.mirrored else weight),
        f"{share:>6}",
        one.variant.name,
        f"{'✓' if one.ready else '✗'} {replicas}",
        f"commit {(one.commit or '-')[:SHORT_COMMIT]}",
        f"data {(one.data or '-')[:SHORT_ID]}",
    )


def _bar(weight: float) -> str:
    if not 0 <= weight <= ALL:
        return "░" * BAR_CELLS
    full = round(weight / ALL * BAR_CELLS)
    # Who gets anything has a mark, and nobody seems to get everything who does not.
    full = max(1, min(full, BAR_CELLS - 1)) if 0 < weight < ALL else full
    return "█" * full + "░" * (BAR_CELLS - full)


def _way(way: RolloutLine, target: str) -> Lines:
    glyph, style = STATES[way.state]
    said = f"{glyph} {way.state.value}  step {way.step} of {way.steps}"
    what = f"{way.strategy} of version {way.version}, release {way.release} by {plain(way.actor)}"
    lines = [Text(), Text.assemble("  ", (said, style), f"  {what}")]
    lines += [Text(f"    {line}") for line in _course(way)]
    since = f"{way.state.value} since {shown(way.since)}"
    if way.left_seconds:
        since += f", {way.left_seconds:.0f} s of {_seconds(way.pause_seconds)} left"
    lines.append(Text(f"    {since}", style=QUIET))
    if way.interrupted:
        lines += _folded(f"? its job {way.job} is gone and left it on its way", "    ", style="red")
    lines += _folded(way.reason and f"because: {way.reason}", "    ")
    if way.analysis is not None:
        lines += _analysis(way.analysis)
    return lines + _folded(f"next: {_next(way, target)}", "    ", style="bold")


def _course(way: RolloutLine) -> Iterator[str]:
    for number, step in enumerate(way.course, start=1):
        mark = "✓" if number < way.step else "▸" if number == way.step else "·"
        yield f"{mark} {number}  {told_step(step, last=number == way.steps)}"


def told_step(step: Step, *, last: bool) -> str:
    """What answers at a step, and what ends it."""
    ends = "" if last else ", until it is advanced" if step.by_hand else f", at least {_seconds(step.pause_seconds)}"
    return f"{step.traffic.told}{ends}"


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else duration(seconds)


def _analysis(analysis: Analysis) -> Lines:
    glyph, style = VERDICTS[analysis.verdict]
    lines = _folded(f"{glyph} {analysis.verdict.value}: {_why(analysis)}", "    ", style=style)
    for check in analysis.checks:
        glyph, style = VERDICTS[check.verdict]
        lines += _folded(f"{glyph} {check.said}", "      ", style=style)
    return lines


def _why(analysis: Analysis) -> str:
    """What decided, without the sentence of a check: that one stands below."""
    said = next((check.said for check in analysis.checks if check.said and check.said in analysis.why), None)
    short = analysis.why if said is None else analysis.why.partition(said)[0].rstrip(" :;,")
    return short or "by what is told below"


def _next(way: RolloutLine, target: str) -> str:
    if way.interrupted:
        return f"unipipe release status {target} goes on with it"
    if way.state in (RolloutState.WAITING, RolloutState.HELD):
        return f"unipipe release advance {target}, or release abort {target}"
    if way.state is RolloutState.WATCHING:
        return f"it goes on by itself; or unipipe release advance, hold, abort {target}"
    return "it is on its way; nothing to do"


def release_list_lines(found: ReleasesSoFar) -> Lines:
    """One line a release, the newest first, with its reason below, and how many there are."""
    lines: Lines = []
    if found.releases:
        header, *rows = grid([HEADER, *map(_cells, found.releases)], header=True)
        lines.append(header)
        for row, release in zip(rows, found.releases, strict=True):
            row.stylize(_sign(release)[2], 0, len(_glyph_and_word(release)))
            lines += [row, *_folded(release.reason, "    ", style=QUIET)]
    return [*lines, Text(f"{len(found.releases):,} of {found.total:,} releases", style=QUIET)]


def _cells(release: ReleaseLine) -> tuple[str, ...]:
    lasted = "-" if release.until is None else duration((release.until - release.at).total_seconds())
    return (
        _glyph_and_word(release),
        f"{release.at:%Y-%m-%d %H:%M}",
        lasted,
        release.target,
        str(release.version),
        how(release),
        release.actor,
        release.release or "-",
    )


def how(release: ReleaseLine) -> str:
    """The strategy of a release of its own; otherwise the change that brought it: `models promote`."""
    action = release.action or ""
    return action if action and not action.startswith("release ") else release.strategy


def _glyph_and_word(release: ReleaseLine) -> str:
    glyph, word, _ = _sign(release)
    return f"{glyph} {word}"


def _sign(release: ReleaseLine) -> tuple[str, str, str]:
    """Glyph, word, style."""
    if release.state is not RolloutState.DONE:
        glyph, style = STATES[release.state]
        return glyph, release.state.value, style
    if release.live:
        return "●", "live", "green"
    if release.until is None:
        return "?", "not known", QUIET
    return ("■", "stopped", QUIET) if release.stopped else ("·", "replaced", QUIET)


def view_lines(view: TargetView) -> Lines:
    """The target, what to do about it, and how it does."""
    lines = target_lines(view.status)
    for remark in view.remarks:
        if view.status.live is None or remark not in view.status.live.remarks:
            lines += _folded(f"! {remark}", "  ", style="magenta")
    lines += [line for alert in view.alerts for line in _folded(f"! {alert.message}", "  ", style="magenta")]
    window = view.traffic
    wanted = "no version yet" if view.wanted is None else f"version {view.wanted}"
    known = view.requests is not None
    facts = [
        ("follows", f"{view.follows}: {wanted}" if view.follows else "nothing: only explicit releases"),
        ("requests", f"{view.requests:,} since it was started" if known else ""),
        ("predictions", f"{view.predictions:,} logged, {view.labels:,} labels"),
        ("the latest", f"{window.rows:,}, {shown(window.first)} to {shown(window.last)}" if window.rows else ""),
        ("latency", f"p50 {shown(window.p50_ms)} ms, p95 {shown(window.p95_ms)} ms" if window.p50_ms else ""),
    ]
    lines += [Text(), *indented(pairs(facts))]
    if view.release is not None:
        lines += [Text(), Text("  newest release", style="bold"), *indented(indented(pairs(_newest(view.release))))]
    return lines


def _newest(release: ReleaseLine) -> list[tuple[str, str]]:
    return [
        ("state", _glyph_and_word(release)),
        ("release", release.release),
        ("version", f"{release.model} {release.version}"),
        ("how", how(release)),
        ("at", f"{shown(release.at)} by {release.actor}"),
        ("because", clipped(release.reason, 400)),
        ("commit", release.commit or ""),
        ("data", release.data or ""),
        ("run", release.run_id),
        ("bundle", release.digest),
        ("job", release.job),
    ]


def difference_lines(found: ReleaseDifference) -> Lines:
    """Which two, what is another, what is the same, and what tells more."""
    sides = [_side("before", found.before), _side("after", found.after)]
    rows = [(one.name, _short(one.name, one.before), "→", _short(one.name, one.after)) for one in found.different]
    lines = [Text(plain(found.target), style="bold"), *indented(grid(sides, header=False)), *block("different", rows)]
    if found.same:
        lines += _folded(f"the same: {', '.join(found.same)}", "  ", style=QUIET)
    if found.files is not None:
        files = "1 file" if found.files == 1 else f"{found.files:,} files"
        changed = f"{files}, +{found.insertions or 0:,} −{found.deletions or 0:,}"
        paths = [Text(f"    {plain(path)}", style=QUIET) for path in found.paths]
        lines += [Text(), Text.assemble(("code", "bold"), f"  {changed}"), *paths]
    return [*lines, Text(), Text(f"more: {plain(found.hint)}", style=QUIET)]


def _side(name: str, release: Release) -> tuple[str, ...]:
    version = f"{release.model} {release.version}"
    return name, version, f"{release.at:%Y-%m-%d %H:%M}", release.id or "-", f"by {release.actor}"


def _short(name: str, value: str | None) -> str:
    cells = SHORT_COMMIT if name == "commit" else SHORT_ID if name in ("data", "run") else 12
    return (value or "-")[:cells] if name in ("commit", "data", "run", "bundle") else clipped(value or "-", 40)


def released_lines(done: Released) -> Lines:
    """Where a release stands now, and what comes next."""
    glyph, style = STATES[done.state]
    what = f"{done.model} version {done.version}"
    said = {
        RolloutState.DONE: f"{done.target} answers with {what}",
        RolloutState.ABORTED: f"{done.target} answers as before; {what} was taken back",
        RolloutState.WAITING: f"{what} waits on {done.target} for `unipipe release advance {done.target}`",
        RolloutState.HELD: f"{what} is held on {done.target}; go on: unipipe release advance {done.target}",
    }.get(done.state, f"{what} is {done.state.value} on {done.target}")
    lines = [Text(f"{glyph} {plain(said)}", style=style)]
    lines.append(Text(f"  release {done.release}, step {done.step} of {done.steps}", style=QUIET))
    return lines + _folded(done.reason and f"because: {done.reason}", "  ", style=QUIET)


def _folded(text: str, indent: str, *, style: str = "") -> Lines:
    """A sentence in as many lines as it takes; those after the first begin below its first word."""
    words = plain(text).replace("\n", " ")
    # A sign before the sentence stands out.
    hang = indent + ("  " if words[1:2] == " " else "")
    folded = textwrap.wrap(words, PAGE_CELLS, initial_indent=indent, subsequent_indent=hang, break_on_hyphens=False)
    return [Text(line, style=style) for line in folded]
