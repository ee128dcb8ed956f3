"""Targets under watch, the columns of a check and alerts, as tables and lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from unipipe_tui.actions.alerts.listing import AlertList, AlertView
from unipipe_tui.actions.drift.history import DriftHistory, DriftView
from unipipe_tui.actions.drift.recorded import ColumnView, RecordedPerformance
from unipipe_tui.actions.monitor.standing import MonitorStanding, TargetStanding
from unipipe_tui.charts.sparklines import effect_line
from unipipe_tui.domain.records import Alert, Severity
from unipipe_tui.domain.server_status import ServerStatus
from unipipe_tui.monitoring.performance import Metric
from unipipe_tui.monitoring.verdict.results import MultivariateDrift, PredictionDrift, SegmentDrift
from unipipe_tui.tui.lines import MUTED, Line, fact, section
from unipipe_tui.tui.sheet import Cell, Column, Sheet, SheetRow
from unipipe_tui.tui.text import counted, day_and_clock, harmless
from unipipe_tui.tui.theme import ALERT_SIGNS, CALM, DRIFTED, SERVER_SIGNS, UNJUDGED, Sign

MOST_CHECKS = 12
"""In the small history of a row."""
SURELY_ZERO = 1e-15
LONGEST_MESSAGE = 200
SHORTEST_MESSAGE = 34
"""So much of it says what it is about, also on a narrow screen."""
NO_SERVERS: Mapping[str, ServerStatus] = MappingProxyType({})
NO_STYLES: Mapping[str, str] = MappingProxyType({})
NOT_SEEN = Sign("·", MUTED)
PERFORMANCE_SIGNS: Mapping[str, Sign] = MappingProxyType({"ok": CALM, "below": Sign("✗", "bold $error")})
UNSURE = Sign("~", "$warning")
HIGHER_IS_BETTER = frozenset(metric.value for metric in Metric)
SEVERITY_STYLES: Mapping[Severity, str] = MappingProxyType(
    {Severity.CRITICAL: "bold $error", Severity.WARNING: "$warning"}
)


# Targets


def standing_sheet(
    found: MonitorStanding, live: Mapping[str, ServerStatus] = NO_SERVERS, styles: Mapping[str, str] = NO_STYLES
) -> Sheet:
    """One row a target; `live` is how each answered last, `styles` the colour of each, by name."""
    columns = (
        Column("target", "target", 24),
        Column("state", "state", 12),
        Column("version", "answers", 24),
        Column("drift", "drift", 60, stretches=True),
        Column("performance", "performance", 30),
        Column("alerts", "alerts", 20),
        Column("predictions", "predictions", right=True),
        Column("checked", "checked"),
    )
    return Sheet(
        columns,
        tuple(_standing_row(one, live.get(one.target), styles.get(one.target, "bold")) for one in found.targets),
    )


def standing_line(one: TargetStanding, live: ServerStatus | None) -> str:
    """The same in the few words that a title has room for."""
    state = live.state.value if live else one.state.value if one.state else ""
    words = " ".join(
        part for part in (state, f"with {harmless(live.answers)}" if live and live.answers else "") if part
    )
    known = f"{one.predictions:,} predictions, {one.labels:,} labels"
    return f"{words} · {known}" if words else known


def _standing_row(one: TargetStanding, live: ServerStatus | None, style: str) -> SheetRow:
    sign = SERVER_SIGNS[live.state] if live else NOT_SEEN
    answers = harmless(live.answers) if live else ""
    return SheetRow(
        one.target,
        (
            Cell(harmless(one.target), style),
            Cell(_state(one, live), sign.style),
            Cell(answers or "–", "" if answers else MUTED),
            _drift_cell(one),
            _performance_cell(one.performance),
            _alerts_cell(one),
            Cell(f"{one.predictions:,}", "", one.predictions),
            Cell(day_and_clock(one.checked) if one.checked else "never", MUTED, _rank_of(one.checked)),
        ),
    )


def _state(one: TargetStanding, live: ServerStatus | None) -> str:
    if live is not None:
        return f"{SERVER_SIGNS[live.state].glyph} {live.state.value}"
    return f"{SERVER_SIGNS[one.state].glyph} {one.state.value}" if one.state else ""


def _rank_of(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _drift_cell(one: TargetStanding) -> Cell:
    if one.checked is None:
        return Cell("· never checked", MUTED, -1)
    if not one.drifted:
        return Cell(f"{CALM.glyph} none of {counted(one.columns, 'column')}", CALM.style, 0)
    named = harmless(", ".join(one.drifted))
    return Cell(f"{DRIFTED.glyph} {len(one.drifted)} of {one.columns}: {named}", DRIFTED.style, len(one.drifted))


def _performance_cell(found: RecordedPerformance | None) -> Cell:
    if found is None or found.value is None:
        return Cell("–", MUTED)
    sign, asked = PERFORMANCE_SIGNS.get(found.state, NOT_SEEN), f"of {found.threshold:g}"
    if found.state == "below":
        asked = f"not {found.threshold:g}"
    elif found.metric in HIGHER_IS_BETTER and found.value < found.threshold:
        # Its interval reaches over: neither met nor missed for sure.
        sign, asked = UNSURE, f"of {found.threshold:g}?"
    return Cell(f"{sign.glyph} {harmless(found.metric)} {found.value:.3f} {asked}", sign.style, found.value)


def _alerts_cell(one: TargetStanding) -> Cell:
    if not one.open:
        return Cell("✓ none", CALM.style, 0)
    sign = ALERT_SIGNS["asks" if one.asking else "acknowledged"]
    asks = f", {one.asking} asks" if one.asking == 1 else f", {one.asking} ask" if one.asking else ""
    return Cell(f"{sign.glyph} {one.open} open{asks}", sign.style, one.asking + one.open / 1000)


# The columns of a check


def features_sheet(view: DriftView, history: DriftHistory | None) -> Sheet:
    """One row a column: whether it drifted, how far it is and by chance, how surely, how it was, and why the verdict."""
    weighed = any(column.importance is not None for column in view.columns)
    columns = (
        Column("column", "column", 24),
        Column("state", "", 1),
        Column("effect", "effect", right=True),
        *([Column("history", "checks", MOST_CHECKS)] if history else []),
        *([Column("importance", "weight", right=True)] if weighed else []),
        Column("p", "p", right=True),
        Column("noise", "noise", right=True),
        Column("reason", "verdict", 120, stretches=True),
    )
    return Sheet(columns, tuple(_feature_row(column, history, view, weighed=weighed) for column in view.columns))


def _feature_row(column: ColumnView, history: DriftHistory | None, view: DriftView, *, weighed: bool) -> SheetRow:
    sign = drift_sign(column)
    return SheetRow(
        column.column,
        (
            Cell(harmless(column.column), "bold"),
            Cell(sign.glyph, sign.style, 0 if column.drifted else 1),
            Cell(
                "–" if column.effect is None else f"{column.effect:.3f}",
                sign.style if column.drifted else "",
                column.effect,
            ),
            *([Cell(_small_history(history, column, view.at), "$primary", column.effect)] if history else []),
            *((_weight_cell(column),) if weighed else ()),
            Cell(_p_value(column.p_value), MUTED, column.p_value),
            Cell("–" if column.noise is None else f"{column.noise:.3f}", MUTED, column.noise),
            Cell(harmless(_verdict(column))),
        ),
    )


def drift_sign(column: ColumnView) -> Sign:
    """Whether a column drifted, is calm, or could not be judged."""
    return DRIFTED if column.drifted else CALM if column.judged else UNJUDGED


def _weight_cell(column: ColumnView) -> Cell:
    """Which share of what moves the model's score is this column's."""
    if column.importance is None:
        return Cell("–", MUTED)
    return Cell(f"{100 * column.importance:.1f} %", MUTED if column.hardly_used else "$secondary", column.importance)


def beside_lines(view: DriftView) -> list[Line]:
    """What the check found beside the columns: all of them together, the answers, segments; those that moved first."""
    return [
        (
            (f"{(DRIFTED if one.drifted else CALM).glyph} ", (DRIFTED if one.drifted else CALM).style),
            (harmless(one.sentence), "" if one.drifted else MUTED),
        )
        for one in sorted(_found_beside(view), key=lambda one: not one.drifted)
    ]


def has_moved_beside(view: DriftView) -> bool:
    """Whether any of them drifted, so that it must be seen however small the screen is."""
    return any(one.drifted for one in _found_beside(view))


def _found_beside(view: DriftView) -> list[MultivariateDrift | PredictionDrift | SegmentDrift]:
    return [one for one in (view.multivariate, view.predictions, view.segments) if one is not None and one.judged]


def _verdict(column: ColumnView) -> str:
    """The reason without the figures that it begins with, where they stand in the row already."""
    figures, _, rest = column.reason.partition(": ")
    return rest if rest and figures.startswith("PSI ") else column.reason


def _small_history(history: DriftHistory, column: ColumnView, until: datetime) -> str:
    """Up to the check that is shown: what came after it is not known yet in its row."""
    known = next((one.points for one in history.columns if one.column == column.column), ())
    effects = [point.effect for point in known if point.at <= until]
    return effect_line(effects[-MOST_CHECKS:], history.effect_from)


def check_title(view: DriftView, history: DriftHistory | None) -> str:
    """Which check it is: the how many-th, when, of what; how many rows it compared stands beside what changed in them."""
    moments = [check.at for check in history.checks] if history else []
    place = f"check {moments.index(view.at) + 1} of {len(moments)}, " if view.at in moments else ""
    version = f"version {view.version}" if view.version is not None else "no version"
    return f"Drift · {place}{day_and_clock(view.at)} · {version}"


def _p_value(value: float | None) -> str:
    return "<1e-15" if value is not None and value < SURELY_ZERO else "–" if value is None else f"{value:.2g}"


# Alerts


def alerts_sheet(found: AlertList) -> Sheet:
    """One row an alert: whether it asks for attention, how bad it is, what it says, since when, and who took note of it."""
    several = len({alert.target for alert in found.alerts}) > 1
    again = any(alert.count > 1 for alert in found.alerts)
    severe = any(alert.severity is not Severity.WARNING for alert in found.alerts)
    columns = (
        Column("state", "", 1),
        *([Column("target", "target", 20)] if several else []),
        Column("kind", "kind"),
        Column("message", "what was found", LONGEST_MESSAGE, stretches=True, least=SHORTEST_MESSAGE),
        *([Column("severity", "severity")] if severe else []),
        Column("since", "since", right=True),
        *([Column("count", "found", right=True)] if again else []),
        Column("fate", "acknowledged", 18),
    )
    return Sheet(
        columns, tuple(_alert_row(alert, several=several, again=again, severe=severe) for alert in found.alerts)
    )


def sign_of(alert: Alert) -> Sign:
    """How an alert looks: asking, acknowledged, gone."""
    return ALERT_SIGNS["gone" if alert.closed is not None else "asks" if alert.asks else "acknowledged"]


def _alert_row(alert: Alert, *, several: bool, again: bool, severe: bool) -> SheetRow:
    sign = sign_of(alert)
    quiet = "" if alert.asks else MUTED
    return SheetRow(
        alert.id,
        (
            Cell(sign.glyph, sign.style),
            *((Cell(harmless(alert.target or "project"), quiet),) if several else ()),
            Cell(alert.kind.value, "bold"),
            Cell(harmless(alert.message), quiet),
            *((_severity_cell(alert),) if severe else ()),
            Cell(day_and_clock(alert.opened), MUTED, alert.opened.timestamp()),
            *((Cell(f"{alert.count} ×", MUTED, alert.count),) if again else ()),
            Cell(harmless(_fate(alert)), "$secondary"),
        ),
    )


def _severity_cell(alert: Alert) -> Cell:
    return Cell(alert.severity.value, SEVERITY_STYLES[alert.severity] if alert.closed is None else MUTED)


def _fate(alert: Alert) -> str:
    if alert.closed is not None:
        return f"{f'closed by {alert.closed_by}' if alert.closed_by else 'gone'} {day_and_clock(alert.closed)}"
    if alert.acknowledged is None:
        return "by nobody"
    until = f" until {day_and_clock(alert.snoozed_until)}" if alert.snoozed_until else ""
    return f"{alert.acknowledged_by}{until}{f': {alert.reason}' if alert.reason else ''}"


def alert_lines(view: AlertView, width: int) -> list[Line]:
    """What an alert says, what to do about it, what became of it, and what it rests on."""
    alert = view.alert
    sign = sign_of(alert)
    about = f" about {alert.subject}" if alert.subject else ""
    found = f", found {alert.count} times, last {day_and_clock(alert.renewed)}" if alert.renewed else ""
    head: Line = (
        (f"{sign.glyph} ", sign.style),
        (harmless(f"{alert.kind.value} of {alert.target or 'the project'}{about}: {alert.message}"), "bold"),
    )
    facts = [
        fact("severity", alert.severity.value, SEVERITY_STYLES[alert.severity]),
        fact("since", f"{day_and_clock(alert.opened)}{found}"),
        fact("acknowledged", _fate(alert)),
        fact("next command", alert.command, "$accent"),
        fact("look at first", alert.runbook),
        fact("job", alert.job),
        fact("id", alert.id),
    ]
    return [head, (), *facts, (), *section("Evidence", _evidence(view.evidence))]


def _evidence(evidence: Mapping[str, object]) -> Iterator[Line]:
    """Single values as facts, the rest as it is written."""
    for name, value in evidence.items():
        if isinstance(value, dict | list):
            yield fact(name, "")
            yield from (((f"  {harmless(line)}", MUTED),) for line in _laid_out(value))
        else:
            yield fact(name, value)


def _laid_out(value: object) -> Sequence[str]:
    # What makes a text harmless takes no blanks away at its beginning.
    return json.dumps(value, indent=2, ensure_ascii=False).splitlines()
