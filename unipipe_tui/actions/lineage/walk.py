"""Walking lineage: from anything to what it came from and what it led to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.lineage.neighbours import (
    around_commit,
    around_data,
    around_job,
    around_prediction,
    around_production,
    around_promotion,
    around_release,
    around_run,
    around_version,
)
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UnipipeError, UsageError
from unipipe_tui.domain.things import ThingKind, Walk, split_id
from unipipe_tui.domain.values import frozen


@frozen
class WalkLineage:
    """Where to stand."""

    thing: Annotated[
        str,
        OBJECT,
        "A prediction, MODEL/VERSION, run, commit, data md5 or job, by its id or the beginning of it; or an id that a "
        "walk names: release:local/JOB.",
        Names.THING,
    ] = "production"


def walk_lineage(request: WalkLineage, world: World) -> Walk:
    """Name what a thing came from and what it led to, each by an id to walk on to; begins with what is in production."""
    thing = request.thing.strip()
    named = split_id(thing)
    if named:
        found = _AROUND[named[0]](named[1], world)
    else:
        ways = (lambda kind=kind: _AROUND[kind](thing, world) for kind in _kinds_like(thing))
        found = _first(ways)
    if found is None:
        raise UsageError(
            f"There is no {named[0] if named else 'thing'} {named[1] if named else thing!r} that lineage knows.",
            hint="Begin with what is in production: unipipe lineage walk",
        )
    return found


def _kinds_like(thing: str) -> tuple[ThingKind, ...]:
    """What a bare name may be, the most likely first."""
    if "/" in thing:
        return (ThingKind.VERSION, ThingKind.COMMIT)
    return (ThingKind.JOB, ThingKind.PREDICTION, ThingKind.RUN, ThingKind.COMMIT, ThingKind.DATA)


def _first(ways: Iterable[Callable[[], Walk | None]]) -> Walk | None:
    """The first answer; a name that is ambiguous as one kind of thing may be the whole name of another."""
    trouble: UnipipeError | None = None
    for way in ways:
        try:
            found = way()
        except UnipipeError as error:
            trouble = trouble or error
            continue
        if found:
            return found
    if trouble:
        raise trouble
    return None


_AROUND: Mapping[ThingKind, Callable[[str, World], Walk | None]] = MappingProxyType(
    {
        ThingKind.PRODUCTION: lambda _, world: around_production(world),
        ThingKind.PREDICTION: around_prediction,
        ThingKind.RELEASE: around_release,
        ThingKind.VERSION: around_version,
        ThingKind.PROMOTION: around_promotion,
        ThingKind.RUN: around_run,
        ThingKind.COMMIT: around_commit,
        ThingKind.DATA: around_data,
        ThingKind.JOB: around_job,
    }
)

WALK = Look("lineage walk", WalkLineage, walk_lineage, "unipipe lineage walk fraud-detector/2")
