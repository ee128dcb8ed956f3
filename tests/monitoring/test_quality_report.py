"""Traffic cut into windows, and all that is made of it: late labels, days, a reference of its own or a given one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unipipe_tui.domain.serving import JudgedRows
from unipipe_tui.monitoring.performance import UNKNOWN
from unipipe_tui.monitoring.quality.report import report_quality
from unipipe_tui.monitoring.quality.results import Clock, Cut, Quality, QualitySettings, TrendState
from unipipe_tui.monitoring.quality.windows import arrays_of, cut_into_windows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = QualitySettings(Quality.PRECISION, 0.8, minimum_labels=100, window_rows=500)


def traffic(
    rows: int, seed: int = 1, worse_from: int | None = None, unlabelled_from: int | None = None, delay: int = 60
) -> JudgedRows:
    """A row a minute; its label comes `delay` minutes later. From one row on, a region of half the rows is never positive."""
    generator = np.random.default_rng(seed)
    chances = generator.beta(0.5, 0.5, rows)
    regions = generator.choice(["north", "south"], rows)
    labels = generator.random(rows) < chances
    if worse_from is not None:
        labels[worse_from:] &= regions[worse_from:] == "north"
    known = unlabelled_from if unlabelled_from is not None else rows
    at = [NOON + timedelta(minutes=place) for place in range(rows)]
    return JudgedRows(
        at=tuple(at),
        scores=tuple(chances.tolist()),
        decisions=tuple((chances > 0.7).tolist()),
        labels=tuple(bool(label) if place < known else None for place, label in enumerate(labels)),
        label_at=tuple(moment + timedelta(minutes=delay) if place < known else None for place, moment in enumerate(at)),
        inputs={"region": tuple(regions.tolist())},
    )


def test_windows_whose_labels_lack_are_estimated_and_the_estimate_is_what_labels_would_show() -> None:
    report = report_quality(traffic(8000, unlabelled_from=6000), None, SETTINGS)
    assert [window.labelled for window in report.windows] == [500] * 12 + [0] * 4
    truth = report_quality(traffic(8000), None, SETTINGS)
    for window, real in zip(report.windows[12:], truth.windows[12:], strict=True):
        figure = window.figure(Quality.PRECISION)
        assert figure.measured == UNKNOWN
        assert figure.estimated.value == pytest.approx(real.figure(Quality.PRECISION).measured.value, abs=0.06)
        assert figure.usual is not None
        assert not figure.unusual
    assert [window.of_reference for window in report.windows][:6] == [True] * 5 + [False]
    assert report.drop is not None
    assert abs(report.drop.lost) < 0.08


def test_a_loss_is_seen_by_the_detector_attributed_to_its_slice_and_shown_by_calibration() -> None:
    report = report_quality(traffic(8000, worse_from=6000), None, SETTINGS)
    adwin = report.detectors[0]
    assert adwin.decides and adwin.worsened
    seen = [change for change in adwin.changes if change >= NOON + timedelta(minutes=6000)]
    assert seen and seen[0] < NOON + timedelta(minutes=6500)
    assert report.drop is not None
    first = report.drop.slices[0]
    assert (first.column, first.value, first.significant) == ("region", "south", True)
    assert report.calibration is not None
    assert report.calibration.surely_off
    assert report.windows[-1].figure(Quality.PRECISION).measured.value == pytest.approx(0.45, abs=0.12)


def test_the_day_of_a_prediction_and_the_day_of_its_label_are_two_things() -> None:
    rows = traffic(2 * 24 * 60, delay=24 * 60)
    arrays = arrays_of(rows)
    by_prediction = cut_into_windows(arrays, Cut.DAY, Clock.PREDICTION, 1)
    by_label = cut_into_windows(arrays, Cut.DAY, Clock.LABEL, 1)
    assert [len(window) for window in by_prediction] == [720, 1440, 720]
    assert [len(window) for window in by_label] == [720, 1440, 720]
    report = report_quality(rows, None, QualitySettings(Quality.RECALL, 0.5, 100, 500, Cut.DAY, Clock.LABEL))
    assert [window.first.day for window in report.windows] == [2, 3, 4]
    assert all(window.figure(Quality.RECALL).estimated == UNKNOWN for window in report.windows)


def test_labels_that_have_not_come_are_in_no_window_by_label() -> None:
    arrays = arrays_of(traffic(1000, unlabelled_from=400))
    assert sum(len(window) for window in cut_into_windows(arrays, Cut.ROWS, Clock.LABEL, 150)) == 400
    assert sum(len(window) for window in cut_into_windows(arrays, Cut.ROWS, Clock.PREDICTION, 150)) == 1000


def test_a_given_reference_is_what_the_traffic_is_held_against() -> None:
    report = report_quality(traffic(2000, seed=2, worse_from=0), traffic(4000), SETTINGS, "holdout.parquet")
    assert (report.reference.what, report.reference.labelled) == ("holdout.parquet", 4000)
    assert not any(window.of_reference for window in report.windows)
    assert report.drop is not None
    assert report.drop.lost > 0.2


def test_nothing_few_rows_and_rows_without_scores_say_so_and_break_nothing() -> None:
    nothing = report_quality(JudgedRows(), None, SETTINGS)
    assert (nothing.windows, nothing.calibration, nothing.drop) == ((), None, None)
    assert nothing.forecast.state is TrendState.TOO_FEW_WINDOWS
    few = report_quality(traffic(30), None, SETTINGS)
    assert any("Nothing is estimated" in notice for notice in few.notices)
    assert few.windows[0].figure(Quality.ACCURACY).measured.value is not None
    rows = traffic(3000)
    blind = report_quality(
        JudgedRows(rows.at, (None,) * 3000, rows.decisions, rows.labels, rows.label_at), None, SETTINGS
    )
    assert blind.windows[0].figure(Quality.ROC_AUC).measured == UNKNOWN
    assert blind.windows[0].figure(Quality.PRECISION).measured.value is not None
    assert blind.calibration is None


def test_labels_before_their_predictions_are_told() -> None:
    report = report_quality(traffic(1000, delay=-5), None, SETTINGS)
    assert "1,000 labels came before their predictions: a clock was set back." in report.notices


def test_what_is_usual_is_not_told_from_a_handful_of_windows() -> None:
    report = report_quality(traffic(2000), None, replace(SETTINGS, limit=None))
    assert all(window.figure(Quality.PRECISION).usual is None for window in report.windows)
    assert any("takes 5 windows" in notice for notice in report.notices)
    assert (report.limit, report.forecast.limit) == (None, None)


@pytest.mark.parametrize("metric", list(Quality))
def test_every_figure_can_be_watched(metric: Quality) -> None:
    report = report_quality(traffic(3000), None, QualitySettings(metric, 0.5, 100, 300))
    assert report.metric is metric
    assert (report.drop is None) == (metric in {Quality.ROC_AUC, Quality.PR_AUC})
    figure = report.windows[-1].figure(metric)
    assert figure.measured.value is not None and figure.estimated.value is not None


row = st.tuples(
    st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 0.5, 1.0])),
    st.booleans(),
    st.sampled_from([None, True, False]),
    st.one_of(st.none(), st.text(max_size=3), st.integers(-(2**70), 2**70), st.floats(), st.booleans()),
)


@settings(max_examples=60)
@given(
    st.lists(row, max_size=40), st.sampled_from(list(Quality)), st.sampled_from(list(Cut)), st.sampled_from(list(Clock))
)
def test_no_traffic_is_too_odd_to_be_told(
    found: list[tuple[float | None, bool, bool | None, str | float | None]], metric: Quality, cut: Cut, clock: Clock
) -> None:
    scores, decisions, labels, odd = zip(*found, strict=True) if found else ((), (), (), ())
    at = tuple(NOON + timedelta(hours=place % 7) for place in range(len(found)))
    came = tuple(None if label is None else NOON for label in labels)
    rows = JudgedRows(at, scores, decisions, labels, came, {"odd": odd})
    report = report_quality(rows, None, QualitySettings(metric, 0.9, 1, 7, cut, clock))
    counted = rows.labels if clock is Clock.PREDICTION else [label for label in labels if label is not None]
    assert sum(window.rows for window in report.windows) == len(counted)
    for window in report.windows:
        for figure in window.figures:
            for told in (figure.measured, figure.estimated):
                assert told.value is None or 0.0 <= (told.low or 0.0) <= told.value <= (told.high or 0.0) <= 1.0 + 1e-9
