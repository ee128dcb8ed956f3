"""The app in surroundings of its own, and what is to be seen of it; for the tests of the shell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.fakes import FakeTerminal
from unipipe_tui.actions.world import World
from unipipe_tui.config import UserConfig
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.tui.screens.plan import PlanLine, PlanScreen
from unipipe_tui.tui.surroundings import Surroundings

XTERM = {"TERM": "xterm-256color"}


def around(folder: Path, *, user: UserConfig | None = None, terminal: Any = None, **environment: str) -> Surroundings:
    """Surroundings that keep their things in a folder."""
    return Surroundings(user or UserConfig(), {**XTERM, **environment}, terminal or FakeTerminal(), folder / "state")


def closed(world: World) -> World:
    """The world where nothing may be changed, wherever it goes."""
    museum = replace(world, read_only="the disk is a museum")
    return replace(museum, elsewhere=lambda root: museum)


def planned(app: Unipipe) -> bool:
    return isinstance(app.screen, PlanScreen) and bool(app.screen.query(PlanLine))


def told(app: Unipipe) -> str:
    return "\n".join(f"{notice.title} {notice.message}" for notice in app._notifications)


def painted(app: Unipipe) -> str:
    return app.export_screenshot(simplify=True)


def footer_of(app: Unipipe) -> Mapping[str, bool]:
    """The keys that the footer shows, and whether each does something."""
    return {b.binding.key: b.enabled for b in app.screen.active_bindings.values() if b.binding.show}
