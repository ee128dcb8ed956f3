"""Bundles: a version's model, sealed with its digest, as a server is given it."""

from __future__ import annotations

import shutil
from pathlib import Path

from unipipe_tui.actions.vouching import STORE, must_agree, must_be_releasable, record_first_use
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import COMMIT_TAG, DATA_TAG
from unipipe_tui.domain.bundles import MODEL_FOLDER, Bundle, seal_bundle
from unipipe_tui.domain.model_files import hashes_of
from unipipe_tui.domain.ports.tools import Registry


def bundle_to_serve(world: World, model: str, version: int, registry: Registry | None = None) -> tuple[Path, Bundle]:
    """The sealed bundle of a version that may answer; opens the registry only when it must.

    Raises:
        CheckSaidNo: its files are not those that were registered, or they run code and that is not allowed.
    """
    found = world.bundles.whole(model, version)
    place, bundle = found or make_bundle(world, registry or world.open_registry(), model, version)
    must_be_releasable(world, model, version, bundle)
    return place, bundle


def make_bundle(world: World, registry: Registry, model: str, version: int) -> tuple[Path, Bundle]:
    """The sealed bundle of a version: the one that is there, or a new one from the registry.

    Raises:
        CheckSaidNo: the registry's files are not those that were registered.
    """
    found = world.bundles.whole(model, version)
    if found:
        return found
    place = world.bundles.place(model, version)
    partial = place.with_name(f"{place.name}.{world.job_id}.partial")
    partial.mkdir(parents=True)
    known = world.tracking.version(model, version)
    try:
        hashes = hashes_of(registry.download(model, version, partial / MODEL_FOLDER))
        must_agree(model, version, known.tags, hashes, STORE)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    record_first_use(registry, model, version, known.tags, hashes)
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
