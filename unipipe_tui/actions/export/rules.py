"""Rules for Prometheus: what it records of each target, and when it alerts, from the configured objectives.

Every window of a budget is made of one recorded rate over five minutes: its mean over the window is what was charged in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unipipe_tui.actions.export import metric_names as names
from unipipe_tui.actions.export.metric_names import of_target, selected
from unipipe_tui.actions.objectives.budgets import budgets_of, good_words
from unipipe_tui.config import ObjectiveConfig, OperationsConfig
from unipipe_tui.domain.moments import length_of, seconds_of
from unipipe_tui.domain.objectives import Arriving, BurnRule, ObjectiveKind, QualityShare
from unipipe_tui.domain.rollouts.traffic import SHADOW
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.operations.burn_rates import HOUR, RULES, WINDOWS

Rule = dict[str, Any]
Group = dict[str, Any]
RATE = "[5m]"
NOT_COPIES = f'variant!="{SHADOW}"'
"""What a shadow is sent are copies, and nobody's requests."""
OF_VARIANT = "target, model, version, variant"
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
SHORT_SECONDS = 30
SHORT_INTERVAL, LONG_INTERVAL = f"{SHORT_SECONDS}s", "5m"
REMEMBERED = "3d"
LONG_FROM_SECONDS = 24 * HOUR
"""Windows from here on move so slowly that they are computed less often."""
AWAY_FOR, BEHIND_FOR = "5m", "5m"


@frozen
class Counted:
    """The events of an objective a second, and the bad ones, as PromQL; both always have a value."""

    events: str
    bad: str


def groups(targets: Sequence[str], objectives: Mapping[str, ObjectiveConfig], rules: OperationsConfig) -> list[Group]:
    """All groups of rules: of requests, of the configured limits, and of each target's error budgets."""
    found = [_group("unipipe-requests", SHORT_INTERVAL, list(_recordings()))]
    found.append(_group("unipipe-limits", SHORT_INTERVAL, list(_limits(targets, rules))))
    for target in targets:
        known = {name: one for name, one in objectives.items() if one.is_for(target)}
        for budget, members in budgets_of(known).items():
            found += _of_budget(target, budget, {name: known[name] for name in members})
    return found


def counted(objective: ObjectiveConfig, target: str) -> Counted:
    """What an objective counts of a target, as rates."""
    requests = (of_target(target), NOT_COPIES)
    match objective.kind:
        case ObjectiveKind.AVAILABILITY:
            return Counted(_rate(names.REQUESTS, *requests), _rate(names.REQUESTS, *requests, names.FAILED))
        case ObjectiveKind.LATENCY:
            limit = names.nearest_limit((objective.below_ms or 0.0) / 1000)
            everything = _rate(f"{names.SECONDS}_count", *requests)
            quick = _rate(f"{names.SECONDS}_bucket", *requests, f'le="{limit}"')
            return Counted(everything, f"({everything} - {quick})")
        case ObjectiveKind.QUALITY:
            return _decided(objective.metric or QualityShare.ACCURACY, target)
        case ObjectiveKind.FRESHNESS:
            came = names.REQUESTS if objective.of is Arriving.PREDICTIONS else names.FEEDBACK
            what = requests if objective.of is Arriving.PREDICTIONS else (of_target(target),)
            within = length_of(seconds_of(objective.within or "1h"))
            silent = f"(sum(increase({selected(came, *what)}[{within}])) == bool 0)"
            return Counted(A_MINUTE, f"({silent} or {_was_there(selected(came, *what))}) / 60")
        case ObjectiveKind.UPTIME:
            up = selected("up", of_target(target))
            return Counted(A_MINUTE, f"((1 - max(avg_over_time({up}{RATE}))) or {_was_there(up)}) / 60")


A_MINUTE = "vector(1) / 60"
"""Minutes a second."""


def _was_there(series: str) -> str:
    """1 where there is nothing now and was something: a cluster without pods has nothing to scrape. 0 where there never was."""
    return f"max(present_over_time({series}[{REMEMBERED}])) or vector(0)"


