"""What is left of an error budget, whether it burns too fast, and when it will be gone.

A budget is the sum of what its objectives allow: weight * (1 - goal) * events over the time that it is for, which moves on.
Objectives that share one charge it together: a failed request, a slow one and a wrong decision are paid from the same sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from unipipe_tui.domain.findings import FindingState, Severity
from unipipe_tui.domain.objectives import BudgetState, BurnSeen
from unipipe_tui.monitoring.operations.burn_rates import HOUR, Ledger, Threshold, seen

RATE_SECONDS = 6 * HOUR
"""The rate at which a budget is said to be gone some day is that of the last six hours."""


def judged(ledger: Ledger, over_seconds: int, now: datetime, threshold: Threshold) -> BudgetState:
    """A budget for so many seconds, as it is now.

    It is a problem when a rule burns; it is fine when none does, there were events enough in the longest window of the rules, and
    none was kept from burning by few bad events only. Anything else is not known, so that an alert stays as it is.
    """
    rules = seen(ledger, now, threshold)
    burning = [one.rule.severity for one in rules if one.burns]
    return BudgetState(
        period=ledger.last(over_seconds, now),
        rules=rules,
        state=_state(rules, threshold),
        severity=Severity.CRITICAL if Severity.CRITICAL in burning else Severity.WARNING,
        gone_in_seconds=_gone_in(ledger, over_seconds, now),
    )


def _state(rules: Sequence[BurnSeen], threshold: Threshold) -> FindingState:
    if any(one.burns for one in rules):
        return FindingState.PROBLEM
    longest = max(rules, key=lambda one: one.rule.long_seconds)
    silent = longest.short.events == 0
    too_few = longest.long.events < threshold.events or any(one.too_few for one in rules)
    return FindingState.UNKNOWN if silent or too_few else FindingState.FINE


def _gone_in(ledger: Ledger, over_seconds: int, now: datetime) -> float | None:
    """Seconds until nothing is left, if it goes on like in the last six hours.

    While the window is not full yet, what is allowed grows with each event; once it is, as much leaves it as comes in. That bad
    events leave it as well is not counted on.
    """
    period, lately = ledger.last(over_seconds, now), ledger.last(RATE_SECONDS, now)
    left, rate = period.allowed - period.spent, lately.burn_rate
    if period.allowed > 0 and left <= 0:
        return 0.0
    if ledger.first is None or rate is None or rate <= 1:
        return None
    known_seconds = (now - ledger.first).total_seconds()
    allowed_a_second = lately.allowed / max(1.0, min(RATE_SECONDS, known_seconds))
    # Its oldest charge is one of a whole hour, and may begin as much later.
    is_full = ledger.first <= now - timedelta(seconds=over_seconds - 2 * HOUR)
    return left / (allowed_a_second * (rate if is_full else rate - 1.0))
