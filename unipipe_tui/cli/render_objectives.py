"""Objectives as lines of text: what was good, what is left of error budgets, and how fast they burn."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.text import Text

from unipipe_tui.actions.objectives.budgets import BudgetView, Objectives, ObjectiveView
from unipipe_tui.cli.grids import PAGE_CELLS, QUIET, Lines, block, clipped, notes, shown
from unipipe_tui.domain.findings import FindingState

STATES = {FindingState.PROBLEM: "!", FindingState.FINE: "✓", FindingState.UNKNOWN: "?"}
LONGEST_NAME = 20
BAR_CELLS = 10


def objective_lines(found: Objectives) -> Lines:
    """For each target its objectives and its error budgets, then what was found, in sentences."""
    lines: Lines = []
    for target in dict.fromkeys(one.target for one in found.objectives):
        objectives = [one for one in found.objectives if one.target == target]
        budgets = [one for one in found.budgets if one.target == target]
        lines += [Text()] * bool(lines) + [Text(f"{target}, {shown(found.at)} UTC", style="bold")]
        lines += block("objectives", [OBJECTIVE_HEADER, *map(_objective, objectives)], header=True)
        windows = tuple(one.window for one in budgets[0].burn) if budgets else ()
        header = ("", "budget", "left", "", *windows)
        lines += block("error budgets: burn rate by window", [header, *map(_budget, budgets)], header=True)
        lines += [Text()] + [line for budget in budgets for line in _said(budget)]
    said = (line for notice in found.notices for line in _note(notice))
    return [*lines, *said, Text(), *(Text(line, style=QUIET) for line in _wrapped(found.method))]


OBJECTIVE_HEADER = ("", "objective", "goal", "was", "bad of events", "in", "good are")


def _objective(one: ObjectiveView) -> tuple[str, ...]:
    glyph = "·" if one.met is None else "✓" if one.met else "!"
    was = "-" if one.compliance is None else _percent(one.compliance)
    bad = f"{_count(one.bad)} of {_count(one.events)}"
    return (glyph, clipped(one.name, LONGEST_NAME), _percent(one.goal), was, bad, one.over, one.good)


def _budget(one: BudgetView) -> tuple[str, ...]:
    left = "-" if one.left is None else f"{100 * one.left:.1f} %" if one.left > -1 else f"{100 * one.left:,.0f} %"
    rates = (shown(window.burn_rate if window.burn_rate is None else _rounded(window.burn_rate)) for window in one.burn)
    return (STATES[one.state], clipped(one.name, LONGEST_NAME), left, _bar(one.left), *rates)


def _said(one: BudgetView) -> Sequence[Text]:
    style = "magenta" if one.state is FindingState.PROBLEM else ""
    shared = "" if one.objectives == (one.name,) else f" (shared by {', '.join(one.objectives)})"
    first, *others = _wrapped(f"{STATES[one.state]} {one.sentence}{shared}")
    rules = [
        f"  {alert.severity.value}: over {alert.factor:g} in {alert.long} and {alert.short}"
        for alert in one.alerts
        if alert.burns
    ]
    return [Text(line, style=style) for line in (first, *(f"  {line}" for line in others), *rules)]


def _note(notice: str) -> Lines:
    first, *others = _wrapped(notice)
    (line,) = notes((first,))
    return [line, *(Text(f"      {other}", style=line.style) for other in others)]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(clipped(text, 1000), PAGE_CELLS - 6)


def _percent(share: float) -> str:
    """As many digits as it takes to tell it from all."""
    text = f"{100 * share:.3f}".rstrip("0").rstrip(".")
    return f"{text} %"


def _count(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) or number >= 100 else f"{number:,.1f}"


def _rounded(rate: float) -> float:
    return float(f"{rate:.3g}")


def _bar(left: float | None) -> str:
    if left is None:
        return ""
    full = round(min(1.0, max(0.0, left)) * BAR_CELLS)
    return "█" * full + "░" * (BAR_CELLS - full)
