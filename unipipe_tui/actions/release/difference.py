"""What differs between two releases of a target: version, code, data, image, strategy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.records import Release
from unipipe_tui.domain.values import frozen

ALL_RELEASES = 1_000_000


@frozen
class DiffReleases:
    """Which target, and which two of its releases."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    before: Annotated[str | None, "Release to compare with; the one before `after` when left out."] = None
    after: Annotated[str | None, "Release; the newest when left out."] = None


@frozen
class DifferentFact:
    """One thing that the two do not have in common."""

    name: str
    before: str | None
    after: str | None


@frozen
class ReleaseDifference:
    """Two releases of one target."""

    target: str
    before: Release
    after: Release
    different: tuple[DifferentFact, ...]
    same: tuple[str, ...]
    """Names of what they have in common."""
    files: int | None
    """Changed files between the commits; None when one is not known here."""
    insertions: int | None
    deletions: int | None
    paths: tuple[str, ...]
    """The most changed ones."""
    hint: str
    """The command that tells more."""


def diff_releases(request: DiffReleases, world: World) -> ReleaseDifference:
    """Compare two releases of a target: model version, commit with changed files, data, bundle, image, strategy."""
    target = world.target(request.target)
    known = world.history.releases(target, ALL_RELEASES)
    if not known:
        raise UsageError(f"Nothing was released to {target} yet.", hint=f"unipipe release start {target}")
    after = known[0] if request.after is None else _named(known, request.after)
    older = known[known.index(after) + 1 :]
    if request.before is None and not older:
        raise UsageError(f"{after.id or 'The newest release'} is the first one of {target}.", hint="Name two releases.")
    before = older[0] if request.before is None else _named(known, request.before)
    facts = tuple(_facts(before, after))
    stat = world.git.diff_stat(before.commit, after.commit) if before.commit and after.commit else None
    return ReleaseDifference(
        target=target,
        before=before,
        after=after,
        different=tuple(fact for fact in facts if fact.before != fact.after),
        same=tuple(fact.name for fact in facts if fact.before == fact.after),
        files=stat.files if stat else None,
        insertions=stat.insertions if stat else None,
        deletions=stat.deletions if stat else None,
        paths=stat.paths if stat else (),
        hint=f"unipipe models compare {after.model} {before.version} {after.version}",
    )


def _named(known: tuple[Release, ...], name: str) -> Release:
    found = [release for release in known if name and release.id.startswith(name)]
    if len(found) != 1:
        said = f"{len(found)} releases begin with {name}" if found else f"There is no release {name}"
        raise UsageError(f"{said}.", hint="unipipe release history")
    return found[0]


def _facts(before: Release, after: Release) -> Iterator[DifferentFact]:
    def fact(name: str, one: object, other: object) -> DifferentFact:
        return DifferentFact(name, None if one is None else str(one), None if other is None else str(other))

    yield fact("version", f"{before.model} {before.version}", f"{after.model} {after.version}")
    yield fact("commit", before.commit, after.commit)
    yield fact("data", before.data, after.data)
    yield fact("run", before.run_id or None, after.run_id or None)
    yield fact("bundle", before.digest, after.digest)
    yield fact("image", before.image, after.image)
    yield fact("strategy", before.strategy.value, after.strategy.value)


DIFF = Look("release diff", DiffReleases, diff_releases, "unipipe release diff production")
