"""Draws the pictures of the workbench from a finished demo workspace: `make screenshots DEMO=folder`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from driven import IMAGES, driven

from unipipe_tui.tui.places import PLACES

SIZE = (150, 42)


async def draw(workspace: Path, images: Path) -> None:
    """One picture a place."""
    async with driven(workspace, SIZE) as workbench:
        for place in PLACES:
            await workbench.press(place.key)
            (images / f"{place.name}.svg").write_text(await workbench.picture(), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1]).resolve(), IMAGES))
