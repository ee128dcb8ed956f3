"""Releases: what each target answers with, how it does, and what it answered with before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UnipipeError, UsageError
from unipipe_tui.domain.records import Alert, Release, UndoKind
from unipipe_tui.domain.serving import ServerState, ServerStatus, TrafficWindow
from unipipe_tui.domain.values import frozen

ALL_RELEASES = 1_000_000


@frozen
class ListReleases:
    """Of which target, and how many."""

    target: Annotated[str | None, OBJECT, "Target; all of them when left out.", Names.TARGET] = None
    limit: Annotated[int, "How many, newest first.", Short("n")] = 50


@frozen
class ReleaseLine:
    """A version that a target answered with, from when to when, and how it came there."""

    target: str
    model: str
    version: int
    at: datetime
    until: datetime | None
    """When the next release took its place, or its server was stopped; None: it is the newest, and nothing stopped it."""
    live: bool
    """Whether the target answers with it now."""
    action: str | None
    """The capability whose job put it there: `models promote`; None when the job is not known."""
    actor: str
    commit: str | None
    data: str | None
    run_id: str
    digest: str
    """The bundle's sha256."""
    job: str


@frozen
class ReleaseList:
    """Releases, newest first."""

    releases: tuple[ReleaseLine, ...]
    total: int


def list_releases(request: ListReleases, world: World) -> ReleaseList:
    """List what was released on the targets, newest first: version, since when and until when, by whom and what."""
    if request.limit < 1:
        raise UsageError(f"{request.limit} releases cannot be listed.", hint="--limit 50")
    if request.target is not None:
        world.target(request.target)
    with world.store.together():
        known = world.history.releases(request.target, ALL_RELEASES)
        lines = tuple(_lines(known, request.limit, world, _stops(world)))
    return ReleaseList(lines, len(known))


def _stops(world: World) -> Sequence[tuple[str, datetime]]:
    """Which target's server was stopped when: a version that nobody could ask was not live until the next one."""
    changes = world.history.changes(ALL_RELEASES)
    return [(change.undo.subject, change.at) for change in changes if change.undo.kind is UndoKind.SERVER_STOPPED]


def _lines(
    newest_first: Sequence[Release], limit: int, world: World, stops: Sequence[tuple[str, datetime]]
) -> Iterator[ReleaseLine]:
    next_at: dict[str, datetime] = {}
    for release in newest_first[:limit]:
        ends = [at for target, at in stops if target == release.target and at > release.at]
        if release.target in next_at:
            ends.append(next_at[release.target])
        yield _line(release, min(ends, default=None), world)
        next_at[release.target] = release.at


def _line(release: Release, until: datetime | None, world: World) -> ReleaseLine:
    job = world.jobs.find(release.job) if release.job else None
    return ReleaseLine(
        target=release.target,
        model=release.model,
        version=release.version,
        at=release.at,
        until=until,
        live=until is None and _answers_with(release, world),
        action=job.action if job else None,
        actor=release.actor,
        commit=release.commit,
        data=release.data,
        run_id=release.run_id,
        digest=release.digest,
        job=release.job,
    )


def _answers_with(release: Release, world: World) -> bool:
    if release.target not in world.targets:
        return False
    status = world.server_of(release.target).status()
    return status.state is ServerState.READY and (status.model, status.version) == (release.model, release.version)


@frozen
class ShowRelease:
    """Which target."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None


@frozen
class TargetView:
    """One target: what it should answer with, what it does answer with, and how it does."""

    target: str
    kind: str
    server: ServerStatus
    follows: str | None
    """The alias whose moves are released here at once."""
    wanted: int | None
    """The version that the alias names now."""
    release: ReleaseLine | None
    """The newest one."""
    predictions: int
    """All that were logged."""
    labels: int
    traffic: TrafficWindow
    """The latest predictions of the version that answers now, or of all when none does."""
    alerts: tuple[Alert, ...]
    """Open ones."""
    example: str | None
    """A record to try it with, as JSON: the first row of the example that the model was saved with."""
    remarks: tuple[str, ...]
    """What does not fit, one sentence each, with what to do."""


def show_release(request: ShowRelease, world: World) -> TargetView:
    """Show a target: the version it answers with and the one it should, since when, its traffic, latency and alerts."""
    name = world.target(request.target)
    config = world.targets[name]
    server = world.server_of(name).status()
    newest = list_releases(ListReleases(name, 1), world).releases
    predictions, labels = world.predictions.totals(name)
    model = world.config.model.name if world.config.model else None
    wanted = world.tracking.alias(model, config.follows) if model and config.follows else None
    return TargetView(
        target=name,
        kind=config.kind.value,
        server=server,
        follows=config.follows,
        wanted=wanted,
        release=newest[0] if newest else None,
        predictions=predictions,
        labels=labels,
        traffic=world.predictions.window(name, world.config.monitoring.window_rows, server.version),
        alerts=tuple(alert for alert in world.history.alerts() if alert.target == name),
        example=_example(world, model, server.version if server.version is not None else wanted),
        remarks=tuple(_remarks(server, config.follows, wanted)),
    )


def _example(world: World, model: str | None, version: int | None) -> str | None:
    if model is None or version is None:
        return None
    try:
        signature = world.tracking.signature(world.tracking.version(model, version))
    except UnipipeError:
        return None
    example = signature.example if signature else None
    return None if example is None else json.dumps(dict(example), ensure_ascii=False)


def _remarks(server: ServerStatus, follows: str | None, wanted: int | None) -> Iterator[str]:
    if server.state in (ServerState.STOPPED, ServerState.DIED):
        yield f"It does not answer; start it: unipipe serve start {server.target}"
    elif server.state is ServerState.READY and follows and wanted is not None and server.version != wanted:
        yield (
            f"It answers with version {server.version}, but {follows} names version {wanted}: "
            f"unipipe models promote {server.model} {server.version}, or stop and start it."
        )


LIST = Look("releases list", ListReleases, list_releases, "unipipe releases list local")
SHOW = Look("releases show", ShowRelease, show_release, "unipipe releases show local")
