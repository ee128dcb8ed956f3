"""Runs side by side as a table, and one row of it, and what lies beside it, as lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType

from unipipe_tui.actions.runs.compared_rows import ComparedRow, Inventory, Kind, Value, Verdict
from unipipe_tui.actions.runs.comparison import CodeDifference, RunComparison
from unipipe_tui.actions.runs.repeats import Repeats
from unipipe_tui.domain.runs.directions import Direction
from unipipe_tui.tui.lines import HEADING, MUTED, Line, remark, section
from unipipe_tui.tui.sheet import Cell, Column, Sheet, SheetRow
from unipipe_tui.tui.sheets.runs import SHORT_ID, called, facts, figure
from unipipe_tui.tui.text import clip, fit, harmless
from unipipe_tui.tui.theme import Sign

VERDICT_SIGNS = MappingProxyType(
    {
        Verdict.BETTER: Sign("▲", "$success"),
        Verdict.WORSE: Sign("▼", "$error"),
        Verdict.EQUAL: Sign("=", "$muted"),
    }
)
"""Of the metric as such, whichever way it grows: better is up."""
WORDS = MappingProxyType({Verdict.BETTER: "better", Verdict.WORSE: "worse", Verdict.EQUAL: "equal"})
WAYS = MappingProxyType({Direction.HIGHER: "higher is better", Direction.LOWER: "lower is better"})
DIFFERS, SAME = "≠", " "
BASELINE = "⚑ "
MOST_PATHS = 8
HEAD_CELLS = 20
"""Of a run's name above its column, which can be no narrower."""


def comparison_sheet(found: RunComparison) -> Sheet:
    """One row a thing, one column a run; packages and files only where they differ."""
    columns = (
        Column("what", "what", 30),
        *(
            Column(run_id, clip(_head(found, number), HEAD_CELLS), 30, stretches=True)
            for number, run_id in enumerate(found.runs)
        ),
    )
    rows = (*found.rows, *_differing(found.packages), *_differing(found.artifacts))
    return Sheet(columns, tuple(_row(row) for row in rows))


def differing_rows(found: RunComparison) -> frozenset[str]:
    """The ids of the rows in which the runs differ."""
    rows = (*found.rows, *_differing(found.packages), *_differing(found.artifacts))
    return frozenset(_row_id(row) for row in rows if not row.same)


def row_with_id(found: RunComparison, row_id: str | None) -> ComparedRow | None:
    """The row under a cursor."""
    rows = (*found.rows, *_differing(found.packages), *_differing(found.artifacts))
    return next((row for row in rows if _row_id(row) == row_id), None)


def _differing(inventory: Inventory | None) -> tuple[ComparedRow, ...]:
    return inventory.differing if inventory else ()


def _row_id(row: ComparedRow) -> str:
    return f"{row.kind.value} {row.name}"


def _head(found: RunComparison, number: int) -> str:
    name = called(found.names[number], found.runs[number])
    if found.names.count(found.names[number]) > 1:
        name = f"{name} {harmless(found.runs[number][:SHORT_ID])}"
    return (BASELINE if found.runs[number] == found.baseline else "") + name


def _row(row: ComparedRow) -> SheetRow:
    mark = SAME if row.same else DIFFERS
    name = Cell(f"{mark} {row.kind.value} {harmless(row.name)}", "" if row.same else "bold")
    return SheetRow(_row_id(row), (name, *(_cell(row, number) for number in range(len(row.values)))))


def _cell(row: ComparedRow, number: int) -> Cell:
    value = row.values[number]
    shown = value_text(value)
    verdict = row.verdicts[number] if row.verdicts else None
    delta = row.deltas[number] if row.deltas else None
    if verdict is Verdict.EQUAL:
        return Cell(f"{shown} =", MUTED)
    if verdict is not None and delta is not None:
        sign = VERDICT_SIGNS[verdict]
        return Cell(f"{shown} {sign.glyph} {delta:+.3g}", sign.style)
    if delta:
        return Cell(f"{shown} {delta:+.3g}", "$accent")
    return Cell(shown, MUTED if row.same or value is None else "")


def value_text(value: Value) -> str:
    """A value in a cell."""
    if isinstance(value, float):
        return figure(value)
    return "–" if value is None else harmless(value)


def compared_lines(found: RunComparison, row: ComparedRow | None) -> list[Line]:
    """The row under the cursor in full, then code, repeats, and what should be known."""
    return [
        *(section(f"{row.kind.value} {row.name}", _row_lines(found, row)) if row else []),
        *section("Code", (line for one in found.code for line in _code_lines(one))),
        *section("Repeats", (line for one in found.repeats for line in _repeat_lines(one))),
        *section("Notices", map(remark, found.problems)),
    ]


def _row_lines(found: RunComparison, row: ComparedRow) -> Iterator[Line]:
    width = min(34, max(len(_head(found, number)) for number in range(len(found.runs))))
    for number, value in enumerate(row.values):
        verdict = row.verdicts[number] if row.verdicts else None
        delta = row.deltas[number] if row.deltas else None
        sign = VERDICT_SIGNS[verdict] if verdict else Sign("", "$accent")
        judged = f"{sign.glyph} {delta:+.4g} {WORDS[verdict]}" if verdict and delta is not None else ""
        plain = f"{delta:+.4g}" if delta and not verdict else ""
        full = f"{value:.8g}" if isinstance(value, float) else value_text(value)
        yield ((f"{fit(_head(found, number), width)}  ", MUTED), (full, ""), (f"  {judged or plain}", sign.style))
    if row.direction in WAYS:
        yield remark(WAYS[row.direction])
    if row.kind is Kind.METRIC and row.direction is Direction.UNKNOWN:
        yield remark("Neither unipipe.yaml nor the name tells which values are better.")


def _code_lines(one: CodeDifference) -> Iterator[Line]:
    runs = harmless(", ".join(run[:SHORT_ID] for run in one.runs))
    if not one.known:
        yield (
            ("≠ ", "$warning"),
            (harmless(one.commit[:9]), "$secondary"),
            (f"  {runs}: not in this repository", MUTED),
        )
        return
    yield (
        ("≠ ", "$warning"),
        (harmless(one.commit[:9]), "$secondary"),
        (f"  {runs}: {one.files} files  +{one.insertions} -{one.deletions}", ""),
    )
    yield from (remark(f"    {path}") for path in one.paths[:MOST_PATHS])


def _repeat_lines(one: Repeats) -> list[Line]:
    runs = harmless(", ".join(run[:SHORT_ID] for run in one.runs))
    spreads: Sequence[tuple[str, str, str]] = [
        (spread.metric, f"{spread.mean:.4g}", f"95 % from {spread.low:.4g} to {spread.high:.4g}, {spread.number} runs")
        for spread in one.metrics
    ]
    return [((f"{runs}", HEADING), (" differ in nothing but their seed", "")), *facts(spreads)]
