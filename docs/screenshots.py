"""Draws the pictures of the workbench from a finished demo workspace: `make screenshots DEMO=folder`."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.places import PLACES
from unipipe_tui.tui.widgets.pane import LookPane
from unipipe_tui.wiring import build_world

IMAGES = Path(__file__).parent / "images"
SIZE = (150, 42)
WITHIN_SECONDS = 30.0
SETTLE_SECONDS = 1.5


async def draw(workspace: Path, images: Path) -> None:
    """One picture a place, drawn when all its panes have been answered."""
    app = Unipipe(build_world(workspace))
    async with app.run_test(size=SIZE) as pilot:
        ends = time.monotonic() + WITHIN_SECONDS
        while app.snapshot.picture is None and time.monotonic() < ends:
            await pilot.pause(0.1)
        for place in PLACES:
            await pilot.press(place.key)
            await pilot.pause(SETTLE_SECONDS)
            while any(pane.answer is None for pane in app.screen.query(LookPane)) and time.monotonic() < ends:
                await pilot.pause(0.1)
            await pilot.pause(SETTLE_SECONDS)
            (images / f"{place.name}.svg").write_text(app.export_screenshot(title="unipipe"), encoding="utf-8")


if __name__ == "__main__":
    # Colours, whatever the environment of whoever draws says.
    os.environ.pop("NO_COLOR", None)
    asyncio.run(draw(Path(sys.argv[1]).resolve(), IMAGES))
