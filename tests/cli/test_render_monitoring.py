"""What is known over time, told in a terminal: a chart, its marks, a row for each column and each alert."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from tests.fakes import NOON
from unipipe_tui.actions.alerts.listing import AlertList
from unipipe_tui.actions.drift.history import CheckLine, ColumnHistory, ColumnPoint, DriftHistory
from unipipe_tui.actions.objectives.budgets import Objectives
from unipipe_tui.actions.timeline import Timeline
from unipipe_tui.actions.traffic import TrafficView
from unipipe_tui.cli.render import lines_of
from unipipe_tui.domain.records import Alert, AlertKind
from unipipe_tui.domain.serving import ScoreCell, TrafficWindow
from unipipe_tui.domain.timelines import Better, Mark, MarkKind, Series, TimePoint

LATER = NOON + timedelta(hours=1)


def text(result: object) -> list[str]:
    return [line.plain for line in lines_of(result)]


def test_a_timeline_is_a_chart_with_what_happened_below_it() -> None:
    points = (TimePoint(NOON, 0.98), TimePoint(LATER, 0.7, beyond=True))
    mark = Mark(LATER, MarkKind.ALERT, "precision fell", "j")
    precision = Series("precision", "", Better.HIGHER, 0.95, points)
    told = text(Timeline("local", NOON, LATER, (precision,), (mark,), ("One thing to know.",)))
    assert told[0] == "local: 2026-03-09 12:00 to 2026-03-09 13:00, quiet stretches folded"
    assert any(line.endswith("✗ 0.7, not ≥ 0.95") for line in told)
    assert "  03-09 13:00:00  !  alert  precision fell" in told
    assert told[-1] == "note: One thing to know."
    assert all(len(line) <= 80 for line in told)


def test_columns_over_checks_have_a_row_each() -> None:
    points = (
        ColumnPoint(NOON, 0.0, 1.0, False),
        ColumnPoint(LATER, None, None, False),
        ColumnPoint(LATER, 2.5, 0, True),
    )
    checks = (CheckLine(NOON, "j", 1, 9, 0), CheckLine(LATER, "j", 1, 9, 1))
    told = text(DriftHistory("local", 0.05, 0.01, checks, (ColumnHistory("amount", points),)))
    assert told[2].split() == ["!", "amount", "▁·█", "2.5", "2.5", "<", "1e-15"]


def test_a_column_that_the_last_check_could_not_judge_is_not_called_calm() -> None:
    points = (ColumnPoint(NOON, 0.0, 1.0, False), ColumnPoint(LATER, None, None, False, judged=False))
    checks = (CheckLine(NOON, "j", 1, 9, 0), CheckLine(LATER, "j", 1, 9, 0))
    told = text(DriftHistory("local", 0.05, 0.01, checks, (ColumnHistory("amount", points),)))
    assert told[2].split()[0] == "·"


def test_traffic_is_told_with_its_latest_stretches_and_what_the_log_lacks() -> None:
    window = TrafficWindow(10, NOON, LATER, 2, p50_ms=4.0, p95_ms=9.0, yes=1)
    told = text(
        TrafficView("local", 10, 3, window, (ScoreCell(0.0, 0.5, 9, 8),), (window,), ("Errors are not known.",))
    )
    assert "latency      p50 4 ms, p95 9 ms" in told
    assert any(line.split()[-5:] == ["1", "(10.0", "%)", "4", "9"] for line in told)
    assert told[-1] == "note: Errors are not known."


def test_each_state_of_an_alert_has_a_glyph_of_its_own() -> None:
    asks = Alert("a", AlertKind.DRIFT, "local", "drift", NOON, "j")
    noted = dataclasses.replace(asks, acknowledged=LATER, acknowledged_by="ada", reason="known")
    told = text(AlertList((asks, noted, dataclasses.replace(asks, closed=LATER)), 2, 1))
    assert [line[0] for line in told if "local drift" in line] == ["!", "○", "✓"]
    assert "acknowledged by ada at 2026-03-09 13:00:00: known" in told[4]
    assert told[-1] == "2 open, 1 ask for attention"
    assert text(AlertList((), 0, 0)) == ["no alert is open"]


def test_a_long_notice_about_objectives_is_one_note_over_several_lines() -> None:
    found = Objectives(NOON, (), (), "burn rate", ("nothing is known " * 9,))
    said = text(found)
    assert [line[:6] for line in said if "known" in line] == ["note: ", "      ", "      "]
