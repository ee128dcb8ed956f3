"""Model cards and one version against another, as lines of text."""

from __future__ import annotations

from itertools import groupby

from rich.text import Text

from unipipe_tui.actions.models.cards import Card
from unipipe_tui.actions.models.comparison import FeatureChange, GateChange, VersionComparison, VersionSide
from unipipe_tui.cli.grids import Lines, block, grid, indented, notes, shown, signed
from unipipe_tui.cli.output import plain
from unipipe_tui.cli.render_comparison import CODE_TITLE, TITLES, code_lines, compared_lines


def card_lines(card: Card) -> Lines:
    """The card is Markdown already."""
    return [Text(plain(line)) for line in card.markdown.splitlines()]


def version_comparison_lines(comparison: VersionComparison) -> Lines:
    """Which two versions, then what differs, from the verdicts to what they are made of."""
    labels = [f"version {side.version}" for side in (comparison.first, comparison.second)]
    lines = [
        Text(comparison.model, style="bold"),
        *grid([_side(comparison.first), _side(comparison.second)], header=False),
    ]
    lines += block("gates", [["", *labels, ""], *map(_gate, comparison.gates)], header=True)
    differing = [row for row in comparison.rows if not row.same]
    for kind, rows in groupby(differing, key=lambda row: row.kind):
        lines += [Text(), Text(TITLES[kind], style="bold"), *indented(compared_lines(list(rows), labels))]
    if comparison.rows and not differing:
        lines += [Text(), Text("nothing that was logged differs")]
    if comparison.code:
        lines += [Text(), Text(CODE_TITLE, style="bold"), *indented(code_lines((comparison.code,)))]
    lines += block("inputs", [["", *labels], *map(_feature, comparison.features)], header=True)
    if comparison.features_in_both and not comparison.features:
        lines += [Text(), Text.assemble(("inputs", "bold"), f": the same {comparison.features_in_both} columns")]
    return lines + notes(comparison.problems)


def _side(side: VersionSide) -> list[str]:
    created = f"{side.created:%Y-%m-%d %H:%M}" if side.created else "-"
    return [f"version {side.version}", ", ".join(side.aliases), created, f"run {(side.run_id or '-')[:8]}"]


def _gate(gate: GateChange) -> list[str]:
    name = f"{gate.gate} {gate.slice}".strip()
    delta = "" if gate.delta is None else f"({signed(gate.delta)})"
    return [name, _verdict(gate.first, gate.first_passed), _verdict(gate.second, gate.second_passed), delta]


def _verdict(value: float | None, passed: bool | None) -> str:
    return "-" if passed is None else f"{shown(value)} {'passed' if passed else 'closed'}"


def _feature(change: FeatureChange) -> list[str]:
    return [change.name, change.first or "-", change.second or "-"]
