"""What is in the log, before and after segments become Parquet."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from unipipe_tui.serving.folding import fold
from unipipe_tui.serving.metrics import Answerer
from unipipe_tui.serving.prediction_ids import PredictionIds
from unipipe_tui.serving.prediction_log import Prediction, PredictionLog
from unipipe_tui.serving.scoring import Outcome

from .servers import logged

STABLE = Answerer("fraud", 1, "stable")


class Clock:
    """Tells the time it was given."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, 23, 59, 59, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def record(log: PredictionLog, *ids: str, value: object = 1.0) -> None:
    outcomes = [Outcome(0.25, 0)] * len(ids)
    written = log.record(Prediction(STABLE, ids, {"amount": [value] * len(ids)}, outcomes, 0.01))
    if written is None:
        log.read_back(())
    else:
        written.result(10)


def files(folder: Path) -> list[str]:
    """Names without the process id."""
    return sorted(path.name.replace(f"-{os.getpid()}-", "-PID-") for path in folder.iterdir())


def test_a_full_segment_becomes_parquet(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, Clock(), rows_per_segment=3)
    record(log, "a", "b")
    record(log, "c", "d")
    record(log, "e")
    log.close()
    assert files(tmp_path) == ["predictions-2030-01-01-PID-0.parquet", "predictions-2030-01-01-PID-1.jsonl"]
    assert {row["prediction_id"] for row in logged(tmp_path)} == set("abcde")


def test_a_new_utc_day_begins_a_new_segment(tmp_path: Path) -> None:
    clock = Clock()
    log = PredictionLog(tmp_path, clock)
    record(log, "a")
    clock.now += timedelta(seconds=2)
    record(log, "b")
    log.close()
    assert files(tmp_path) == ["predictions-2030-01-01-PID-0.parquet", "predictions-2030-01-02-PID-0.jsonl"]


def test_a_folded_row_has_the_types_that_readers_rely_on(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, Clock(), rows_per_segment=1)
    record(log, "a", value=None)
    log.close()
    schema = pq.read_schema(next(tmp_path.glob("*.parquet")))
    assert {field.name: str(field.type) for field in schema} == {
        "prediction_id": "string",
        "at": "timestamp[us, tz=UTC]",
        "model": "string",
        "version": "int64",
        "variant": "string",
        "score": "double",
        "decision": "int64",
        "latency_ms": "double",
        "input.amount": "double",
    }


def test_columns_that_only_some_rows_have_are_kept(tmp_path: Path) -> None:
    segment = tmp_path / "predictions-x.jsonl"
    rows = [{"prediction_id": "a", "input.x": 1}, {"prediction_id": "b", "input.y": "s"}]
    segment.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fold(segment)
    assert pq.read_table(segment.with_suffix(".parquet")).to_pylist() == [
        {"prediction_id": "a", "input.x": 1, "input.y": None},
        {"prediction_id": "b", "input.x": None, "input.y": "s"},
    ]


def test_the_quick_way_to_fold_makes_the_table_that_a_look_at_each_line_makes(tmp_path: Path) -> None:
    plain = [
        {"prediction_id": f"p{number}", "at": f"2026-03-01T09:30:00.{number:06}+00:00", "model": "m", "version": 1}
        | {"score": None if number == 3 else number / 7, "decision": number % 2, "input.known": number > 5}
        | {"input.city": "Århus" if number % 3 else None, "input.day": "2026-03-01", "input.count": 2**40 + number}
        for number in range(50)
    ]
    tables = []
    for name, odd in (("quick", []), ("slow", [{"prediction_id": "torn"}])):
        segment = tmp_path / f"predictions-{name}.jsonl"
        lines = [json.dumps(row) + "\n" for row in plain] + [json.dumps(row) for row in odd]
        segment.write_text("".join(lines))
        fold(segment)
        tables.append(pq.read_table(segment.with_suffix(".parquet")))

    assert tables[0].schema.equals(tables[1].schema)
    assert tables[0].equals(tables[1])


def test_a_column_that_two_models_type_differently_is_folded_as_text(tmp_path: Path) -> None:
    segment = tmp_path / "predictions-x.jsonl"
    segment.write_text('{"prediction_id": "a", "input.x": 1}\n{"prediction_id": "b", "input.x": "s"}\n')
    fold(segment)
    assert pq.read_table(segment.with_suffix(".parquet"))["input.x"].to_pylist() == ["1", "s"]


@pytest.mark.parametrize("torn", [b'{"prediction_id": "torn", "at"', b'{"prediction_id": "torn"}', b'\xff\xfe"'])
def test_a_torn_last_line_is_skipped(tmp_path: Path, torn: bytes) -> None:
    segment = tmp_path / "predictions-2030-01-01-1-0.jsonl"
    segment.write_bytes(b'{"prediction_id": "whole", "at": "2030-01-01T00:00:00+00:00"}\n' + torn)
    PredictionLog(tmp_path, Clock()).close()
    assert [path.suffix for path in tmp_path.iterdir()] == [".parquet"]
    assert [row["prediction_id"] for row in logged(tmp_path)] == ["whole"]


def test_a_crash_between_renaming_and_removing_is_mended_at_the_next_start(tmp_path: Path) -> None:
    segment = tmp_path / "predictions-2030-01-01-1-0.jsonl"
    segment.write_text('{"prediction_id": "a", "at": "2030-01-01T00:00:00+00:00"}\n')
    kept = segment.read_bytes()
    fold(segment)
    segment.write_bytes(kept)
    PredictionLog(tmp_path, Clock()).close()
    assert [path.suffix for path in tmp_path.iterdir()] == [".parquet"]
    assert [row["prediction_id"] for row in logged(tmp_path)] == ["a"]


def test_the_live_segment_of_another_server_is_left_alone(tmp_path: Path) -> None:
    first = PredictionLog(tmp_path, Clock())
    record(first, "a")
    second = PredictionLog(tmp_path, Clock())
    record(second, "b")
    second.close()
    assert files(tmp_path) == ["predictions-2030-01-01-PID-0.jsonl", "predictions-2030-01-01-PID-1.jsonl"]
    first.close()


def test_ids_and_labels_are_known_again_from_both_forms(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, Clock(), rows_per_segment=2)
    record(log, "a", "b")
    record(log, "c")
    log.record_labels([("a", 1), ("b", "fraud"), ("c", 0)])
    log.close()
    again = PredictionLog(tmp_path, Clock())
    outcome = again.record_labels([("a", 1), ("b", "fraud"), ("c", 1), ("d", 1)])
    again.close()
    assert (len(outcome.new), outcome.repeated, outcome.conflicting, outcome.unknown) == (0, 2, ["c"], ["d"])


def test_a_file_that_is_not_parquet_does_not_keep_the_log_from_opening(tmp_path: Path) -> None:
    (tmp_path / "predictions-2030-01-01-1-0.parquet").write_bytes(b"not parquet")
    PredictionLog(tmp_path, Clock()).close()
    assert (tmp_path / "predictions-2030-01-01-1-0.parquet").read_bytes() == b"not parquet"


def test_new_ids_are_version_7_and_in_increasing_order() -> None:
    ids = PredictionIds().new(5000)
    assert ids == sorted(set(ids))
    assert {(text[14], text[19] in "89ab") for text in ids} == {("7", True)}
