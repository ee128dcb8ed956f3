"""What an untouched workbench costs: no program, hardly any processor time, and no look of a place that nobody sees."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from textual.pilot import Pilot

from tests.tui.conftest import PIPELINE, looked, until
from unipipe_tui.actions.world import World
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.lookout import MOST_REST_SECONDS
from unipipe_tui.tui.places import PLACES, PlaceLine
from unipipe_tui.tui.screens.jobs import JobsPane
from unipipe_tui.tui.screens.models import ModelsPane
from unipipe_tui.tui.screens.monitoring import AlertsPane
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.screens.releases import TargetsPane
from unipipe_tui.tui.widgets.pane import LookPane

STARTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"})
"""How a Python program starts another one."""
WATCHED_SECONDS = MOST_REST_SECONDS + 0.5
"""Whatever an untouched workbench does again and again it does at least once in this time."""
TRIES = 3
"""On a busy machine the same work takes more processor time now and then."""


@pytest.fixture(scope="module")
def starts() -> Iterator[list[str]]:
    """Every start of a program by this process; who listens to that cannot stop listening."""
    counted: list[str] = []
    listening = threading.Event()
    listening.set()
    sys.addaudithook(lambda event, _: counted.append(event) if event in STARTS and listening.is_set() else None)
    yield counted
    listening.clear()


async def round_trip(pilot: Pilot[None], app: Unipipe, places: Sequence[PlaceLine] = PLACES) -> None:
    """Go once to these places and wait for what they ask."""
    await looked(pilot, app)
    for place in places:
        app.simulate_key(place.key)
        await until(pilot, lambda: app.current_mode == place.name)  # noqa: B023
        await until(pilot, lambda: settled(app))


def settled(app: Unipipe) -> bool:
    """Whether nothing that is in sight is still being looked at."""
    return isinstance(app.screen, Place) and not any(pane._looking.busy for pane in app.screen.query(LookPane))


async def test_a_settled_workbench_starts_no_program_and_takes_less_than_a_hundredth_of_a_processor(
    world: World, starts: list[str]
) -> None:
    (world.root / "dvc.yaml").write_text(PIPELINE)
    app = Unipipe(world)
    async with app.run_test(size=(120, 40)) as pilot:
        await round_trip(pilot, app)
        await pilot.press("6")
        await asyncio.sleep(1.0)
        assert starts, "looking around asks Git, so this would have been counted"
        shares = []
        for _ in range(TRIES):
            before, used, begun = len(starts), time.process_time(), time.perf_counter()
            await asyncio.sleep(WATCHED_SECONDS)
            shares.append((time.process_time() - used) / (time.perf_counter() - begun))
            assert starts[before:] == []
            if shares[-1] < 0.01:
                break

    assert min(shares) < 0.01


async def test_a_place_that_nobody_sees_asks_nothing_and_asks_when_it_is_seen_again(busy_world: World) -> None:
    app = Unipipe(busy_world)
    async with app.run_test(size=(120, 40)) as pilot:
        await round_trip(pilot, app, PLACES[3:7])
        assert app.current_mode == "jobs"
        panes = {
            name: app.get_screen_stack(name)[0].query_one(pane)
            for name, pane in (("models", ModelsPane), ("releases", TargetsPane), ("monitoring", AlertsPane))
        }
        answers = {name: pane.answer for name, pane in panes.items()}
        assert all(answers.values())
        before = app.snapshot

        (busy_world.root / "README.md").write_text("# Changed\n")
        seen, listed = app.screen.query_one(JobsPane), app.screen.query_one(JobsPane).answer
        await until(pilot, lambda: app.snapshot is not before and seen.answer is not listed)
        assert [name for name, pane in panes.items() if pane.answer is not answers[name]] == []

        await pilot.press("4")
        await until(pilot, lambda: panes["models"].answer is not answers["models"])
        assert panes["releases"].answer is answers["releases"]
