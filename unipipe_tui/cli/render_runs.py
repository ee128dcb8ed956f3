"""Runs as lines of text: a list, one run, what was exported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice, zip_longest

from rich.text import Text

from unipipe_tui.actions.runs.export import RunsExported
from unipipe_tui.actions.runs.listing import RunLine, RunList, RunName, RunView, cell_of
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
from unipipe_tui.domain.runs.directions import Direction, direction_of
from unipipe_tui.domain.runs.query import Field, FieldKind
from unipipe_tui.domain.runs.query_text import parse_order
from unipipe_tui.domain.runs.rows import DVC, MLFLOW
from unipipe_tui.domain.table_text import Cell
from unipipe_tui.domain.tracking import dead_words

LONGEST_CELL = 40
LONGEST_PLACE = 12
"""Cells of an experiment in a list of several sources."""
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
    place = f"{listed.tracking} and Git" if DVC in listed.sources else listed.tracking
    if not listed.total:
        none = "no run fits" if listed.filtered else f"no runs{' are known' if listed.problems else ''}"
        return f"{none}: {place}"
    fit = " that fit," if listed.filtered else ""
    all_of_them = "" if listed.columns else _alike(listed)
    return f"{len(listed.runs):,} of {listed.total:,} {deleted}{fit} in {place}{all_of_them}"


def _alike(listed: RunList) -> str:
    """What is the same in all that are shown, and so has no column."""
    experiment = _only({run.experiment for run in listed.runs})
    status = _only({_status(run) for run in listed.runs})
    told = [*([f"in {experiment}"] if experiment else []), *([status] if status else [])]
    if not told:
        return ""
    if len(listed.runs) == listed.total:
        return "".join(f", all {one}" for one in told)
    # Of those that are not shown nothing is known here.
    return f"; this one is {', '.join(told)}" if len(listed.runs) == 1 else f"; these are all {', all '.join(told)}"


def _only(values: Set[str]) -> str | None:
    return next(iter(values)) if len(values) == 1 else None


def _status(run: RunLine) -> str:
    return f"{run.status}?" if run.probably_dead else run.status


def _asked_rows(listed: RunList) -> list[list[str]]:
    columns = columns_of(listed.columns)
    return [
        [column_name(column) for column in columns],
        *([clipped(shown(cell_of(run, column)), LONGEST_CELL) for column in columns] for run in listed.runs),
    ]


def _usual_rows(listed: RunList) -> list[list[str]]:
    runs = listed.runs
    columns = [
        ["run", *(run.run_id[:SHORT_ID] for run in runs)],
        ["name", *(clipped(run.name, LONGEST_NAME) for run in runs)],
    ]
    if not _only({run.experiment for run in runs}):
        columns.append(_places(runs))
    if not _only({_status(run) for run in runs}):
        columns.append(["status", *map(_status, runs)])
    columns.append(_starts(runs))
    room = PAGE_CELLS - sum(len(GAP) + _width(column) for column in columns) + len(GAP)
    for figure in islice(_figures(listed), MOST_TRIED):
        column = [clipped(figure.key, LONGEST_NAME + 8), *(_narrow(cell_of(run, figure)) for run in runs)]
        if len(GAP) + _width(column) <= room:
            room -= len(GAP) + _width(column)
            columns.append(column)
    return [list(row) for row in zip(*columns, strict=True)]


def _width(column: Sequence[str]) -> int:
    return widths_of([[cell] for cell in column])[0]


def _places(runs: Sequence[RunLine]) -> list[str]:
    """The experiment of each; in a list of several sources the source, as long as that is enough to tell them apart."""
    if _only({run.source for run in runs}):
        return ["experiment", *(clipped(run.experiment, LONGEST_NAME) for run in runs)]
    one_of_mlflow = _only({run.experiment for run in runs if run.source == MLFLOW})
    return ["in", *(_place(run, one_of_mlflow) for run in runs)]


def _place(run: RunLine, one_of_mlflow: str | None) -> str:
    if run.source == MLFLOW:
        return MLFLOW if one_of_mlflow else clipped(run.experiment, LONGEST_PLACE)
    # Of `Git commits` and `DVC experiments` the first word is enough.
    return run.experiment.partition(" ")[0].lower()


def _starts(runs: Sequence[RunLine]) -> list[str]:
    """When each began; the year stands above them when it is the same."""
    year = _only({f"{run.start_time:%Y}" for run in runs if run.start_time})
    head, form = (f"started {year}", "%m-%d %H:%M") if year else ("started", "%Y-%m-%d %H:%M")
    return [head, *(f"{run.start_time:{form}}" if run.start_time else "-" for run in runs)]


def _narrow(value: Cell) -> str:
    return clipped(shown(value), LONGEST_FIGURE)


def _figures(listed: RunList) -> Iterator[Field]:
    """What they are ordered by, metrics, then params that differ: the most telling first."""
    first = [parse_order(text).field for text in listed.order_by]
    yield from (field for field in first if field.kind is not FieldKind.ATTRIBUTE)
    params = [run.params for run in listed.runs]
    differing = (key for key in _commonest(params) if len({logged.get(key) for logged in params}) > 1)
    rest = [Field(FieldKind.METRIC, key) for key in _telling_metrics(listed.runs)]
    rest += [Field(FieldKind.PARAM, key) for key in differing]
    yield from (field for field in rest if field not in first)


def _telling_metrics(runs: Sequence[RunLine]) -> Iterator[str]:
    """The commonest metrics, those first that say how good a run is; of each source in turn, as each names them its way."""
    sources = dict.fromkeys(run.source for run in runs)
    turns = zip_longest(*(_commonest([run.metrics for run in runs if run.source == source]) for source in sources))
    return iter(dict.fromkeys(key for turn in turns for key in turn if key is not None))


def _commonest(logged: Iterable[Mapping[str, object]]) -> list[str]:
    count = Counter(key for keys in logged for key in keys)
    return sorted(count, key=lambda key: (-count[key], direction_of(key, {}) is Direction.UNKNOWN, key.count("."), key))


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
            ("artifacts", run.artifacts or ""),
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
        "data", [("", "digest", "context"), *((d.name, d.digest, d.context) for d in run.datasets)], header=True
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
    told = [text for one in synced.sources for text in (_how_read(one), one.problem, *one.unreadable) if text]
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
