"""How a target ran, as a picture: latency over time, how much was asked and failed, error budgets, what is unusual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from unipipe_tui.actions.objectives.budgets import BudgetView
from unipipe_tui.actions.operations import OperationsRow, OperationsView
from unipipe_tui.actions.traffic import TrafficView
from unipipe_tui.charts.sparklines import sparkline
from unipipe_tui.domain.charts import Axis, LineChart
from unipipe_tui.domain.findings import FindingState
from unipipe_tui.tui.lines import MUTED, Line, remark
from unipipe_tui.tui.sheets.charts import LEAST_DRAWN, chart_lines, curve, moments, wrapped
from unipipe_tui.tui.text import clip, day_and_clock, harmless
from unipipe_tui.tui.theme import CALM, DRIFTED, Sign

NAME_CELLS = 9
BETWEEN = " · "
BAR_CELLS = 8
FEWEST_ROWS = 4
"""With fewer hours, the stretches of the log say more of how latency went on."""
MOST_UNUSUAL = 2
BUDGET_SIGNS: Mapping[FindingState, Sign] = MappingProxyType(
    {FindingState.PROBLEM: DRIFTED, FindingState.FINE: CALM, FindingState.UNKNOWN: Sign("?", MUTED)}
)


def operations_picture(
    view: OperationsView, traffic: TrafficView | None, budgets: Sequence[BudgetView], width: int, height: int
) -> list[Line]:
    """The figures in a line, latency over time, and as much of the rest as there is room for, the weightiest first."""
    head = _packed(tuple(_head(view)), width)
    words = [*_budgets(budgets, width), *_unusual(view, width), *_curves(view.rows, width), *_notices(view, width)]
    chart = _latency(view, traffic)
    if chart is None:
        nothing = [] if view.rates.requests or budgets else [remark("No request was written down yet.")]
        return [*head, *nothing, *words][:height]
    kept = words[: max(height - LEAST_DRAWN - len(head), 0)]
    # The chart's own title would only say what stands above it.
    return [*head, *chart_lines(chart, width, height - len(head) - len(kept) + 1)[1:], *kept][:height]


def _packed(pieces: Sequence[tuple[str, str]], width: int) -> list[Line]:
    """The pieces in as few lines as they need, with a dot between them."""
    lines: list[list[tuple[str, str]]] = []
    taken = width
    for text, style in pieces:
        if taken + len(BETWEEN) + len(text) > width:
            lines.append([(text, style)])
            taken = len(text)
        else:
            lines[-1] += [(BETWEEN, MUTED), (text, style)]
            taken += len(BETWEEN) + len(text)
    return [*map(tuple, lines)]


def _head(view: OperationsView) -> Iterator[tuple[str, str]]:
    told = view.latency
    yield (f"p50 {_figure(told.p50)}, p95 {_figure(told.p95)}, p99 {_figure(told.p99)} ms", "bold")
    rates = view.rates
    if rates.per_second is not None:
        yield (f"{_figure(rates.per_second)} requests a second", "")
    if rates.error_share is not None:
        sign = DRIFTED if rates.errors else CALM
        yield (f"{sign.glyph} {100 * rates.error_share:.2f} % failed", sign.style)
    if view.saturation.busy is not None:
        yield (f"{100 * view.saturation.busy:.0f} % of a core", "")
    if view.cost is not None and view.cost.per_1000 is not None:
        yield (f"{_figure(view.cost.per_1000)} {harmless(view.cost.currency)} for 1,000", MUTED)


def _latency(view: OperationsView, traffic: TrafficView | None) -> LineChart | None:
    known = [row for row in view.rows if row.p95_ms is not None]
    if len(known) >= FEWEST_ROWS:
        times = moments([row.at for row in known])
        curves = (curve("p95", [row.p95_ms for row in known]), curve("p50", [row.p50_ms for row in known]))
        return LineChart("Latency", times, Axis("", "ms"), curves)
    stretches = [one for one in (traffic.stretches if traffic else ()) if one.last is not None]
    if not stretches:
        return None
    times = moments([one.last for one in stretches if one.last is not None])
    curves = (curve("p95", [one.p95_ms for one in stretches]), curve("p50", [one.p50_ms for one in stretches]))
    return LineChart("Latency", times, Axis("", "ms"), curves)


def _budgets(budgets: Sequence[BudgetView], width: int) -> Iterator[Line]:
    """Those that burn before the others."""
    for one in sorted(budgets, key=lambda budget: budget.state is not FindingState.PROBLEM):
        sign = BUDGET_SIGNS[one.state]
        left = "" if one.left is None else f"{100 * one.left:.1f} % left · "
        full = round(min(1.0, max(0.0, one.left or 0.0)) * BAR_CELLS)
        name = f"{sign.glyph} {harmless(one.name)} "
        bar = f"{'█' * full}{'░' * (BAR_CELLS - full)} "
        said = clip(
            f"{left}{harmless(one.sentence.removeprefix(f'{one.name}: '))}", max(width - len(name) - len(bar), 8)
        )
        yield ((name, sign.style), (bar, "$primary"), (said, ""))


def _unusual(view: OperationsView, width: int) -> Iterator[Line]:
    for one in view.unusual[-MOST_UNUSUAL:]:
        told = clip(f"{day_and_clock(one.at)} {harmless(one.sentence)}", width - 2)
        yield ((f"{DRIFTED.glyph} ", DRIFTED.style), (told, ""))


def _curves(rows: Sequence[OperationsRow], width: int) -> Iterator[Line]:
    """How much was asked and how much of it failed, in a line each."""
    requests = [None if row.requests is None else float(row.requests) for row in rows]
    failed = [row.error_share for row in rows]
    most, worst = max(_known(requests), default=0.0), max(_known(failed), default=0.0)
    if len(rows) >= FEWEST_ROWS and most:
        yield _small("requests", requests, most, f"at most {most:,.0f}", width)
    if len(rows) >= FEWEST_ROWS and worst:
        yield _small("failed", failed, worst, f"at most {100 * worst:.2f} %", width)


def _small(name: str, values: Sequence[float | None], most: float, told: str, width: int) -> Line:
    room = max(width - NAME_CELLS - len(told) - 2, 8)
    return ((name.ljust(NAME_CELLS), MUTED), (sparkline(values[-room:], most), "$primary"), (f"  {told}", MUTED))


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _notices(view: OperationsView, width: int) -> Iterator[Line]:
    return (remark(line) for notice in view.notices for line in wrapped(notice, width, 2))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
