"""Moments as a person writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from unipipe_tui.domain.errors import UsageError

_AGE = re.compile(r"(\d{1,9})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def moment_of(text: str, now: datetime) -> datetime:
    """The moment that is meant: a date, a time in UTC unless it names its zone, or how long ago.

    Raises:
        UsageError: it is none of these.
    """
    age = _AGE.fullmatch(text.strip())
    try:
        if age:
            return now - timedelta(seconds=int(age[1]) * _SECONDS[age[2]])
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no moment.",
            hint="Give a date (2026-11-21), a time (2026-11-21T09:30) or an age (90m, 12h, 7d).",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
