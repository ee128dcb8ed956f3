"""What a dashboard shows of a target: queries of Prometheus, panel by panel."""

from __future__ import annotations

from unipipe_tui.actions.export import metric_names as names
from unipipe_tui.actions.export.metric_names import selected
from unipipe_tui.domain.rollouts.traffic import SHADOW
from unipipe_tui.domain.values import frozen

CHOSEN = ('target=~"$target"', 'model=~"$model"', 'variant=~"$variant"')
"""What is chosen at the head of the dashboard."""
OF_TARGET = CHOSEN[:1]
RATE = "[$__rate_interval]"
BY = "target, version, variant"
LEGEND = "{{target}} v{{version}} {{variant}}"
WEEK = "1w"


@frozen
class Query:
    """One query of a panel, and what its series are called."""

    expr: str
    legend: str = LEGEND
    format: str = "time_series"


@frozen
class Panel:
    """One picture."""

    title: str
    queries: tuple[Query, ...]
    what: str
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    stacked: bool = False
    limits: tuple[tuple[float, str], ...] = ()
    """From which value on which colour; the first from 0."""
    most: float | None = None


@frozen
class Row:
    """Panels under one title."""

    title: str
    panels: tuple[Panel, ...]


def rows() -> tuple[Row, ...]:
    """What servers tell of themselves."""
    return _traffic(), _latency(), _load(), _predictions(), _labels()


def _traffic() -> Row:
    requests = _rate(names.REQUESTS)
    failed, refused = _rate(names.REQUESTS, names.FAILED), _rate(names.REQUESTS, 'status=~"4.."')
    by_status = f"sum by (status) (rate({selected(names.REQUESTS, *OF_TARGET)}{RATE}))"
    return Row(
        "Traffic and errors",
        (
            Panel("Requests", (Query(requests),), "Requests a second, by version and variant.", "reqps", stacked=True),
            Panel(
                "Answers by status",
                (Query(by_status, "{{status}}"),),
                "Also requests that never got to a variant.",
                "reqps",
                stacked=True,
            ),
            Panel(
                "Failed and refused",
                (
                    Query(_share(failed, requests), f"{LEGEND} failed"),
                    Query(_share(refused, requests), f"{LEGEND} refused"),
                ),
                "Share of requests answered with 5xx (the server's fault) and 4xx (the caller's).",
                "percentunit",
                limits=((0, "green"), (0.01, "red")),
            ),
        ),
    )


def _latency() -> Row:
    return Row(
        "Latency",
        (
            Panel(
                "Percentiles",
                tuple(
                    Query(_quantile(share, names.SECONDS), f"{LEGEND} {name}")
                    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
                ),
                "Time until the answer was ready, interpolated in the server's histogram.",
                "s",
                width=12,
            ),
            Panel(
                "Distribution",
                (Query(_rate(f"{names.SECONDS}_bucket", by="le"), "{{le}}", "heatmap"),),
                "Requests a second by time.",
                "s",
                kind="heatmap",
                width=12,
            ),
        ),
    )


def _load() -> Row:
    return Row(
        "Load",
        (
            Panel(
                "In flight",
                (Query(f"sum by (target) ({selected(names.IN_FLIGHT, *OF_TARGET)})", "{{target}}"),),
                "Requests that are being answered.",
            ),
            Panel(
                "Log rows behind",
                (Query(f"max by (target) ({selected(names.ROWS_BEHIND, *OF_TARGET)})", "{{target}}"),),
                f"Rows that are not written yet; at {names.MOST_ROWS_WAITING:,} requests are turned away.",
                limits=((0, "green"), (names.MOST_ROWS_WAITING / 2, "red")),
            ),
            Panel(
                "Copies dropped",
                (Query(_rate(names.SHADOW_DROPPED)),),
                f"Copies that the variant {SHADOW} had no time for.",
                "ops",
            ),
        ),
    )


