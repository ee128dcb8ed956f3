"""Several runs side by side as lines of text: a table as long as it fits, else one line a run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.text import Text

from unipipe_tui.actions.runs.compared_rows import ComparedRow, Inventory, Kind, Verdict
from unipipe_tui.actions.runs.comparison import CodeDifference, RunComparison
from unipipe_tui.actions.runs.repeats import Repeats
from unipipe_tui.cli.grids import (
    GAP,
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
    shown,
    signed,
    width_of,
)
from unipipe_tui.domain.runs.directions import Direction
from unipipe_tui.domain.table_text import Cell

ROOM = PAGE_CELLS - len(GAP)
LONGEST_VALUE = 18
LONGEST_ROW_NAME = 32
MOST_ITEMS = 100
"""How many packages or files that differ are listed."""

TITLES = {
    Kind.ATTRIBUTE: "attributes",
    Kind.PARAM: "params",
    Kind.METRIC: "metrics (↑ more is better, ↓ less is better)",
    Kind.DATA: "data",
    Kind.TAG: "tags",
}
CODE_TITLE = "code, from the baseline's commit"
MARKS = {Verdict.BETTER: "▲ better", Verdict.WORSE: "▼ worse", Verdict.EQUAL: "= equal"}
"""Glyph and word, so that neither colour nor font is the only sign."""


def run_comparison_lines(comparison: RunComparison) -> Lines:
    """What the runs are, what differs between them, then what does not."""
    labels = _labels(comparison.runs)
    lines = grid(_introductions(comparison, labels), header=True)
    differing = [row for row in comparison.rows if not row.same]
    for kind, rows in groupby(differing, key=lambda row: row.kind):
        lines += [Text(), Text(TITLES[kind], style="bold"), *indented(compared_lines(list(rows), labels))]
    if not differing:
        lines += [Text(), Text("nothing that was logged differs")]
    alike = [(row.kind.value, row.name, _narrow(row.values[0])) for row in comparison.rows if row.same]
    lines += block("the same in all", alike)
    if comparison.code:
        lines += [Text(), Text(CODE_TITLE, style="bold"), *indented(code_lines(comparison.code))]
    if comparison.packages is not None and comparison.artifacts is not None:
        lines += _inventory_lines("packages", comparison.packages, labels)
        lines += _inventory_lines("files, in bytes", comparison.artifacts, labels)
    for repeats in comparison.repeats:
        lines += _repeats_lines(repeats)
    return lines + notes(comparison.problems)


def _labels(ids: Sequence[str]) -> list[str]:
    """What stands for each run: the beginning of its id, or its end where that tells them apart better."""
    beginnings = [run_id[:SHORT_ID] for run_id in ids]
    endings = [run_id if len(run_id) <= SHORT_ID else f"…{run_id[1 - SHORT_ID :]}" for run_id in ids]
    return endings if len(set(endings)) > len(set(beginnings)) else beginnings


def _introductions(comparison: RunComparison, labels: Sequence[str]) -> list[list[str]]:
    rows = zip(labels, comparison.names, comparison.statuses, comparison.start_times, comparison.runs, strict=True)
    return [
        ["run", "name", "status", "started", ""],
        *(
            [
                label,
                clipped(name, LONGEST_NAME),
                status,
                f"{started:%Y-%m-%d %H:%M}" if started else "-",
                "baseline" if run_id == comparison.baseline else "",
            ]
            for label, name, status, started, run_id in rows
        ),
    ]


def compared_lines(rows: Sequence[ComparedRow], labels: Sequence[str]) -> Lines:
    """Rows across runs: side by side as long as that fits, else one line a run."""
    table = [["", *labels], *([clipped(_row_name(row), LONGEST_ROW_NAME), *_cells(row)] for row in rows)]
    return grid(table, header=False) if width_of(table) <= ROOM else _turned(rows, labels)


def _turned(rows: Sequence[ComparedRow], labels: Sequence[str]) -> Lines:
    """One line a run, and as many of the rows beside each other as fit; then the next ones."""
    first = ["run", *labels]
    columns = [[clipped(_row_name(row), LONGEST_ROW_NAME), *_cells(row)] for row in rows]
    lines: Lines = []
    chunk: list[list[str]] = []
    for column in [*columns, None]:
        fits = column is not None and width_of(_across([first, *chunk, column])) <= ROOM
        if chunk and not fits:
            lines += [*grid(_across([first, *chunk]), header=False), Text()]
            chunk = []
        if column is not None:
            chunk.append(column)
    return lines[:-1]


def _across(columns: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(row) for row in zip(*columns, strict=True)]


def _row_name(row: ComparedRow) -> str:
    way = {Direction.HIGHER: " ↑", Direction.LOWER: " ↓", Direction.UNKNOWN: ""}[row.direction]
    return f"{row.name}{way}"


def _cells(row: ComparedRow) -> list[str]:
    values = [_narrow(value) for value in row.values]
    if row.kind is not Kind.METRIC:
        return values
    marks = [MARKS[verdict] if verdict else "" for verdict in row.verdicts]
    deltas = [f"({signed(delta)})" if delta else "" for delta in row.deltas]
    return [" ".join(filter(None, parts)) for parts in zip(values, deltas, marks, strict=True)]


def _narrow(value: Cell) -> str:
    return clipped(shown(value), LONGEST_VALUE)


def code_lines(code: Sequence[CodeDifference]) -> Lines:
    """How far each commit is from the baseline's, and where."""
    lines: Lines = []
    for one in code:
        runs = ", ".join(run[:SHORT_ID] for run in one.runs[:6]) + (", ..." if len(one.runs) > 6 else "")
        said = (
            f"{one.files} files, +{one.insertions} -{one.deletions} lines"
            if one.known
            else "not known in this repository"
        )
        lines.append(Text(f"{one.commit[:SHORT_COMMIT]} ({runs}): {said}"))
        lines += [Text(f"  {path}") for path in one.paths]
        hidden = (one.files or 0) - len(one.paths)
        lines += [Text(f"  ... {hidden} more", style=QUIET)] if hidden > 0 else []
    return lines


