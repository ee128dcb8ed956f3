"""Keeps the snapshot new: looks once, then only when something moved, when a job runs, or when somebody asks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from unipipe_tui.actions.world import World
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.values import frozen
from unipipe_tui.tui.background import Problem, begin, late
from unipipe_tui.tui.snapshot import Picture, Snapshot, look_around
from unipipe_tui.tui.watching import Stamp, stamp_of, wait_for_change, watched_paths

LOOK_WITHIN_SECONDS = 15.0
REST = 3
"""How many times as long as a look took it rests before the next: a project that moves all the time must not be looked
at all the time, and what others change must be seen within two seconds all the same."""
LEAST_REST_SECONDS = 0.5
MOST_REST_SECONDS = 2.0
WHILE_SOMETHING_RUNS_SECONDS = 5.0
"""A job that was killed says nothing, and a server that becomes ready writes no file; only looking tells."""
AFTER_A_PROBLEM_SECONDS = 10.0
"""What was busy or broken for a moment is well again without moving any file."""


@frozen
class Watch:
    """What counts as a change of the project."""

    paths: tuple[Path, ...]
    before: Stamp
    """How they stood before the last look began, so that nothing that moves meanwhile is missed."""


class Lookout:
    """Takes one picture at a time, off the UI thread."""

    def __init__(self, world: World, after_a_problem_seconds: float = AFTER_A_PROBLEM_SECONDS) -> None:
        self._world = world
        self._after_a_problem_seconds = after_a_problem_seconds
        self._wanted = asyncio.Event()

    def look_again(self) -> None:
        """Look as soon as possible."""
        self._wanted.set()

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Snapshots without end; an old picture stays while a newer one is late or cannot be taken."""
        snapshot = Snapshot()
        while True:
            self._wanted.clear()
            begun = time.monotonic()
            watch = await begin(lambda: _watch(self._world))
            taking = begin(lambda: look_around(self._world))
            await asyncio.wait({taking}, timeout=LOOK_WITHIN_SECONDS)
            if not taking.done():
                yield replace(snapshot, problem=late(LOOK_WITHIN_SECONDS), opened=self._world)
            picture = await taking
            if isinstance(picture, Problem):
                snapshot = replace(snapshot, problem=picture, opened=self._world)
            else:
                self._world, snapshot = picture.world, Snapshot(picture, picture.problem)
            rest = rest_after(time.monotonic() - begun)
            yield snapshot
            watched = watch if isinstance(watch, Watch) else Watch((), ())
            await self._reason_to_look(watched, snapshot, rest)

    async def _reason_to_look(self, watch: Watch, snapshot: Snapshot, rest: float) -> None:
        picture = snapshot.picture
        stop = threading.Event()
        moved: asyncio.Future[Any] = begin(
            lambda: wait_for_change(watch.paths, watch.before, stop, lambda: picture is not None and _died(picture))
        )
        wanted: asyncio.Future[Any] = asyncio.ensure_future(self._wanted.wait())
        try:
            await asyncio.wait({wanted}, timeout=rest)
            await asyncio.wait(
                {wanted, moved}, timeout=self._longest_rest(snapshot), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stop.set()
            wanted.cancel()

    def _longest_rest(self, snapshot: Snapshot) -> float | None:
        """None: until something moves."""
        if snapshot.picture is not None and _runs(snapshot.picture):
            return WHILE_SOMETHING_RUNS_SECONDS
        return self._after_a_problem_seconds if snapshot.problem is not None else None


def rest_after(look_seconds: float) -> float:
    """How long it rests after a look that took so long."""
    return min(MOST_REST_SECONDS, max(LEAST_REST_SECONDS, REST * look_seconds))


def _watch(world: World) -> Watch:
    paths = watched_paths(world)
    return Watch(paths, stamp_of(paths))


def _runs(picture: Picture) -> bool:
    return bool(picture.running) or any(s.state is ServerState.STARTING for s in picture.overview.live)


def _died(picture: Picture) -> bool:
    """Whether a server that answered is gone: killed, it leaves every file as it was."""
    servers = (server for server in picture.overview.live if server.state is ServerState.READY)
    return any(server.pid is not None and not picture.world.processes.is_alive(server.pid) for server in servers)
