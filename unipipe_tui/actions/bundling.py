"""Bundles: a version's model, sealed with its digest, as a server is given it."""

from __future__ import annotations

import shutil
from pathlib import Path

from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import COMMIT_TAG, DATA_TAG
from unipipe_tui.domain.bundles import Bundle, seal_bundle
from unipipe_tui.domain.ports.tools import Registry


def make_bundle(world: World, registry: Registry, model: str, version: int) -> tuple[Path, Bundle]:
    """The sealed bundle of a version: the one that is there, or a new one from the registry."""
    found = world.bundles.whole(model, version)
    if found:
        return found
    place = world.bundles.place(model, version)
    partial = place.with_name(f"{place.name}.{world.job_id}.partial")
    partial.mkdir(parents=True)
    registry.download(model, version, partial / "model")
    known = world.tracking.version(model, version)
    run = world.tracking.run(known.run_id) if known.run_id else None
    tags = {**(run.tags if run else {}), **known.tags}
    bundle = seal_bundle(
        partial,
        model=model,
        version=version,
        run_id=known.run_id or "",
        threshold=registry.threshold(model, version),
        commit=tags.get(COMMIT_TAG),
        data=tags.get(DATA_TAG),
    )
    shutil.rmtree(place, ignore_errors=True)
    partial.replace(place)
    return place, bundle


def whole_bundle(world: World, model: str, version: int) -> Bundle:
    """The sealed bundle of a version, every file of it checked; opens the registry only when it must be made."""
    found = world.bundles.whole(model, version)
    return (found or make_bundle(world, world.open_registry(), model, version))[1]
