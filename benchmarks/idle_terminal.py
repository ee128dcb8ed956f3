"""What the terminal workbench costs while nobody touches it."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
from figures import Figure
from terminals import workbench

SETTLE_SECONDS = 12.0
WATCH_SECONDS = 60.0


def idle(workspace: Path) -> Figure:
    """Open the real workbench in a pseudo-terminal, let it settle, and watch its processor time and its children."""
    with workbench(workspace) as opened:
        time.sleep(SETTLE_SECONDS)
        # What stands by for jobs was started when the workbench was opened, and waits.
        standing = _children(opened.process, 0.0)
        before = sum(opened.process.cpu_times()[:2])
        begun = time.perf_counter()
        started = _children(opened.process, WATCH_SECONDS) - standing
        share = (sum(opened.process.cpu_times()[:2]) - before) / (time.perf_counter() - begun)
        memory = opened.process.memory_info().rss / 2**20
        if opened.process.status() == psutil.STATUS_ZOMBIE or b"monitor" not in opened.shown:
            raise SystemExit(f"the workbench did not come up: {bytes(opened.shown[-500:])!r}")
    counted = {
        "cpu_share": round(share, 4),
        "programs_started": len(started),
        "memory_mib": round(memory),
        "watched_seconds": WATCH_SECONDS,
    }
    return Figure("idle workbench", "cpu_share < 0.01, programs_started 0", 1, counted=counted)


def _children(parent: psutil.Process, seconds: float) -> set[int]:
    seen: set[int] = set()
    deadline = time.monotonic() + seconds
    while True:
        seen |= {child.pid for child in parent.children(recursive=True)}
        if time.monotonic() >= deadline:
            return seen
        time.sleep(0.02)