def _predictions() -> Row:
    yes = _share(_rate(names.DECISIONS, 'decision="1"'), _rate(names.DECISIONS))
    return Row(
        "Predictions",
        (
            Panel(
                "Scores",
                (Query(_rate(f"{names.SCORES}_bucket", by="le"), "{{le}}", "heatmap"),),
                "Predictions a second by score.",
                kind="heatmap",
            ),
            Panel("Decided yes", (Query(yes),), "Share of decisions that are yes.", "percentunit", most=1),
            Panel(
                "Drift of the scores",
                (Query(_drift()),),
                "Largest distance of the distributions of an hour's scores now and a week before "
                "(Kolmogorov-Smirnov, at the histogram's limits). Drift of inputs: unipipe drift check.",
                "percentunit",
                most=1,
            ),
        ),
    )


def _labels() -> Row:
    labelled = _rate(names.FEEDBACK)
    wrong = _rate(names.FEEDBACK, 'decision="1"', 'label="0"')
    missed = _rate(names.FEEDBACK, 'decision="0"', 'label="1"')
    said_yes = _rate(names.FEEDBACK, 'decision="1"', 'label=~"0|1"')
    was_yes = _rate(names.FEEDBACK, 'decision=~"0|1"', 'label="1"')
    return Row(
        "Labels",
        (
            Panel("Labels", (Query(labelled),), "Labels a second, by the version that decided.", "ops"),
            Panel(
                "Wrong by kind",
                (
                    Query(_share(wrong, said_yes), f"{LEGEND} wrong among yes"),
                    Query(_share(missed, was_yes), f"{LEGEND} missed among yes"),
                ),
                "1 - precision and 1 - recall of the decisions whose labels came now.",
                "percentunit",
                most=1,
            ),
            Panel(
                "Labels for decisions",
                (Query(_share(labelled, _rate(names.DECISIONS))),),
                "Labels that came, for each decision given in the same time.",
                "percentunit",
            ),
        ),
    )


def budget_row() -> Row:
    """What the rules for Prometheus record of error budgets."""
    left = selected("unipipe:slo_budget:left", *OF_TARGET)
    windows = ("5m", "1h", "6h", "3d")
    return Row(
        "Error budgets",
        (
            Panel(
                "Left",
                (Query(left, "{{target}} {{slo}}"),),
                "Share of the error budget that is left; below 0, more was spent.",
                "percentunit",
                kind="stat",
                limits=((0, "red"), (0.1, "orange"), (0.5, "green")),
            ),
            Panel(
                "Burn rates",
                tuple(
                    Query(
                        selected(f"unipipe:slo_burn:ratio{window}", *OF_TARGET), f"{{{{target}}}} {{{{slo}}}} {window}"
                    )
                    for window in windows
                ),
                "At 1 the budget lasts exactly for its time. Alerts: 14.4 in 1h and 5m, 6 in 6h and 30m, 1 in 3d and 6h.",
                "none",
                width=16,
                limits=((0, "green"), (1, "orange"), (14.4, "red")),
            ),
        ),
    )


def _drift() -> str:
    """The largest difference, over the histogram's limits, of the shares of scores up to each limit."""

    def shares(offset: str) -> str:
        below = f"sum by (le, {BY}) (increase({selected(f'{names.SCORES}_bucket', *CHOSEN)}[1h]{offset}))"
        all_of_them = f"sum by ({BY}) (increase({selected(f'{names.SCORES}_count', *CHOSEN)}[1h]{offset}))"
        return f"{below} / on ({BY}) group_left () ({all_of_them} > 0)"

    # Another version may have answered a week before: all of that time are compared with each version of now.
    before = (
        f"sum by (le, target) (increase({selected(f'{names.SCORES}_bucket', *OF_TARGET)}[1h] offset {WEEK})) "
        f"/ on (target) group_left () (sum by (target) "
        f"(increase({selected(f'{names.SCORES}_count', *OF_TARGET)}[1h] offset {WEEK})) > 0)"
    )
    return f"max by ({BY}) (abs({shares('')} - on (le, target) group_left () ({before})))"


def _rate(metric: str, *conditions: str, by: str = BY) -> str:
    return f"sum by ({by}) (rate({selected(metric, *CHOSEN, *conditions)}{RATE}))"


def _share(part: str, whole: str) -> str:
    return f"({part} or {whole} * 0) / ({whole} > 0)"


def _quantile(share: float, metric: str) -> str:
    return f"histogram_quantile({share}, {_rate(f'{metric}_bucket', by=f'le, {BY}')})"
