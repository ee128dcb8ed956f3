"""The real workbench, driven over a workspace as a person would: what the pictures and the tour are drawn from."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from unipipe_tui.tui.app import Unipipe
from unipipe_tui.wiring import build_world

IMAGES = Path(__file__).parent / "images"
TITLE = "unipipe"
WITHIN_SECONDS = 30.0
SETTLE_SECONDS = 0.4
LOOKING = "ooking&#160;…"
"""How a pane says that it has no answer yet."""


class Driven:
    """A workbench whose keys are pressed and whose screen is drawn."""

    def __init__(self, app: Unipipe, pilot: Pilot[None]) -> None:
        self._app = app
        self._pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys one after another, and let each do what it does."""
        for key in keys:
            await self._pilot.press(key)

    async def picture(self) -> str:
        """The screen as SVG, when nothing in sight is still looked for and nothing moves any more."""
        ends = time.monotonic() + WITHIN_SECONDS
        drawn, before = self._draw(), ""
        while (drawn != before or self._looks(drawn)) and time.monotonic() < ends:
            await self._pilot.pause(SETTLE_SECONDS)
            drawn, before = self._draw(), drawn
        return drawn

    def _looks(self, drawn: str) -> bool:
        # A pane that is out of sight may never be asked.
        return self._app.snapshot.picture is None or LOOKING in drawn

    def _draw(self) -> str:
        # A cursor that blinks is there in one picture and gone in the next.
        for entry in self._app.screen.query(Input):
            entry.cursor_blink = False
        return self._app.export_screenshot(title=TITLE)


@asynccontextmanager
async def driven(workspace: Path, size: tuple[int, int]) -> AsyncIterator[Driven]:
    """The workbench of a workspace, in colours whatever the environment of whoever draws says; nothing of it is kept."""
    os.environ.pop("NO_COLOR", None)
    app = Unipipe(await asyncio.to_thread(build_world, workspace))
    async with app.run_test(size=size) as pilot:
        yield Driven(app, pilot)
