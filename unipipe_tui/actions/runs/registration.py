"""Making the model that a run logged a version of a registered model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from unipipe_tui.actions.action import Change, Done
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.runs.naming import RUN_HELP, marks_of_active, named, shown, writable_run
from unipipe_tui.actions.runs.sync import bring_up_to_date
from unipipe_tui.actions.runs.versions import is_distant, versions_of_model
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import COMMIT_TAG, DATA_TAG, DIGEST_TAG, JOB_TAG
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.runs.tags import commit_of
from unipipe_tui.domain.tracking import Run, check_model_name
from unipipe_tui.domain.values import frozen


@frozen
class RegisterRun:
    """Whose model becomes a version of what."""

    run: Annotated[str, OBJECT, RUN_HELP, Names.WRITABLE_RUN]
    model: Annotated[str | None, "Registered model; the configured one when left out.", Names.MODEL] = None


@frozen
class Registration:
    """What was decided: this run's model becomes a version with these tags."""

    run_id: str
    model: str
    tags: Mapping[str, str]


@frozen
class RunRegistered:
    """A run whose model is a version now."""

    run_id: str
    model: str
    version: int


def plan_registration(request: RegisterRun, world: World) -> Plan[Registration]:
    """Register the model that an MLflow run logged as a new version; no alias moves, so nothing serves it yet."""
    model = check_model_name(_model_meant(request, world))
    run = writable_run(world, request.run)
    versions = versions_of_model(world, model)
    known = next((version.version for version in versions if version.run_id == run.run_id), None)
    if known is not None:
        raise UsageError(f"The model of run {named(run)} is {model} version {known} already.")
    if world.tracking.logged_model(run) is False:
        raise UsageError(f"Run {named(run)} logged no model.", "Log one with mlflow.<flavor>.log_model(…).")
    tags = _version_tags(run)
    number = max((version.version for version in versions), default=0) + 1
    effects = [plans.registry(f"{model}: the model of run {named(run)} becomes version {number}")]
    effects += [plans.registry(f"{model} version {number}: tag {key} {shown(value)}") for key, value in tags.items()]
    effects.append(plans.registry(f"{model} version {number}: tag {DIGEST_TAG}, the digest of its files"))
    aliases = sorted((alias, version.version) for version in versions for alias in version.aliases)
    effects += [plans.registry(f"{model}@{alias} stays at version {version}") for alias, version in aliases]
    effects.append(plans.store("audit entry"))
    next_step = "" if is_distant(world) else f" (unipipe models check {model} {number} comes next)"
    back = f"nothing to undo: the version bears no alias{next_step}"
    decided = Registration(run.run_id, model, tags)
    return Plan(f"Register run {named(run)} as {model} version {number}", tuple(effects), back, decided)


def _model_meant(request: RegisterRun, world: World) -> str:
    if request.model is not None:
        return request.model
    if world.config.model is None:
        hint = "Name one with --model NAME, or in unipipe.yaml:  model: {name: my-model, run_file: run.json}"
        raise UsageError("No model is named, and none is configured.", hint)
    return world.config.model.name


def register_run(plan: Plan[Registration], world: World, progress: Progress) -> Done[RunRegistered]:
    """Register a run's model.

    Raises:
        Refused: somebody deleted the run since the plan was made.
        UsageError: the run logged no model.
    """
    decided = plan.decided
    with step(progress, "open MLflow", 1, 2):
        registry = world.open_registry()
    with step(progress, "register the model", 2, 2):
        marks_of_active(registry, decided.run_id)
        version = registry.register_run(decided.model, decided.run_id, decided.tags)
    bring_up_to_date(world, progress, [decided.run_id])
    detail = f"{decided.model} version {version} of run {decided.run_id}"
    return Done(RunRegistered(decided.run_id, decided.model, version), detail=detail)


def _version_tags(run: Run) -> dict[str, str]:
    """What says where a version came from, as far as its run knows: not where we stand now."""
    found = {
        JOB_TAG: run.tags.get(JOB_TAG),
        COMMIT_TAG: commit_of(run),
        DATA_TAG: run.tags.get(DATA_TAG),
    }
    return {key: value for key, value in found.items() if value}


REGISTER = Change(
    "runs register", RegisterRun, plan_registration, register_run, "unipipe runs register 3f9a2c --model fraud --yes"
)
