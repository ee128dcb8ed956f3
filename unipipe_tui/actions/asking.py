"""Asking targets how they are: one that is away or slow has a reason instead of an answer, and keeps no board waiting."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from time import monotonic

from unipipe_tui.actions.world import World
from unipipe_tui.config import TargetKind
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.server_status import Asked

ASK_WITHIN_SECONDS = 5.0
MINUTE = timedelta(minutes=1)
A_MINUTE_IS_LATE_AFTER = 3 * MINUTE
"""After its beginning: it takes one to pass, and a while to be written."""


def ask(world: World, target: str) -> Asked:
    """What a target answers with now, or why it cannot be asked."""
    try:
        return Asked(target, world.target_of(target).live())
    except UnipipeError as error:
        return Asked(target, None, f"{error.message} {error.hint}".strip())


def ask_all(world: World, within_seconds: float = ASK_WITHIN_SECONDS) -> tuple[Asked, ...]:
    """The same of all targets at once; an engine or a cluster that is slow is told as such."""
    far = {name: _Asking(world, name) for name, one in world.targets.items() if one.kind is not TargetKind.LOCAL}
    for asking in far.values():
        asking.start()
    until = monotonic() + within_seconds
    return tuple(far[name].answer(until) if name in far else ask(world, name) for name in world.targets)


def what_is_unwritten(world: World, target: str, last_minute: datetime | None) -> str | None:
    """Why what a target did is not told by its minutes, of which the last is this: it answers, and cannot write them.

    A target whose last minute is over only just is not asked; None also where it cannot be.
    """
    if last_minute is not None and world.now() - last_minute < A_MINUTE_IS_LATE_AFTER:
        return None
    live = ask(world, target).live
    if live is None or not live.log_problem:
        return None
    since = f"since {last_minute + MINUTE:%Y-%m-%d %H:%M} UTC" if last_minute else "until now"
    return (
        f"{target} answers, but cannot write its log ({live.log_problem}): what it did {since} is not counted here. "
        "It is written as soon as that is possible."
    )


def way_to_start(world: World, target: str) -> str:
    """The command line that lets a target answer again."""
    return f"unipipe {'serve' if world.targets[target].kind is TargetKind.LOCAL else 'release'} start {target}"


class _Asking(threading.Thread):
    """One question to one target. Nobody waits for an answer that comes too late."""

    def __init__(self, world: World, target: str) -> None:
        super().__init__(daemon=True)
        self._world = world
        self._target = target
        self._asked: Asked | None = None
        self._fault: Exception | None = None

    def run(self) -> None:
        try:
            self._asked = ask(self._world, self._target)
        except Exception as fault:
            self._fault = fault

    def answer(self, until: float) -> Asked:
        """What it answered by then; `until` is a monotonic time in seconds."""
        self.join(max(0.0, until - monotonic()))
        if self._fault is not None:
            raise self._fault
        return self._asked or Asked(self._target, None, f"{self._target} has not answered in time.")
