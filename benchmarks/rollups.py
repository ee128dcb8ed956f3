"""How soon a target with 50,000,000 logged predictions can be looked at, before and after its segments were summed up."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from figures import Figure, said, seconds_of

from unipipe_tui.actions import operations, timeline, traffic
from unipipe_tui.actions.world import World
from unipipe_tui.wiring import world_at

UNIPIPE = Path(sys.executable).with_name("unipipe")
SEGMENTS = 2_500
ROWS = 20_000
DAYS = 90
LABELLED_SEGMENTS = 250
"""A tenth of the predictions has labels, which came a week after them."""
END = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
"""Such as an operator looks at: it ends now."""
CONFIG = """
targets:
  local: {kind: local}
model: {name: fraud, run_file: run.json}
data: {reference: reference.parquet}
monitoring: {performance: {metric: precision, at_least: 0.9}}
"""
LOOKS: dict[str, Callable[[World], object]] = {
    "traffic-show": lambda world: traffic.show_traffic(traffic.ShowTraffic(), world),
    "operations-show": lambda world: operations.show_operations(operations.ShowOperations(), world),
    "timeline-show": lambda world: timeline.show_timeline(timeline.ShowTimeline(), world),
}


@contextmanager
def kept_log() -> Iterator[Path]:
    """A project with the log; kept for the next time in the folder that UNIPIPE_BENCHMARK_LOG names."""
    kept = os.environ.get("UNIPIPE_BENCHMARK_LOG")
    root = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="unipipe-rollups-"))
    try:
        if not (root / ".unipipe" / "predictions" / "local").is_dir():
            make_log(root)
        shutil.rmtree(root / ".unipipe" / "cache" / "rollups", ignore_errors=True)
        yield root
    finally:
        if not kept:
            shutil.rmtree(root)


def many_predictions(_workspace: Path) -> Figure:
    """The looks of the Monitoring screen at such a log, in a process that begins anew, one after the other."""
    with kept_log() as root:
        first = sum(_looked(root).values())
        again = [_looked(root) for _ in range(5)]
    each = {f"{name}_seconds": round(sorted(one[name] for one in again)[2], 3) for name in LOOKS}
    return Figure(
        "open a target with 50,000,000 predictions",
        "<= 1 s",
        5,
        sorted(sum(one.values()) for one in again)[2],
        counted={"first_opening_seconds": round(first, 2), **each, "segments": SEGMENTS},
    )


def _looked(root: Path) -> dict[str, float]:
    """Seconds of each look; one world for all of them, as a screen has it, that knows nothing yet."""
    world = world_at(root)
    return {name: seconds_of(lambda look=look: look(world)) for name, look in LOOKS.items()}


def make_log(root: Path) -> None:
    """The log, with minutes beside it."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "unipipe.yaml").write_text(CONFIG)
    folder = root / ".unipipe" / "predictions" / "local"
    folder.mkdir(parents=True)
    random = np.random.default_rng(7)
    begin, step = END - timedelta(days=DAYS), timedelta(days=DAYS) / SEGMENTS
    templates = [_template(random) for _ in range(5)]
    for number in range(SEGMENTS):
        at = begin + step * number
        table = _segment(templates[number % 5], random, at, step, 3 if at < END - timedelta(days=20) else 4)
        pq.write_table(table, folder / f"predictions-{at:%Y-%m-%d}-1-{number}.parquet", compression="zstd")
        if number % (SEGMENTS // LABELLED_SEGMENTS) == 0:
            late = at + timedelta(days=7)
            pq.write_table(_labels(table, random, late), folder / f"feedback-{late:%Y-%m-%d}-1-{number}.parquet")
    for day in range(DAYS):
        at = begin + timedelta(days=day)
        pq.write_table(_minutes(at, random), folder / f"minutes-{at:%Y-%m-%d}-1-0.parquet", compression="zstd")
    reference = pa.table({name.removeprefix("input."): templates[0][name] for name in ("input.amount", "input.hour")})
    pq.write_table(reference, root / "reference.parquet")
    # Twice, for what a check tells beside the one before it.
    for _ in range(2):
        said([UNIPIPE, "drift", "check", "--yes"], root)


def _template(random: np.random.Generator) -> dict[str, pa.Array]:
    scores = random.beta(0.4, 6, ROWS)
    return {
        "score": pa.array(scores),
        "decision": pa.array((scores > 0.5).astype(np.int64)),
        "latency_ms": pa.array(np.round(random.lognormal(1.0, 0.5, ROWS), 3)),
        "input.amount": pa.array(np.round(random.lognormal(3, 1, ROWS), 2)),
        "input.hour": pa.array(random.integers(0, 24, ROWS)),
    }


def _segment(
    template: dict[str, pa.Array], random: np.random.Generator, at: datetime, step: timedelta, version: int
) -> pa.Table:
    begin = int(at.timestamp() * 1e6)
    moments = begin + np.sort(random.integers(0, int(step.total_seconds() * 1e6), ROWS))
    tails = random.integers(0, 1 << 62, ROWS)
    ids = [_uuid7(int(moment) // 1000, int(tail)) for moment, tail in zip(moments, tails, strict=True)]
    return pa.table(
        {
            "prediction_id": pa.array(ids),
            "at": pa.array(moments, pa.timestamp("us", tz="UTC")),
            "model": pa.array(["fraud"] * ROWS),
            "version": pa.array([version] * ROWS),
            "variant": pa.array(["stable"] * ROWS),
            **template,
        }
    )


def _uuid7(milliseconds: int, tail: int) -> str:
    digits = f"{milliseconds:012x}7000{0b10 << 62 | tail:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _labels(table: pa.Table, random: np.random.Generator, at: datetime) -> pa.Table:
    moments = [at + timedelta(milliseconds=number) for number in range(ROWS)]
    return pa.table(
        {
            "prediction_id": table.column("prediction_id"),
            "label": pa.array(random.integers(0, 2, ROWS)),
            "at": pa.array(moments, pa.timestamp("us", tz="UTC")),
        }
    )


def _minutes(day: datetime, random: np.random.Generator) -> pa.Table:
    rows = [row for number in range(1440) for row in _minute(day + timedelta(minutes=number), random)]
    names: Sequence[str] = list(rows[0])
    types = {"latency": pa.list_(pa.list_(pa.int64())), "at": pa.timestamp("us", tz="UTC")}
    return pa.table({name: pa.array([row[name] for row in rows], types.get(name)) for name in names})


def _minute(at: datetime, random: np.random.Generator) -> Iterator[dict[str, object]]:
    requests = int(random.poisson(386 * (1 + 0.5 * np.sin(2 * np.pi * at.hour / 24))))
    buckets, counts = np.unique(random.normal(118, 13, requests).astype(int), return_counts=True)
    yield {
        "at": at,
        "model": "fraud",
        "version": 3 if at < END - timedelta(days=20) else 4,
        "variant": "stable",
        "mirrored": False,
        "requests": requests,
        "errors": int(random.binomial(requests, 0.001)),
        "refused": 0,
        "predictions": requests,
        "seconds": requests * 0.003,
        "latency": [[int(bucket), int(count)] for bucket, count in zip(buckets, counts, strict=True)],
        "server": "host:1",
        "up_seconds": 60.0,
        "busy": 0.2,
        "in_flight": int(random.poisson(3)),
        "in_flight_limit": 1024,
        "rows_behind": 40,
        "rows_limit": 20_000,
    }