def _decided(share: QualityShare, target: str) -> Counted:
    def labelled(decision: str, label: str) -> str:
        return _rate(names.FEEDBACK, of_target(target), f'decision=~"{decision}"', f'label=~"{label}"')

    either = "0|1"
    match share:
        case QualityShare.PRECISION:
            return Counted(labelled("1", either), labelled("1", "0"))
        case QualityShare.RECALL:
            return Counted(labelled(either, "1"), labelled("0", "1"))
        case QualityShare.ACCURACY:
            return Counted(labelled(either, either), f"({labelled('1', '0')} + {labelled('0', '1')})")


def _rate(metric: str, *conditions: str) -> str:
    return f"(sum(rate({selected(metric, *conditions)}{RATE})) or vector(0))"


def _recordings() -> Iterator[Rule]:
    requests = f"sum by ({OF_VARIANT}) (rate({names.REQUESTS}{RATE}))"
    failed = f"sum by ({OF_VARIANT}) (rate({selected(names.REQUESTS, names.FAILED)}{RATE}))"
    yield {"record": "unipipe:requests:rate5m", "expr": requests}
    yield {
        "record": "unipipe:request_errors:ratio_rate5m",
        "expr": f"({failed} or {requests} * 0) / ({requests} > 0)",
    }
    buckets = f"sum by (le, {OF_VARIANT}) (rate({names.SECONDS}_bucket{RATE}))"
    for name, share in QUANTILES.items():
        yield {"record": f"unipipe:request_seconds:{name}_5m", "expr": f"histogram_quantile({share}, {buckets})"}
    decided = f"sum by ({OF_VARIANT}) (rate({names.DECISIONS}{RATE}))"
    said_yes = selected(names.DECISIONS, 'decision="1"')
    yes = f"sum by ({OF_VARIANT}) (rate({said_yes}{RATE}))"
    yield {"record": "unipipe:decisions_yes:ratio_rate5m", "expr": f"({yes} or {decided} * 0) / ({decided} > 0)"}


def _limits(targets: Sequence[str], rules: OperationsConfig) -> Iterator[Rule]:
    any_target = f'{names.TARGET}=~"{"|".join(targets)}"'
    yield _alert(
        "UnipipeTargetAway",
        f"max by (target) ({selected('up', any_target)}) == 0",
        "critical",
        "{{ $labels.target }} cannot be scraped",
        "unipipe release status {{ $labels.target }}",
        AWAY_FOR,
    )
    conditions = (any_target, NOT_COPIES)
    requests = f"sum by (target) (increase({selected(names.REQUESTS, *conditions)}[1h]))"
    failed = f"sum by (target) (increase({selected(names.REQUESTS, *conditions, names.FAILED)}[1h]))"
    enough = f"{requests} >= {rules.minimum_requests}"
    yield _alert(
        "UnipipeErrors",
        f"{failed} / {requests} > {rules.errors_at_most:g} and {enough}",
        "critical",
        "{{ $value | humanizePercentage }} of the requests to {{ $labels.target }} failed in the last hour",
        "unipipe release show {{ $labels.target }}",
    )
    if rules.slow_after_ms is not None:
        limit = names.nearest_limit(rules.slow_after_ms / 1000)
        every = f"sum by (target) (increase({selected(f'{names.SECONDS}_count', *conditions)}[1h]))"
        at_most = f'le="{limit}"'
        quick = f"sum by (target) (increase({selected(f'{names.SECONDS}_bucket', *conditions, at_most)}[1h]))"
        yield _alert(
            "UnipipeSlow",
            f"1 - {quick} / {every} > {rules.slow_at_most:g} and {enough}",
            "warning",
            f"{{{{ $value | humanizePercentage }}}} of the requests to {{{{ $labels.target }}}} took more than {limit:g} s",
            "unipipe release show {{ $labels.target }}",
        )
    yield _alert(
        "UnipipeLogBehind",
        f"max by (target) ({selected(names.ROWS_BEHIND, any_target)}) > {names.MOST_ROWS_WAITING // 2}",
        "warning",
        "{{ $value }} rows of the prediction log of {{ $labels.target }} wait to be written",
        "unipipe release log {{ $labels.target }}",
        BEHIND_FOR,
    )


