"""Draws the pictures of the workbench from a finished demo workspace: `make screenshots DEMO=folder`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from driven import IMAGES, driven

from unipipe_tui.tui.places import PLACES

SIZE = (150, 42)
IN_WEEK_5 = {"monitoring": ("c", "c")}
"""Keys by which a place shows the moment that its picture is about."""
LIBRARIES_SECONDS = 6.0
"""A pane whose libraries take seconds to import says nothing until they are there."""


async def draw(workspace: Path, images: Path) -> None:
    """One picture a place."""
    async with driven(workspace, SIZE) as workbench:
        for place in PLACES:
            await workbench.press(place.key, *IN_WEEK_5.get(place.name, ()))
            if place.name in IN_WEEK_5:
                await workbench.picture()
                await asyncio.sleep(LIBRARIES_SECONDS)
            (images / f"{place.name}.svg").write_text(await workbench.picture(), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1]).resolve(), IMAGES))
