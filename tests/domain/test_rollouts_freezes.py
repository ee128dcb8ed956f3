"""Freeze windows: midnight, other zones, days on which clocks change, first and last days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.rollouts.freezes import Freeze, Weekday, freeze_at

BERLIN = ZoneInfo("Europe/Berlin")
WEEKEND = Freeze("weekend", (Weekday.SATURDAY, Weekday.SUNDAY))


def at(text: str, zone: ZoneInfo | None = None) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone or UTC)


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        ("2026-03-06T23:59:59", False),
        ("2026-03-07T00:00", True),
        ("2026-03-08T23:59:59", True),
        ("2026-03-09T00:00", False),
    ],
)
def test_whole_days_begin_and_end_at_midnight(moment: str, holds: bool) -> None:
    assert WEEKEND.holds_at(at(moment)) is holds


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        ("2026-03-06T21:59", False),
        ("2026-03-06T22:00", True),
        ("2026-03-07T05:59", True),
        ("2026-03-07T06:00", False),
        ("2026-03-07T22:30", False),
        ("2026-03-06T03:00", False),
    ],
)
def test_over_midnight_it_belongs_to_the_day_on_which_it_begins(moment: str, holds: bool) -> None:
    friday_night = Freeze("on call", (Weekday.FRIDAY,), "22:00", "06:00")
    assert friday_night.holds_at(at(moment)) is holds


def test_times_are_those_of_its_zone() -> None:
    evening = Freeze("evening", begins="18:00", ends="20:00", zone="Europe/Berlin")
    assert evening.holds_at(at("2026-01-15T17:30"))
    assert not evening.holds_at(at("2026-01-15T18:30", BERLIN) - timedelta(hours=1))
    assert evening.holds_at(at("2026-07-15T16:30"))
    assert not evening.holds_at(at("2026-07-15T18:30"))


def test_a_day_in_its_zone_is_not_the_day_of_greenwich() -> None:
    monday = Freeze("monday", (Weekday.MONDAY,), zone="Asia/Tokyo")
    assert monday.holds_at(at("2026-03-01T15:00"))
    assert not monday.holds_at(at("2026-03-02T15:00"))


def test_first_and_last_day_are_those_on_which_it_begins() -> None:
    holidays = Freeze("holidays", begins="20:00", ends="08:00", first="2026-12-24", last="2026-12-26")
    assert not holidays.holds_at(at("2026-12-24T07:00"))
    assert holidays.holds_at(at("2026-12-24T20:00"))
    assert holidays.holds_at(at("2026-12-27T07:59"))
    assert not holidays.holds_at(at("2026-12-27T20:00"))


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        # Clocks went from 02:00 to 03:00: the night is an hour shorter, and still ends at six by the clock.
        ("2026-03-28T21:00+00:00", True),
        ("2026-03-29T00:59+00:00", True),
        ("2026-03-29T01:01+00:00", True),
        ("2026-03-29T03:59+00:00", True),
        ("2026-03-29T04:00+00:00", False),
        # They went back from 03:00 to 02:00: both times half past two it holds.
        ("2026-10-25T00:30+00:00", True),
        ("2026-10-25T01:30+00:00", True),
        ("2026-10-25T04:59+00:00", True),
        ("2026-10-25T05:00+00:00", False),
    ],
)
def test_on_the_day_the_clocks_change_it_goes_by_the_clock(moment: str, holds: bool) -> None:
    night = Freeze("night", begins="22:00", ends="06:00", zone="Europe/Berlin")
    assert night.holds_at(datetime.fromisoformat(moment)) is holds


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"])
)
def test_every_day_from_midnight_to_midnight_is_always(moment: datetime, zone: str) -> None:
    assert Freeze("always", zone=zone).holds_at(moment.replace(tzinfo=UTC))
    assert Freeze("always", begins="09:00", ends="09:00", zone=zone).holds_at(moment.replace(tzinfo=UTC))


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
)
def test_of_two_freezes_that_make_a_day_exactly_one_holds(moment: datetime, begins: int, ends: int, zone: str) -> None:
    if begins == ends:
        return
    first, second = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (begins, ends))
    now = moment.replace(tzinfo=UTC)
    holding = [Freeze("a", begins=x, ends=y, zone=zone).holds_at(now) for x, y in ((first, second), (second, first))]
    assert sorted(holding) == [False, True]


def test_the_first_freeze_that_holds_is_the_reason() -> None:
    always = Freeze("always")
    assert freeze_at([WEEKEND, always], at("2026-03-07T12:00")) == WEEKEND
    assert freeze_at([WEEKEND, always], at("2026-03-09T12:00")) == always
    assert freeze_at([WEEKEND], at("2026-03-09T12:00")) is None


@pytest.mark.parametrize("time", ["24:01", "7", "7:5", "12:60", "noon", "", "-1:00", "12:00:00"])
def test_what_is_no_time_of_day_is_refused(time: str) -> None:
    with pytest.raises(UsageError, match="no time of day"):
        Freeze("x", begins=time)


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", ""])
def test_what_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(UsageError, match="no day"):
        Freeze("x", last=day)


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "", "../etc/passwd", "Europe"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        Freeze("x", zone=zone)


def test_a_freeze_that_never_holds_is_refused() -> None:
    with pytest.raises(UsageError, match="never holds"):
        Freeze("x", days=())
    with pytest.raises(UsageError, match="never holds"):
        Freeze("x", first="2026-12-26", last="2026-12-24")
