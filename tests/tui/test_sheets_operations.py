"""How a target ran, as a picture of any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from tests.fakes import NOON
from unipipe_tui.actions.objectives.budgets import BudgetView
from unipipe_tui.actions.operations import OperationsRow, OperationsView, Source, Step, Unusual
from unipipe_tui.actions.traffic import TrafficView
from unipipe_tui.domain.findings import FindingState
from unipipe_tui.domain.operations import Cost, Measure, Percentiles, Rates, Saturation
from unipipe_tui.domain.serving import TrafficWindow
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.sheets.operations import operations_picture


def row(hour: int, requests: int | None, p95: float | None, failed: float = 0.0) -> OperationsRow:
    at = NOON + timedelta(hours=hour)
    source = Source.MINUTES if requests is not None else Source.NOTHING
    return OperationsRow(at, source, 3600, requests, 1.0, 0, failed, 0, 100, 4.0, p95, 20.0, 1, 0.1, ())


ROWS = (row(0, 100, 9.0), row(1, 400, 12.0), row(2, None, None), row(3, 200, 30.0, 0.1), row(4, 100, 9.0))
VIEW = OperationsView(
    target="local",
    since=NOON,
    until=NOON + timedelta(hours=5),
    by=Step.HOUR,
    rates=Rates(800, 2.5, 12, 0.015, 0.01, 0.02, 0, 800),
    latency=Percentiles(800, 4.0, 12.5, 40.0),
    rows=ROWS,
    variants=(),
    saturation=Saturation(1, 8, NOON, 0, 100, NOON, 0.25, NOON),
    expected=(),
    unusual=(Unusual(NOON, Measure.TRAFFIC, "traffic: 100 requests an hour, expected 1,000 (800 to 1,200)"),),
    cost=Cost(0.02, "EUR", 1.0, 0.1, 10.0, 800, "hours"),
    percentile_method="",
    unusual_method="",
    notices=("Before noon only the log is known.",),
)
BUDGET = BudgetView(
    "local", "availability", (), "30d", 800, 12, 12, 24, 0.5, (), (), FindingState.FINE, None, NOON, "lasts its time"
)
BURNS = replace(BUDGET, name="latency", left=-0.2, state=FindingState.PROBLEM, sentence="burns 14 times too fast")
WINDOW = TrafficWindow(100, NOON, NOON, 2, p50_ms=4.0, p95_ms=9.0, yes=7)
TRAFFIC = TrafficView("local", 300, 20, WINDOW, (), (WINDOW, replace(WINDOW, last=NOON + timedelta(hours=1))), ())


def shown(lines: Sequence[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def test_the_figures_stand_in_a_line_above_the_latency_of_each_hour() -> None:
    lines = shown(operations_picture(VIEW, None, (), 120, 16))
    assert lines[0].startswith("p50 4, p95 12.5, p99 40 ms · 2.5 requests a second · ! 1.50 % failed")
    assert lines[0].endswith("25 % of a core · 0.02 EUR for 1,000")
    assert any(line.startswith("a p95   b p50") for line in lines)


def test_where_they_do_not_fit_into_one_line_the_figures_take_another() -> None:
    lines = shown(operations_picture(VIEW, None, (), 60, 16))
    assert lines[0] == "p50 4, p95 12.5, p99 40 ms · 2.5 requests a second"
    assert lines[1] == "! 1.50 % failed · 25 % of a core · 0.02 EUR for 1,000"


def test_below_them_budgets_that_burn_come_before_the_others_then_what_is_unusual_asked_and_failed() -> None:
    lines = shown(operations_picture(VIEW, None, (BUDGET, BURNS), 100, 20))
    told = lines[-6:]
    assert told[0].startswith("! latency ░░░░░░░░ -20.0 % left · burns 14 times too fast")
    assert told[1].startswith("✓ availability ████░░░░ 50.0 % left · lasts its time")
    assert told[2].startswith("! 03-09 12:00 traffic: 100 requests an hour")
    assert told[3].startswith("requests ▃█·▅▃")
    assert told[4].startswith("failed   ▁▁▁█▁")
    assert told[5] == "Before noon only the log is known."


def test_with_little_room_the_chart_stays_and_the_words_go() -> None:
    lines = shown(operations_picture(VIEW, None, (BURNS,), 60, 9))
    assert any("a p95" in line for line in lines)
    assert sum(line.startswith(("requests", "failed", "Before")) for line in lines) == 0


def test_where_servers_wrote_too_little_the_stretches_of_the_log_are_drawn() -> None:
    few = replace(VIEW, rows=ROWS[:1])
    with_log, without = (
        shown(operations_picture(few, TRAFFIC, (), 80, 12)),
        shown(operations_picture(few, None, (), 80, 12)),
    )
    assert any("a p95" in line for line in with_log)
    assert not any("a p95" in line for line in without)


def test_a_target_that_was_never_asked_says_so() -> None:
    nothing = replace(
        VIEW,
        rows=(),
        rates=Rates(0, None, 0, None, None, None, 0, 0),
        latency=Percentiles(0, None, None, None),
        unusual=(),
        notices=(),
    )
    lines = shown(operations_picture(nothing, None, (), 60, 8))
    assert "No request was written down yet." in lines


@pytest.mark.parametrize("width", [48, 65, 97])
@pytest.mark.parametrize("height", [8, 12, 20])
def test_it_is_never_wider_or_higher_than_its_place(width: int, height: int) -> None:
    picture = operations_picture(replace(VIEW, cost=None), TRAFFIC, (BUDGET, BURNS), width, height)
    assert len(picture) <= height
    assert all(cell_len(line.rstrip()) <= width for line in shown(picture))