def _inventory_lines(what: str, compared: Inventory, labels: Sequence[str]) -> Lines:
    if not compared.items:
        return [Text(), Text.assemble((what, "bold"), f": {'not known for any run' if compared.unknown else 'none'}")]
    said = f": {len(compared.differing):,} of {compared.items:,} differ"
    lines = [Text(), Text.assemble((what, "bold"), said)]
    if compared.differing:
        lines += indented(compared_lines(compared.differing[:MOST_ITEMS], labels))
    if hidden := len(compared.differing) - MOST_ITEMS if len(compared.differing) > MOST_ITEMS else 0:
        lines.append(Text(f"  ... {hidden:,} more", style=QUIET))
    if compared.unknown:
        unknown = _labels(list(dict.fromkeys(compared.unknown)))
        lines.append(
            Text(f"  not known for {', '.join(unknown[:6])}{', ...' if len(unknown) > 6 else ''}", style="yellow")
        )
    return lines


def _repeats_lines(repeats: Repeats) -> Lines:
    code = f"commit {repeats.commit[:SHORT_COMMIT]}" if repeats.commit else "code not known"
    but = f" but {', '.join(repeats.seeds)}" if repeats.seeds else ""
    title = f"{len(repeats.runs)} repeats: the same in data, params{but}; {code}"
    rows = [
        ("", "runs", "mean", "deviation", "95 % interval of the mean"),
        *(
            (
                one.metric,
                str(one.number),
                shown(one.mean),
                shown(one.deviation),
                f"{shown(one.low)} to {shown(one.high)}",
            )
            for one in repeats.metrics
        ),
    ]
    return [
        Text(),
        Text(title, style="bold"),
        *indented(grid(rows, header=False)),
        Text(f"  {repeats.method}", style=QUIET),
    ]
