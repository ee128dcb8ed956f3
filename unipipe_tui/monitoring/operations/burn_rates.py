"""How fast an error budget burns, looked at through windows of several lengths.

The burn rate of a window is the share of its events that were bad, divided by the share that may be: 1 - goal. At 1 the budget
lasts exactly for its time. An alert wants two windows to burn too fast: a long one, so that it is worth saying, and one of a
twelfth of it, so that it still goes on and the alert ends soon after the trouble does. Factors and windows are those of
"The Site Reliability Workbook" (Beyer and others, 2018), chapter 5, table 5-8: 2 %, 5 % and 10 % of a budget for 30 days.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import accumulate

from unipipe_tui.domain.objectives import BurnRule, BurnSeen, Charge, Spent, Tally
from unipipe_tui.domain.records import Severity
from unipipe_tui.domain.values import frozen

MINUTE, HOUR, DAY = 60, 3600, 86_400
RULES = (
    BurnRule(14.4, HOUR, 5 * MINUTE, Severity.CRITICAL),
    BurnRule(6.0, 6 * HOUR, 30 * MINUTE, Severity.CRITICAL),
    BurnRule(1.0, 3 * DAY, 6 * HOUR, Severity.WARNING),
)
WINDOWS = tuple(sorted({seconds for rule in RULES for seconds in (rule.long_seconds, rule.short_seconds)}))
"""The lengths that the rules look at, in seconds, shortest first."""


@frozen
class Threshold:
    """From how many events on something is said."""

    events: int
    """With fewer in the longest window nothing is called fine."""
    bad: int
    """With fewer bad ones in a rule's long window there is no alert."""


class Ledger:
    """What an error budget was charged with, in the order of time; any stretch of it is summed at once."""

    def __init__(self, charges: Iterable[Charge]) -> None:
        ordered = sorted(charges, key=lambda charge: charge.at)
        self._at = [charge.at for charge in ordered]
        self._events = _sums(charge.events for charge in ordered)
        self._bad = _sums(charge.bad for charge in ordered)
        self._spent = _sums(charge.spent for charge in ordered)
        self._allowed = _sums(charge.allowed for charge in ordered)

    @property
    def first(self) -> datetime | None:
        """When the first charge began."""
        return self._at[0] if self._at else None

    def spent(self, since: datetime, until: datetime) -> Spent:
        """What was charged in minutes and hours that begin in [since, until)."""
        begin, end = bisect_left(self._at, since), bisect_left(self._at, until)
        columns = (self._events, self._bad, self._spent, self._allowed)
        return Spent(*(max(0.0, column[end] - column[begin]) for column in columns))

    def last(self, seconds: int, now: datetime) -> Spent:
        """What was charged in the last so many seconds."""
        return self.spent(now - timedelta(seconds=seconds), now)


def charged(tallies: Iterable[Tally], goal: float, weight: float = 1.0) -> tuple[Charge, ...]:
    """What tallies do to the budget of an objective with this goal."""
    return tuple(
        Charge(one.at, one.events, one.bad, weight * one.bad, weight * (1.0 - goal) * one.events) for one in tallies
    )


def seen(ledger: Ledger, now: datetime, threshold: Threshold) -> tuple[BurnSeen, ...]:
    """Each rule, held against what happened until now."""
    return tuple(_seen(rule, ledger, now, threshold) for rule in RULES)


def _seen(rule: BurnRule, ledger: Ledger, now: datetime, threshold: Threshold) -> BurnSeen:
    long, short = ledger.last(rule.long_seconds, now), ledger.last(rule.short_seconds, now)
    too_fast = all(one.burn_rate is not None and one.burn_rate > rule.factor for one in (long, short))
    enough = long.bad >= threshold.bad
    return BurnSeen(rule, long, short, burns=too_fast and enough, too_few=too_fast and not enough)


def _sums(numbers: Iterable[float]) -> list[float]:
    return list(accumulate(numbers, initial=0.0))
