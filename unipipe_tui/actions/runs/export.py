"""Runs as a document or a file: CSV, JSON, Markdown, Parquet."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.output_file import FORCE_HELP, OutputFile, output_file
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.request import Names, Short
from unipipe_tui.actions.runs.listing import query_of
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.runs.table import cells_of, column_name, columns_of, is_number, is_time, usual_columns
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.runs.query import Field, FieldKind, RunQuery
from unipipe_tui.domain.table_text import Cell, csv_text, markdown_text, parquet_names
from unipipe_tui.domain.unicode import unicode_text
from unipipe_tui.domain.values import frozen


class Format(StrEnum):
    """What runs can be written as."""

    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"
    PARQUET = "parquet"


ENDINGS = {
    ".csv": Format.CSV,
    ".json": Format.JSON,
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".parquet": Format.PARQUET,
}


@frozen
class ExportRuns:
    """Which runs, what of them, as what and where to."""

    where: Annotated[str, "Only runs that fit, as in runs list.", Short("w")] = ""
    order_by: Annotated[
        tuple[str, ...], "What decides the order: 'metrics.f1 DESC'. May be given again.", Names.COLUMN
    ] = ()
    columns: Annotated[
        tuple[str, ...],
        "Only these: run_id,metrics.f1,params.depth. All that was logged, without mlflow's tags, unless given.",
        Names.COLUMN,
    ] = ()
    experiment: Annotated[tuple[str, ...], "Only runs of this experiment. May be given again.", Names.EXPERIMENT] = ()
    deleted: Annotated[bool, "Those that were deleted, instead of all others."] = False
    format: Annotated[Format | None, "As what; by the file's ending, else csv."] = None
    to: Annotated[Path | None, "The file to write; without one the document is printed."] = None
    force: Annotated[bool, FORCE_HELP] = False


@frozen
class RunsExported:
    """What was exported."""

    runs: int
    columns: tuple[str, ...]
    format: Format
    to: Path | None
    bytes: int
    text: str | None
    """The document; None when it was written to a file."""
    problems: tuple[str, ...]
    """What keeps it from being whole or new."""


@frozen
class ExportOrder:
    """What will be written."""

    query: RunQuery
    columns: tuple[Field, ...]
    format: Format
    to: OutputFile
    problems: tuple[str, ...]


def print_runs(request: ExportRuns, world: World) -> RunsExported | None:
    """The document of a request that names no file; None when it names one."""
    if request.to is not None:
        return None
    form = request.format or Format.CSV
    if form is Format.PARQUET:
        raise UsageError("Parquet is no text.", hint="Give a file: --to runs.parquet")
    query, columns, problems = _asked(request, world)
    rows = _rows(query, columns, world)
    text = _document(form, columns, rows)
    names = tuple(map(column_name, columns))
    return RunsExported(len(rows), names, form, None, len(text.encode(errors="replace")), text, problems)


def plan_export(request: ExportRuns, world: World) -> Plan[ExportOrder]:
    """Export all runs that fit, each a row: as CSV, JSON, Markdown or Parquet.

    Without --to the document is printed, nothing is recorded, and it works in a read-only workspace too. With --to it is
    a job that writes the file, which appears when it is whole; one that is there already is kept unless --force is
    given. In CSV every value stands as it is, also one that a spreadsheet would take for a formula. In Parquet, columns
    that differ in capital letters only are numbered. On a terminal, control characters are shown as `\\x1b`.
    """
    if request.to is None:
        raise UsageError(
            "No file is named.", hint="Give one, for example --to runs.csv; without --dry-run it is printed."
        )
    form = request.format or ENDINGS.get(request.to.suffix.lower())
    if form is None:
        name = request.to.absolute().name
        raise UsageError(f"{name} does not say what it should be.", hint=f"Add --format: {', '.join(Format)}.")
    to = output_file(request.to, force=request.force)
    query, columns, problems = _asked(request, world)
    problems = (*problems, *_renamed(form, columns))
    total = world.run_index.search(RunQuery(query.where, (), 0, 0, query.life, query.experiments)).total
    return Plan(
        title=f"Export {total:,} runs as {form.value}",
        effects=(to.effect(f"{len(columns)} columns"),),
        undo=to.way_back,
        decided=ExportOrder(query, columns, form, to, problems),
        warnings=problems,
    )


def export_runs(plan: Plan[ExportOrder], world: World, progress: Progress) -> Done[RunsExported]:
    """Write the file."""
    order, to = plan.decided, plan.decided.to.path
    rows = _rows(order.query, order.columns, world)
    with order.to.draft(world) as draft:
        _write(order, rows, draft, world)
        size = draft.stat().st_size
    names = _names(order.format, order.columns)
    done = RunsExported(len(rows), names, order.format, to, size, None, order.problems)
    return Done(done, detail=f"{len(rows)} runs as {order.format.value} to {to}")


def _asked(request: ExportRuns, world: World) -> tuple[RunQuery, tuple[Field, ...], tuple[str, ...]]:
    query = query_of(request.where, request.order_by, request.experiment, deleted=request.deleted)
    columns = columns_of(request.columns)
    opened = open_index(world)
    if not columns:
        columns = usual_columns(key for key, _ in opened.index.keys(query))
    return query, columns, opened.notices


def _names(form: Format, columns: Sequence[Field]) -> tuple[str, ...]:
    """What the columns are called in the document."""
    names = tuple(map(column_name, columns))
    return parquet_names(names) if form is Format.PARQUET else names


def _renamed(form: Format, columns: Sequence[Field]) -> Iterator[str]:
    """Which columns cannot bear their own names."""
    for column, name in zip(columns, _names(form, columns), strict=True):
        if name != unicode_text(column_name(column)):
            yield f"{column_name(column)} is called {name}: another column differs from it in capital letters only."


def _rows(query: RunQuery, columns: Sequence[Field], world: World) -> list[tuple[Cell, ...]]:
    """The cells of every run that fits."""
    return cells_of(columns, world.run_index.table(query, columns))


def _document(form: Format, columns: Sequence[Field], rows: Sequence[Sequence[Cell]]) -> str:
    if form is Format.JSON:
        return _json(columns, rows)
    header = [column_name(column) for column in columns]
    return csv_text(header, rows) if form is Format.CSV else markdown_text(header, rows)


def _json(columns: Sequence[Field], rows: Sequence[Sequence[Cell]]) -> str:
    """A list of runs, one a line; what a run does not have is left out, and NaN is null."""
    runs = [json.dumps(_nested(columns, row), ensure_ascii=False) for row in rows]
    return "[\n" + ",\n".join(runs) + "\n]\n" if runs else "[]\n"


def _nested(columns: Sequence[Field], row: Sequence[Cell]) -> dict[str, object]:
    run: dict[str, object] = {}
    groups: dict[FieldKind, dict[str, object]] = {}
    for column, cell in zip(columns, row, strict=True):
        if column.kind is FieldKind.ATTRIBUTE:
            run[column_name(column)] = to_plain(cell)
            continue
        if column.kind not in groups:
            run[column.kind.value] = groups[column.kind] = {}
        if cell is not None:
            groups[column.kind][column.key] = None if isinstance(cell, float) and not math.isfinite(cell) else cell
    return run


def _write(order: ExportOrder, rows: Sequence[Sequence[Cell]], to: Path, world: World) -> None:
    if order.format is Format.PARQUET:
        kinds = {column_name(column): _kind(column) for column in order.columns}
        world.tables.write(to, kinds, rows)
        return
    # A lone half of a character pair, from bytes that were no text, has no place in UTF-8.
    to.write_text(_document(order.format, order.columns, rows), encoding="utf-8", errors="backslashreplace", newline="")


def _kind(column: Field) -> str:
    return "time" if is_time(column) else "number" if is_number(column) else "text"


EXPORT = Change(
    "runs export",
    ExportRuns,
    plan_export,
    export_runs,
    "unipipe runs export --where 'metrics.f1 > 0.8' --to runs.parquet",
    danger=Danger.NONE,
    answer=print_runs,
)
