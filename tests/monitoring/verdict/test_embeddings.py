"""Columns of vectors: what moved in any direction or in spread is found, in every form in which vectors are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unipipe_tui.monitoring.drift import ColumnDrift, ColumnKind
from unipipe_tui.monitoring.sources import Files
from unipipe_tui.monitoring.verdict.embeddings import check_embeddings, means_apart
from unipipe_tui.monitoring.verdict.vectors import Vectors, vectors_of

LENGTH = 24


def vectors(seed: int, rows: int, towards: float = 0.0, spread: float = 1.0) -> Any:
    chance = np.random.default_rng(seed)
    found = spread * chance.normal(size=(rows, LENGTH)) @ np.diag(np.linspace(3, 0.3, LENGTH))
    found[:, -1] += towards
    return found


def parquet(path: Path, rows: Any, *, fixed: bool = False) -> Files:
    kind = pa.list_(pa.float32(), LENGTH) if fixed else pa.list_(pa.float32())
    pq.write_table(pa.table({"v": pa.array(list(rows), kind)}), path)
    return Files((str(path),))


def lines(path: Path, rows: Any) -> Files:
    path.write_text("".join(json.dumps({"v": row.round(4).tolist()}) + "\n" for row in rows))
    return Files((str(path),))


def csv(path: Path, rows: Any) -> Files:
    path.write_text("v\n" + "".join(f'"{row.round(4).tolist()}"\n' for row in rows))
    return Files((str(path),))


def compared(reference: Files, current: Files) -> ColumnDrift:
    then = vectors_of(reference, ["v"])["v"]
    assert isinstance(then, Vectors)
    (found,) = check_embeddings({"v": then}, vectors_of(current, ["v"]))
    return found


@pytest.mark.parametrize("moved", [{"towards": 0.3}, {"spread": 1.2}])
def test_a_small_step_in_one_direction_and_a_greater_spread_are_drift(moved: Any, tmp_path: Path) -> None:
    found = compared(
        parquet(tmp_path / "a.parquet", vectors(1, 1_500)), lines(tmp_path / "b.jsonl", vectors(2, 700, **moved))
    )
    assert (found.kind, found.method, found.drifted) == (ColumnKind.EMBEDDING, "embedding:domain_classifier", True)
    assert found.value is not None
    assert found.value > 0.55
    assert (found.reference_rows, found.current_rows) == (1_500, 700)
    assert "1,500 and 700 vectors of 24 numbers" in found.reason


def test_vectors_that_stay_are_calm_however_they_are_written(tmp_path: Path) -> None:
    reference = parquet(tmp_path / "a.parquet", vectors(3, 1_200), fixed=True)
    alarms = 0
    for seed in range(4):
        alarms += compared(reference, parquet(tmp_path / "b.parquet", vectors(50 + seed, 500))).drifted
    alarms += compared(reference, csv(tmp_path / "b.csv", vectors(4, 500))).drifted
    assert alarms == 0


def test_vectors_of_another_length_are_drift_and_few_are_not_judged(tmp_path: Path) -> None:
    reference = parquet(tmp_path / "a.parquet", vectors(5, 400))
    other = compared(reference, lines(tmp_path / "b.jsonl", vectors(6, 400)[:, :12]))
    assert (other.drifted, other.reason) == (
        True,
        "Vectors of 24 numbers in the reference, of 12 in the current data.",
    )
    few = compared(reference, lines(tmp_path / "c.jsonl", vectors(7, 60)))
    assert (few.drifted, few.reason) == (False, "Too few vectors to judge: 60 of at least 200.")


def test_lists_that_are_no_vectors_are_told_from_them(tmp_path: Path) -> None:
    ragged = [[1.0] * (number % 5 + 1) for number in range(300)]
    pq.write_table(
        pa.table({"v": ragged, "words": [["a", "b"]] * 300, "x": [1.0] * 300, "gaps": [[1.0, None]] * 300}),
        tmp_path / "a.parquet",
    )
    held = vectors_of(Files((str(tmp_path / "a.parquet"),)), ["v", "words", "x", "gaps", "gone"])
    assert not [name for name, one in held.items() if isinstance(one, Vectors)]
    assert held["x"] == "values of type DOUBLE are no lists of numbers"


def test_the_distance_of_means_is_what_was_put_there_and_nothing_without_a_move() -> None:
    chance = np.random.default_rng(8)
    then, now = chance.normal(size=(4_000, 16)), chance.normal(size=(4_000, 16))
    assert means_apart(then, now).distance < 0.05
    assert means_apart(then, now).p_value > 0.01
    moved = means_apart(then, now + 0.5)
    assert moved.distance == pytest.approx(0.5, rel=0.1)
    assert moved.p_value == 1 / 500


def test_vectors_of_numbers_too_large_to_add_up_are_left_out(tmp_path: Path) -> None:
    rows = vectors(5, 600).tolist()
    rows[7][0] = 1e300
    pq.write_table(pa.table({"v": pa.array(rows, pa.list_(pa.float64()))}), tmp_path / "a.parquet")
    wild = Files((str(tmp_path / "a.parquet"),))
    found = compared(wild, wild)
    assert "599 and 599 vectors of 24 numbers" in found.reason
    assert not found.drifted


def test_means_that_every_permutation_leaves_as_far_apart_are_no_news() -> None:
    for size in (1.0, 3.0, 0.1):
        then, now = np.zeros((400, 2)), np.zeros((400, 2))
        then[0] = size
        assert means_apart(then, now).p_value == 1.0
