"""A shadow that is slow or fails is nobody's business but its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Event
from typing import Any

import numpy as np
import pytest

from unipipe_tui.serving import mirror
from unipipe_tui.serving.metrics import Answerer, Metrics
from unipipe_tui.serving.mirror import Mirror
from unipipe_tui.serving.scoring import Facts, Scored
from unipipe_tui.serving.validation import Column, Columns, Kind

SHADOW = Answerer("m", 2, "shadow")


class Slow:
    """Answers when it is allowed to, and refuses negative numbers."""

    facts = Facts("m", 2, "d")
    columns = (Column("x", Kind.DOUBLE, True),)
    threads = 1

    def __init__(self) -> None:
        self.may_answer = Event()

    def mergeable(self, columns: Columns) -> object | None:
        return None

    def predict(self, columns: Columns, records: int) -> Any:
        self.may_answer.wait(10)
        if columns["x"] == [-1.0]:
            raise ValueError("negative")
        return np.array(columns["x"])


class Rows(list[tuple[str, ...]]):
    """What was written down."""

    def record(self, answerer: Answerer, ids: Sequence[str], columns: Columns, scored: Scored, seconds: float) -> None:
        assert answerer == SHADOW
        self.append(tuple(ids))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def told(metrics: Metrics, name: str) -> float:
    lines = [line for line in metrics.text().decode().splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_a_slow_shadow_keeps_nobody_waiting_and_what_it_has_no_time_for_is_counted(metrics: Metrics) -> None:
    scorer, rows = Slow(), Rows()
    shadow = Mirror(SHADOW, scorer, metrics, rows.record)
    began = time.perf_counter()
    copies = mirror.COPIES_WAITING + 100
    for number in range(copies):
        shadow.offer([f"p{number}"], {"x": [1.0]}, 1)
    assert time.perf_counter() - began < 1
    dropped = told(metrics, "unipipe_shadow_dropped_total")
    assert 99 <= dropped <= 100
    scorer.may_answer.set()
    deadline = time.monotonic() + 10
    while len(rows) < copies - dropped and time.monotonic() < deadline:
        time.sleep(0.01)
    shadow.close()
    assert len(rows) == copies - dropped


def test_a_shadow_that_fails_goes_on_with_the_next_copy_and_is_counted(metrics: Metrics) -> None:
    scorer, rows = Slow(), Rows()
    scorer.may_answer.set()
    shadow = Mirror(SHADOW, scorer, metrics, rows.record)
    shadow.offer(["bad"], {"x": [-1.0]}, 1)
    shadow.offer(["good"], {"x": [1.0]}, 1)
    deadline = time.monotonic() + 10
    while not rows and time.monotonic() < deadline:
        time.sleep(0.01)
    shadow.close()
    shadow.join(5)
    assert rows == [("good",)]
    text = metrics.text().decode()
    assert 'status="500",variant="shadow"' in text
    assert 'status="200",variant="shadow"' in text
