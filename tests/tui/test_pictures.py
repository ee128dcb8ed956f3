"""A picture of every place on a small and on a large terminal, so that a change in how they look is seen and agreed to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from tests.fakes import NOON
from tests.tui.conftest import looked, until
from tests.tui.lively import lively
from tests.tui.shells import planned
from unipipe_tui.actions.world import World
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.places import PLACES
from unipipe_tui.tui.screens.jobs import JobsScreen
from unipipe_tui.tui.screens.place import Place
from unipipe_tui.tui.widgets.output import Output
from unipipe_tui.tui.widgets.pane import LookPane

Compare = Callable[..., bool]
SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])


@pytest.fixture
def coloured(busy_world: World, monkeypatch: pytest.MonkeyPatch) -> Unipipe:
    """The app as on a terminal with colours, on a project with something to see in every place."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Unipipe(lively(busy_world))


def is_in_sight(pane: Widget) -> bool:
    """Whether neither it nor what it lies in is hidden, as the command log is as a rule."""
    return all(widget.display for widget in pane.ancestors_with_self if isinstance(widget, Widget))


def all_is_shown(app: Unipipe) -> bool:
    """Whether every pane in sight has its answer and asks for nothing more."""
    panes = [pane for pane in app.screen.query(LookPane) if is_in_sight(pane)]
    answered = bool(panes) and all(pane.answer is not None and not pane._looking.busy for pane in panes)
    # The log of a job comes by itself, line by line.
    told = not isinstance(app.screen, JobsScreen) or any(output.lines for output in app.screen.query(Output))
    return isinstance(app.screen, Place) and answered and told


@SIZES
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_each_place_looks_as_agreed(
    coloured: Unipipe, snap_compare: Compare, place: Any, size: tuple[int, int]
) -> None:
    async def go(pilot: Pilot[Any]) -> None:
        await looked(pilot, coloured)
        await pilot.press(place.key)
        await until(pilot, lambda: coloured.current_mode == place.name)
        # What is asked after an answer is asked in the next moments.
        for _ in range(3):
            await until(pilot, lambda: all_is_shown(coloured))
            await pilot.pause(0.2)
        assert coloured.snapshot.picture
        assert coloured.snapshot.picture.at == NOON

    assert snap_compare(coloured, terminal_size=size, run_before=go)


def test_the_plan_dialog_looks_as_agreed(coloured: Unipipe, snap_compare: Compare) -> None:
    async def plan(pilot: Pilot[Any]) -> None:
        await looked(pilot, coloured)
        await until(pilot, lambda: all_is_shown(coloured))
        await pilot.press("p")
        await until(pilot, lambda: planned(coloured))

    assert snap_compare(coloured, terminal_size=(80, 24), run_before=plan)
