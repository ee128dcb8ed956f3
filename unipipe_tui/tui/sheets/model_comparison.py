"""One version against another, as lines: what differs first, each with how far, then what is the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from unipipe_tui.actions.models.comparison import FeatureChange, GateChange, VersionComparison
from unipipe_tui.actions.runs.compared_rows import ComparedRow, Kind, Verdict
from unipipe_tui.actions.runs.comparison import CodeDifference
from unipipe_tui.tui.lines import MUTED, Line, remark, section
from unipipe_tui.tui.sheets.models import GATE_SIGNS, NOT_CHECKED
from unipipe_tui.tui.text import fit, harmless
from unipipe_tui.tui.theme import Sign

VALUE_CELLS, DELTA_CELLS, VERDICT_CELLS = 11, 9, 8
FEWEST_NAME_CELLS, MOST_NAME_CELLS = 14, 40
HEAD = "bold $accent"
TITLES = {
    Kind.ATTRIBUTE: "Attributes",
    Kind.PARAM: "Params",
    Kind.METRIC: "Metrics",
    Kind.DATA: "Data",
    Kind.TAG: "Tags",
}
VERDICTS = {
    Verdict.BETTER: Sign("▲ better", "$success"),
    Verdict.WORSE: Sign("▼ worse", "$error"),
    Verdict.EQUAL: Sign("= equal", "$muted"),
}


def comparison_lines(found: VersionComparison, width: int) -> list[Line]:
    """Gates, params, metrics, data, code, inputs in so many cells; at the end what is the same and what is not known."""
    return _Columns(width).lines(found)


class _Columns:
    """Names as wide as the room allows, then both values, how far they are apart, and whether that is better."""

    def __init__(self, width: int) -> None:
        left = width - 2 * (VALUE_CELLS + 2) - (DELTA_CELLS + 2) - 2
        self._worded = left - VERDICT_CELLS >= FEWEST_NAME_CELLS * 2
        """Whether there is room for more than the glyph of a verdict."""
        self._name_cells = max(FEWEST_NAME_CELLS, min(MOST_NAME_CELLS, left - (VERDICT_CELLS if self._worded else 2)))

    def lines(self, found: VersionComparison) -> list[Line]:
        """All of it."""
        differing = [row for row in found.rows if not row.same]
        lines: list[Line] = [self._head(found), ()]
        lines += section("Gates", map(self._gate, found.gates))
        for kind, rows in groupby(differing, key=lambda row: row.kind):
            lines += section(TITLES[kind], map(self._row, _whole_first(list(rows))))
        lines += section("Code between their commits", _code_lines(found.code) if found.code else ())
        lines += section("Inputs", self._inputs(found))
        lines += section("The same in both", self._same(found))
        return lines + section("To know", map(remark, found.problems))

    def _name(self, text: str) -> tuple[str, str]:
        return f"{fit(harmless(text), self._name_cells)}  ", MUTED

    def _head(self, found: VersionComparison) -> Line:
        return self._name(""), *(_value(f"version {one.version}", HEAD) for one in (found.first, found.second))

    def _gate(self, gate: GateChange) -> Line:
        first, second = _gate_value(gate.first, gate.first_passed), _gate_value(gate.second, gate.second_passed)
        return self._name(f"{gate.gate} {gate.slice}".strip()), first, second, (_signed(gate.delta), "")

    def _row(self, row: ComparedRow) -> Line:
        pieces = [self._name(row.name), *(_value(_shown(value)) for value in row.values)]
        if row.deltas:
            pieces.append((fit(_signed(row.deltas[1]), DELTA_CELLS) + "  ", ""))
        verdict = row.verdicts[1] if row.verdicts else None
        if verdict:
            sign = VERDICTS[verdict]
            pieces.append((sign.glyph if self._worded else sign.glyph[0], sign.style))
        return pieces

    def _inputs(self, found: VersionComparison) -> Iterator[Line]:
        for change in found.features:
            yield self._feature(change)
        if found.features_in_both and found.features:
            yield remark(f"{found.features_in_both} columns are the same")

    def _feature(self, change: FeatureChange) -> Line:
        new, gone = change.first is None, change.second is None
        sign = Sign("+", "$success") if new else Sign("-", "$error") if gone else Sign("~", "$warning")
        types = f"{change.first} → {change.second}" if not new and not gone else change.second or change.first or ""
        return (f"{sign.glyph} {fit(harmless(change.name), self._name_cells - 2)}  ", sign.style), (harmless(types), "")

    def _same(self, found: VersionComparison) -> Iterator[Line]:
        if found.features_in_both and not found.features:
            yield self._name("inputs"), (f"{found.features_in_both} columns", "")
        for row in found.rows:
            if row.same:
                yield self._name(f"{row.kind.value} {row.name}"), (_shown(row.values[0]), "")


def _whole_first(rows: Sequence[ComparedRow]) -> list[ComparedRow]:
    """`f1.dach` after all that is no slice of another: the whole tells most."""
    names = {row.name for row in rows}
    return sorted(rows, key=lambda row: row.kind is Kind.METRIC and row.name.rpartition(".")[0] in names)


def _value(text: str, style: str = "") -> tuple[str, str]:
    return fit(text, VALUE_CELLS) + "  ", style


def _gate_value(value: float | None, passed: bool | None) -> tuple[str, str]:
    sign = NOT_CHECKED if passed is None else GATE_SIGNS["passed" if passed else "closed"]
    return _value(f"{sign.glyph} {'–' if value is None else f'{value:.4g}'}", sign.style)


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else harmless(value)


def _signed(delta: float | None) -> str:
    return "" if not delta else f"{delta:+.3g}"


def _code_lines(code: CodeDifference) -> Iterator[Line]:
    if not code.known:
        yield remark("This clone does not have both commits: git fetch may bring them.")
        return
    yield (
        (f"{code.files} files  ", "bold"),
        (f"+{code.insertions} ", "$success"),
        (f"-{code.deletions} lines", "$error"),
    )
    for path in code.paths:
        yield ((harmless(path), "$secondary"),)
    hidden = (code.files or 0) - len(code.paths)
    if hidden > 0:
        yield remark(f"and {hidden} more")
