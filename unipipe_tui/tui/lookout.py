"""Keeps the snapshot new: looks once, then only when something moved, when a job runs, or when somebody asks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from unipipe_tui.actions.world import World
from unipipe_tui.tui.background import Problem, begin, late
from unipipe_tui.tui.snapshot import Snapshot, look_around
from unipipe_tui.tui.watching import Stamp, stamp_of, wait_for_change

LOOK_WITHIN_SECONDS = 15.0
BETWEEN_LOOKS_SECONDS = 2.0
WHILE_A_JOB_RUNS_SECONDS = 5.0
"""A job that was killed says nothing; only looking tells."""


class Lookout:
    """Takes one picture at a time, off the UI thread."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._wanted = asyncio.Event()

    def look_again(self) -> None:
        """Look as soon as possible."""
        self._wanted.set()

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Snapshots without end; an old picture stays while a newer one is late or cannot be taken."""
        snapshot = Snapshot()
        while True:
            self._wanted.clear()
            stamp = await begin(lambda: stamp_of(self._world.root))
            taking = begin(lambda: look_around(self._world))
            await asyncio.wait({taking}, timeout=LOOK_WITHIN_SECONDS)
            if not taking.done():
                yield replace(snapshot, problem=late(LOOK_WITHIN_SECONDS))
            picture = await taking
            snapshot = replace(snapshot, problem=picture) if isinstance(picture, Problem) else Snapshot(picture)
            yield snapshot
            await self._reason_to_look(stamp if not isinstance(stamp, Problem) else (), snapshot)

    async def _reason_to_look(self, stamp: Stamp, snapshot: Snapshot) -> None:
        stop = threading.Event()
        moved: asyncio.Future[Any] = begin(lambda: wait_for_change(self._world.root, stamp, stop))
        wanted: asyncio.Future[Any] = asyncio.ensure_future(self._wanted.wait())
        running = snapshot.picture is not None and snapshot.picture.running
        try:
            await asyncio.wait({wanted}, timeout=BETWEEN_LOOKS_SECONDS)
            await asyncio.wait(
                {wanted, moved},
                timeout=WHILE_A_JOB_RUNS_SECONDS if running else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            stop.set()
            wanted.cancel()
