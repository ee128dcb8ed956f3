"""The prediction log as readers see it: segments of lines and Parquet, each prediction once, with its first label."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from tests.store.made import NOON
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.serving import TrafficWindow
from unipipe_tui.serving.folding import fold
from unipipe_tui.store.engine import Engine
from unipipe_tui.store.predictions.log import PredictionLog
from unipipe_tui.store.predictions.rollups import Rollups

Row = dict[str, object]


def prediction(number: int, decision: int = 0, version: int = 1, **inputs: object) -> Row:
    """The prediction of some minute after noon, as the server writes it."""
    return {
        "prediction_id": f"p{number:03}",
        "at": (NOON + timedelta(minutes=number)).isoformat(timespec="microseconds"),
        "model": "fraud",
        "version": version,
        "score": 0.5,
        "decision": decision,
        "latency_ms": float(number),
        **{f"input.{name}": value for name, value in (inputs or {"amount": number}).items()},
    }


def label(number: int, value: object, minute: int = 100) -> Row:
    """A label that came some minutes after noon."""
    at = (NOON + timedelta(minutes=minute)).isoformat(timespec="microseconds")
    return {"prediction_id": f"p{number:03}", "label": value, "at": at}


def segment(folder: Path, name: str, *rows: Row, torn: str = "") -> Path:
    """A segment of JSON lines of the target `local`."""
    path = folder / "local" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + torn)
    return path


def folded(path: Path) -> None:
    """Fold a segment but leave its lines, as a crash in between does."""
    lines = path.read_bytes()
    fold(path)
    path.write_bytes(lines)


def parquet(path: Path) -> list[tuple[object, ...]]:
    return duckdb.connect(":memory:").execute("FROM read_parquet(?)", [str(path)]).fetchall()


@pytest.fixture
def log(tmp_path: Path) -> PredictionLog:
    return PredictionLog(tmp_path)


def test_a_target_without_a_log_has_no_predictions(log: PredictionLog, tmp_path: Path) -> None:
    assert log.totals("local") == (0, 0)
    assert log.window("local", 100) == TrafficWindow(0)
    assert log.labelled_window("local", 100) == TrafficWindow(0)
    assert log.find("p") is None
    assert log.export_window("local", 10, tmp_path / "out.parquet") == 0
    assert log.export_labelled("local", tmp_path / "out.parquet", "id", "label", []) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_segment_that_was_folded_but_not_yet_removed_counts_once(log: PredictionLog, tmp_path: Path) -> None:
    folded(segment(tmp_path, "predictions-1", prediction(1), prediction(2)))
    folded(segment(tmp_path, "feedback-1", label(1, 1)))
    segment(tmp_path, "predictions-2", prediction(3))
    assert log.totals("local") == (3, 1)


def test_a_line_that_was_torn_by_a_kill_is_skipped(log: PredictionLog, tmp_path: Path) -> None:
    segment(tmp_path, "predictions-1", prediction(1), torn='{"prediction_id": "p002", "at": "2026-11')
    segment(tmp_path, "feedback-1", torn='{"prediction_id": "p0')
    assert log.totals("local") == (1, 0)


@pytest.mark.parametrize("torn", ["{", '{"prediction_id": "p1"', '{"at'])
def test_a_log_of_nothing_but_a_torn_line_is_empty(log: PredictionLog, tmp_path: Path, torn: str) -> None:
    segment(tmp_path, "predictions-1", torn=torn)
    assert log.totals("local") == (0, 0)


def test_the_first_label_of_a_prediction_wins_wherever_it_is_kept(log: PredictionLog, tmp_path: Path) -> None:
    segment(tmp_path, "predictions-1", prediction(1), prediction(2))
    fold(segment(tmp_path, "feedback-1", label(1, 0, minute=120), label(2, 1, minute=110)))
    segment(tmp_path, "feedback-2", label(1, 1, minute=115), label(2, 0, minute=111))
    found = [log.find("p001"), log.find("p002")]
    assert [one.label for one in found if one] == ["1", "1"]
    assert found[0] is not None
    assert found[0].label_at == NOON + timedelta(minutes=115)


def test_versions_with_different_inputs_are_read_together(log: PredictionLog, tmp_path: Path) -> None:
    fold(segment(tmp_path, "predictions-1", prediction(1, amount=3, region="north")))
    segment(tmp_path, "predictions-2", prediction(2, version=2, amount=2.5, channel=7))
    first, second = log.find("p001"), log.find("p002")
    assert first is not None
    assert second is not None
    assert first.inputs == {"amount": 3.0, "region": "north", "channel": None}
    assert second.inputs == {"amount": 2.5, "region": None, "channel": 7}
    assert log.window("local", 10, version=2).rows == 1


def test_the_variant_is_told_where_it_was_written_and_older_logs_read_without(
    log: PredictionLog, tmp_path: Path
) -> None:
    fold(segment(tmp_path, "predictions-1", prediction(1)))
    [old] = log.latest("local", 1, 1, NOON)
    assert old.variant is None
    segment(tmp_path, "predictions-2", {**prediction(2), "variant": "canary"})
    assert [one.variant for one in log.latest("local", 2, 1, NOON)] == ["canary", None]


def test_labels_of_one_version_are_counted_apart_however_many_others_came_later(
    log: PredictionLog, tmp_path: Path
) -> None:
    fold(segment(tmp_path, "predictions-1", *(prediction(number, 1, version=2) for number in range(3))))
    segment(tmp_path, "predictions-2", *(prediction(number, 1) for number in range(3, 9)))
    segment(tmp_path, "feedback-1", *(label(number, 1 if number < 3 else 0) for number in range(9)))
    window = log.labelled_window("local", 4, version=2)
    assert (window.labelled, window.true_positive, window.false_positive, window.version) == (3, 3, 0, 2)
    assert log.labelled_window("local", 4).false_positive == 4
    assert log.labelled_window("local", 4, version=3).labelled == 0


def test_the_window_is_the_latest_predictions_with_their_figures(log: PredictionLog, tmp_path: Path) -> None:
    decisions = [1, 1, 0, 0, 1]
    segment(tmp_path, "predictions-1", *(prediction(n, decision) for n, decision in enumerate(decisions)))
    segment(tmp_path, "feedback-1", label(1, True), label(2, 1), label(3, 0), label(4, "false"))
    window = log.window("local", 4)
    assert (window.rows, window.first, window.last) == (4, NOON + timedelta(minutes=1), NOON + timedelta(minutes=4))
    assert window == TrafficWindow(4, window.first, window.last, 1, 4, 1, 1, 1, 1, 2.5, pytest.approx(3.85), yes=2)


def test_the_labelled_window_passes_over_what_has_no_label_yet(log: PredictionLog, tmp_path: Path) -> None:
    segment(tmp_path, "predictions-1", *(prediction(number, 1) for number in range(10)))
    segment(tmp_path, "feedback-1", *(label(number, 1) for number in range(4)))
    assert log.labelled_window("local", 3).last == NOON + timedelta(minutes=3)
    assert log.labelled_window("local", 3).labelled == 3
    assert log.window("local", 3).labelled == 0


def test_a_prediction_is_found_by_the_beginning_of_its_id_unless_several_begin_so(
    log: PredictionLog, tmp_path: Path
) -> None:
    segment(tmp_path, "predictions-1", prediction(1), prediction(2), {**prediction(3), "prediction_id": "p0"})
    (one := log.find("p001"), exact := log.find("p0"))
    assert one is not None
    assert (one.prediction_id, one.target, one.at) == ("p001", "local", NOON + timedelta(minutes=1))
    assert exact is not None
    assert exact.prediction_id == "p0"
    assert log.find("q") is None
    assert log.find("p00%") is None
    with pytest.raises(UsageError, match="Several predictions begin with p00"):
        log.find("p00")


def test_text_that_looks_like_something_else_stays_text(log: PredictionLog, tmp_path: Path) -> None:
    uuid = "018F0000-0000-7000-8000-00000000000A"
    inputs = {"day": "2024-01-05", "time": "10:00:00", "zip": "01234", "stamp": "2024-01-05T10:00:00Z"}
    segment(tmp_path, "predictions-1", {**prediction(1, **inputs), "prediction_id": uuid})
    segment(tmp_path, "feedback-1", {**label(1, "2024-01-05"), "prediction_id": uuid})
    found = log.find("018F")
    assert found is not None
    assert found.prediction_id == uuid
    assert found.inputs == inputs
    assert found.label == "2024-01-05"


def test_times_are_in_utc_whatever_the_machine_s_zone_is(tmp_path: Path) -> None:
    fold(segment(tmp_path, "predictions-1", prediction(1)))
    segment(tmp_path, "predictions-2", prediction(2))
    look = (
        "import sys, pathlib; from unipipe_tui.store.predictions.log import PredictionLog; "
        "log = PredictionLog(pathlib.Path(sys.argv[1])); print(log.find('p001').at, log.find('p002').at, sep='\\n')"
    )
    said = subprocess.run(
        [sys.executable, "-c", look, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "TZ": "America/New_York"},
        check=True,
    )
    assert said.stdout.splitlines() == [str(NOON + timedelta(minutes=1)), str(NOON + timedelta(minutes=2))]


def test_a_line_that_names_another_zone_is_the_same_moment(log: PredictionLog, tmp_path: Path) -> None:
    elsewhere = (NOON + timedelta(minutes=1)).astimezone(timezone(timedelta(hours=2))).isoformat()
    segment(tmp_path, "predictions-1", {**prediction(1), "at": elsewhere})
    (summary,) = Rollups(tmp_path, tmp_path / "cache", Engine()).segments("local")
    assert (log.window("local", 5).first, summary.first) == (NOON + timedelta(minutes=1),) * 2


def test_the_exported_window_holds_the_inputs_under_their_own_names(log: PredictionLog, tmp_path: Path) -> None:
    segment(tmp_path, "predictions-1", *(prediction(n, **{"it's": n, "b": "x"}) for n in range(5)))
    assert log.export_window("local", 2, tmp_path / "a b's" / "out.parquet") == 2
    assert sorted(parquet(tmp_path / "a b's" / "out.parquet")) == [(3, "x"), (4, "x")]
    assert [path.name for path in (tmp_path / "a b's").iterdir()] == ["out.parquet"]


def test_the_exported_labels_leave_out_what_is_known_already(log: PredictionLog, tmp_path: Path) -> None:
    segment(tmp_path, "predictions-1", *(prediction(number) for number in range(5)))
    labels = [label(0, 1), label(1, True), label(2, "0"), label(3, 0)]
    segment(tmp_path, "feedback-1", *labels)
    known = tmp_path / "known.parquet"
    connection = duckdb.connect(":memory:")
    connection.execute(f"COPY (SELECT 'p000' AS id UNION ALL SELECT NULL) TO '{known}' (FORMAT parquet)")
    out = tmp_path / "out.parquet"
    assert log.export_labelled("local", out, "id", "fraud", [known]) == 3
    assert parquet(out) == [("p001", 1, 1), ("p002", 2, 0), ("p003", 3, 0)]
    assert log.export_labelled("local", tmp_path / "all.parquet", "id", "fraud", []) == 4
    assert log.export_labelled("local", tmp_path / "none.parquet", "id", "fraud", [known, out]) == 0


def test_raw_data_without_the_id_column_is_named_with_the_column(log: PredictionLog, tmp_path: Path) -> None:
    segment(tmp_path, "predictions-1", prediction(1))
    segment(tmp_path, "feedback-1", label(1, 1))
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    connection = duckdb.connect(":memory:")
    connection.execute(f"COPY (SELECT 'p000' AS id) TO '{good}' (FORMAT parquet)")
    connection.execute(f"COPY (SELECT 'p000' AS payment) TO '{bad}' (FORMAT parquet)")
    with pytest.raises(UsageError, match=r"bad\.parquet has no column 'id'"):
        log.export_labelled("local", tmp_path / "out.parquet", "id", "fraud", [good, bad])
    assert not (tmp_path / "out.parquet").exists()
    assert log.export_labelled("local", tmp_path / "out.parquet", "ID", "fraud", [good]) == 1


@pytest.mark.parametrize("value", ["yes", "fraud", 0.7, "1e0", "", "1" * 30])
def test_a_label_that_is_no_number_and_not_true_or_false_is_named_and_nothing_is_written(
    log: PredictionLog, tmp_path: Path, value: object
) -> None:
    segment(tmp_path, "predictions-1", prediction(1), prediction(2))
    segment(tmp_path, "feedback-1", label(1, 1), label(2, value))
    with pytest.raises(UsageError, match=f"The label '{value}' of the prediction 'p002'"):
        log.export_labelled("local", tmp_path / "out.parquet", "id", "fraud", [])
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1), (0, 0), (2, 2), (-1, -1), (1.0, 1), ("1.0", 1), (True, 1), (False, 0), ("True", 1), ("FALSE", 0)],
)
def test_whole_numbers_and_truths_are_exported_as_the_numbers_that_they_are(
    log: PredictionLog, tmp_path: Path, value: object, number: int
) -> None:
    segment(tmp_path, "predictions-1", prediction(1))
    segment(tmp_path, "feedback-1", label(1, value))
    assert log.export_labelled("local", tmp_path / "out.parquet", "id", "fraud", []) == 1
    assert parquet(tmp_path / "out.parquet") == [("p001", 1, number)]


def test_a_segment_that_is_folded_while_it_is_read_is_never_missed(log: PredictionLog, tmp_path: Path) -> None:
    from threading import Thread

    segments = [segment(tmp_path, f"predictions-{n:02}", prediction(n)) for n in range(12)]

    def fold_all() -> None:
        for path in segments:
            fold(path)

    folding = Thread(target=fold_all)
    seen = [log.totals("local")]
    folding.start()
    while folding.is_alive():
        seen.append(log.totals("local"))
    folding.join()
    seen.append(log.totals("local"))
    assert set(seen) == {(12, 0)}


def test_answers_are_columns_in_the_order_of_the_predictions_with_the_labels_so_far(
    log: PredictionLog, tmp_path: Path
) -> None:
    segment(
        tmp_path, "predictions-1", prediction(2, 1, amount=5), prediction(1), prediction(3, 1, version=2, region="x")
    )
    segment(tmp_path, "feedback-1", label(2, 1), label(3, False, 90), label(3, True, 95))
    rows = log.answered("local", 100)
    assert rows.at == tuple(NOON + timedelta(minutes=minute) for minute in (1, 2, 3))
    assert rows.decisions == ("0", "1", "1")
    assert rows.labels == (None, "1", "false")
    assert rows.label_at == (None, NOON + timedelta(minutes=100), NOON + timedelta(minutes=90))
    assert rows.scores == (0.5, 0.5, 0.5)
    assert rows.inputs["amount"] == (1, 5, None)
    assert rows.inputs["region"] == (None, None, "x")
    assert log.answered("local", 100, version=2).at == (NOON + timedelta(minutes=3),)
    assert log.answered("local", 1).at == (NOON + timedelta(minutes=3),)
    assert rows.probabilities == {}
    assert log.answered("local", 100, version=7).at == log.answered("nowhere", 100).at == ()


def test_probabilities_of_classes_are_read_beside_rows_of_before_there_were_any(
    log: PredictionLog, tmp_path: Path
) -> None:
    segment(tmp_path, "predictions-1", prediction(1))
    told = {"probability.cat": 0.25, "probability.dog": None}
    segment(tmp_path, "predictions-2", {**prediction(2), **told}, {**prediction(3, version=2), "probability.eel": 1})
    assert log.answered("local", 100).probabilities == {"cat": (None, 0.25, None), "eel": (None, None, 1.0)}
    assert list(log.answered("local", 100, version=1).probabilities) == ["cat"]
    assert not any(name.startswith("probability") for name in log.answered("local", 100).inputs)
