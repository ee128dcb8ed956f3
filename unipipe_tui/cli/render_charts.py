"""Insight into runs as lines of text: charts drawn for eighty columns, and the tables beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.text import Text

from unipipe_tui.actions.runs.best import Best
from unipipe_tui.actions.runs.groups import DuplicateRuns, Duplicates, Sweep, Sweeps
from unipipe_tui.actions.runs.history import Histories, MetricHistory
from unipipe_tui.actions.runs.importance import ParamsWeighed
from unipipe_tui.actions.runs.scatter import RunParallel, RunScatter
from unipipe_tui.charts.text import draw
from unipipe_tui.cli.grids import (
    LONGEST_NAME,
    PAGE_CELLS,
    QUIET,
    SHORT_COMMIT,
    SHORT_ID,
    Lines,
    block,
    clipped,
    grid,
    indented,
    notes,
    pairs,
    shown,
    signed,
    width_of,
)
from unipipe_tui.domain.charts import Chart, ParallelChart
from unipipe_tui.domain.outlines import MetricOutline
from unipipe_tui.domain.runs.directions import Direction

TALL, LOW = 20, 12
"""Lines of a chart that stands alone, and of one among several."""
TONES = ("cyan", "magenta", "yellow", "green", "blue", "red")
PARALLEL_TONES = (QUIET, "bold green")
FEW_PARAMS = 4
LONGEST_VALUE = 24


def best_lines(best: Best) -> Lines:
    """A line for each of the best runs, and what all of them have in common."""
    table = [["", "run", "name", best.metric, "behind"]]
    table += [
        [
            str(run.place),
            run.run_id[:SHORT_ID],
            clipped(run.name, LONGEST_NAME),
            shown(run.value),
            signed(run.behind) if run.behind else "",
        ]
        for run in best.runs
    ]
    for name in sorted({name for run in best.runs for name in run.params}):
        values = (clipped(run.params.get(name, "-"), LONGEST_VALUE) for run in best.runs)
        wider = [[*row, cell] for row, cell in zip(table, (clipped(name, LONGEST_VALUE), *values), strict=True)]
        table = wider if width_of(wider) <= PAGE_CELLS else table
    lines = grid(table, header=True)
    lines += block("the same in all of them", [(name, clipped(v, 60)) for name, v in best.same_params.items()])
    way = "larger" if best.better is Direction.HIGHER else "smaller"
    lines += [
        Text(),
        Text(f"{len(best.runs)} of {best.judged:,} runs with {best.metric}; {way} is better", style=QUIET),
    ]
    return lines + notes(best.notices)


def histories_lines(histories: Histories) -> Lines:
    """A chart for each metric."""
    height = TALL if len(histories.metrics) == 1 else LOW
    lines: Lines = []
    for history in histories.metrics:
        lines += [*_chart(history.chart, height), *_told(history), Text()]
    if histories.others:
        listed = clipped(", ".join(histories.others), PAGE_CELLS - 14)
        lines.append(Text(f"also logged: {listed}", style=QUIET))
    return lines + notes(histories.notices)


def scatter_lines(scatter: RunScatter) -> Lines:
    """The chart, how many runs it shows, and whether there is something in it."""
    related = ""
    if scatter.rank_correlation is not None:
        related = f"; rank correlation {scatter.rank_correlation:+.2f}"
    lacking = f", {scatter.lacking:,} more have not both" if scatter.lacking else ""
    endless = f", {scatter.endless:,} more have NaN or infinity there" if scatter.endless else ""
    told = Text(f"{len(scatter.points):,} runs{lacking}{endless}{related}", style=QUIET)
    return [*_chart(scatter.chart, TALL), told, *notes(scatter.notices)]


def parallel_lines(parallel: RunParallel) -> Lines:
    """The chart, and the best run's way through it."""
    way = [] if not parallel.runs else [("best run", f"{parallel.runs[0].run_id[:SHORT_ID]} {parallel.runs[0].name}")]
    for axis, value in zip(parallel.axes, parallel.runs[0].values if parallel.runs else (), strict=False):
        named = axis.categories[int(value)] if axis.categories and value is not None else shown(value)
        way.append((axis.name, clipped(named, 60)))
    count = Text(f"{len(parallel.runs):,} of {parallel.judged:,} runs with {parallel.metric}", style=QUIET)
    return [*_chart(parallel.chart, TALL), Text(), *pairs(way), Text(), count, *notes(parallel.notices)]


