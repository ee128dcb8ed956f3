"""A few pictures of the screens, so that a change in how they look is seen and agreed to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.conftest import looked, until
from unipipe_tui.actions.world import World
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.plan import PlanLine, PlanScreen

Compare = Callable[..., bool]


@pytest.fixture
def coloured(busy_world: World, monkeypatch: pytest.MonkeyPatch) -> Unipipe:
    """The app as on a terminal with colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Unipipe(busy_world)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
def test_the_overview_looks_as_agreed(coloured: Unipipe, snap_compare: Compare, size: tuple[int, int]) -> None:
    async def wait(pilot: Pilot[Any]) -> None:
        await looked(pilot, coloured)

    assert snap_compare(coloured, terminal_size=size, run_before=wait)


def test_the_plan_dialog_looks_as_agreed(coloured: Unipipe, snap_compare: Compare) -> None:
    async def plan(pilot: Pilot[Any]) -> None:
        await looked(pilot, coloured)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(coloured.screen, PlanScreen) and coloured.screen.query(PlanLine))

    assert snap_compare(coloured, terminal_size=(80, 24), run_before=plan)
