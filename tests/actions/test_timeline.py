"""What is known of a target over time: figures of the checks, latency of the log, and what happened, each with its moment."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.actions.drift.test_checking import answered, checked, serving
from tests.conftest import unipipe
from tests.fakes import NOON
from unipipe_tui.actions.drift.history import ShowDrift, ShowDriftHistory, show_drift, show_drift_history
from unipipe_tui.actions.plain import to_plain
from unipipe_tui.actions.timeline import ShowTimeline, Timeline, show_timeline
from unipipe_tui.actions.traffic import ShowTraffic, show_traffic
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import CheckSaidNo, ExitCode, UsageError
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.records import Alert, AlertKind, How, Promotion, Release
from unipipe_tui.domain.timelines import MarkKind, Series
from unipipe_tui.wiring import world_at

CONFIG = """
model: {name: fraud}
data: {id: id, label: y, reference: reference.csv}
monitoring: {window_rows: 300, performance: {metric: accuracy, at_least: 0.9, minimum_labels: 40}}
"""


@pytest.fixture
def world(project: Path) -> World:
    """A project with a reference of 300 rows, at an hour past noon."""
    (project / "unipipe.yaml").write_text(CONFIG)
    rows = "".join(f"r{number},{number % 10},0\n" for number in range(300))
    (project / "reference.csv").write_text("id,amount,y\n" + rows)
    return at(world_at(project), 60)


def at(world: World, minutes: int) -> World:
    return dataclasses.replace(world, now=lambda: NOON + timedelta(minutes=minutes))


def series(timeline: Timeline) -> dict[str, Series]:
    return {one.name: one for one in timeline.series}


def test_checks_tell_performance_and_drift_and_the_log_tells_latency(world: World) -> None:
    answered(world, 1, right=300, wrong=0)
    checked(serving(world, 1))
    answered(world, 1, right=100, wrong=200)
    checked(serving(at(world, 61), 1))
    found = series(show_timeline(ShowTimeline(), world))
    assert [(point.value, point.beyond) for point in found["accuracy"].points] == [
        (1.0, False),
        (pytest.approx(1 / 3), True),
    ]
    assert found["accuracy"].threshold == 0.9
    assert all(point.low is not None and point.high is not None for point in found["accuracy"].points)
    assert [(point.note, point.beyond) for point in found["drift"].points] == [("amount", False)] * 2
    assert {point.value for point in found["latency p95"].points} == {1.0}
    assert found["latency p95"].unit == "ms"


def test_without_a_check_performance_is_measured_on_the_log_and_it_says_what_to_run(world: World) -> None:
    answered(world, 1, right=3000, wrong=0)
    timeline = show_timeline(ShowTimeline(), world)
    found = series(timeline)
    assert {point.value for point in found["accuracy"].points} == {1.0}
    assert "drift" not in found
    assert timeline.notices == ("No check is recorded: unipipe drift check local",)


def test_marks_tell_what_happened_oldest_first(world: World) -> None:
    def moment(minutes: int) -> dict[str, object]:
        return {"at": NOON + timedelta(minutes=minutes), "job": f"j{minutes}"}

    promotion = Promotion("fraud", "champion", 1, None, How.PROMOTE, "ada", "", NOON, "j0")
    release = Release("local", "fraud", 1, "d" * 64, "c" * 40, "aaaaaaaaaa", "run", "ada", NOON, "j0")
    world.history.add_promotion(dataclasses.replace(promotion, **moment(1)))
    world.history.add_release(dataclasses.replace(release, **moment(2)))
    world.history.add_release(dataclasses.replace(release, target="elsewhere", **moment(3)))
    job = Job("j4", "retrain", "unipipe retrain", "ada", JobState.RUNNING, NOON, 1, 0.0)
    world.jobs.begin(job)
    world.jobs.end(
        dataclasses.replace(
            job, state=JobState.DONE, ended=NOON + timedelta(minutes=4), message="version 2", exit_code=0
        )
    )
    world.history.add_release(dataclasses.replace(release, version=2, data="bbbbbbbbbb", **moment(5)))
    back = dataclasses.replace(promotion, previous=2, how=How.BACK, **moment(6))
    world.history.add_promotion(back)
    world.history.open_alert(Alert("a", AlertKind.DRIFT, "local", "drift in amount", NOON + timedelta(minutes=7), "j7"))
    world.history.close_alerts(AlertKind.DRIFT, "local", NOON + timedelta(minutes=8))
    timeline = show_timeline(ShowTimeline(), world)
    assert [(mark.kind, mark.text) for mark in timeline.marks] == [
        (MarkKind.PROMOTION, "champion names version 1"),
        (MarkKind.RELEASE, "local serves version 1"),
        (MarkKind.TRAINING, "version 2"),
        (MarkKind.RELEASE, "local serves version 2"),
        (MarkKind.DATA, "trained on data bbbbbbbb, before on aaaaaaaa"),
        (MarkKind.ROLLBACK, "champion names version 1, was version 2"),
        (MarkKind.ALERT, "drift in amount"),
        (MarkKind.ALERT_CLOSED, "drift: a check found it gone"),
    ]
    assert (timeline.first, timeline.last) == (NOON + timedelta(minutes=1), NOON + timedelta(minutes=8))
    recent = show_timeline(ShowTimeline(days=1), at(world, 24 * 60 + 7))
    assert [mark.kind for mark in recent.marks] == [MarkKind.ALERT, MarkKind.ALERT_CLOSED]


@pytest.mark.parametrize("days", [0, 36_501, 10**12])
def test_days_that_reach_before_the_calendar_are_refused(world: World, days: int) -> None:
    with pytest.raises(UsageError, match="--days must be 1 to 36,500"):
        show_timeline(ShowTimeline(days=days), world)


def test_a_number_beyond_all_counting_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    for words in (("drift", "history", "-n"), ("timeline", "show", "--days"), ("drift", "check", "--rows")):
        said = unipipe(*words, "9" * 20, cwd=tmp_path)
        assert said.exit_code == ExitCode.USAGE
        assert "is too large" in said.stderr


def test_nothing_known_is_an_empty_timeline(world: World) -> None:
    timeline = show_timeline(ShowTimeline(), world)
    assert (timeline.first, timeline.last, timeline.series, timeline.marks) == (None, None, (), ())
    with pytest.raises(UsageError, match="--days"):
        show_timeline(ShowTimeline(days=0), world)


def test_columns_are_told_over_all_checks_oldest_first(world: World) -> None:
    answered(world, 1, right=300, wrong=0)
    checked(serving(world, 1))
    shift(world)
    checked(serving(at(world, 90), 1))
    history = show_drift_history(ShowDriftHistory(), world)
    assert [check.drifted for check in history.checks] == [0, 1]
    assert world.history.alerts()[0].columns == ("amount",)
    (amount,) = history.columns
    assert [point.drifted for point in amount.points] == [False, True]
    assert amount.points[0].at < amount.points[1].at
    assert (amount.points[1].effect or 0) > history.effect_from > (amount.points[0].effect or 0)
    with pytest.raises(UsageError, match="No check knew a column 'x'"):
        show_drift_history(ShowDriftHistory(column="x"), world)
    assert len(show_drift_history(ShowDriftHistory(limit=1), world).checks) == 1


def shift(world: World) -> None:
    """Let the latest window hold one value only."""
    folder = world.root / ".unipipe" / "predictions" / "local"
    for path in sorted(folder.glob("predictions-*.jsonl")):
        rows = [json.loads(line) | {"input.amount": 3} for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_shown_check_counts_rows_in_each_cell_and_says_what_counts_as_drift(world: World) -> None:
    answered(world, 1, right=300, wrong=0)
    checked(serving(world, 1))
    view = show_drift(ShowDrift(), world)
    (amount,) = view.columns
    assert sum(cell.reference_count for cell in amount.cells) == sum(cell.current_count for cell in amount.cells) == 300
    assert (view.reference_rows, view.effect_from, view.significance) == (300, 0.05, 0.01)
    assert view.performance is not None
    assert (view.performance.metric, view.performance.value) == ("accuracy", 1.0)
    assert view.window is not None
    assert view.window.p95_ms == 1.0


def test_a_report_of_an_older_program_is_shown_without_what_it_did_not_know(world: World) -> None:
    answered(world, 1, right=300, wrong=0)
    checked(serving(world, 1))
    (check,) = world.history.drift_checks("local")
    report = json.loads(check.report)
    old = {key: report["columns"][0][key] for key in ("column", "drifted", "reason", "value", "p_value", "effect")}
    old |= {key: report["columns"][0][key] for key in ("labels", "reference_shares", "current_shares")}
    world.history.add_drift_check(
        dataclasses.replace(check, at=NOON + timedelta(days=1), report=json.dumps({"columns": [old]}))
    )
    view = show_drift(ShowDrift(), world)
    assert (view.columns[0].column, view.columns[0].kind, view.performance, view.window) == ("amount", "", None, None)


def test_a_target_that_was_never_checked_says_what_to_run(world: World) -> None:
    for look, request in ((show_drift, ShowDrift()), (show_drift_history, ShowDriftHistory())):
        with pytest.raises(CheckSaidNo) as error:
            look(request, world)  # type: ignore[operator]
        assert error.value.hint == "unipipe drift check local"


def test_traffic_tells_how_much_how_fast_how_often_yes_and_what_the_log_does_not_know(world: World) -> None:
    answered(world, 1, right=30, wrong=10, unlabelled=20)
    view = show_traffic(ShowTraffic(), world)
    assert (view.predictions, view.labels, view.window.rows, view.window.yes) == (60, 40, 60, 60)
    assert sum(window.rows for window in view.stretches) == 60
    assert [cell.latest for cell in view.scores if cell.latest] == [60]
    assert "refused" in view.notices[0]
    assert json.loads(json.dumps(to_plain(view)))["window"]["p95_ms"] == 1.0
    with pytest.raises(UsageError, match="--rows"):
        show_traffic(ShowTraffic(rows=0), world)
