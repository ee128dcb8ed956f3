"""Drift, performance, traffic and alerts as tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len

from tests.fakes import NOON
from unipipe_tui.actions.alerts.listing import AlertList, AlertView
from unipipe_tui.actions.drift.explained import CellShift, ColumnExplained
from unipipe_tui.actions.drift.history import CheckLine, ColumnHistory, ColumnPoint, DriftHistory, DriftView
from unipipe_tui.actions.drift.recorded import Cell, ColumnView, RecordedPerformance
from unipipe_tui.actions.monitor.standing import MonitorStanding, TargetStanding
from unipipe_tui.actions.performance import PerformanceView
from unipipe_tui.actions.timeline import Timeline
from unipipe_tui.actions.traffic import TrafficView
from unipipe_tui.domain.records import Alert, AlertKind, Severity
from unipipe_tui.domain.server_status import ServerStatus
from unipipe_tui.domain.serving import ScoreCell, ServerState, TrafficWindow
from unipipe_tui.domain.timelines import Better, Series, TimePoint
from unipipe_tui.monitoring.performance import Estimate
from unipipe_tui.monitoring.quality.results import (
    DetectorName,
    DetectorState,
    Figure,
    Forecast,
    Quality,
    QualityReport,
    QualityWindow,
    ReferencePart,
    TrendState,
)
from unipipe_tui.monitoring.verdict.results import MultivariateDrift, PredictionDrift, SegmentDrift
from unipipe_tui.tui.lines import Line
from unipipe_tui.tui.sheets.monitoring import (
    alert_lines,
    alerts_sheet,
    beside_lines,
    check_title,
    features_sheet,
    standing_line,
    standing_sheet,
)
from unipipe_tui.tui.sheets.monitoring_pictures import (
    explanation_picture,
    history_picture,
    measured_picture,
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
    noise=0.01,
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
REASON = "Moved most: > 2: 0.0 % → 70.0 % (90% of the PSI)."
EXPLAINED = ColumnExplained(
    "local",
    NOON,
    "j",
    2,
    3500,
    3000,
    AMOUNT,
    tuple(CellShift(cell.label, cell.reference, cell.current, 0.3, "") for cell in AMOUNT.cells),
    (REASON, "Drifts since the check of 2026-03-09 12:00, in 1 of 2 checks."),
    (),
    0.05,
    0.01,
)
REGION_EXPLAINED = replace(
    EXPLAINED,
    column=REGION,
    shifts=(CellShift("iberia", 1.0, 0.6, 0.5, ""), CellShift("gulf", 0.0, 0.4, 0.5, "new")),
    sentences=(),
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
NO_FALL = Forecast("precision", 0.95, TrendState.NO_TREND, 3, None, None, None, None, None, None, "no falling trend")


def quality_window(minutes: int, measured: float | None, estimated: float) -> QualityWindow:
    at = NOON + timedelta(minutes=minutes)
    seen = Estimate(None, None, None) if measured is None else Estimate(measured, measured - 0.1, measured + 0.02)
    figure = Figure(Quality.PRECISION, seen, Estimate(estimated, estimated - 0.01, estimated + 0.01))
    return QualityWindow(at, at, 500, 0 if measured is None else 480, (figure,))


ADWIN = DetectorState(DetectorName.ADWIN, "delta 0.002", 743, (LATER,), 100, 0.01, 0.2, True, True)
QUALITY = PerformanceView(
    "local",
    2,
    1500,
    960,
    QualityReport(
        Quality.PRECISION,
        0.95,
        ReferencePart(4000, 4000, "the oldest"),
        (quality_window(0, 0.98, 0.97), quality_window(1, 0.7, 0.96), quality_window(2, None, 0.75)),
        None,
        (ADWIN, replace(ADWIN, name=DetectorName.DDM, decides=False)),
        "decisions",
        NO_FALL,
        None,
        "CBPE",
        (),
    ),
)
STANDING = TargetStanding(
    "local",
    "local",
    None,
    2,
    NOON,
    11,
    ("amount", "region"),
    RecordedPerformance("precision", 0.7, 0.6, 0.8, 0.95, 900, "below", ""),
    28081,
    28000,
    2,
    1,
    "",
)
ASKS = Alert("a", AlertKind.DRIFT, "local", "drift in amount", NOON, "j")


def shown(lines: Sequence[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def test_each_target_has_a_row_that_says_whether_it_answers_what_drifted_how_good_it_is_and_what_asks() -> None:
    live = {"local": ServerStatus("local", ServerState.READY, "http://127.0.0.1:1", version=2)}
    (row,) = standing_sheet(MonitorStanding((STANDING,)), live).rows
    texts = [cell.text for cell in row.cells]
    assert texts == [
        "local",
        "● ready",
        "version 2",
        "! 2 of 11: amount, region",
        "✗ precision 0.700 not 0.95",
        "! 2 open, 1 asks",
        "28,081",
        "03-09 12:00",
    ]
    assert standing_line(STANDING, live["local"]) == "ready with version 2 · 28,081 predictions, 28,000 labels"


def test_a_figure_that_may_or_may_not_be_too_low_is_called_neither() -> None:
    unsure = replace(STANDING, performance=RecordedPerformance("precision", 0.94, 0.9, 0.97, 0.95, 900, "ok", ""))
    (row,) = standing_sheet(MonitorStanding((unsure,))).rows
    assert row.cells[4].text == "~ precision 0.940 of 0.95?"


def test_a_target_that_was_never_checked_and_is_not_seen_says_so() -> None:
    new = replace(STANDING, checked=None, columns=0, drifted=(), performance=None, open=0, asking=0)
    (row,) = standing_sheet(MonitorStanding((new,))).rows
    assert [cell.text for cell in row.cells][1:6] == ["", "–", "· never checked", "–", "✓ none"]
    assert row.cells[-1].text == "never"


def test_each_column_has_a_row_that_says_whether_it_drifted_how_far_how_surely_and_why() -> None:
    sheet = features_sheet(replace(VIEW, at=LATER), HISTORY)
    assert [column.title for column in sheet.columns] == ["column", "", "effect", "checks", "p", "noise", "verdict"]
    rows = [[cell.text for cell in row.cells] for row in sheet.rows]
    assert rows[0] == ["amount", "!", "2.690", "▁█", "<1e-15", "0.010", "mean 82 → 2,725."]
    assert rows[1] == ["region", "✓", "0.000", "▁", "0.4", "–", "chance explains it."]


def test_a_row_of_an_earlier_check_knows_nothing_of_what_came_after_it() -> None:
    sheet = features_sheet(VIEW, HISTORY)
    assert [row.cells[3].text for row in sheet.rows] == ["▁", ""]


def test_without_a_history_there_is_no_column_for_it_so_that_its_coming_changes_no_cell() -> None:
    assert "history" not in [column.key for column in features_sheet(VIEW, None).columns]


def test_where_it_is_known_each_column_says_how_much_the_score_hangs_on_it() -> None:
    used = replace(AMOUNT, importance=0.42)
    sheet = features_sheet(replace(VIEW, columns=(used, REGION)), None)
    place = [column.title for column in sheet.columns].index("weight")
    assert [row.cells[place].text for row in sheet.rows] == ["42.0 %", "–"]
    assert "weight" not in [column.title for column in features_sheet(VIEW, None).columns]


def test_what_was_found_beside_the_columns_is_told_below_them_and_what_moved_comes_first() -> None:
    calm = MultivariateDrift(True, False, "all columns together are as they were", (), 1, 1, 1, 1, 0)
    moved = PredictionDrift(2, "its own first answers", True, True, "scores rose", (), 1, 1, "")
    unsure = SegmentDrift((), False, False, (), "too few rows", (), 0, (), "")
    view = replace(VIEW, multivariate=calm, predictions=moved, segments=unsure)
    assert shown(beside_lines(view)) == ["! scores rose", "✓ all columns together are as they were"]
    assert beside_lines(VIEW) == []


def test_the_title_says_which_check_it_is() -> None:
    assert check_title(VIEW, None) == "Drift · 03-09 12:00 · version 2"
    assert check_title(VIEW, HISTORY) == "Drift · check 1 of 2, 03-09 12:00 · version 2"


def test_what_changed_is_drawn_below_the_verdict_and_told_below_the_picture() -> None:
    numbers = shown(explanation_picture(EXPLAINED, 90, 14))
    assert numbers[0] == "! PSI 2.7: mean 82 → 2,725."
    assert numbers[1] == "█ window, 3,500 rows  ─ reference, 3,000 rows  no value 2.0 % → 5.0 %"
    assert "70.0 %" in numbers[2]
    assert numbers[-2:] == [REASON, EXPLAINED.sentences[1]]
    names = shown(explanation_picture(REGION_EXPLAINED, 70, 10))
    assert names[1].rstrip() == "█ window, 3,500 rows  │ reference, 3,000 rows"
    assert names[2].endswith("100.0 % →  60.0 %")
    assert names[3].endswith("0.0 % →  40.0 %  new")


def test_where_there_is_little_room_the_picture_comes_before_the_words() -> None:
    tight = shown(explanation_picture(EXPLAINED, 70, 8))
    assert REASON not in tight
    assert any("70.0 %" in line for line in tight)


def test_a_column_that_could_not_be_compared_has_only_its_reason() -> None:
    gone = replace(AMOUNT, cells=(), kind="not compared", reason="The column is not there.")
    lines = shown(explanation_picture(replace(EXPLAINED, column=gone, sentences=()), 60, 8))
    assert lines == ["! The column is not there."]


def test_the_history_of_a_feature_has_what_counts_as_drift_beside_it() -> None:
    lines = shown(history_picture(HISTORY, "amount", 60, 10))
    assert lines[0] == "Effect of amount (PSI beyond chance)"
    assert lines[-1].split("   ")[:2] == ["a amount", "b drift from 0.05 on"]
    assert any("12:05:00" in line for line in lines)
    assert shown(history_picture(HISTORY, "gone", 60, 10)) == ["No check knew this column."]


def test_performance_is_drawn_with_its_estimates_against_what_is_asked_and_says_on_what_it_was_measured() -> None:
    lines = shown(performance_picture(QUALITY, 80, 14))
    assert lines[0] == "✗ precision 0.700 (0.600 to 0.720), 480 labels"
    assert "a measured   b estimated   c at least 0.95" in [line.strip() for line in lines]
    assert lines[-2:] == ["no falling trend", "! adwin: the error rose at 03-09 12:05"]


def test_performance_that_may_or_may_not_be_too_low_is_called_neither() -> None:
    windows = (quality_window(0, 0.94, 0.97),)
    view = replace(QUALITY, report=replace(QUALITY.report, windows=windows))
    assert shown(performance_picture(view, 80, 14))[0].startswith("~ precision 0.940")


def test_until_it_is_looked_at_closely_performance_is_what_the_labels_of_the_whole_log_show() -> None:
    lines = shown(measured_picture(PRECISION, 80, 10))
    assert lines[0] == "✗ precision 0.700 (0.600 to 0.800), 950 labels of version 2"
    assert "a measured   b at least 0.95" in [line.strip() for line in lines]
    unsure = replace(PRECISION, points=(replace(PRECISION.points[1], high=0.96),))
    assert shown(measured_picture(unsure, 80, 10))[0].startswith("~ precision 0.700")


def test_without_anything_to_judge_performance_says_what_to_run() -> None:
    empty = replace(QUALITY, labels=0, report=replace(QUALITY.report, windows=()))
    lines = shown(performance_picture(empty, 60, 10))
    assert lines == ["1,500 rows and 0 labels are too few to judge.", "unipipe feedback LABELS.csv, then d"]


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


def test_alerts_of_several_targets_name_theirs_and_each_says_how_bad_it_is_and_how_often_it_was_found() -> None:
    other = replace(ASKS, id="b", target="shadow", severity=Severity.CRITICAL, count=3)
    one, both = alerts_sheet(AlertList((ASKS,), 1, 1)), alerts_sheet(AlertList((ASKS, other), 2, 2))
    assert "target" not in [column.key for column in one.columns]
    row = dict(zip([column.key for column in both.columns], both.rows[1].cells, strict=True))
    assert not {"severity", "count"} & {column.key for column in one.columns}
    assert (row["target"].text, row["severity"].text, row["count"].text) == ("shadow", "critical", "3 ×")


def test_an_alert_is_read_with_what_to_do_and_what_it_rests_on() -> None:
    view = AlertView(
        replace(ASKS, command="unipipe drift show local", runbook="Look at the columns."),
        {"check": "drift", "columns": [{"column": "amount", "effect": 2.6}]},
    )
    text = "\n".join(shown(alert_lines(view, 80)))
    assert text.startswith("! drift of local: drift in amount")
    assert "unipipe drift show local" in text
    assert "Look at the columns." in text
    assert '"effect": 2.6' in text


def test_an_overview_of_nothing_says_so() -> None:
    lines = shown(timeline_picture(Timeline("local", None, None, (), (), ("unipipe drift check local",)), 60, 5))
    assert lines == ["Nothing is known of local yet.", "unipipe drift check local"]


def test_the_chosen_check_is_pointed_at_below_its_figures() -> None:
    timeline = Timeline("local", NOON, LATER, (PRECISION,), (), ())
    lines = shown(timeline_picture(timeline, 80, 6, LATER))
    figures, pointer = lines[-3], lines[-2]
    assert pointer.strip() == "03-09 12:05 ^"
    assert figures[pointer.index("^")] not in " "


@pytest.mark.parametrize("width", [48, 76, 97])
@pytest.mark.parametrize("height", [6, 10, 17])
def test_no_picture_is_wider_or_higher_than_its_place(width: int, height: int) -> None:
    timeline = Timeline("local", NOON, LATER, (PRECISION,), (), ())
    pictures = (
        explanation_picture(EXPLAINED, width, height),
        explanation_picture(REGION_EXPLAINED, width, height),
        predictions_picture(TRAFFIC, width, height),
        timeline_picture(timeline, width, height, NOON),
        history_picture(HISTORY, "amount", width, height),
        performance_picture(QUALITY, width, height),
        measured_picture(PRECISION, width, height),
    )
    for picture in pictures:
        assert len(picture) <= max(height, 8)
        assert all(cell_len(line.rstrip()) <= width for line in shown(picture))
