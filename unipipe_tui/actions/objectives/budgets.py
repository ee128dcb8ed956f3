"""Objectives of targets: whether they are met, what is left of their error budgets, how fast those burn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.asking import what_is_unwritten
from unipipe_tui.actions.objectives.events import Heard, hear, tallies
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.config import ObjectiveConfig, TargetKind
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.findings import AlertKind, Finding, FindingState, Severity
from unipipe_tui.domain.moments import length_of
from unipipe_tui.domain.objectives import BudgetState, BurnSeen, Charge, ObjectiveKind, Spent
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.operations.budgets import judged
from unipipe_tui.monitoring.operations.burn_rates import WINDOWS, Ledger, Threshold, charged
from unipipe_tui.monitoring.words import percent

METHOD = (
    "burn rate = share of bad events / (1 - goal); an alert when the long and the short window both exceed the factor "
    "(Site Reliability Workbook, chapter 5)"
)
EXAMPLE = "slos: {availability: {kind: availability, goal: 99.9 %}}"


@frozen
class ShowObjectives:
    """Which target."""

    target: Annotated[str | None, OBJECT, "Target; all of them when left out.", Names.TARGET] = None


@frozen
class ObjectiveView:
    """One objective of a target, over its whole time."""

    target: str
    name: str
    kind: ObjectiveKind
    good: str
    """When an event is good."""
    goal: float
    over: str
    budget: str
    """The error budget that pays for its bad events; its own has its name."""
    events: float
    bad: float
    """May be a fraction: of the requests in the bucket that holds a limit of time, a part counts."""
    compliance: float | None
    """The share that was good; None without events."""
    met: bool | None


@frozen
class BurnWindow:
    """How fast a budget burned lately."""

    window: str
    seconds: int
    events: float
    bad: float
    burn_rate: float | None
    """1: the budget lasts exactly for its time; None: no events."""


@frozen
class BurnAlert:
    """A rule that looks at two windows."""

    long: str
    short: str
    factor: float
    severity: Severity
    share_of_budget: float
    """The share of the budget that is gone when it speaks first."""
    burns: bool
    too_few: bool
    """It would burn, but by fewer bad events than `minimum_bad`."""


@frozen
class BudgetView:
    """An error budget of a target."""

    target: str
    name: str
    objectives: tuple[str, ...]
    over: str
    events: float
    bad: float
    spent: float
    allowed: float
    left: float | None
    """The share that is left; below 0: more was spent; None without events."""
    burn: tuple[BurnWindow, ...]
    """The shortest window first."""
    alerts: tuple[BurnAlert, ...]
    state: FindingState
    gone: datetime | None
    """When nothing will be left, at the rate of the last six hours; None: not at this rate."""
    known_from: datetime | None
    """The oldest events that were counted."""
    sentence: str


@frozen
class Objectives:
    """The objectives of targets as they are now."""

    at: datetime
    objectives: tuple[ObjectiveView, ...]
    budgets: tuple[BudgetView, ...]
    method: str
    notices: tuple[str, ...]


def show_objectives(request: ShowObjectives, world: World) -> Objectives:
    """Show whether objectives are met, what is left of their error budgets, how fast those burn and when they will be gone.

    Requests, errors and times are those that servers wrote down minute by minute; decisions count when their labels come. Of a
    target that is not on this machine, what was brought last is known: unipipe traffic collect.
    """
    if not world.config.slos:
        raise UsageError("No objective is configured.", hint=f"In unipipe.yaml:  {EXAMPLE}")
    names = (world.target(request.target),) if request.target is not None else tuple(world.targets)
    seen = [accounts_of(world, name, brought=world.targets[name].kind is TargetKind.LOCAL) for name in names]
    return Objectives(
        at=world.now(),
        objectives=tuple(view for one in seen for view in one.objectives),
        budgets=tuple(view for one in seen for view in one.budgets),
        method=METHOD,
        notices=tuple(notice for one in seen for notice in one.notices),
    )


@frozen
class Accounts:
    """All objectives and budgets of one target."""

    objectives: tuple[ObjectiveView, ...]
    budgets: tuple[BudgetView, ...]
    states: tuple[BudgetState, ...]
    """Of the budgets, in their order."""
    notices: tuple[str, ...]


def accounts_of(world: World, target: str, brought: bool) -> Accounts:
    """Count and judge what is configured for a target; `brought`: all that its servers wrote until now is here."""
    known = {name: one for name, one in world.config.slos.items() if one.is_for(target)}
    if not known:
        return Accounts((), (), (), (f"No objective is for {target}.",))
    heard = hear(world, target, known.values(), brought)
    counted = {name: tallies(one, heard) for name, one in known.items()}
    charges = {name: charged(counted[name], one.share, one.weight) for name, one in known.items()}
    now = world.now()
    objectives = tuple(_objective(target, name, one, Ledger(charges[name]), now) for name, one in known.items())
    budgets, states = [], []
    for name, members in budgets_of(known).items():
        ledger = Ledger(charge for member in members for charge in charges[member])
        state = judged(ledger, _first(members, known).over_seconds, now, _threshold(members, known))
        budgets.append(_budget(target, name, {member: known[member] for member in members}, ledger, state, now))
        states.append(state)
    return Accounts(objectives, tuple(budgets), tuple(states), tuple(_notices(world, target, known, charges, heard)))


def budgets_of(objectives: Mapping[str, ObjectiveConfig]) -> dict[str, tuple[str, ...]]:
    """Each error budget, and the objectives that are paid from it."""
    found: dict[str, tuple[str, ...]] = {}
    for name, one in objectives.items():
        budget = one.budget or name
        found[budget] = (*found.get(budget, ()), name)
    return found


def good_words(one: ObjectiveConfig) -> str:
    """When an event of an objective is good, in a few words."""
    match one.kind:
        case ObjectiveKind.AVAILABILITY:
            return "answered without 5xx"
        case ObjectiveKind.LATENCY:
            return f"done within {one.below}"
        case ObjectiveKind.QUALITY:
            return f"decided right ({one.metric.value if one.metric else ''})"
        case ObjectiveKind.FRESHNESS:
            return f"{one.of.value if one.of else ''} within {one.within}"
        case ObjectiveKind.UPTIME:
            return "minutes with a server up"


def _first(members: Sequence[str], known: Mapping[str, ObjectiveConfig]) -> ObjectiveConfig:
    """Those that share a budget are for the same time."""
    return known[members[0]]


def _threshold(members: Sequence[str], known: Mapping[str, ObjectiveConfig]) -> Threshold:
    return Threshold(
        events=max(known[member].minimum_events for member in members),
        bad=max(known[member].minimum_bad for member in members),
    )


def _objective(target: str, name: str, one: ObjectiveConfig, ledger: Ledger, now: datetime) -> ObjectiveView:
    period = ledger.last(one.over_seconds, now)
    good = 1.0 - period.bad / period.events if period.events else None
    return ObjectiveView(
        target=target,
        name=name,
        kind=one.kind,
        good=good_words(one),
        goal=one.share,
        over=one.over,
        budget=one.budget or name,
        events=period.events,
        bad=period.bad,
        compliance=good,
        met=None if good is None else good >= one.share,
    )


def _budget(
    target: str,
    name: str,
    members: Mapping[str, ObjectiveConfig],
    ledger: Ledger,
    state: BudgetState,
    now: datetime,
) -> BudgetView:
    first = next(iter(members.values()))
    period, gone_in = state.period, state.gone_in_seconds
    gone = None if gone_in is None else now + timedelta(seconds=min(gone_in, first.over_seconds * 100))
    lately = [(seconds, ledger.last(seconds, now)) for seconds in WINDOWS]
    return BudgetView(
        target=target,
        name=name,
        objectives=tuple(members),
        over=first.over,
        events=period.events,
        bad=period.bad,
        spent=period.spent,
        allowed=period.allowed,
        left=state.left,
        burn=tuple(
            BurnWindow(length_of(seconds), seconds, one.events, one.bad, one.burn_rate) for seconds, one in lately
        ),
        alerts=tuple(_alert(one, first.over_seconds) for one in state.rules),
        state=state.state,
        gone=gone,
        known_from=ledger.first,
        sentence=_sentence(name, first.over, state, gone, now),
    )


def _alert(one: BurnSeen, over_seconds: int) -> BurnAlert:
    rule = one.rule
    return BurnAlert(
        long=length_of(rule.long_seconds),
        short=length_of(rule.short_seconds),
        factor=rule.factor,
        severity=rule.severity,
        share_of_budget=rule.share_of_budget(over_seconds),
        burns=one.burns,
        too_few=one.too_few,
    )


def _sentence(name: str, over: str, state: BudgetState, gone: datetime | None, now: datetime) -> str:
    if state.left is None:
        return f"{name}: no events in {over}"
    left = f"{percent(state.left)} of the error budget for {over} is left"
    if state.left <= 0:
        left = f"the error budget for {over} is spent {1 - state.left:,.3g} times"
    burning = [one for one in state.rules if one.burns]
    if burning:
        worst = burning[0]
        return (
            f"{name} burns {_rate(worst.long)} times too fast in {length_of(worst.rule.long_seconds)} and {_rate(worst.short)} "
            f"times in {length_of(worst.rule.short_seconds)} ({worst.long.bad:,.0f} of {worst.long.events:,.0f} events are bad), "
            f"more than {worst.rule.factor:g}; {left}{_gone(gone, now)}"
        )
    few = next((one for one in state.rules if one.too_few), None)
    if few is not None:
        return f"{name}: {left}; {few.long.bad:,.0f} bad of {few.long.events:,.0f} events are too few for an alert"
    if state.state is FindingState.UNKNOWN:
        longest = state.rules[-1]
        return f"{name}: {left}; {longest.long.events:,.0f} events in {length_of(longest.rule.long_seconds)}, too few or too old"
    return f"{name}: {left}{_gone(gone, now)}"


def _rate(one: Spent) -> str:
    return f"{one.burn_rate or 0.0:.3g}"


def _gone(gone: datetime | None, now: datetime) -> str:
    if gone is None:
        return ""
    return "" if gone <= now else f", gone by {gone:%Y-%m-%d %H:%M} UTC at this rate"


def _notices(
    world: World,
    target: str,
    known: Mapping[str, ObjectiveConfig],
    charges: Mapping[str, Sequence[Charge]],
    heard: Heard,
) -> Iterator[str]:
    unwritten = what_is_unwritten(world, target, heard.last_minute)
    of_servers = {ObjectiveKind.AVAILABILITY, ObjectiveKind.LATENCY, ObjectiveKind.UPTIME}
    if unwritten:
        yield unwritten
    elif heard.first_minute is None and any(one.kind in of_servers for one in known.values()):
        yield f"No server of {target} has written minutes: start or release anew, so that it is one of this version."
    late: dict[str, list[str]] = {}
    for name in known:
        oldest = min((charge.at for charge in charges[name]), default=None)
        if oldest is not None and oldest > heard.since + timedelta(days=1):
            late.setdefault(f"{oldest:%Y-%m-%d %H:%M}", []).append(name)
    for oldest_told, names in late.items():
        yield f"{target}: nothing is known of {', '.join(names)} before {oldest_told} UTC."


def findings_of(target: str, accounts: Accounts) -> tuple[Finding, ...]:
    """What each error budget says, for alerts."""
    return tuple(_finding(target, view, state) for view, state in zip(accounts.budgets, accounts.states, strict=True))


def _finding(target: str, view: BudgetView, state: BudgetState) -> Finding:
    return Finding(
        kind=AlertKind.SLO,
        target=target,
        subject=view.name,
        state=state.state,
        severity=state.severity,
        sentence=view.sentence,
        evidence=json.dumps({"check": "objectives", **to_plain(view)}),
        command=f"unipipe slo show {target}",
        runbook=_runbook(view.objectives),
    )


def _runbook(objectives: Iterable[str]) -> str:
    names = ", ".join(objectives)
    return f"Did it begin with a release? Then go back; else find what fails {names}: the version, its inputs, the machine."


SHOW = Look("slo show", ShowObjectives, show_objectives, "unipipe slo show production", repeatable=True)
