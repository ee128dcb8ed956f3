"""A timeline shows each figure against what is asked of it, and what happened at the same place below."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON
from unipipe_tui.charts.text import Drawn
from unipipe_tui.charts.timelines import BAD, GOOD, HELD, draw_timeline
from unipipe_tui.charts.words import cells
from unipipe_tui.domain.timelines import Better, Mark, MarkKind, Series, TimePoint


def at(minute: int, value: float, beyond: bool = False) -> TimePoint:
    return TimePoint(NOON + timedelta(minutes=minute), value, beyond=beyond)


PRECISION = Series("precision", "", Better.HIGHER, 0.95, (at(0, 0.98), at(5, 0.75, beyond=True)))
LATENCY = Series("latency p95", "ms", Better.LOWER, None, (at(0, 10.0), at(1, 20.0), at(10, 12.0)))
PROMOTED = Mark(NOON + timedelta(minutes=5), MarkKind.PROMOTION, "champion names version 2", "j")
RELEASED = Mark(NOON + timedelta(minutes=5), MarkKind.RELEASE, "local serves version 2", "j")


def texts(drawn: tuple[Drawn, ...]) -> list[str]:
    return ["".join(span.text for span in line) for line in drawn]


def test_the_newest_value_stands_at_the_right_against_what_is_asked_of_it() -> None:
    lines = texts(draw_timeline((PRECISION, LATENCY), (), 60, 3))
    assert lines[0].endswith("✗ 0.75, not ≥ 0.95")
    assert lines[1].endswith("  12 ms")
    better = replace(PRECISION, points=PRECISION.points[:1])
    assert texts(draw_timeline((better,), (), 60, 1))[0].endswith("✓ 0.98 ≥ 0.95")
    unsure = replace(PRECISION, points=(at(0, 0.94),))
    assert texts(draw_timeline((unsure,), (), 60, 1))[0].endswith("~ 0.94, ≥ 0.95?")


def test_measurements_are_told_from_what_is_only_held_until_the_next_one() -> None:
    (line, *_) = draw_timeline((PRECISION, LATENCY), (), 60, 2)
    tones = [span.tone for span in line if span.tone is not None]
    assert [tone for tone in tones if tone in (GOOD, BAD)][:2] == [GOOD, BAD]
    assert HELD in tones


def test_a_measurement_beyond_its_threshold_is_told_without_colours_too() -> None:
    lines = draw_timeline((PRECISION, LATENCY), (), 60, 5)
    beyond = [span.text for line in lines for span in line[1:-1] if span.tone == BAD]
    assert beyond.count("✗") == 1


def test_with_room_each_sort_of_event_has_a_line_of_its_own_and_the_chosen_moment_is_pointed_at() -> None:
    alert = Mark(NOON + timedelta(minutes=5), MarkKind.ALERT, "precision 0.75", "j")
    chosen = NOON + timedelta(minutes=5)
    lines = texts(draw_timeline((PRECISION, LATENCY), (RELEASED, PROMOTED, alert), 100, 9, chosen))
    pointer = next(line for line in lines if "^" in line)
    alerts, live = (next(line for line in lines if line.startswith(name)) for name in ("alerts", "live"))
    assert "03-09 12:05" in pointer
    assert {pointer.index("^"), alerts.index("!"), live.index("▲")} == {pointer.index("^")}
    assert len(lines) <= 9


def test_a_mark_stands_below_the_moment_and_the_weightier_of_two_is_shown() -> None:
    lines = texts(draw_timeline((PRECISION, LATENCY), (RELEASED, PROMOTED), 60, 6))
    marks = next(line for line in lines if "▲" in line and ":" not in line)
    assert "◆" not in marks
    assert lines[-1].split()[:2] == ["03-09", "12:00"]
    assert lines[-1].split()[-1] == "12:10"


def test_the_time_goes_first_when_there_is_no_room_then_the_marks() -> None:
    both = (PRECISION, LATENCY)
    assert len(draw_timeline(both, (PROMOTED,), 60, 4)) == 4
    assert "▲" in texts(draw_timeline(both, (PROMOTED,), 60, 3))[-1]
    assert texts(draw_timeline(both, (PROMOTED,), 60, 2))[-1].endswith("12 ms")


@pytest.mark.parametrize("width", [40, 61, 120, 200])
@pytest.mark.parametrize("height", [1, 4, 7, 20])
def test_nothing_is_wider_or_higher_than_its_place(width: int, height: int) -> None:
    lines = texts(draw_timeline((PRECISION, LATENCY), (PROMOTED, RELEASED), width, height))
    assert len(lines) <= height
    assert all(cells(line) <= width for line in lines)


def test_what_is_no_number_is_left_out() -> None:
    strange = Series("drift", "", Better.LOWER, math.nan, (at(0, math.nan), at(1, 0.5), at(2, math.inf)))
    assert texts(draw_timeline((strange,), (), 60, 1))[0].endswith("  0.5")
    assert texts(draw_timeline((), (), 60, 3)) == ["(nothing is known yet)"]