def _of_budget(target: str, budget: str, members: Mapping[str, ObjectiveConfig]) -> list[Group]:
    first = next(iter(members.values()))
    windows = sorted({*WINDOWS, first.over_seconds})
    labels = {"target": target, "slo": budget}
    parts = [(one, counted(one, target)) for one in members.values()]
    base = [
        _recorded("unipipe:slo_events:rate5m", " + ".join(part.events for _, part in parts), labels),
        _recorded("unipipe:slo_bad:rate5m", " + ".join(part.bad for _, part in parts), labels),
        _recorded("unipipe:slo_spent:rate5m", " + ".join(f"{one.weight:g} * {p.bad}" for one, p in parts), labels),
        _recorded(
            "unipipe:slo_allowed:rate5m",
            " + ".join(f"{one.weight * (1 - one.share):.10g} * {part.events}" for one, part in parts),
            labels,
        ),
    ]
    own = "{" + f'target="{target}",slo="{budget}"' + "}"
    burn = {seconds: _recorded(_burn(seconds), _mean_burn(own, seconds), labels) for seconds in windows}
    short = [rule for seconds, rule in burn.items() if seconds < LONG_FROM_SECONDS]
    long = [rule for seconds, rule in burn.items() if seconds >= LONG_FROM_SECONDS]
    left = _recorded("unipipe:slo_budget:left", f"1 - {_burn(first.over_seconds)}{own}", labels)
    bad = max(one.minimum_bad for one in members.values())
    words = "; ".join(f"{name}: {good_words(one)}, {one.goal} over {one.over}" for name, one in members.items())
    alerts = [_burning(rule, own, labels, bad, words) for rule in RULES]
    name = f"unipipe-slo-{target}-{budget}"
    return [
        _group(name, SHORT_INTERVAL, [*base, *short, *alerts]),
        _group(f"{name}-long", LONG_INTERVAL, [*long, left]),
    ]


def _mean_burn(own: str, seconds: int) -> str:
    spent, allowed = f"unipipe:slo_spent:rate5m{own}", f"unipipe:slo_allowed:rate5m{own}"
    window = length_of(seconds)
    if window == "5m":
        return f"{spent} / {allowed}"
    return f"avg_over_time({spent}[{window}]) / avg_over_time({allowed}[{window}])"


def _burn(seconds: int) -> str:
    return f"unipipe:slo_burn:ratio{length_of(seconds)}"


def _burning(rule: BurnRule, own: str, labels: Mapping[str, str], minimum_bad: int, words: str) -> Rule:
    long, short = length_of(rule.long_seconds), length_of(rule.short_seconds)
    # Not the mean over the window: from the first minutes of a Prometheus it would conclude on hours.
    bad = f"sum_over_time(unipipe:slo_bad:rate5m{own}[{long}]) * {SHORT_SECONDS}"
    # A sum of rates misses by a hair what a count hits.
    enough = f"{bad} > {minimum_bad - 0.5:g}"
    alert = _alert(
        "UnipipeErrorBudgetBurn",
        f"{_burn(rule.long_seconds)}{own} > {rule.factor:g} and {_burn(rule.short_seconds)}{own} > {rule.factor:g} and {enough}",
        rule.severity.value,
        '{{ $labels.slo }} of {{ $labels.target }} burns its error budget {{ $value | printf "%.3g" }} times too fast',
        "unipipe slo show {{ $labels.target }}",
    )
    # Prometheus would know the first two by itself, but two alerts of one name must be told apart by what is written here.
    alert["labels"] |= {**labels, "long_window": long, "short_window": short}
    alert["annotations"]["description"] = words
    return alert


def _recorded(record: str, expr: str, labels: Mapping[str, str]) -> Rule:
    return {"record": record, "expr": expr, "labels": dict(labels)}


def _alert(name: str, expr: str, severity: str, summary: str, command: str, lasting: str | None = None) -> Rule:
    rule: Rule = {"alert": name, "expr": expr}
    if lasting is not None:
        rule["for"] = lasting
    return rule | {"labels": {"severity": severity}, "annotations": {"summary": summary, "command": command}}


def _group(name: str, interval: str, rules: list[Rule]) -> Group:
    return {"name": name, "interval": interval, "rules": rules}
