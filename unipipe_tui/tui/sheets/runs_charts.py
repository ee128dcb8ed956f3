"""The best runs and the fields of runs as tables; what stands beside a chart of runs as lines."""

from __future__ import annotations

import math
from collections.abc import Iterable

from unipipe_tui.actions.runs.best import Best
from unipipe_tui.actions.runs.contents import ColumnLine, ColumnList
from unipipe_tui.actions.runs.history import Histories, RunHistory
from unipipe_tui.actions.runs.scatter import RunParallel, RunScatter
from unipipe_tui.domain.runs.directions import Direction
from unipipe_tui.domain.runs.query import FieldKind
from unipipe_tui.tui.lines import MUTED, Line, remark, section
from unipipe_tui.tui.sheet import Cell, Column, Sheet, SheetRow
from unipipe_tui.tui.sheets.runs import LONGEST_NAME, SHORT_ID, called, facts, field_named, figure
from unipipe_tui.tui.text import harmless

WAYS = {Direction.HIGHER: "↑ higher", Direction.LOWER: "↓ lower"}
KIND_NAMES = {FieldKind.METRIC: "metric", FieldKind.PARAM: "param", FieldKind.TAG: "tag"}
MOST_PARAM_COLUMNS = 12


def columns_sheet(found: ColumnList, kinds: Iterable[FieldKind]) -> Sheet:
    """One row a field that can be chosen: one that can be named."""
    wanted = frozenset(kinds)
    columns = (
        Column("key", "key", 60),
        Column("kind", "kind"),
        Column("better", "better"),
        Column("runs", "runs", right=True),
    )
    return Sheet(
        columns, tuple(_field_row(line) for line in found.columns if line.kind in wanted and field_named(line.column))
    )


def _field_row(line: ColumnLine) -> SheetRow:
    way = WAYS.get(line.better, "?") if line.better else ""
    return SheetRow(
        line.column,
        (
            Cell(harmless(line.key) or "–", "bold"),
            Cell(KIND_NAMES.get(line.kind, line.kind.value), MUTED),
            Cell(way, "$secondary"),
            Cell(f"{line.runs:,}", MUTED, line.runs),
        ),
    )


def best_sheet(found: Best) -> Sheet:
    """One row a run, with the params that tell the best ones apart."""
    names = list(dict.fromkeys(name for run in found.runs for name in run.params))[:MOST_PARAM_COLUMNS]
    columns = (
        Column("name", "run", LONGEST_NAME),
        Column("place", "place", right=True),
        Column("value", harmless(found.metric), 24, right=True),
        Column("behind", "behind", right=True),
        Column("experiment", "experiment", 20),
        *(Column(f"params.{name}", harmless(name), 20) for name in names),
    )
    rows = (
        SheetRow(
            run.run_id,
            (
                Cell(called(run.name, run.run_id), "bold"),
                Cell(str(run.place), "bold $accent" if run.place == 1 else MUTED, run.place),
                Cell(figure(run.value), "$success" if run.place == 1 else "", run.value),
                Cell(f"{run.behind:.3g}" if run.behind else "", MUTED, run.behind),
                Cell(harmless(run.experiment), "$secondary"),
                *(Cell(harmless(run.params.get(name, "–"))) for name in names),
            ),
        )
        for run in found.runs
    )
    return Sheet(columns, tuple(rows))


def best_lines(found: Best) -> list[Line]:
    """How they were judged, and what all of them have in common."""
    return [
        remark(f"{len(found.runs)} of {found.judged:,} runs with {found.metric}; {found.better.value} is better"),
        (),
        *section("The same in all of them", facts((name, value, "") for name, value in found.same_params.items())),
        *section("Notices", map(remark, found.notices)),
    ]


def history_lines(found: Histories) -> list[Line]:
    """The figures of each line, and what else was logged."""
    return [
        *(line for one in found.metrics for line in section(one.metric, facts(map(_history, one.runs)))),
        *([remark(f"also logged: {', '.join(found.others)}")] if found.others else []),
        *map(remark, found.notices),
    ]


def _history(run: RunHistory) -> tuple[str, str, str]:
    cells = run.outline.cells
    lows = [cell.low for cell in cells if cell.low is not None]
    highs = [cell.high for cell in cells if cell.high is not None]
    last = cells[-1].end if cells else None
    name, count = called(run.name, run.run_id), run.outline.count
    spread = f"from {figure(min(lows, default=None))} to {figure(max(highs, default=None))}, {count:,} values"
    return name, f"last {figure(last)}", spread if count > 1 else "logged once"


def parallel_lines(found: RunParallel) -> list[Line]:
    """How many runs are drawn, and the way of the best one."""
    said = remark(f"{len(found.runs):,} of {found.judged:,} runs with {found.metric}; {found.better.value} is better")
    best = found.runs[0] if found.runs else None
    way = []
    for axis, value in zip(found.axes, best.values if best else (), strict=False):
        named = axis.categories and value is not None and math.isfinite(value)
        text = axis.categories[int(value or 0)] if named else figure(value)
        way.append((axis.name, text, ""))
    title = f"Best: {called(best.name, best.run_id)} ({best.run_id[:SHORT_ID]})" if best else ""
    return [said, *section(title, facts(way)), *map(remark, found.notices)]


def scatter_lines(found: RunScatter) -> list[Line]:
    """How many runs are drawn, and whether there is something in it."""
    lacking = f", {found.lacking:,} more have not both" if found.lacking else ""
    related = f"; rank correlation {found.rank_correlation:+.2f}" if found.rank_correlation is not None else ""
    return [remark(f"{len(found.points):,} runs{lacking}{related}"), *map(remark, found.notices)]
