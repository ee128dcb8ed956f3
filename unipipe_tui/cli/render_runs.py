"""Runs as lines of text: a list, one run, what was exported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from rich.text import Text

from unipipe_tui.actions.runs.export import RunsExported
from unipipe_tui.actions.runs.listing import RunList, RunName, RunView, cell_of
from unipipe_tui.actions.runs.sync import RunsSynced, SyncedSource
from unipipe_tui.actions.runs.table import column_name, columns_of
from unipipe_tui.cli.grids import (
    GAP,
    LONGEST_NAME,
    PAGE_CELLS,
    QUIET,
    SHORT_ID,
    Lines,
    block,
    clipped,
    duration,
    grid,
    notes,
    pairs,
    shown,
    widths_of,
)
from unipipe_tui.cli.output import plain
from unipipe_tui.domain.runs.query import Field, FieldKind
from unipipe_tui.domain.runs.query_text import parse_order
from unipipe_tui.domain.runs.rows import MLFLOW
from unipipe_tui.domain.table_text import Cell
from unipipe_tui.domain.tracking import dead_words

LONGEST_CELL = 40
LONGEST_FIGURE = 16
LONGEST_TEXT = 200
"""Cells of a param or tag where it has a line of its own."""
MOST_TRIED = 30
"""How many metrics and params are tried to fill the line of a run."""


def run_list_lines(listed: RunList) -> Lines:
    """One line a run: the columns that were asked for, else what is common to most and fits."""
    rows = _asked_rows(listed) if listed.columns else _usual_rows(listed)
    lines = grid(rows, header=True) if listed.runs else []
    lines += [Text(_how_many(listed), style=QUIET)]
    dead = [run for run in listed.runs if run.probably_dead]
    lines += [Text(f"note: {run.run_id[:SHORT_ID]} is {dead_words(run.start_time)}", style="yellow") for run in dead]
    return lines + notes(listed.problems)


def _how_many(listed: RunList) -> str:
    deleted = "deleted runs" if listed.runs and all(run.deleted for run in listed.runs) else "runs"
    place = f"{listed.tracking} and Git" if "dvc" in listed.sources else listed.tracking
    if not listed.total:
        none = "no run fits" if listed.filtered else f"no runs{' are known' if listed.problems else ''}"
        return f"{none}: {place}"
    experiments = {run.experiment for run in listed.runs}
    where = f", all in {next(iter(experiments))}" if len(experiments) == 1 and not listed.columns else ""
    fit = " that fit," if listed.filtered else ""
    return f"{len(listed.runs):,} of {listed.total:,} {deleted}{fit} in {place}{where}"


def _asked_rows(listed: RunList) -> list[list[str]]:
    columns = columns_of(listed.columns)
    return [
        [column_name(column) for column in columns],
        *([clipped(shown(cell_of(run, column)), LONGEST_CELL) for column in columns] for run in listed.runs),
    ]


def _usual_rows(listed: RunList) -> list[list[str]]:
    runs = listed.runs
    several = len({run.experiment for run in runs}) > 1
    header = ["run", "name", *(["experiment"] if several else []), "status", "started"]
    rows = [
        [
            run.run_id[:SHORT_ID],
            clipped(run.name, LONGEST_NAME),
            *([clipped(run.experiment, LONGEST_NAME)] if several else []),
            f"{run.status}?" if run.probably_dead else run.status,
            f"{run.start_time:%Y-%m-%d %H:%M}" if run.start_time else "-",
        ]
        for run in runs
    ]
    table = [header, *rows]
    room = PAGE_CELLS - sum(width + len(GAP) for width in widths_of(table)) + len(GAP)
    for figure in islice(_figures(listed), MOST_TRIED):
        column = [clipped(figure.key, LONGEST_NAME + 8), *(_narrow(cell_of(run, figure)) for run in runs)]
        width = len(GAP) + widths_of([[cell] for cell in column])[0]
        if width <= room:
            room -= width
            table = [[*row, cell] for row, cell in zip(table, column, strict=True)]
    return table


def _narrow(value: Cell) -> str:
    return clipped(shown(value), LONGEST_FIGURE)


def _figures(listed: RunList) -> Iterator[Field]:
    """What they are ordered by, metrics, then params that differ: the commonest first."""
    first = [parse_order(text).field for text in listed.order_by]
    yield from (field for field in first if field.kind is not FieldKind.ATTRIBUTE)
    for kind, logged in (
        (FieldKind.METRIC, [run.metrics for run in listed.runs]),
        (FieldKind.PARAM, [run.params for run in listed.runs]),
    ):
        for key in _commonest(logged):
            differs = len({keys.get(key) for keys in logged}) > 1
            if Field(kind, key) not in first and (differs or kind is FieldKind.METRIC):
                yield Field(kind, key)


def _commonest(logged: Iterable[Mapping[str, object]]) -> list[str]:
    count = Counter(key for keys in logged for key in keys)
    return sorted(count, key=lambda key: (-count[key], key.count("."), key))


def run_view_lines(view: RunView) -> Lines:
    """All that is known of one run."""
    run = view.run
    status = f"{run.status}, probably dead" if run.probably_dead else run.status
    lines = [Text.assemble((plain(run.name), "bold"), f"  {status}{', deleted' if run.deleted else ''}")]
    lines += pairs(
        [
            ("run id", run.run_id),
            ("experiment", run.experiment),
            ("started", shown(run.start_time)),
            ("ended", shown(run.end_time) + _after(run.seconds)),
            ("user", run.user),
            ("kept by", run.source),
            ("artifacts", view.artifacts or ""),
            ("versions", ", ".join(view.versions)),
            ("parent", _relative(view.parent) if view.parent else ""),
        ]
    )
    if view.note:
        lines += [Text(), Text("note", style="bold"), *(Text(f"  {line}") for line in view.note.splitlines())]
    lines += block(
        "metrics", [("", "last", "step"), *((m.key, shown(m.value), str(m.step)) for m in view.metrics)], header=True
    )
    lines += block("params", [(key, clipped(value, LONGEST_TEXT)) for key, value in sorted(run.params.items())])
    lines += block(
        "data", [("", "digest", "context"), *((d.name, d.digest, d.context) for d in view.datasets)], header=True
    )
    lines += block("tags", [(key, clipped(value, LONGEST_TEXT)) for key, value in sorted(run.tags.items())])
    children = [(child.run_id[:SHORT_ID], child.name, child.status) for child in view.children]
    hidden = view.children_total - len(children)
    lines += block(f"children ({view.children_total:,})", children)
    lines += [Text(f"  ... {hidden:,} more", style=QUIET)] if hidden else []
    return lines + notes(view.problems)


def _after(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"  (after {duration(seconds)})" if seconds >= 0 else f"  ({duration(-seconds)} before it started)"


def _relative(run: RunName) -> str:
    return f"{run.run_id}  {run.name}  {run.status}"


def runs_synced_lines(synced: RunsSynced) -> Lines:
    """A line for each source, and what to know of it."""
    if not synced.sources:
        return [Text("nothing to read: no MLflow store and no DVC repository", style=QUIET)]
    rows = [
        (one.source, f"{one.runs:,}", f"{one.read:,}", f"{one.gone:,}", duration(one.seconds), one.place)
        for one in synced.sources
    ]
    lines = grid([("source", "runs", "read", "gone", "took", "place"), *rows], header=True)
    told = [text for one in synced.sources for text in (_how_read(one), one.problem) if text]
    return lines + notes(told)


def _how_read(source: SyncedSource) -> str:
    if source.source != MLFLOW or not source.remark:
        return source.remark
    return f"mlflow was read through MLflow's client: {source.remark}."


def runs_exported_lines(exported: RunsExported) -> Lines:
    """How much was written, and where."""
    said = (
        f"{exported.runs:,} runs, {len(exported.columns)} columns, {exported.bytes:,} bytes of {exported.format.value}"
    )
    return [Text(f"{said}: {exported.to}" if exported.to else said), *notes(exported.problems)]
