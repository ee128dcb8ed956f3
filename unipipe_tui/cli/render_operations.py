"""How a target ran as lines of text: figures, curves, a row for each hour or minute, what is unusual, what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from rich.text import Text

from unipipe_tui.actions.operations import OperationsRow, OperationsView, Source, Step, VariantOperations
from unipipe_tui.charts.sparklines import sparkline
from unipipe_tui.cli.grids import PAGE_CELLS, QUIET, Lines, block, clipped, notes, pairs
from unipipe_tui.domain.operations import Percentiles, Rates, Saturation

MOST_ROWS = 48
CURVE_CELLS = PAGE_CELLS - 18


def operations_lines(view: OperationsView) -> Lines:
    """The whole time in figures, then row by row."""
    span = f"{view.since:%Y-%m-%d %H:%M} to {view.until:%Y-%m-%d %H:%M} UTC, by {view.by.value}"
    facts = [
        ("requests", _requests(view.rates)),
        ("failed", _failed(view.rates)),
        ("latency", _latency(view.latency)),
        ("load", _load(view.saturation)),
        ("predictions", f"{_predictions(view):,}"),
        ("cost", _cost(view)),
    ]
    base = [Text(f"  {view.cost.base}", style=QUIET)] if view.cost else []
    shown = view.rows[-MOST_ROWS:]
    title = f"the latest {len(shown)} of {len(view.rows)} rows" if len(shown) < len(view.rows) else "rows"
    header = ("", view.by.value, "requests", "/s", "failed", "p50", "p95", "p99 ms", "in hand", "busy")
    variants = [_variant(one) for one in view.variants]
    unusual = [(f"{one.at:%m-%d %H:%M}", clipped(one.sentence, 200)) for one in view.unusual]
    return [
        Text(f"{view.target}: {span}", style="bold"),
        *pairs(facts),
        *base,
        *_curves(view.rows),
        *block(title, [header, *_rows(shown, view.by)] if shown else [], header=True),
        *block("variants", [("", "variant", "requests", "failed", "p50", "p95", "p99 ms"), *variants], header=True),
        *block("unusual", unusual),
        *notes(view.notices),
        Text(),
        Text(clipped(f"percentiles: {view.percentile_method}", 400), style=QUIET),
        *([Text(clipped(f"unusual: {view.unusual_method}", 400), style=QUIET)] if view.expected else []),
    ]


def _requests(rates: Rates) -> str:
    if rates.per_second is None:
        return ""
    refused = f", {rates.refused:,} refused (4xx)" if rates.refused else ""
    return f"{rates.requests:,}, {_figure(rates.per_second)} a second while up{refused}"


def _failed(rates: Rates) -> str:
    if rates.error_share is None or rates.error_share_low is None or rates.error_share_high is None:
        return ""
    interval = f"95 % Wilson interval {100 * rates.error_share_low:.2f} % to {100 * rates.error_share_high:.2f} %"
    return f"{rates.errors:,} (5xx), {100 * rates.error_share:.2f} %, {interval}"


def _latency(told: Percentiles) -> str:
    if told.p50 is None:
        return ""
    return f"p50 {_figure(told.p50)} ms, p95 {_figure(told.p95)} ms, p99 {_figure(told.p99)} ms, of {told.requests:,}"


def _load(told: Saturation) -> str:
    said = []
    if told.in_flight_limit:
        said.append(f"at most {told.in_flight:,} of {told.in_flight_limit:,} requests in hand")
    if told.rows_limit:
        said.append(f"{told.rows_behind:,} of {told.rows_limit:,} log rows behind")
    if told.busy is not None:
        said.append(f"{100 * told.busy:.0f} % of a core busy")
    return ", ".join(said)


def _predictions(view: OperationsView) -> int:
    return sum(row.predictions for row in view.rows)


def _cost(view: OperationsView) -> str:
    if view.cost is None:
        return ""
    if view.cost.per_1000 is None:
        return f"{_figure(view.cost.total)} {view.cost.currency} for no prediction"
    return f"{_figure(view.cost.per_1000)} {view.cost.currency} for 1,000 predictions"


def _curves(rows: Sequence[OperationsRow]) -> Lines:
    latest = rows[-CURVE_CELLS:]
    if len(latest) < 2:
        return []
    curves = [
        _curve("requests", [None if row.requests is None else float(row.requests) for row in latest]),
        _curve("failed", [row.error_share for row in latest]),
        _curve("p95 ms", [row.p95_ms for row in latest]),
    ]
    return [Text(), *(line for line in curves if line is not None)]


def _curve(name: str, values: Sequence[float | None]) -> Text | None:
    known = [value for value in values if value is not None]
    if not any(known):
        return None
    most = max(known)
    told = f"{100 * most:.2f} %" if name == "failed" else f"{most:,.4g}"
    return Text(f"{name:<9}{sparkline(values, most)} {told}")


def _rows(rows: Sequence[OperationsRow], by: Step) -> Iterator[tuple[str, ...]]:
    """A line each; a time in which no server was up is one."""
    for up, group in groupby(rows, key=lambda row: row.source is not Source.NOTHING):
        if up:
            yield from (_row(row, by) for row in group)
        else:
            first, *more = group
            last = f"to {_moment(more[-1].at, by)}" if more else ""
            yield ("·", _moment(first.at, by), "none up", last, *[""] * 6)


def _row(row: OperationsRow, by: Step) -> tuple[str, ...]:
    at = _moment(row.at, by)
    return (
        "!" if row.unusual else "~" if row.source is Source.LOG else " ",
        at,
        f"{row.requests:,}" if row.requests is not None else f"{row.predictions:,} logged",
        _figure(row.per_second),
        "-" if row.errors is None else f"{row.errors:,}",
        _figure(row.p50_ms),
        _figure(row.p95_ms),
        _figure(row.p99_ms),
        "-" if row.in_flight is None else f"{row.in_flight:,}",
        "-" if row.busy is None else f"{100 * row.busy:.0f} %",
    )


def _moment(at: datetime, by: Step) -> str:
    return f"{at:%m-%d %H:%M}" if by is Step.HOUR else f"{at:%H:%M}"


def _variant(one: VariantOperations) -> tuple[str, ...]:
    version = "got to none" if one.version is None else f"{one.variant} {one.version}"
    return (
        "~" if one.mirrored else " ",
        f"{version} (shadow)" if one.mirrored else version,
        f"{one.rates.requests:,}",
        f"{one.rates.errors:,}",
        _figure(one.latency.p50),
        _figure(one.latency.p95),
        _figure(one.latency.p99),
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
