"""Summaries of segments: what is told from them is what reading everything tells, and folded segments are read once."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.made_minutes import minute_row
from unipipe_tui.domain.errors import Failed
from unipipe_tui.serving.folding import fold
from unipipe_tui.store.engine import Engine
from unipipe_tui.store.predictions.log import PredictionLog
from unipipe_tui.store.predictions.outcomes import DecisionOutcomes
from unipipe_tui.store.predictions.rollups import Rollups
from unipipe_tui.store.predictions.segment_list import Segment
from unipipe_tui.store.predictions.summaries import TOGETHER, KeptSummaries

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
ROWS, SEGMENTS = 60, 8


def written(folder: Path, kind: str, number: int, rows: list[dict[str, Any]], folded: bool) -> Path:
    """A segment."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-2026-03-0{1 + number // 4}-1-{number}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if folded:
        fold(path)
    return path.with_suffix(".parquet") if folded else path


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Predictions of two versions, segments that overlap in time, two that still grow; labels that come days later."""
    folder = tmp_path_factory.mktemp("logs")
    numbers = random.Random(4)
    for segment in range(SEGMENTS):
        rows = []
        for number in range(segment * ROWS, (segment + 1) * ROWS):
            at = BEGIN + timedelta(minutes=10 * number + numbers.uniform(-90, 90))
            version = 2 if number > 300 or number % 7 == 0 else 1
            rows.append(
                {
                    "prediction_id": f"p{number:04}",
                    "at": at.isoformat(),
                    "model": "fraud",
                    "version": version,
                    "variant": "stable" if version == 1 else "canary",
                    "score": numbers.random(),
                    "decision": numbers.randint(0, 1),
                    "latency_ms": round(numbers.lognormvariate(1, 0.5), 3),
                    "input.amount": 1.5,
                }
            )
        written(folder / "local", "predictions", segment, rows, folded=segment < SEGMENTS - 2)
    for segment in range(3):
        rows = [
            {
                "prediction_id": f"p{number:04}",
                "label": numbers.randint(0, 1),
                "at": (BEGIN + timedelta(days=1, minutes=10 * number)).isoformat(),
            }
            for number in range(segment * 130, segment * 130 + 130, 3)
        ]
        written(folder / "local", "feedback", segment, rows, folded=segment < 2)
    return folder


QUESTIONS: list[Callable[[PredictionLog], object]] = [
    lambda log: log.totals("local"),
    lambda log: log.window("local", 70),
    lambda log: log.window("local", 70, 1),
    lambda log: log.window("local", 10_000),
    lambda log: log.labelled_window("local", 40),
    lambda log: log.labelled_window("local", 40, 2),
    lambda log: log.labelled_window("local", 10_000),
    lambda log: log.scores("local", 50, 10),
    lambda log: log.stretches("local", 5),
    lambda log: log.stretches("local", 5, BEGIN + timedelta(days=2)),
    lambda log: log.latest("local", 20, 1, BEGIN, BEGIN + timedelta(days=1)),
    lambda log: log.answered("local", 50),
    lambda log: log.answered("local", 120, 1),
    lambda log: log.window("local", 10, 7),
    lambda log: log.find("p0311"),
    lambda log: log.find("p03110"),
    lambda log: log.damaged("local"),
]


def labelled_rows(log: PredictionLog, to: Path) -> object:
    """What is exported of labelled predictions."""
    log.export_labelled("local", to, "id", "label", ())
    return pq.read_table(to).to_pylist()


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_with_summaries_every_question_has_the_same_answer(number: int, logs: Path, tmp_path: Path) -> None:
    engine = Engine()
    whole = PredictionLog(logs, engine)
    chosen = PredictionLog(logs, engine, Rollups(logs, tmp_path / "cache", engine))
    assert QUESTIONS[number](chosen) == QUESTIONS[number](whole)


def told(logs: Path, rollups: Rollups | None, to: Path) -> list[object]:
    """All answers; with summaries, or by reading everything."""
    engine = Engine()
    log, outcomes = PredictionLog(logs, engine, rollups), DecisionOutcomes(logs, engine, rollups)
    ends = [BEGIN, BEGIN + timedelta(days=1), BEGIN + timedelta(days=2), BEGIN + timedelta(days=40)]
    by_minute = [outcomes.outcomes("local", since, until) for since, until in pairwise(ends)]
    return [*(question(log) for question in QUESTIONS), labelled_rows(log, to), *by_minute]


@pytest.mark.parametrize("seed", range(2))
def test_whatever_happened_to_a_log_its_answers_are_those_of_reading_everything(seed: int, tmp_path: Path) -> None:
    """Ids in no order, late labels, a segment that lies there twice, a torn line; then damage, and what came too late."""
    numbers = random.Random(seed)
    logs, aside = tmp_path / "logs", tmp_path / "aside"
    ids = [f"p{number:04}" for number in range(SEGMENTS * ROWS)]
    numbers.shuffle(ids)
    rows = [
        {
            "prediction_id": one,
            "at": (BEGIN + timedelta(minutes=5 * number + numbers.uniform(-200, 200))).isoformat(),
            "model": "fraud",
            "version": numbers.choice((1, 2)),
            "variant": "stable",
            "score": numbers.random(),
            "decision": numbers.randint(0, 1),
            "latency_ms": round(numbers.lognormvariate(1, 0.5), 3),
            "input.amount": numbers.random(),
        }
        for number, one in enumerate(ids)
    ]
    for segment in range(SEGMENTS):
        part = rows[segment * ROWS : (segment + 1) * ROWS]
        written(logs / "local", "predictions", segment, part, folded=segment < SEGMENTS - 1)
        delay = timedelta(hours=numbers.uniform(0, 200))
        labels = [
            {
                "prediction_id": row["prediction_id"],
                "label": numbers.randint(0, 1),
                "at": (datetime.fromisoformat(str(row["at"])) + delay).isoformat(),
            }
            for row in part
            if numbers.random() < 0.3
        ]
        written(logs / "local", "feedback", segment, labels, folded=segment < SEGMENTS - 2)
    twice = written(logs / "local", "predictions", 2, rows[2 * ROWS : 3 * ROWS], folded=False)
    with twice.open("a") as file:
        file.write('{"prediction_id": "torn')
    # Long ago, so that it is known to be torn.
    os.utime(twice, (0, 0))
    aside.mkdir()
    late = sorted((logs / "local").glob("predictions-*.parquet"))[4].rename(aside / "late.parquet")
    place = logs / "local" / "predictions-2026-03-02-1-4.parquet"
    rollups = Rollups(logs, tmp_path / "cache", Engine())
    assert told(logs, rollups, tmp_path / "a.parquet") == told(logs, None, tmp_path / "b.parquet")
    late.rename(place)
    assert told(logs, rollups, tmp_path / "a.parquet") == told(logs, None, tmp_path / "b.parquet")
    damaged = logs / "local" / "predictions-2026-03-01-1-1.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    for kept in (tmp_path / "cache").rglob("*.jsonl"):
        kept.write_bytes(kept.read_bytes().replace(b"1", b"7", 3))
    again = Rollups(logs, tmp_path / "cache", Engine())
    assert told(logs, again, tmp_path / "a.parquet") == told(logs, None, tmp_path / "b.parquet")


def test_a_long_log_is_told_in_stretches_with_its_labels_from_summaries_alone(logs: Path, tmp_path: Path) -> None:
    engine = Engine()
    rollups = Rollups(logs, tmp_path / "cache", engine)
    exact = PredictionLog(logs, engine, rollups).stretches("local", 6)
    rolled = PredictionLog(logs, engine, rollups, most_read_whole=100).stretches("local", 6)
    assert sum(one.rows for one in rolled) == sum(one.rows for one in exact) == ROWS * SEGMENTS
    assert sum(one.yes for one in rolled) == sum(one.yes for one in exact)
    # The labels of the last segment are still lines: those are left out.
    folded = 2 * 44
    assert sum(one.labelled for one in rolled) == folded
    assert (
        sum(one.true_positive + one.false_positive + one.false_negative + one.true_negative for one in rolled) == folded
    )
    assert all(one.p50_ms and one.p95_ms and one.p50_ms < one.p95_ms for one in rolled)


def test_hours_tell_rows_scores_and_percentiles_of_each_version(logs: Path, tmp_path: Path) -> None:
    engine = Engine()
    hours = Rollups(logs, tmp_path / "cache", engine).predicted("local")
    assert sum(one.rows for one in hours) == ROWS * SEGMENTS
    assert all(sum(one.scores) == one.latency.total == one.rows for one in hours)
    assert {(one.version, one.variant) for one in hours} == {(1, "stable"), (2, "canary")}
    window = PredictionLog(logs, engine).window("local", 10_000)
    assert sum(one.yes for one in hours) == window.yes


def test_a_folded_segment_is_read_once_also_by_another_process(logs: Path, tmp_path: Path) -> None:
    copied = tmp_path / "logs"
    (copied / "local").mkdir(parents=True)
    for path in (logs / "local").iterdir():
        (copied / "local" / path.name).write_bytes(path.read_bytes())
    before = Rollups(copied, tmp_path / "cache", Engine()).predicted("local")
    for path in (copied / "local").glob("predictions-*.parquet"):
        # Of the same size, so that it is known; who read it again would find it damaged.
        path.write_bytes(b"x" * path.stat().st_size)
    again = Rollups(copied, tmp_path / "cache", Engine())
    assert again.predicted("local") == before
    assert again.coverage("local").damaged == ()


def test_a_damaged_segment_is_named_and_the_others_are_told(logs: Path, tmp_path: Path) -> None:
    copied = tmp_path / "logs"
    (copied / "local").mkdir(parents=True)
    for path in (logs / "local").iterdir():
        (copied / "local" / path.name).write_bytes(path.read_bytes())
    first = min((copied / "local").glob("predictions-*.parquet"))
    first.write_bytes(first.read_bytes()[:500])
    found = Rollups(copied, tmp_path / "cache", Engine())
    assert sum(one.rows for one in found.predicted("local")) == ROWS * (SEGMENTS - 1)
    assert found.coverage("local").damaged == (first.name,)


def test_who_is_stopped_while_summing_up_begins_where_he_stopped_and_tells_how_far_he_is(tmp_path: Path) -> None:
    segments = [Segment(Path(f"{number}"), number, f"{number}:1") for number in range(3 * TOGETHER)]
    asked: list[int] = []
    kept = KeptSummaries(tmp_path / "kept.jsonl")

    def made(paths: Sequence[Path]) -> dict[Path, Any]:
        asked.append(len(paths))
        assert kept.under_way is not None and kept.under_way.of == 3 * TOGETHER
        # Who only wants to know what is known waits for nobody.
        assert len(kept.known(segments)) == kept.under_way.done
        if len(asked) == 3:
            raise KeyboardInterrupt
        return {path: [1] for path in paths}

    with pytest.raises(KeyboardInterrupt):
        kept.of(segments, made)
    assert kept.under_way is None
    again = KeptSummaries(tmp_path / "kept.jsonl").of(segments, lambda paths: {path: [2] for path in paths})
    assert sorted(told for (told,) in again.of.values()) == [1] * 2 * TOGETHER + [2] * TOGETHER


def test_summaries_that_were_torn_are_made_again(logs: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    before = Rollups(logs, cache, Engine()).predicted("local")
    kept = next(cache.rglob("predictions-*.jsonl"))
    kept.write_bytes(kept.read_bytes()[:-200])
    assert Rollups(logs, cache, Engine()).predicted("local") == before
    assert Rollups(logs, cache, Engine()).predicted("local") == before


def test_where_nothing_can_be_kept_all_is_told_all_the_same(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    found = Rollups(logs, tmp_path / "cache", Engine())
    assert sum(one.rows for one in found.predicted("local")) == ROWS * SEGMENTS


def test_what_is_added_to_a_segment_that_grows_is_told_at_once(tmp_path: Path) -> None:
    row = {"prediction_id": "a", "at": BEGIN.isoformat(), "model": "m", "version": 1, "variant": "stable"}
    more = {"score": 0.5, "decision": 1, "latency_ms": 2.0}
    path = written(tmp_path / "local", "predictions", 0, [row | more], folded=False)
    found = Rollups(tmp_path, tmp_path / "cache", Engine())
    assert [one.rows for one in found.predicted("local")] == [1]
    with path.open("a") as file:
        file.write(json.dumps(row | more | {"prediction_id": "b"}) + '\n{"prediction_id": "torn')
    assert [one.rows for one in found.predicted("local")] == [2]


def test_servers_are_added_and_the_time_they_were_up_is_told_of_each(tmp_path: Path) -> None:
    def minute(server: str, number: int, requests: int) -> dict[str, Any]:
        return minute_row(BEGIN + timedelta(minutes=number), requests, server=server, in_flight=requests)

    rows = [minute("a", number, 2) for number in range(90)] + [minute("b", number, 3) for number in range(30)]
    written(tmp_path / "local", "minutes", 0, rows, folded=True)
    # A server that was started again within its minute.
    written(tmp_path / "local", "minutes", 1, [minute("a", 90, 1) | {"up_seconds": 20.0}], folded=False)
    found = Rollups(tmp_path, tmp_path / "cache", Engine())
    until = BEGIN + timedelta(hours=3)
    first = found.minutes("local", BEGIN, BEGIN + timedelta(minutes=1))
    assert [(one.requests, one.servers, one.up_seconds, one.in_flight) for one in first] == [(5, 2, 120.0, 3)]
    hours = found.hours("local", BEGIN, until)
    assert [(one.requests, one.minutes, one.latency.total) for one in hours] == [(210, 60, 210), (61, 31, 61)]
    up = found.uptime("local", BEGIN, until)
    assert [(one.server, one.up_seconds, one.minutes.bit_count()) for one in up] == [
        ("a", 3600.0, 60),
        ("b", 1800.0, 30),
        ("a", 1820.0, 31),
    ]
    coverage = found.coverage("local")
    assert (coverage.first_minute, coverage.last_minute) == (BEGIN, BEGIN + timedelta(minutes=90))
    assert coverage.first_prediction is None


def folded_since_it_was_listed(folder: Path, rollups: Rollups, path: Path) -> None:
    """Fold a segment between the moment it is listed and that in which it is opened."""
    os.utime(folder, (0, 0))
    rollups.listed(folder, "predictions")
    fold(path)
    # The folder looks as it did when it was listed.
    os.utime(folder, (0, 0))


def small_log(folder: Path) -> Path:
    """Two predictions that are lines still, with a label each; the segment of the predictions."""
    row = {"at": BEGIN.isoformat(), "model": "m", "version": 1, "variant": "stable", "score": 0.5, "decision": 1}
    more = {"latency_ms": 2.0, "input.amount": 1.5}
    path = written(folder, "predictions", 0, [{"prediction_id": one} | row | more for one in "ab"], folded=False)
    labels = [{"prediction_id": one, "label": 1, "at": (BEGIN + timedelta(days=1)).isoformat()} for one in "ab"]
    written(folder, "feedback", 0, labels[:1], folded=True)
    written(folder, "feedback", 1, labels[1:], folded=False)
    return path


def test_a_segment_that_is_folded_since_it_was_listed_is_told_all_the_same(tmp_path: Path) -> None:
    path = small_log(tmp_path / "local")
    found = Rollups(tmp_path, tmp_path / "cache", Engine())
    folded_since_it_was_listed(tmp_path / "local", found, path)
    assert [one.rows for one in found.predicted("local")] == [2]


def test_labels_find_predictions_that_are_folded_since_they_were_listed(tmp_path: Path) -> None:
    path, engine = small_log(tmp_path / "local"), Engine()
    found = Rollups(tmp_path, tmp_path / "cache", engine)
    assert found.segments("local")
    folded_since_it_was_listed(tmp_path / "local", found, path)
    day = BEGIN + timedelta(days=1)
    (minute,) = DecisionOutcomes(tmp_path, engine, found).outcomes("local", day, day + timedelta(hours=1))
    assert minute.true_positive == 2
    assert (
        PredictionLog(tmp_path, engine, found).export_labelled("local", tmp_path / "out.parquet", "id", "was", []) == 2
    )


@pytest.mark.parametrize("folded", [True, False])
def test_labels_of_a_segment_that_was_damaged_since_it_was_summed_up_are_not_left_out_in_silence(
    tmp_path: Path, folded: bool
) -> None:
    path, engine = small_log(tmp_path / "local"), Engine()
    fold(path)
    found = Rollups(tmp_path, tmp_path / "cache", engine)
    assert found.segments("local")
    damaged = path.with_suffix(".parquet")
    told = damaged.read_bytes()
    # Its beginning and its end are whole, so it is known.
    damaged.write_bytes(told[:4] + b"x" * 200 + told[204:])
    if folded:
        fold(tmp_path / "local" / "feedback-2026-03-01-1-1.jsonl")
    log, outcomes = PredictionLog(tmp_path, engine, found), DecisionOutcomes(tmp_path, engine, found)
    with pytest.raises(Failed, match="The log of local cannot be read"):
        log.labelled_window("local", 10)
    with pytest.raises(Failed, match="The log of local cannot be read"):
        outcomes.outcomes("local", BEGIN, BEGIN + timedelta(days=2))


def test_labels_count_in_the_hour_of_their_prediction_whatever_zone_its_line_names(tmp_path: Path) -> None:
    zone = timezone(timedelta(hours=2))
    row = {"prediction_id": "a", "at": BEGIN.astimezone(zone).isoformat(), "model": "m", "version": 1}
    more = {"variant": "stable", "score": 0.5, "decision": 1, "latency_ms": 2.0}
    written(tmp_path / "local", "predictions", 0, [row | more], folded=False)
    label = {"prediction_id": "a", "label": 1, "at": (BEGIN + timedelta(days=1)).isoformat()}
    written(tmp_path / "local", "feedback", 0, [label], folded=True)
    engine = Engine()
    log = PredictionLog(tmp_path, engine, Rollups(tmp_path, tmp_path / "cache", engine), most_read_whole=0)
    assert [(one.rows, one.labelled) for one in log.stretches("local", 5)] == [(1, 1)]
