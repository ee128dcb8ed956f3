"""Which registered versions there are, wherever they are kept."""

from __future__ import annotations

from unipipe_tui.actions.world import World
from unipipe_tui.domain.runs.rows import MLFLOW
from unipipe_tui.domain.tracking import ModelVersion, Run, TrackingKind


def versions_of_model(world: World, model: str) -> tuple[ModelVersion, ...]:
    """All versions of a model, newest first; none when it is not registered.

    Raises:
        ToolMissing: the store does not answer.
    """
    if is_distant(world):
        return world.distant_versions().of_model(model)
    known = model in {registered.name for registered in world.tracking.models()}
    return world.tracking.versions(model) if known else ()


def versions_of_run(world: World, run: Run) -> tuple[ModelVersion, ...]:
    """The versions that were made of a run.

    Raises:
        ToolMissing: the store does not answer.
    """
    if run.source != MLFLOW:
        return ()
    if is_distant(world):
        return world.distant_versions().of_runs((run.run_id,))
    models = [model.name for model in world.tracking.models()]
    versions = (version for model in models for version in world.tracking.versions(model))
    return tuple(version for version in versions if version.run_id == run.run_id)


def is_distant(world: World) -> bool:
    """Whether versions are kept where only MLflow's client can ask: `models` and `serve` do not know them yet."""
    return world.tracking_place.kind is TrackingKind.REMOTE
