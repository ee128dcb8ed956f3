"""Forgetting rounds of which nothing came, so that a watch over years leaves what somebody may look for, and no more."""

from __future__ import annotations

from unipipe_tui.actions.monitor.round import MonitorRound
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.progress import Progress

KEPT_ROUNDS = 288
"""The newest quiet rounds that stay: a day of them, one each five minutes."""


def is_quiet(now: MonitorRound, before: MonitorRound | None) -> bool:
    """Whether nothing came of a round: no alert moved, and what could not be checked was told by the round before."""
    return not now.moves and now.faults == (before.faults if before is not None else ())


def forget_old_rounds(world: World, progress: Progress, keep: int = KEPT_ROUNDS) -> None:
    """Drop the jobs of older quiet rounds; those that an alert's evidence is of stay.

    Files go first: whoever kills it in between leaves jobs that the next round drops.
    """
    try:
        old = world.jobs.forgettable(keep) if world.jobs.quiet() > keep else ()
        for job in old:
            world.job_folders.remove(job)
        if old:
            world.jobs.forget(old)
    except UnipipeError as error:
        progress.emit(Noted(f"Older rounds could not be forgotten: {error.message}"))
