"""Freeze windows: when nothing may be released to a target, as a team agreed on for its evenings and its big days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.values import frozen


class Weekday(StrEnum):
    """Days as they stand in a configuration."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


@frozen
class Freeze:
    """A stretch of time that comes every week, or once; it ends before it begins when it goes over midnight."""

    reason: str
    """Why; stands in the refusal."""
    days: tuple[Weekday, ...] = tuple(Weekday)
    """On which days it begins; what goes on after midnight belongs to the day before."""
    begins: str = "00:00"
    """Time of day, hours and minutes."""
    ends: str = "24:00"
    """Time of day, hours and minutes; 24:00 is the end of the day."""
    first: str | None = None
    """First day it holds on, as 2026-12-20; from always when left out."""
    last: str | None = None
    """Last day it holds on; for ever when left out."""
    zone: str = "UTC"
    """Time zone of the times, as Europe/Berlin."""

    def __post_init__(self) -> None:
        """Refuse what is no time, no day and no zone."""
        _minutes(self.begins)
        _minutes(self.ends)
        first, last = _day(self.first), _day(self.last)
        _zone(self.zone)
        if not self.days or (first and last and last < first):
            raise UsageError(
                "A freeze that never holds protects nothing.", hint="Name its days, and a last day after the first."
            )

    def holds_at(self, moment: datetime) -> bool:
        """Whether an instant lies in it; it must know its zone."""
        local = moment.astimezone(_zone(self.zone))
        # One that began yesterday may go on after midnight.
        return any(self._holds_from(day, local) for day in (local.date(), local.date() - timedelta(days=1)))

    def _holds_from(self, day: date, local: datetime) -> bool:
        first, last = _day(self.first), _day(self.last)
        if tuple(Weekday)[day.weekday()] not in self.days or (first and day < first) or (last and day > last):
            return False
        begins, ends = _minutes(self.begins), _minutes(self.ends)
        midnight = datetime.combine(day, time(), local.tzinfo)
        length = ends - begins if ends > begins else ends - begins + 24 * 60
        elapsed = (local.replace(tzinfo=None) - midnight.replace(tzinfo=None)).total_seconds() / 60 - begins
        return 0 <= elapsed < length


def freeze_at(freezes: Iterable[Freeze], moment: datetime) -> Freeze | None:
    """The freeze that holds at an instant, if any."""
    return next((freeze for freeze in freezes if freeze.holds_at(moment)), None)


def _minutes(text: str) -> int:
    hours, colon, minutes = text.partition(":")
    if colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2:
        counted = int(hours) * 60 + int(minutes)
        if int(minutes) < 60 and counted <= 24 * 60:
            return counted
    raise UsageError(f"{text!r} is no time of day.", hint="Write it as 16:30.")


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day.", hint="Write it as 2026-12-20.") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"There is no time zone {name!r}.", hint="Write it as Europe/Berlin.") from None
