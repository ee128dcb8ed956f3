"""Draws the tour, a moving picture, from a finished demo workspace: `make tour DEMO=folder`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from animation import Frame, animate
from driven import IMAGES, TITLE, driven

from unipipe_tui.domain.values import frozen

SIZE = (120, 34)
FILE = "tour.svg"
READ_SECONDS = 4.0
TYPED_SECONDS = 0.2


@frozen
class Scene:
    """Keys that are pressed, or text that is typed key by key, and in a few words what is then to be seen."""

    keys: tuple[str, ...]
    caption: str
    typed: str = ""


STORY = (
    Scene((), "Overview: the twelve steps of the model's life, what is live, what happened when"),
    Scene(("6",), "6 · Monitoring: each feature as it arrives, over what the model has learned from"),
    Scene(("v",), "v · In week 5 a new region came: the feature moved far over its limit"),
    Scene(("v", "A"), "v · Precision fell with it, alerts were raised; a retrained version mended that"),
    Scene(("4",), "4 · Models: the new version had to pass its gates against the champion before it"),
    Scene(("j", "d"), "d · The version before, measured against the champion"),
    Scene(("escape", "b"), "b · A rollback shows its plan first; nothing has run yet"),
    Scene(("escape", "2", "l", "l", "l"), "2 · Pipeline: how each stage stands and why, what it read and wrote"),
    Scene(("3",), "3 · Runs: MLflow, DVC and Git in one table"),
    Scene(("slash",), "/ · A filter narrows them with every key", "metrics.f1 > 0.95"),
    Scene(("enter", "8"), "8 · Lineage: from production …"),
    Scene(("enter",), "enter · … to the release: which version, who put it there, what it replaced …"),
    Scene(("enter",), "enter · … to the version: the run that made it, its checks and promotions"),
    Scene(("ctrl+p",), "ctrl+p · Whatever Unipipe can do is found by name", "drift"),
)


async def play(workspace: Path) -> list[Frame]:
    """The story, told over the workspace; nothing in it is changed."""
    frames = []
    async with driven(workspace, SIZE) as workbench:
        for scene in STORY:
            await workbench.press(*scene.keys)
            for key in scene.typed:
                frames.append(Frame(await workbench.picture(), TYPED_SECONDS, scene.caption))
                await workbench.press(key)
            frames.append(Frame(await workbench.picture(), READ_SECONDS, scene.caption))
    return frames


if __name__ == "__main__":
    told = asyncio.run(play(Path(sys.argv[1]).resolve()))
    (IMAGES / FILE).write_text(animate(told, TITLE), encoding="utf-8")