def weighed_lines(weighed: ParamsWeighed) -> Lines:
    """A bar for each param, how far to trust them, and what was left out."""
    lines = _chart(weighed.chart, len(weighed.params) + 3)
    sampled = f" of {weighed.of_runs:,}" if weighed.of_runs > weighed.runs else ""
    trust = f"out-of-bag R² {weighed.r2:.2f} over {weighed.runs:,}{sampled} runs"
    grown = f"{weighed.trees} trees, {weighed.shuffles} shuffles for each param, seed {weighed.seed}"
    lines += block("left out", [(clipped(one.param, LONGEST_NAME), one.why) for one in weighed.left_out])
    lines += [Text(), Text(f"{trust}; {grown}", style=QUIET), Text(weighed.method, style=QUIET)]
    return lines + notes(weighed.remarks)


def sweeps_lines(sweeps: Sweeps) -> Lines:
    """A line for each sweep."""
    header = ("parent", "name", "runs", "states", *([f"best {sweeps.metric}"] if sweeps.metric else []), "varies")
    rows = [_sweep(sweep, best=sweeps.metric is not None) for sweep in sweeps.sweeps]
    lines = grid([header, *rows], header=True) if rows else []
    none = f"no run {'that fits ' if sweeps.filtered else ''}names a parent run"
    count = f"{len(rows)} of {sweeps.total:,} sweeps" if sweeps.total else none
    return [*lines, Text(count, style=QUIET), *notes(sweeps.notices)]


def duplicates_lines(duplicates: DuplicateRuns) -> Lines:
    """A block for each group."""
    lines: Lines = []
    for number, group in enumerate(duplicates.groups, 1):
        lines += [Text(f"{number}. {len(group.runs)} runs", style="bold"), *indented(_group(group)), Text()]
    found = (
        f"{duplicates.total:,} groups, {duplicates.to_spare:,} runs to spare" if duplicates.total else "no duplicates"
    )
    lines.append(Text(f"{found} among {duplicates.looked_at:,} runs", style=QUIET))
    unmarked = f"{duplicates.unmarked:,} runs name neither commit nor data nor params and were left out."
    return lines + notes([*([unmarked] if duplicates.unmarked else []), *duplicates.notices])


def _chart(chart: Chart, height: int) -> Lines:
    tones = PARALLEL_TONES if isinstance(chart, ParallelChart) else TONES
    lines = []
    for line in draw(chart, PAGE_CELLS, height):
        text = Text().join(Text(span.text, style=_style(span.tone, tones)) for span in line)
        text.rstrip()
        lines.append(text)
    lines[0].stylize("bold")
    return lines


def _style(tone: int | None, tones: Sequence[str]) -> str:
    return "" if tone is None else tones[tone % len(tones)]


def _told(history: MetricHistory) -> Lines:
    rows = [(run.run_id[:SHORT_ID], clipped(run.name, LONGEST_NAME), *_figures(run.outline)) for run in history.runs]
    return grid([("run", "name", "values", "smallest", "largest", "last"), *rows], header=True)


def _figures(outline: MetricOutline) -> tuple[str, str, str, str]:
    lows = [cell.low for cell in outline.cells if cell.low is not None]
    highs = [cell.high for cell in outline.cells if cell.high is not None]
    low, high = min(lows, default=None), max(highs, default=None)
    return f"{outline.count:,}", shown(low), shown(high), shown(outline.cells[-1].end if outline.cells else None)


def _sweep(sweep: Sweep, *, best: bool) -> tuple[str, ...]:
    states = ", ".join(f"{one.runs} {one.status}" for one in sweep.states)
    found = f"{shown(sweep.best.value)} ({sweep.best.run_id[:SHORT_ID]})" if sweep.best else "-"
    varies = _few(f"{one.param} ({one.values})" for one in sweep.varies)
    name = clipped(sweep.name, LONGEST_NAME) or ("" if sweep.parent_deleted else "(gone)")
    name = f"{name} (deleted)".lstrip() if sweep.parent_deleted else name
    return (sweep.parent[:SHORT_ID], name, str(sweep.children), states, *([found] if best else []), varies)


def _group(group: Duplicates) -> Lines:
    runs = _few(
        f"{run[:SHORT_ID]} {clipped(name, LONGEST_NAME)}" for run, name in zip(group.runs, group.names, strict=True)
    )
    return pairs(
        [
            ("runs", runs),
            ("commit", group.commit[:SHORT_COMMIT]),
            ("data", group.data),
            ("params", _params(group.params)),
        ]
    )


def _params(params: Mapping[str, str]) -> str:
    return _few(f"{name}={clipped(value, LONGEST_VALUE)}" for name, value in params.items())


def _few(texts: Iterable[str]) -> str:
    listed = list(texts)
    more = f", and {len(listed) - FEW_PARAMS} more" if len(listed) > FEW_PARAMS else ""
    return ", ".join(listed[:FEW_PARAMS]) + more
