"""Runs whose MLflow store is not there any more: they stay known, and everybody is told."""

from __future__ import annotations

from collections.abc import Mapping

from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.runs.rows import MLFLOW, PUT_BACK, SourceState
from unipipe_tui.domain.tracking import TrackingKind


def lost_store(world: World, states: Mapping[str, SourceState]) -> SourceState | None:
    """What the index holds of an MLflow store that vanished, where there is no other; None when none did."""
    state = states.get(MLFLOW)
    if state is None or not state.runs or not state.synced:
        return None
    there_is_one = world.tracking_place.kind is not TrackingKind.NOTHING
    return None if there_is_one or any(source.name == MLFLOW for source in world.run_sources()) else state


def told_of(lost: SourceState) -> str:
    """What is the matter with the runs, a sentence."""
    return f"{lost.place} is not there any more: its runs are those of {lost.synced:%Y-%m-%d %H:%M:%S} UTC."


def refuse_if_lost(world: World, states: Mapping[str, SourceState]) -> None:
    """Let nobody write on runs whose store is not there: MLflow's client would make a new, empty one in its place.

    Raises:
        Failed: the store vanished.
    """
    if lost := lost_store(world, states):
        raise Failed(told_of(lost), PUT_BACK)
    place = world.tracking_place
    is_read = any(source.place == place.shown for source in world.run_sources())
    if is_read and place.path is not None and not place.path.exists():
        raise Failed(f"{place.path} is not there any more.", PUT_BACK)


def problem_of(lost: SourceState) -> str:
    """The same, and what to do about it."""
    return f"{told_of(lost)} {PUT_BACK}"
