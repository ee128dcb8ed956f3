"""Moments as a person writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from unipipe_tui.domain.errors import UsageError

_AGE = re.compile(r"(\d{1,9})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def moment_of(text: str, now: datetime) -> datetime:
    """The moment that is meant, in UTC: a date, a time in UTC unless it names its zone, or how long ago.

    Raises:
        UsageError: it is none of these.
    """
    age = _AGE.fullmatch(text.strip())
    try:
        if age:
            return now - timedelta(seconds=int(age[1]) * _SECONDS[age[2]])
        moment = datetime.fromisoformat(text.strip())
        # Hours begin at other moments in some zones, and whoever shows it says UTC.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no moment.",
            hint="Give a date (2026-11-21), a time (2026-11-21T09:30) or an age (90m, 12h, 7d).",
        ) from None


def seconds_of(text: str) -> int:
    """The seconds of a length of time: `30s`, `5m`, `12h`, `7d`, `2w`.

    Raises:
        UsageError: it is none, or nothing at all.
    """
    found = _AGE.fullmatch(text.strip())
    if not found or not int(found[1]):
        raise UsageError(f"{text!r} is no length of time.", hint="Give one as 30s, 5m, 12h, 7d or 2w.")
    return int(found[1]) * _SECONDS[found[2]]


def length_of(seconds: int) -> str:
    """A whole length of time, as `seconds_of` reads it: `5m`, `6h`, `3d`."""
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def is_age(text: str) -> bool:
    """Whether it tells a length of time, and no date."""
    return bool(_AGE.fullmatch(text.strip()))


def moment_ahead(text: str, now: datetime) -> datetime:
    """The moment that is meant: a date, a time in UTC unless it names its zone, or in how long.

    Raises:
        UsageError: it is none of these, or has passed.
    """
    try:
        moment = now + timedelta(seconds=seconds_of(text)) if is_age(text) else moment_of(text, now)
    except OverflowError:
        raise UsageError(f"{text!r} is too far ahead.", hint="Give a time (2026-11-21T09:30) or 12h, 7d.") from None
    if moment <= now:
        raise UsageError(f"{text!r} has passed.", hint="Give a moment ahead: 4h, 7d, 2026-11-21T09:30.")
    return moment
