"""How far the jobs screen lags behind a job that says 50,000 lines a minute, and what that costs."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from figures import Figure, said

from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.messages import JobWanted
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.widgets.output import Output
from unipipe_tui.wiring import build_world

UNIPIPE = Path(sys.executable).with_name("unipipe")
LINES = 50_000
OVER_SECONDS = 60
TALKING = f"""\
import time
begun = time.time()
for number in range({LINES}):
    time.sleep(max(0.0, begun + number * {OVER_SECONDS / LINES} - time.time()))
    print(f"said {{time.time():.3f}} line {{number}} " + "x" * 60, flush=True)
"""
STAGES = "stages:\n  talk:\n    cmd: python talk.py\n"
LOOK_EVERY_SECONDS = 0.05


def lag_of_a_followed_log(workspace: Path) -> Figure:
    """Between the moment when a line was said, as it says itself, and the moment when it stands in the log."""
    with tempfile.TemporaryDirectory() as place:
        project = Path(place) / "project"
        said([UNIPIPE, "init", project, "--yes"])
        (project / "dvc.yaml").write_text(STAGES)
        (project / "talk.py").write_text(TALKING)
        return asyncio.run(_followed(project))


async def _followed(project: Path) -> Figure:
    app = Unipipe(build_world(project))
    own = psutil.Process()
    async with app.run_test(size=(200, 50)) as pilot:
        job = said([UNIPIPE, "pipeline", "run", "--yes", "--detach"], project).strip()
        app.post_message(JobWanted(job))
        while not (isinstance(app.screen, JobsScreen) and _newest(app)):
            await pilot.pause(0.1)
        memory, cpu, begun = own.memory_info().rss, own.cpu_times(), time.monotonic()
        lags: list[float] = []
        while (newest := _newest(app)) and newest[1] < LINES - 1:
            lags.append(time.time() - newest[0])
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        spent = own.cpu_times()
        share = (spent.user + spent.system - cpu.user - cpu.system) / (time.monotonic() - begun)
        kept = len(app.screen.query_one(Output).lines)
    counted = {
        "p95_seconds": round(statistics.quantiles(lags, n=20)[-1], 3),
        "max_seconds": round(max(lags), 3),
        "lines": LINES,
        "lines_kept": kept,
        "grown_megabytes": round((own.memory_info().rss - memory) / 2**20, 1),
        "cpu_share": round(share, 3),
    }
    return Figure(
        "lag of a followed log of 50,000 lines a minute", "<= 1 s", len(lags), statistics.median(lags), counted=counted
    )


def _newest(app: Unipipe) -> tuple[float, int] | None:
    """When the newest line of the log was said, and its number."""
    if not app.screen.query(Output):
        return None
    for line in reversed(app.screen.query_one(Output).lines[-20:]):
        if line.startswith("said "):
            _, at, _, number, _ = line.split(" ", 4)
            return float(at), int(number)
    return None
