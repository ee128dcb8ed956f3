"""Drift checks, what changed in a column, and how targets stand, as lines of text."""

from __future__ import annotations

from rich.text import Text

from unipipe_tui.actions.drift.beside import Beside
from unipipe_tui.actions.drift.checking import DriftChecked
from unipipe_tui.actions.drift.explained import ColumnExplained
from unipipe_tui.actions.drift.history import ColumnPoint, DriftView
from unipipe_tui.actions.drift.recorded import ColumnView
from unipipe_tui.actions.monitor.standing import MonitorStanding, TargetStanding
from unipipe_tui.charts.overlays import BEFORE, NOW, OVER, QUIET, draw_overlay
from unipipe_tui.charts.sparklines import effect_line
from unipipe_tui.cli.grids import PAGE_CELLS, Lines, clipped, grid, notes, shown, shown_p
from unipipe_tui.cli.grids import QUIET as QUIET_STYLE
from unipipe_tui.cli.output import plain
from unipipe_tui.cli.render_verdicts import MOVED, beside_lines
from unipipe_tui.monitoring.drift import ColumnDrift
from unipipe_tui.monitoring.words import printable

TALL = 16
STYLES = {NOW: "cyan", BEFORE: "bold yellow", QUIET: QUIET_STYLE, OVER: "bold black on cyan"}
FEW_COLUMNS = 3
BAR_CELLS = 24


def checked_lines(checked: DriftChecked) -> Lines:
    """The verdict on the whole, a row for each column, by what it was judged, and what was found beside the columns."""
    found = f"{checked.words}  ({checked.current_rows:,} rows against {checked.reference_rows:,})"
    rows = [
        (mark(c), printable(c.column), shown(c.value), shown(c.effect), shown_p(c.p_value), c.reason)
        for c in checked.columns
    ]
    table = grid([("", "column", checked.value_name, "effect", "p", "reason"), *rows], header=True)
    for line, column in zip(table[1:], checked.columns, strict=True):
        line.stylize(MOVED if column.drifted else "")
    lines = [Text(found, style="bold"), *table, Text(checked.method, style=QUIET_STYLE)]
    if checked.new_columns:
        lines.append(Text(f"not in the reference, so not compared: {', '.join(map(printable, checked.new_columns))}"))
    lines += beside_lines(checked.beside)
    if checked.performance:
        lines.append(Text(f"performance: {checked.performance.sentence}"))
    return lines + [Text(f"alert: {alert}", style=MOVED) for alert in checked.alerts]


def shown_lines(view: DriftView) -> Lines:
    """Every column of a recorded check, then and now, and by what it was judged."""
    found = "drift" if view.drifted else "no drift"
    rows = f"{view.rows:,} rows checked at {shown(view.at)} against {view.reference_rows:,} (job {view.job})"
    lines = [Text(f"{view.target}: {found} in the {rows}", style="bold")]
    for column in view.columns:
        lines += [Text(), *_distribution(column)]
    if view.method:
        lines += [Text(), Text(view.method, style=QUIET_STYLE)]
    beside = beside_lines(Beside(view.multivariate, view.predictions, view.segments, view.importance))
    return [*lines, Text(), *beside] if beside else lines


def mark(column: ColumnDrift | ColumnView | ColumnPoint) -> str:
    """Drifted, calm, or not known."""
    return "!" if column.drifted else "✓" if column.judged else "·"


def _distribution(column: ColumnView) -> Lines:
    title = Text(plain(f"{mark(column)} {column.column}: {column.reason}"), style=MOVED if column.drifted else "")
    most = max((max(cell.reference, cell.current) for cell in column.cells), default=0.0) or 1.0
    rows = [
        (
            cell.label,
            _bar(cell.reference, most),
            f"{cell.reference:6.1%}",
            _bar(cell.current, most),
            f"{cell.current:6.1%}",
        )
        for cell in column.cells
    ]
    header, *cells = grid([("", "reference", "", "now", ""), *rows], header=False)
    header.stylize(QUIET_STYLE)
    return [title, header, *cells]


def _bar(share: float, most: float) -> str:
    eighths = round(share / most * BAR_CELLS * 8)
    full, rest = divmod(eighths, 8)
    partial = " ▏▎▍▌▋▊▉"[rest] if rest else ""
    return ("█" * full + partial).ljust(BAR_CELLS)


def explained_lines(found: ColumnExplained) -> Lines:
    """The verdict, the picture, what moved most, since when, and by what it was judged."""
    column = found.column
    version = f"version {found.version}" if found.version is not None else "no version"
    title = f"{found.target} {version}: {column.column}, checked at {shown(found.at)}"
    verdict = Text(f"{mark(column)} {clipped(column.reason, 1000)}")
    verdict.stylize(MOVED if column.drifted else "")
    lines = [Text(title, style="bold"), verdict, Text()]
    if column.cells:
        height = TALL if found.chart.ordered else len(column.cells) + 1
        for drawn in draw_overlay(found.chart, PAGE_CELLS, min(height, 2 * TALL)):
            line = Text().join(
                Text(span.text, style=STYLES.get(span.tone, "") if span.tone is not None else "") for span in drawn
            )
            line.rstrip()
            lines.append(line)
        lines.append(Text())
    lines += [Text(clipped(sentence, 1000)) for sentence in found.sentences]
    if len(found.points) > 1:
        effects = [point.effect for point in found.points]
        lines.append(Text(f"effect in the last {len(effects)} checks: {effect_line(effects, found.effect_from)}"))
    return [*lines, Text(_method(found), style=QUIET_STYLE)]


def _method(found: ColumnExplained) -> str:
    column = found.column
    if column.value is None:
        return "Nothing was computed."
    if column.kind == "embedding":
        return f"ROC AUC {shown(column.value)} of a classifier on the vectors; there are no cells to draw."
    figures = f"PSI {shown(column.value)}, by chance {shown(column.noise)}, effect {shown(column.effect)}"
    asked = f"drift: an effect of at least {found.effect_from:g} with p at most {found.significance:g}"
    sizes = f"{len(column.cells)} cells, {found.reference_rows:,} against {found.rows:,} rows, natural logarithm"
    return f"{figures}, p {shown_p(column.p_value)}; {sizes}; {asked}."


def standing_lines(found: MonitorStanding) -> Lines:
    """A row for each target."""
    header = ("", "target", "state", "version", "drift", "performance", "alerts", "predictions", "checked")
    problems = [f"{one.target}: {clipped(one.problem, 400)}" for one in found.targets if one.problem]
    return [*grid([header, *map(_standing, found.targets)], header=True), *notes(problems)]


def _standing(one: TargetStanding) -> tuple[str, ...]:
    asks = one.asking or one.drifted or (one.performance is not None and one.performance.state == "below")
    few = ", ".join(one.drifted[:FEW_COLUMNS]) + (", …" if len(one.drifted) > FEW_COLUMNS else "")
    drift = f"! {len(one.drifted)} of {one.columns}: {few}" if one.drifted else f"✓ none of {one.columns}"
    return (
        "!" if asks else "✓" if one.checked else "·",
        one.target,
        one.state.value if one.state else "-",
        shown(one.version),
        drift if one.checked else "never checked",
        _performance(one),
        f"{one.open} open, {one.asking} ask" if one.open else "none",
        f"{one.predictions:,}",
        shown(one.checked),
    )


def _performance(one: TargetStanding) -> str:
    found = one.performance
    if found is None or found.value is None:
        return "-"
    glyph = {"ok": "✓", "below": "!"}.get(found.state, "·")
    return f"{glyph} {found.metric} {found.value:.3f} of {found.threshold:g}"
