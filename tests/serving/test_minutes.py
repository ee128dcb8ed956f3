"""What a server writes of each minute: counted right, also in silence, kept through restarts and full disks."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pyarrow.parquet as pq
import pytest

from unipipe_tui.serving.folding import fold
from unipipe_tui.serving.minutes import NOBODY, Bounds, MinuteCounts, MinuteWriter, Sights
from unipipe_tui.store.engine import Engine
from unipipe_tui.store.predictions.rollups import Rollups

from .servers import Sealed, Start, payment, until

STABLE = ("fraud", 1, "stable", False)
SHADOW = ("fraud", 2, "next", True)
Rows = list[dict[str, Any]]


class Disk:
    """Takes rows, or refuses as often as it was told to."""

    def __init__(self, refusals: int = 0) -> None:
        self.rows: Rows = []
        self.refusals = refusals

    def put(self, lines: Sequence[bytes]) -> Future[None]:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        self.rows += [orjson.loads(line) for line in lines]
        written: Future[None] = Future()
        written.set_result(None)
        return written


def shortly_before_the_minute(seconds: float) -> Callable[[], datetime]:
    """A clock that reaches the next minute so soon."""
    begin, began = datetime(2026, 3, 9, 12, 0, tzinfo=UTC) - timedelta(seconds=seconds), time.monotonic()
    return lambda: begin + timedelta(seconds=time.monotonic() - began)


def writer(
    counts: MinuteCounts, disk: Disk, clock: Callable[[], datetime], present: Sequence[Any] = (STABLE,)
) -> MinuteWriter:
    sights = Sights(lambda: present, lambda: 0, lambda: 7, Bounds(1024, 20_000))
    return MinuteWriter(counts, sights, disk.put, clock)


def test_a_minute_is_written_when_it_is_over_and_the_one_in_hand_at_the_end() -> None:
    counts, disk = MinuteCounts(), Disk()
    counts.count(STABLE, 200, 0.004, 3)
    counts.count(STABLE, 503, 0.1, 2)
    counts.count(STABLE, 422, 0.001, 1)
    counts.count_predictions(STABLE, 20)
    minutes = writer(counts, disk, shortly_before_the_minute(0.05))
    minutes.start()
    until(lambda: disk.rows)
    counts.count(STABLE, 200, 0.004, 1)
    minutes.close()
    first, last = disk.rows
    assert (first["at"], last["at"]) == ("2026-03-09T11:59:00+00:00", "2026-03-09T12:00:00+00:00")
    told = [first[name] for name in ("requests", "errors", "refused", "predictions", "in_flight", "rows_behind")]
    assert told == [3, 1, 1, 20, 3, 7]
    assert sum(count for _, count in first["latency"]) == 2
    assert (last["requests"], last["in_flight"]) == (1, 1)
    assert 0 < first["up_seconds"] < 5


def test_silence_is_written_for_each_variant_and_shadows_are_told_apart() -> None:
    disk = Disk()
    minutes = writer(MinuteCounts(), disk, shortly_before_the_minute(30), (STABLE, SHADOW))
    minutes.start()
    minutes.close()
    assert [(row["variant"], row["requests"], row["mirrored"]) for row in disk.rows] == [
        ("stable", 0, False),
        ("next", 0, True),
    ]


def test_a_server_without_a_model_writes_that_it_is_up_and_what_it_turned_away() -> None:
    counts, disk = MinuteCounts(), Disk()
    counts.count(NOBODY, 503, 0.001, 1)
    minutes = writer(counts, disk, shortly_before_the_minute(30), ())
    minutes.start()
    minutes.close()
    (row,) = disk.rows
    assert (row["version"], row["requests"], row["errors"], row["latency"]) == (None, 1, 1, [])


def test_minutes_that_found_the_disk_full_are_written_with_the_next_ones_in_order() -> None:
    disk = Disk(refusals=1)
    minutes = writer(MinuteCounts(), disk, shortly_before_the_minute(0.05))
    minutes.start()
    until(lambda: not disk.refusals)
    minutes.close()
    assert [row["at"][11:16] for row in disk.rows] == ["11:59", "12:00"]


def test_the_minute_in_hand_at_the_end_does_not_wait_for_the_one_before_to_be_written() -> None:
    counts, taken = MinuteCounts(), []

    def put(lines: Sequence[bytes]) -> Future[None]:
        taken.extend(orjson.loads(line) for line in lines)
        return Future()

    sights = Sights(lambda: (STABLE,), lambda: 0, lambda: 0, Bounds(1024, 20_000))
    minutes = MinuteWriter(counts, sights, put, shortly_before_the_minute(0.05))
    minutes.start()
    until(lambda: taken)
    counts.count(STABLE, 200, 0.004, 1)
    minutes.close()
    assert [row["requests"] for row in taken] == [0, 1]


@pytest.mark.parametrize("folded", [False, True])
def test_minutes_are_read_back_the_same_from_lines_and_folded(folded: bool, tmp_path: Path) -> None:
    log = tmp_path / "log" / "local"
    log.mkdir(parents=True)
    counts, disk = MinuteCounts(), Disk()
    for number in range(100):
        counts.count(STABLE, 200, 0.001 * (1 + number), 1)
    minutes = writer(counts, disk, shortly_before_the_minute(30), (STABLE, SHADOW))
    minutes.start()
    minutes.close()
    segment = log / "minutes-2026-03-09-1-0.jsonl"
    # A silent row first: what a column holds must not be guessed from it.
    segment.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in reversed(disk.rows)))
    if folded:
        fold(segment)
        assert pq.read_schema(segment.with_suffix(".parquet")).field("latency").type.value_type.value_type == "int64"
    found = Rollups(tmp_path / "log", tmp_path / "cache", Engine())
    begin = datetime(2026, 3, 9, tzinfo=UTC)
    stable, shadow = found.minutes("local", begin, begin + timedelta(days=1))
    assert (stable.requests, stable.latency.total, shadow.requests, shadow.mirrored) == (100, 100, 0, True)
    p95 = stable.latency.percentile(0.95)
    assert p95 is not None
    assert abs(p95 / 95 - 1) < 0.025
    hour, _ = found.hours("local", begin, begin + timedelta(days=1))
    assert (hour.requests, hour.latency, hour.minutes, hour.servers) == (100, stable.latency, 1, 1)


def test_a_server_in_earnest_writes_what_it_did_before_it_ends(start: Start, bundles: tuple[Sealed, Sealed]) -> None:
    server = start(bundles[0])
    with httpx.Client(base_url=server.url) as client:
        for _ in range(5):
            assert client.post("/predict", json={"records": [payment(), payment()]}).status_code == 200
        assert client.post("/predict", json={"records": [{"amount": "much"}]}).status_code == 422
        assert client.post("/predict", content=b"no json").status_code == 422
    assert server.end() == 0
    logs = server.log.parent
    now = datetime.now(UTC)
    found = Rollups(logs, logs / "cache", Engine()).minutes(server.log.name, now - timedelta(hours=1), now)
    answered = [one for one in found if one.version == 1]
    assert sum(one.requests for one in answered) == 6
    assert sum(one.predictions for one in answered) == 10
    assert sum(one.refused for one in found) == 2
    assert sum(one.latency.total for one in answered) == 5
    assert {one.in_flight_limit for one in found} == {1024}
