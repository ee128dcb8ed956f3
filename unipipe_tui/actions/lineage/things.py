"""How each kind of thing is told where lineage names it, from its record or from its name alone."""

from __future__ import annotations

from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UnipipeError
from unipipe_tui.domain.jobs import Job
from unipipe_tui.domain.ports.tools import Commit
from unipipe_tui.domain.records import Promotion, Release
from unipipe_tui.domain.runs.rows import MLFLOW
from unipipe_tui.domain.serving import LoggedPrediction
from unipipe_tui.domain.things import Thing, ThingKind, id_of
from unipipe_tui.domain.tracking import ModelVersion, Run

SHORT = 12
"""Characters of an id that is shown for people to recognise."""


def told_version(version: ModelVersion) -> Thing:
    """A registered version."""
    aliases = ", ".join(version.aliases) or "no alias"
    name = id_of(ThingKind.VERSION, version.model, version.version)
    return Thing(name, ThingKind.VERSION, f"{version.model} version {version.version}", aliases, version.created)


def named_version(model: str, number: int, world: World) -> Thing:
    """A registered version, by its name."""
    try:
        return told_version(world.tracking.version(model, number))
    except UnipipeError:
        name = id_of(ThingKind.VERSION, model, number)
        return Thing(name, ThingKind.VERSION, f"{model} version {number}", "not in this registry")


def told_run(run: Run) -> Thing:
    """A run; what DVC and Git tell as one is the commit that holds it."""
    if run.source != MLFLOW:
        return Thing(id_of(ThingKind.COMMIT, run.run_id), ThingKind.COMMIT, run.run_id[:SHORT], run.name, run.started)
    said = f"{run.experiment}, {run.status.value.lower()}"
    return Thing(id_of(ThingKind.RUN, run.run_id), ThingKind.RUN, run.name or run.run_id[:SHORT], said, run.started)


def named_run(run_id: str, world: World) -> Thing:
    """A run, by its id."""
    try:
        return told_run(world.tracking.run(run_id))
    except UnipipeError:
        return Thing(id_of(ThingKind.RUN, run_id), ThingKind.RUN, run_id[:SHORT], "MLflow no longer has it")


def told_commit(commit: Commit) -> Thing:
    """A commit."""
    return Thing(id_of(ThingKind.COMMIT, commit.id), ThingKind.COMMIT, commit.id[:SHORT], commit.subject, commit.at)


def named_commit(commit_id: str, world: World) -> Thing:
    """A commit, by its id."""
    commit = world.git.commit_of(commit_id)
    if commit:
        return told_commit(commit)
    return Thing(id_of(ThingKind.COMMIT, commit_id), ThingKind.COMMIT, commit_id[:SHORT], "not in this clone")


def told_data(md5: str, name: str = "") -> Thing:
    """A set of data, by its content."""
    return Thing(id_of(ThingKind.DATA, md5), ThingKind.DATA, name or "data", md5)


def told_job(job: Job) -> Thing:
    """A job."""
    said = f"{job.state.value}: {job.message}" if job.message else job.state.value
    return Thing(id_of(ThingKind.JOB, job.id), ThingKind.JOB, f"{job.action} by {job.actor}", said, job.started)


def named_job(job_id: str, world: World) -> Thing:
    """A job, by its id."""
    try:
        job = world.jobs.find(job_id)
    except UnipipeError:
        job = None
    return told_job(job) if job else Thing(id_of(ThingKind.JOB, job_id), ThingKind.JOB, job_id, "not recorded here")


def told_release(release: Release) -> Thing:
    """A release: a version that one job put on one target."""
    title = f"{release.model} version {release.version} on {release.target}"
    name = id_of(ThingKind.RELEASE, release.target, release.job)
    return Thing(name, ThingKind.RELEASE, title, f"by {release.actor}", release.at)


def told_promotion(promotion: Promotion) -> Thing:
    """A move of an alias."""
    moved = f"{promotion.alias}: {promotion.previous or 'nothing'} → {promotion.version or 'nothing'}"
    said = f"{promotion.how.value} by {promotion.actor}" + (f": {promotion.reason}" if promotion.reason else "")
    name = id_of(ThingKind.PROMOTION, promotion.model, promotion.alias, promotion.job)
    return Thing(name, ThingKind.PROMOTION, moved, said, promotion.at)


def told_prediction(prediction: LoggedPrediction) -> Thing:
    """A prediction."""
    score = "" if prediction.score is None else f", score {prediction.score:.4g}"
    label = "" if prediction.label is None else f", label {prediction.label}"
    name = id_of(ThingKind.PREDICTION, prediction.prediction_id)
    said = f"decision {prediction.decision}{score}{label}"
    return Thing(name, ThingKind.PREDICTION, prediction.prediction_id, said, prediction.at)
