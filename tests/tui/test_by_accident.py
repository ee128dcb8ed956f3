"""Nothing runs by accident: in no place, by no key, however long it is held, however often Enter follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.fakes import FakeProcesses
from tests.tui.conftest import looked, until
from tests.tui.lively import lively
from tests.tui.test_pictures import all_is_shown
from unipipe_tui.actions.world import World
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.keys import EVERYWHERE, keys_of, leads_to_change
from unipipe_tui.tui.places import PLACES, PlaceLine
from unipipe_tui.tui.screens.plan import PlanLine, PlanScreen

TIMES = 5


def triggers(place: str) -> list[str]:
    """The keys that ask for a change there."""
    lines = (*keys_of(EVERYWHERE), *keys_of(place))
    return [key for line in lines if leads_to_change(line) for key in line.keys.split(",")]


def held(app: Unipipe, key: str) -> None:
    """Held down: key after key, faster than anything can open."""
    for _ in range(TIMES):
        app.simulate_key(key)


async def taken(app: Unipipe) -> None:
    """Wait until the keys so far were heard, however busy the machine is; what they led to may go on."""
    for hearer in (app, app.screen, app.focused or app, app):
        heard = asyncio.Event()
        if hearer.call_later(heard.set):
            await heard.wait()


def settled(app: Unipipe) -> bool:
    """Whether what was asked for is there to be read, or nothing was."""
    if isinstance(app.screen, PlanScreen):
        return bool(app.screen.query(PlanLine))
    return len(app.screen_stack) > 1 or not app._asking


async def so(true: Callable[[], bool]) -> None:
    """Wait until something is so, without waiting for the app to be idle: keys come while it is at work."""
    for _ in range(4500):
        await asyncio.sleep(0.01)
        if true():
            return
    raise AssertionError("it did not come true in time")


async def back(app: Unipipe, place: PlaceLine) -> None:
    """Out of all dialogs, and to the place again."""

    def is_back() -> bool:
        if len(app.screen_stack) > 1 or app._asking:
            app.simulate_key("escape")
        elif app.current_mode != place.name:
            app.simulate_key(place.key)
        else:
            return True
        return False

    await so(is_back)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
async def test_a_key_that_is_held_and_enter_after_it_run_nothing(busy_world: World, place: PlaceLine) -> None:
    world = lively(busy_world)
    app = Unipipe(world)
    opened: set[str] = set()
    async with app.run_test(size=(100, 30)) as pilot:
        await looked(pilot, app)
        await back(app, place)
        await until(pilot, lambda: all_is_shown(app))
        for key in triggers(place.name):
            held(app, key)
            await taken(app)
            await so(lambda: settled(app))
            # What a key leads to may be handed on once more before anybody is seen to ask.
            await taken(app)
            await so(lambda: settled(app))
            if len(app.screen_stack) > 1:
                opened.add(key)
            held(app, "enter")
            await taken(app)
            await so(lambda: settled(app))
            held(app, "enter")
            await back(app, place)
        # No key is left over when the app ends.
        await pilot.pause()

    assert {"r", "p", "b", "z"} <= opened
    assert isinstance(world.processes, FakeProcesses)
    assert world.processes.launched == []
    assert world.processes.begun == []
