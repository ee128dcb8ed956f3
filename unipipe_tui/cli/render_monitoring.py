"""What is known of a target over time as lines of text: the timeline, columns over many checks, traffic, alerts."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.text import Text

from unipipe_tui.actions.alerts.listing import AlertList, AlertView
from unipipe_tui.actions.drift.history import ColumnHistory, DriftHistory
from unipipe_tui.actions.monitor.run import Monitored
from unipipe_tui.actions.timeline import Timeline
from unipipe_tui.actions.traffic import TrafficView
from unipipe_tui.charts.sparklines import effect_line
from unipipe_tui.charts.timelines import BAD, GLYPHS, GOOD, HELD, MARKED, QUIET, draw_timeline
from unipipe_tui.cli.grids import PAGE_CELLS, Lines, block, clipped, grid, notes, pairs, shown, shown_p
from unipipe_tui.cli.grids import QUIET as QUIET_STYLE
from unipipe_tui.cli.render_drift import mark
from unipipe_tui.domain.findings import FindingState
from unipipe_tui.domain.records import Alert
from unipipe_tui.domain.serving import TrafficWindow
from unipipe_tui.monitoring.words import percent

TALL = 8
STYLES = {GOOD: "green", BAD: "bold red", HELD: QUIET_STYLE, MARKED: "magenta", QUIET: QUIET_STYLE}
MOST_STRETCHES = 12


def timeline_lines(timeline: Timeline) -> Lines:
    """The chart, then what happened, each with its moment."""
    lines = [Text(f"{timeline.target}: {_span(timeline)}", style="bold"), Text()]
    for drawn in draw_timeline(timeline.series, timeline.marks, PAGE_CELLS, TALL):
        line = Text().join(Text(span.text, style=STYLES.get(span.tone or 0, "") if span.tone else "") for span in drawn)
        line.rstrip()
        lines.append(line)
    rows = [(f"{mark.at:%m-%d %H:%M:%S}", GLYPHS[mark.kind], mark.kind.value, mark.text) for mark in timeline.marks]
    return lines + block("what happened", rows) + notes(timeline.notices)


def _span(timeline: Timeline) -> str:
    if timeline.first is None or timeline.last is None:
        return "nothing is known yet"
    return f"{timeline.first:%Y-%m-%d %H:%M} to {timeline.last:%Y-%m-%d %H:%M}, quiet stretches folded"


def drift_history_lines(history: DriftHistory) -> Lines:
    """A row for each column: its effect over the checks, and the last one."""
    first, last = history.checks[0], history.checks[-1]
    said = f"{history.target}: {len(history.checks)} checks, {first.at:%Y-%m-%d %H:%M} to {last.at:%Y-%m-%d %H:%M}"
    rows = [_column(column, history.effect_from) for column in history.columns]
    asked = f"drift: an effect of at least {history.effect_from:g} with p at most {history.significance:g}"
    table = grid([("", "column", "effect over checks", "largest", "last", "p"), *rows], header=True)
    sizes = f"the last check: {last.rows:,} rows against {last.reference_rows:,}"
    return [
        Text(said, style="bold"),
        *table,
        *(Text(line, style=QUIET_STYLE) for line in (asked, sizes, history.method)),
    ]


def _column(column: ColumnHistory, effect_from: float) -> tuple[str, ...]:
    effects = [point.effect for point in column.points]
    last = column.points[-1]
    known = [effect for effect in effects if effect is not None]
    return (
        mark(last),
        column.column,
        effect_line(effects, effect_from),
        shown(max(known)) if known else "-",
        shown(last.effect),
        shown_p(last.p_value),
    )


def traffic_lines(view: TrafficView) -> Lines:
    """How much and how fast, the scores, and the latest stretches."""
    window = view.window
    facts = pairs(
        [
            ("predictions", f"{view.predictions:,}, {view.labels:,} labels"),
            ("window", f"{window.rows:,} rows, {shown(window.first)} to {shown(window.last)}"),
            ("decided yes", _share(window)),
            ("latency", f"p50 {shown(window.p50_ms)} ms, p95 {shown(window.p95_ms)} ms"),
        ]
    )
    scores = [(f"{one.low:g} to {one.high:g}", f"{one.latest:,}", f"{one.before:,}") for one in view.scores]
    latest = view.stretches[-MOST_STRETCHES:]
    rows = [
        (shown(one.last), str(one.version), f"{one.rows:,}", _share(one), shown(one.p50_ms), shown(one.p95_ms))
        for one in latest
    ]
    title = f"the latest {len(latest)} of {len(view.stretches)} stretches"
    return [
        Text(view.target, style="bold"),
        *facts,
        *block("scores", [("score", "latest", "before"), *scores], header=True),
        *block(title, [("until", "version", "rows", "yes", "p50 ms", "p95 ms"), *rows], header=True),
        *notes(view.notices),
    ]


def _share(window: TrafficWindow) -> str:
    return f"{window.yes:,} ({percent(window.yes / window.rows)})" if window.rows else "-"


def alert_list_lines(found: AlertList) -> Lines:
    """Two lines for each alert: what and since when, then what became of it."""
    lines: Lines = []
    for alert in found.alerts:
        glyph, style = _sign(alert)
        about = f" {alert.subject}" if alert.subject else ""
        lines.append(
            Text(f"{glyph} {alert.target} {alert.kind.value}{about}: {clipped(alert.message, 400)}", style=style)
        )
        lines.append(Text(f"    {_fate(alert)}", style=QUIET_STYLE))
        lines.append(Text(f"    {alert.id}", style=QUIET_STYLE))
    asking = f"{found.open} open, {found.asking} ask for attention"
    return [*lines, Text(asking if found.open else "no alert is open", style=QUIET_STYLE)]


def _fate(alert: Alert) -> str:
    words = [f"since {shown(alert.opened)}"]
    if alert.count > 1:
        words.append(f"found {alert.count:,} times")
    why = f": {clipped(alert.reason, 200)}" if alert.reason else ""
    if alert.acknowledged is not None:
        until = f" until {shown(alert.snoozed_until)}" if alert.snoozed_until else ""
        how = "snoozed" if alert.snoozed_until else "acknowledged"
        said = "" if alert.closed_by else why
        words.append(f"{how}{until} by {alert.acknowledged_by} at {shown(alert.acknowledged)}{said}")
    if alert.closed is not None:
        by = f"closed by {alert.closed_by} at" if alert.closed_by else "gone at"
        words.append(f"{by} {shown(alert.closed)}{why if alert.closed_by else ''}")
    return ", ".join(words)


def open_alert_lines(alerts: Sequence[Alert]) -> Lines:
    """A row for each open alert, for a board."""
    rows = [
        (
            "!" if one.asks else "○",
            one.target,
            one.kind.value,
            shown(one.opened),
            one.acknowledged_by,
            clipped(one.message, 400),
        )
        for one in alerts
    ]
    return grid([("", "target", "kind", "since", "acknowledged by", "message"), *rows], header=True)


def alert_lines(view: AlertView) -> Lines:
    """What an alert says, what to do, and the evidence."""
    alert = view.alert
    glyph, style = _sign(alert)
    about = f" {alert.subject}" if alert.subject else ""
    evidence = json.dumps(view.evidence, indent=2, ensure_ascii=False).splitlines()
    return [
        Text(
            f"{glyph} {alert.target} {alert.kind.value}{about}: {clipped(alert.message, 1000)}", style=style or "bold"
        ),
        *pairs(
            [
                ("id", alert.id),
                ("severity", alert.severity.value),
                ("life", _fate(alert)),
                ("found last", shown(alert.renewed or alert.opened)),
                ("job", alert.job),
                ("next", alert.command),
                ("runbook", alert.runbook),
            ]
        ),
        Text(),
        Text("evidence", style="bold"),
        *(Text(f"  {clipped(line, 1000)}" if line.strip() else "") for line in map(_indented, evidence)),
    ]


def _indented(line: str) -> str:
    # What makes a text one line takes blanks at its beginning away.
    return line.replace("  ", "\u00a0\u00a0")


def monitored_lines(done: Monitored) -> Lines:
    """The last round: what each check said, what moved, what could not be made."""
    last = done.last
    if last is None:
        return [Text(f"{done.rounds} rounds, {done.failed} failed", style="bold")]
    rows = [
        (_state_sign(line.state), line.target or "project", line.check, line.subject, clipped(line.sentence, 400))
        for line in last.findings
    ]
    said = f"{last.checks} checks of {last.targets} target{'' if last.targets == 1 else 's'}, job {last.job}"
    moves = [(move.turn.value, clipped(move.sentence, 400)) for move in last.moves]
    sinks = f"; {last.delivered} events brought, {last.waiting} wait" if last.delivered or last.waiting else ""
    return [
        Text(said, style="bold"),
        *grid(rows, header=False),
        *block("alerts", moves),
        *notes((*last.faults, *last.sink_problems)),
        Text(f"{last.open} open, {last.asking} ask for attention{sinks}", style=QUIET_STYLE),
    ]


def _state_sign(state: FindingState) -> str:
    return {FindingState.PROBLEM: "!", FindingState.FINE: "✓", FindingState.UNKNOWN: "?"}[state]


def _sign(alert: Alert) -> tuple[str, str]:
    return ("!", "magenta") if alert.asks else ("○", "") if alert.closed is None else ("✓", QUIET_STYLE)
