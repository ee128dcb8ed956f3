"""Drift, performance, traffic and alerts as tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from tests.fakes import NOON
from unipipe_tui.actions.alerts import AlertList
from unipipe_tui.actions.drift_history import CheckLine, ColumnHistory, ColumnPoint, DriftHistory, DriftView
from unipipe_tui.actions.recorded_checks import Cell, ColumnView
from unipipe_tui.actions.timeline import Timeline
from unipipe_tui.actions.traffic import TrafficView
from unipipe_tui.domain.records import Alert, AlertKind
from unipipe_tui.domain.serving import ScoreCell, TrafficWindow
from unipipe_tui.domain.timelines import Better, Series, TimePoint
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.sheets.monitoring import (
    alerts_sheet,
    check_title,
    distribution_picture,
    features_sheet,
    history_picture,
    latency_picture,
    performance_picture,
    predictions_picture,
)
from unipipe_tui.tui.sheets.overview import timeline_picture

LATER = NOON + timedelta(minutes=5)
AMOUNT = ColumnView(
    "amount",
    drifted=True,
    reason="PSI 2.7: mean 82 → 2,725.",
    value=2.7,
    p_value=1e-200,
    effect=2.69,
    cells=(Cell("< 1", 0.5, 0.1, 50, 10), Cell("1 to 2", 0.5, 0.2, 50, 20), Cell("> 2", 0.0, 0.7, 0, 70)),
    kind="numeric",
    reference_missing=0.02,
    current_missing=0.05,
)
REGION = ColumnView(
    "region",
    drifted=False,
    reason="PSI 0.001: chance explains it.",
    value=0.001,
    p_value=0.4,
    effect=0.0,
    cells=(Cell("iberia", 0.6, 0.6, 60, 60), Cell("dach", 0.4, 0.4, 40, 40)),
    kind="categorical",
)
VIEW = DriftView("local", NOON, "j", 2, 3500, True, (AMOUNT, REGION), 3000, 0.05, 0.01, None, None)
HISTORY = DriftHistory(
    "local",
    0.05,
    0.01,
    (CheckLine(NOON, "j1", 2, 3500, 0), CheckLine(LATER, "j2", 2, 3500, 1)),
    (
        ColumnHistory("amount", (ColumnPoint(NOON, 0.0, 1.0, False), ColumnPoint(LATER, 2.69, 0.0, True))),
        ColumnHistory("region", (ColumnPoint(LATER, 0.0, 0.4, False),)),
    ),
)
PRECISION = Series(
    "precision",
    "",
    Better.HIGHER,
    0.95,
    (
        TimePoint(NOON, 0.98, "900 labels of version 1", False, 0.95, 0.99),
        TimePoint(LATER, 0.7, "950 labels of version 2", True, 0.6, 0.8),
    ),
)
WINDOW = TrafficWindow(100, NOON, LATER, 2, p50_ms=4.0, p95_ms=9.0, yes=7)
TRAFFIC = TrafficView(
    "local",
    300,
    20,
    WINDOW,
    tuple(
        ScoreCell(n / 10, (n + 1) / 10, 93 if n == 0 else 7 if n == 9 else 0, 90 if n == 0 else 0) for n in range(10)
    ),
    (WINDOW, replace(WINDOW, p95_ms=30.0, yes=20)),
    ("The log keeps what was answered.",),
)
ASKS = Alert("a", AlertKind.DRIFT, "local", "drift in amount", NOON, "j")


def shown(lines: Sequence[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def test_each_feature_has_a_row_that_says_whether_it_drifted_how_far_how_surely_and_why() -> None:
    sheet = features_sheet(VIEW, HISTORY)
    assert [column.title for column in sheet.columns] == ["feature", "", "effect", "p", "checks", "verdict"]
    rows = [[cell.text for cell in row.cells] for row in sheet.rows]
    assert rows[0] == ["amount", "!", "2.690", "<1e-15", "▁█", "mean 82 → 2,725."]
    assert rows[1] == ["region", "✓", "0.000", "0.4", "▁", "chance explains it."]


def test_a_verdict_that_does_not_begin_with_figures_is_told_whole() -> None:
    gone = replace(AMOUNT, reason="Not there: the column was dropped.")
    row = features_sheet(replace(VIEW, columns=(gone,)), None).rows[0]
    assert row.cells[-1].text == "Not there: the column was dropped."


def test_without_a_history_there_is_no_column_for_it_so_that_its_coming_changes_no_cell() -> None:
    assert "history" not in [column.key for column in features_sheet(VIEW, None).columns]


def test_the_title_says_which_check_it_is() -> None:
    assert check_title(VIEW) == "Drift · local · version 2 · 3,500 rows against 3,000 · 03-09 12:00"


def test_a_distribution_is_drawn_below_the_verdict_with_what_is_missing() -> None:
    numbers = shown(distribution_picture(AMOUNT, 70, 10))
    assert numbers[0] == "! PSI 2.7: mean 82 → 2,725."
    assert numbers[1] == "█ window  ─ reference  missing 2.0 % → 5.0 %"
    assert "70.0 %" in numbers[2]
    names = shown(distribution_picture(REGION, 70, 10))
    assert names[1].rstrip() == "█ window  │ reference"
    assert names[2].endswith("60.0 % →  60.0 %")


def test_a_column_that_could_not_be_compared_has_only_its_reason() -> None:
    gone = replace(AMOUNT, cells=(), kind="not compared", reason="The column is not there.")
    assert shown(distribution_picture(gone, 60, 8)) == ["! The column is not there."]


def test_the_history_of_a_feature_has_what_counts_as_drift_beside_it() -> None:
    lines = shown(history_picture(HISTORY, "amount", 60, 10))
    assert lines[0] == "Effect of amount (PSI beyond chance)"
    assert lines[-1].split("   ")[:2] == ["a amount", "b drift from 0.05 on"]
    assert any("12:05:00" in line for line in lines)
    assert shown(history_picture(HISTORY, "gone", 60, 10)) == ["No check knew this column."]


def test_performance_is_drawn_against_what_is_asked_and_says_on_what_it_was_measured() -> None:
    lines = shown(performance_picture(Timeline("local", NOON, LATER, (PRECISION,), (), ()), 60, 10))
    assert lines[0] == "✗ precision 0.700, 950 labels of version 2"
    assert "b at least 0.95" in lines[-1]
    empty = shown(performance_picture(Timeline("local", None, None, (), (), ()), 60, 10))
    assert "labels" in empty[0]
    assert "unipipe feedback" in empty[1]


def test_latency_shows_median_and_p95_and_what_the_log_does_not_know() -> None:
    lines = shown(latency_picture(TRAFFIC, 60, 10))
    assert lines[0] == "Latency: p50 4 ms, p95 9 ms in the window"
    assert lines[-2].split("   ")[:2] == ["a p95", "b p50"]
    assert lines[-1] == "The log keeps what was answered."


def test_predictions_tell_how_often_yes_and_scores_are_put_together_when_there_is_little_room() -> None:
    roomy, tight = shown(predictions_picture(TRAFFIC, 80, 14)), shown(predictions_picture(TRAFFIC, 80, 8))
    assert roomy[0].startswith("yes 7.0 %  ▃█")
    assert roomy[0].endswith("300 predictions")
    assert (len(roomy), len(tight)) == (12, 7)
    assert tight[2].startswith("0 to 0.2")
    assert tight[2].endswith("100.0 % →  93.0 %")
    assert tight[-1].endswith("0.0 % →   7.0 %")


def test_without_traffic_the_pictures_say_what_to_run() -> None:
    nothing = TrafficView("local", 0, 0, TrafficWindow(0), (), (), ())
    assert "unipipe predict" in shown(predictions_picture(nothing, 60, 8))[0]
    assert "unipipe predict" in shown(latency_picture(nothing, 60, 8))[0]
    scoreless = replace(TRAFFIC, scores=())
    assert shown(predictions_picture(scoreless, 60, 8))[1] == "The model gives no scores."


def test_each_state_of_an_alert_has_a_glyph_and_says_who_took_note_of_it() -> None:
    noted = replace(ASKS, id="b", acknowledged=LATER, acknowledged_by="ada", reason="known")
    gone = replace(ASKS, id="c", closed=LATER)
    rows = alerts_sheet(AlertList((ASKS, noted, gone), 2, 1)).rows
    assert [(row.cells[0].text, row.cells[-1].text) for row in rows] == [
        ("!", "by nobody"),
        ("○", "ada: known"),
        ("✓", "gone 03-09 12:05"),
    ]


def test_an_overview_of_nothing_says_so() -> None:
    lines = shown(timeline_picture(Timeline("local", None, None, (), (), ("unipipe drift check local",)), 60, 5))
    assert lines == ["Nothing is known of local yet.", "unipipe drift check local"]


@pytest.mark.parametrize("width", [48, 76, 97])
@pytest.mark.parametrize("height", [6, 10, 17])
def test_no_picture_is_wider_or_higher_than_its_place(width: int, height: int) -> None:
    timeline = Timeline("local", NOON, LATER, (PRECISION,), (), ())
    pictures = (
        distribution_picture(AMOUNT, width, height),
        distribution_picture(REGION, width, height),
        predictions_picture(TRAFFIC, width, height),
        timeline_picture(timeline, width, height),
        *((history_picture(HISTORY, "amount", width, height), performance_picture(timeline, width, height))),
    )
    for picture in pictures:
        assert len(picture) <= max(height, 8)
        assert all(cell_len(line.rstrip()) <= width for line in shown(picture))
