"""What a target's servers wrote: the place to look when a version does not answer."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.values import frozen


@frozen
class ReleaseLog:
    """Which target, and how much."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    lines: Annotated[int, "How many of the last lines.", Short("n")] = 100


@frozen
class TargetLog:
    """The end of a log."""

    target: str
    lines: tuple[str, ...]


def show_log(request: ReleaseLog, world: World) -> TargetLog:
    """Show the last lines that the servers of a target wrote."""
    if request.lines < 1:
        raise UsageError(f"{request.lines} lines cannot be shown.", hint="--lines 100")
    target = world.target(request.target)
    return TargetLog(target, tuple(world.target_of(target).log(request.lines).splitlines()[-request.lines :]))


LOG = Look("release log", ReleaseLog, show_log, "unipipe release log production")
