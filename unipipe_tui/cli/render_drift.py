"""What changed in a column, and how targets stand, as lines of text."""

from __future__ import annotations

from rich.text import Text

from unipipe_tui.actions.explained_drift import ColumnExplained
from unipipe_tui.actions.monitor.standing import MonitorStanding, TargetStanding
from unipipe_tui.charts.overlays import BEFORE, NOW, OVER, QUIET, draw_overlay
from unipipe_tui.charts.sparklines import effect_line
from unipipe_tui.cli.grids import PAGE_CELLS, Lines, clipped, grid, notes, shown
from unipipe_tui.cli.grids import QUIET as QUIET_STYLE

TALL = 16
STYLES = {NOW: "cyan", BEFORE: "bold yellow", QUIET: QUIET_STYLE, OVER: "bold black on cyan"}
FEW_COLUMNS = 3


def explained_lines(found: ColumnExplained) -> Lines:
    """The verdict, the picture, what moved most, since when, and by what it was judged."""
    column = found.column
    version = f"version {found.version}" if found.version is not None else "no version"
    title = f"{found.target} {version}: {column.column}, checked at {shown(found.at)}"
    verdict = Text(f"{'!' if column.drifted else '✓'} {clipped(column.reason, 1000)}")
    verdict.stylize("magenta" if column.drifted else "")
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
    p_value = "< 1e-15" if column.p_value is not None and column.p_value < 1e-15 else shown(column.p_value)
    return f"{figures}, p {p_value}; {sizes}; {asked}."


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
