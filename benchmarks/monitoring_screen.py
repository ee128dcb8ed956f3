"""How soon the Monitoring screen of a target with 50,000,000 logged predictions shows each of its panes."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from figures import Figure, said
from rollups import SEGMENTS, kept_log

from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.background import late
from unipipe_tui.tui.widgets.drawing import Drawing
from unipipe_tui.tui.widgets.pane import LookPane
from unipipe_tui.wiring import build_world

WIDE = (200, 50)
"""Room for all panes at once, which then wait for each other."""
PANES = (
    "targets",
    "timeline",
    "features",
    "explanation",
    "history",
    "performance",
    "operations",
    "predictions",
    "open-alerts",
)
CLOSELY = "performance-closely"
"""What takes seconds to import: it follows what the labels of the whole log show, and is no part of the opening."""
OPENINGS = 5
GIVEN_UP_SECONDS = 300.0


def monitoring_screen(_workspace: Path) -> Figure:
    """From the key to each pane, painted, each time in a process of its own."""
    with kept_log() as root:
        first = _opened(root)
        again = [_opened(root) for _ in range(OPENINGS)]
    each = {name: round(statistics.median(one[name] for one in again), 3) for name in again[0]}
    counted = {f"{name}_seconds": seconds for name, seconds in each.items()}
    return Figure(
        "the Monitoring screen of a target with 50,000,000 predictions, until its last pane is painted",
        "<= 1 s",
        OPENINGS,
        statistics.median(_last(one) for one in again),
        counted={"first_opening_seconds": round(_last(first), 2), **counted, "segments": SEGMENTS},
    )


def _last(seconds: Mapping[str, float]) -> float:
    return max(seconds[name] for name in PANES)


def _opened(root: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads(said([sys.executable, __file__, root]))
    return found


async def _panes(root: Path) -> dict[str, float]:
    """Seconds until each pane that is in sight is painted with its answer."""
    app = Unipipe(build_world(root))
    seconds: dict[str, float] = {}
    async with app.run_test(size=WIDE) as pilot:
        while app.snapshot.picture is None:
            await pilot.pause(0.05)
        await pilot.pause(1.0)
        begun = time.perf_counter()
        app.simulate_key("6")
        while not all(app.screen.query(f"#{name}") for name in PANES):
            await asyncio.sleep(0.002)
        panes = {name: app.screen.query_one(f"#{name}", LookPane) for name in PANES}
        shown = {name: partial(_has_answer, pane) for name, pane in panes.items()}
        performance = panes["performance"]
        shown |= {"performance": partial(_is_drawn, performance), CLOSELY: shown["performance"]}
        await asyncio.gather(*(_painted(app, name, is_shown, begun, seconds) for name, is_shown in shown.items()))
    return seconds


def _has_answer(pane: LookPane[object]) -> bool:
    if pane.problem not in (None, late(pane.WITHIN_SECONDS)):
        raise SystemExit(f"{pane.id}: {pane.problem}")
    return pane.answer is not None


def _is_drawn(pane: LookPane[object]) -> bool:
    return "measured" in pane.query_one(Drawing).text


async def _painted(
    app: Unipipe, name: str, is_shown: Callable[[], bool], begun: float, seconds: dict[str, float]
) -> None:
    while not is_shown():
        if time.perf_counter() - begun > GIVEN_UP_SECONDS:
            raise SystemExit(f"{name} was never painted")
        await asyncio.sleep(0.002)
    painted = asyncio.Event()
    app.screen.call_after_refresh(painted.set)
    await painted.wait()
    seconds[name] = time.perf_counter() - begun


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_panes(Path(sys.argv[1])))))
