"""Lineage: from a prediction, a version or a run to everything that it came from."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import COMMIT_TAG, DATA_TAG, JOB_TAG
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.ports.tools import Commit
from unipipe_tui.domain.records import Promotion, Release
from unipipe_tui.domain.runs.tags import COMMIT_TAGS
from unipipe_tui.domain.serving import LoggedPrediction
from unipipe_tui.domain.tracking import ModelVersion, Run
from unipipe_tui.domain.values import frozen

DIRTY_TAG = "git.dirty"
"""`true` on a run whose training found changed files that no commit held."""


@frozen
class ShowLineage:
    """Where to begin."""

    thing: Annotated[
        str, OBJECT, "Prediction id, MODEL/VERSION, or run id; the beginning of an id will do.", Names.THING
    ]


@frozen
class VersionFacts:
    """The registered version."""

    model: str
    version: int
    aliases: tuple[str, ...]
    created: datetime | None
    job: str | None
    """The job that registered it."""
    job_command: str | None
    job_actor: str | None


@frozen
class DataFacts:
    """One set of data."""

    name: str
    md5: str


@frozen
class RunFacts:
    """The MLflow run that made the model."""

    run_id: str
    name: str
    started: datetime | None
    params: dict[str, str]
    metrics: dict[str, float | None]


@frozen
class Lineage:
    """Everything that stands behind a prediction, a version or a run."""

    asked: str
    prediction: LoggedPrediction | None
    release: Release | None
    """The release that answered the prediction; else the newest of the version."""
    version: VersionFacts | None
    promotions: tuple[Promotion, ...]
    """Every time that an alias came to name the version, newest first."""
    run: RunFacts | None
    commit: Commit | None
    commit_id: str | None
    data: tuple[DataFacts, ...]
    missing: tuple[str, ...]
    """What the chain lacks, one sentence each."""


def show_lineage(request: ShowLineage, world: World) -> Lineage:
    """Name all that a prediction came from: release, version, run, commit, data md5s, params, job and who promoted it."""
    prediction = world.predictions.find(request.thing) if "/" not in request.thing else None
    version = _version(request.thing, prediction, world)
    run = _run(request.thing, version, world)
    if prediction is None and version is None and run is None:
        raise UsageError(
            f"There is no prediction, version or run {request.thing!r}.",
            hint="Give a prediction id, MODEL/VERSION or a run id.",
        )
    version = version or _version_of_run(run, world)
    tags = {**(run.tags if run else {}), **(version.tags if version else {})}
    commit_id = next((tags[tag] for tag in COMMIT_TAGS if tags.get(tag)), None)
    commit = world.git.commit_of(commit_id) if commit_id else None
    lineage = Lineage(
        asked=request.thing,
        prediction=prediction,
        release=release_of(prediction, version, world),
        version=_version_facts(version, tags.get(JOB_TAG), world) if version else None,
        promotions=_promotions(version, world),
        run=_run_facts(run) if run else None,
        commit=commit,
        commit_id=commit_id,
        data=data_of(run, tags),
        missing=(),
    )
    return _with_gaps(lineage, dirty=bool(run) and tags.get(DIRTY_TAG) == "true")


def _version(thing: str, prediction: LoggedPrediction | None, world: World) -> ModelVersion | None:
    if prediction is not None:
        known = {model.name for model in world.tracking.models()}
        return world.tracking.version(prediction.model, prediction.version) if prediction.model in known else None
    model, slash, number = thing.rpartition("/")
    if slash and number.isdigit():
        return world.tracking.version(model, int(number))
    return None


def _run(thing: str, version: ModelVersion | None, world: World) -> Run | None:
    name = version.run_id if version else thing
    try:
        return world.tracking.run(name) if name else None
    except UsageError:
        return None


def _version_of_run(run: Run | None, world: World) -> ModelVersion | None:
    if run is None:
        return None
    versions = (v for model in world.tracking.models() for v in world.tracking.versions(model.name))
    return next((version for version in versions if version.run_id == run.run_id), None)


def release_of(prediction: LoggedPrediction | None, version: ModelVersion | None, world: World) -> Release | None:
    """The release that answered a prediction; else the newest of the version."""
    if version is None:
        return None
    target = prediction.target if prediction else None
    releases = [
        release
        for release in world.history.releases(target, 10_000)
        if (release.model, release.version) == (version.model, version.version)
    ]
    # A switch is recorded just after the new version has begun to answer: the first prediction may be older.
    earlier = [release for release in releases if prediction is None or release.at <= prediction.at]
    return next(iter(earlier or releases[-1:]), None)


def _promotions(version: ModelVersion | None, world: World) -> tuple[Promotion, ...]:
    if version is None:
        return ()
    return tuple(p for p in world.history.promotions(version.model) if p.version == version.version)


def _version_facts(version: ModelVersion, job_id: str | None, world: World) -> VersionFacts:
    job = world.jobs.find(job_id) if job_id else None
    command, actor = (job.command, job.actor) if job else (None, None)
    return VersionFacts(version.model, version.version, version.aliases, version.created, job_id, command, actor)


def _run_facts(run: Run) -> RunFacts:
    metrics: dict[str, float | None] = {m.key: m.value for m in run.metrics}
    return RunFacts(run.run_id, run.name, run.started, dict(run.params), metrics)


def data_of(run: Run | None, tags: dict[str, str]) -> tuple[DataFacts, ...]:
    """What a run read, as its data sets and the tags that name contents tell."""
    facts = {dataset.name: dataset.digest for dataset in run.datasets} if run else {}
    recorded = {key.removesuffix(".md5"): value for key, value in tags.items() if key.endswith(".md5")}
    known = set(facts.values())
    facts |= {name: md5 for name, md5 in recorded.items() if md5 not in known}
    return tuple(DataFacts(name, md5) for name, md5 in facts.items())


def _with_gaps(lineage: Lineage, *, dirty: bool) -> Lineage:
    gaps = []
    if lineage.version and lineage.run is None:
        gaps.append("MLflow no longer has the run of this version.")
    if lineage.commit_id and lineage.commit is None:
        gaps.append(f"This clone does not have the commit {lineage.commit_id}: git fetch may bring it.")
    if lineage.run and lineage.commit_id is None:
        gaps.append(f"The run does not say which commit it was made of (tag {COMMIT_TAG}).")
    if dirty:
        gaps.append("The run was trained with changes that its commit does not hold.")
    if lineage.run and not lineage.data:
        gaps.append(f"The run does not say which data it was made of (a data set, or a tag such as {DATA_TAG}).")
    if lineage.prediction and lineage.version is None:
        gaps.append("The version that answered is not in this registry.")
    return dataclasses.replace(lineage, missing=tuple(gaps))


SHOW = Look("lineage show", ShowLineage, show_lineage, "unipipe lineage show fraud-detector/2")
