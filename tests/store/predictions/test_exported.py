"""The latest and the first answers of a version, written for a comparison: no answer is in both."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from tests.fakes import NOON
from unipipe_tui.store.engine import Engine
from unipipe_tui.store.predictions.log import PredictionLog
from unipipe_tui.store.predictions.rollups import Rollups


def log(folder: Path, segments: int = 4, rows: int = 25) -> None:
    """Answers of version 1 and 2 in turn, in several segments."""
    (folder / "local").mkdir(parents=True)
    for segment in range(segments):
        lines = []
        for row in range(rows):
            number = segment * rows + row
            known = {"prediction_id": f"p{number:04}", "at": (NOON + timedelta(minutes=number)).isoformat()}
            told = {"model": "fraud", "version": 1 + number % 2, "score": number / 1_000, "decision": number % 3}
            lines.append(json.dumps({**known, **told, "latency_ms": 1.0, "input.amount": number}) + "\n")
        (folder / "local" / f"predictions-{segment}.jsonl").write_text("".join(lines))


def scores(path: Path) -> list[float]:
    return [row[0] for row in duckdb.execute("SELECT score FROM read_parquet(?) ORDER BY 1", [str(path)]).fetchall()]


@pytest.fixture(params=["every segment", "those that a summary names"])
def predictions(request: pytest.FixtureRequest, tmp_path: Path) -> PredictionLog:
    folder = tmp_path / "predictions"
    log(folder)
    engine = Engine()
    rollups = Rollups(folder, tmp_path / "rollups", engine) if request.param != "every segment" else None
    return PredictionLog(folder, engine, rollups)


@pytest.mark.parametrize(("rows", "late", "early"), [(10, 10, 10), (25, 25, 25), (40, 25, 25), (1, 1, 1)])
def test_each_file_has_its_rows_of_the_version_and_none_is_in_both(
    rows: int, late: int, early: int, predictions: PredictionLog, tmp_path: Path
) -> None:
    latest, first = tmp_path / "latest.parquet", tmp_path / "first.parquet"
    assert predictions.export_answers("local", 2, rows, latest, first) == (late, early)
    every = [number / 1_000 for number in range(1, 100, 2)]
    assert scores(latest) == every[-late:]
    assert scores(first) == every[:early]


def test_inputs_go_along_with_the_latest_and_of_an_odd_number_the_first_have_one_more(
    predictions: PredictionLog, tmp_path: Path
) -> None:
    late = {"prediction_id": "z", "at": (NOON + timedelta(days=9)).isoformat(), "model": "fraud", "version": 2}
    line = json.dumps({**late, "score": None, "decision": 1, "latency_ms": 1.0, "input.amount": 7}) + "\n"
    (tmp_path / "predictions" / "local" / "predictions-9.jsonl").write_text(line)
    latest, first = tmp_path / "latest.parquet", tmp_path / "first.parquet"
    assert predictions.export_answers("local", 2, 500, latest, first) == (25, 26)
    columns = duckdb.execute("DESCRIBE FROM read_parquet(?)", [str(latest)]).fetchall()
    assert [name for name, *_ in columns] == ["score", "decision", "input.amount"]


def test_a_version_or_a_target_that_never_answered_has_none(predictions: PredictionLog, tmp_path: Path) -> None:
    latest, first = tmp_path / "latest.parquet", tmp_path / "first.parquet"
    assert predictions.export_answers("local", 7, 100, latest, first) == (0, 0)
    assert predictions.export_answers("elsewhere", 1, 100, latest, first) == (0, 0)
