"""Registered models: versions, gates, promotion and the way back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done, Key, Look
from unipipe_tui.actions.asking import ask_all
from unipipe_tui.actions.models.alias_moves import AliasMove, Moved, move_alias, plan_move
from unipipe_tui.actions.models.gates import check_version, holdout_path, open_gates, sentence_of
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.vouching import check_warnings, refuse_rejected
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import (
    CHAMPION,
    COMMIT_TAG,
    DATA_TAG,
    DIGEST_TAG,
    GATES_TAG,
    Rejection,
    by_tag,
    reason_tag,
    rejection_of,
)
from unipipe_tui.domain.errors import CheckSaidNo, ExitCode, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.records import GateCheck, GateResult, How, trail_of
from unipipe_tui.domain.rollouts.traffic import versions_in
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.domain.tracking import ModelVersion, Run, check_alias_name
from unipipe_tui.domain.values import frozen


@frozen
class ListModels:
    """Nothing to say."""


@frozen
class AliasLine:
    """An alias and the version that it names."""

    alias: str
    version: int


@frozen
class ModelLine:
    """One registered model."""

    name: str
    latest: int | None
    aliases: tuple[AliasLine, ...]
    description: str


@frozen
class ModelList:
    """All registered models."""

    models: tuple[ModelLine, ...]
    registry: str
    """Where they are kept."""
    problems: tuple[str, ...]


def list_models(request: ListModels, world: World) -> ModelList:
    """List the registered models with their aliases."""
    models = tuple(
        ModelLine(m.name, m.latest, tuple(AliasLine(*pair) for pair in m.aliases), m.description)
        for m in world.tracking.models()
    )
    return ModelList(models, world.tracking_place.shown or "no MLflow store", world.tracking.problems())


@frozen
class ShowModel:
    """Which model."""

    model: Annotated[str | None, OBJECT, "Registered model; the configured one when left out.", Names.MODEL] = None


@frozen
class Figure:
    """One metric."""

    name: str
    value: float | None


@frozen
class VersionLine:
    """One version: what it is, what it was made of, how it did."""

    version: int
    aliases: tuple[str, ...]
    stage: str | None
    """The old stages of MLflow; None when it has none."""
    created: datetime | None
    run_id: str | None
    commit: str | None
    data: str | None
    gates: str
    """`passed`, `closed`, or `not checked`."""
    gate_results: tuple[GateResult, ...]
    metrics: tuple[Figure, ...]
    promoted_by: str | None
    """Who made it champion."""
    promotion_reason: str | None
    rejection: Rejection | None
    """Who says that it must not be promoted, and why."""
    served_by: tuple[str, ...]
    """Targets that answer with it now."""
    run_name: str
    description: str
    digest: str | None = None
    """sha256 over its files as they were registered; None when nobody recorded it yet."""


@frozen
class ModelView:
    """One registered model with all its versions, newest first."""

    model: str
    versions: tuple[VersionLine, ...]
    description: str
    metrics: tuple[str, ...]
    """The metrics of its runs: those that the gates judge first."""


def show_model(request: ShowModel, world: World) -> ModelView:
    """Show the versions of a model: aliases, gates with their numbers, metrics, commit, data, who serves them."""
    name = request.model or world.model.name
    versions = world.tracking.versions(name)
    ids = tuple({version.run_id for version in versions if version.run_id})
    runs = {run.run_id: run for run in (world.tracking.runs(len(ids), ids=ids).runs if ids else ())}
    checks: dict[int, GateCheck] = {}
    for check in world.history.gate_checks(name):
        checks.setdefault(check.version, check)
    serving = targets_serving(world, name)
    lines = tuple(
        _version_line(v, runs.get(v.run_id or ""), checks.get(v.version), serving.get(v.version, ())) for v in versions
    )
    described = next((model.description for model in world.tracking.models() if model.name == name), "")
    return ModelView(name, lines, described, _judged_first(lines, [gate.metric.value for gate in world.config.gates]))


def targets_serving(world: World, model: str) -> Mapping[int, tuple[str, ...]]:
    """By version of the model, the targets that answer with it now."""
    found: dict[int, tuple[str, ...]] = {}
    if world.config.model is None or world.config.model.name != model:
        return found
    for asked in ask_all(world):
        live = asked.live
        if live is not None and live.state is ServerState.READY:
            for version in versions_in(live.answering):
                found[version] = (*found.get(version, ()), asked.target)
    return found


def figures_of(run: Run | None) -> tuple[Figure, ...]:
    """The metrics of a run."""
    return tuple(Figure(m.key, None if math.isnan(m.value) else m.value) for m in (run.metrics if run else ()))


def _version_line(
    version: ModelVersion, run: Run | None, check: GateCheck | None, serving: tuple[str, ...]
) -> VersionLine:
    tags = {**(run.tags if run else {}), **version.tags}
    gates = ("passed" if check.passed else "closed") if check else version.tags.get(GATES_TAG, "not checked")
    return VersionLine(
        version=version.version,
        aliases=version.aliases,
        stage=version.stage,
        created=version.created,
        run_id=version.run_id,
        commit=tags.get(COMMIT_TAG),
        data=tags.get(DATA_TAG),
        gates=gates,
        gate_results=check.results if check else (),
        metrics=figures_of(run),
        promoted_by=version.tags.get(by_tag(CHAMPION)),
        promotion_reason=version.tags.get(reason_tag(CHAMPION)),
        rejection=rejection_of(version.tags),
        served_by=serving,
        run_name=run.name if run else "",
        description=version.description,
        digest=version.tags.get(DIGEST_TAG),
    )


def _judged_first(versions: Sequence[VersionLine], gates: Sequence[str]) -> tuple[str, ...]:
    names = list(dict.fromkeys(figure.name for version in versions for figure in version.metrics))
    # Gates say `precision`; a run may call the same `holdout.precision`. The shortest such name is the whole, no slice.
    judged = (sorted((name for name in names if _means(name, gate)), key=len)[:1] for gate in gates)
    return tuple(dict.fromkeys([*(name for found in judged for name in found), *names]))


def _means(name: str, gate: str) -> bool:
    return name == gate or name.endswith((f".{gate}", f"_{gate}", f"/{gate}"))


@frozen
class CheckModel:
    """Which version."""

    model: Annotated[str, OBJECT, "Registered model.", Names.MODEL]
    version: Annotated[int, OBJECT, "Version to check.", Names.VERSION]


@frozen
class ToCheck:
    """A version that exists."""

    model: str
    version: int


@frozen
class Checked:
    """How a version did at the gates."""

    model: str
    version: int
    champion: int | None
    """The version that it was compared with; None when it is the champion itself or there was none."""
    passed: bool
    rows: int
    """Of the holdout."""
    holdout: str
    """Its md5."""
    results: tuple[GateResult, ...]
    closed: tuple[str, ...]

    @property
    def exit_code(self) -> ExitCode:
        """A closed gate is a no."""
        return ExitCode.DONE if self.passed else ExitCode.CHECK_SAID_NO


def plan_check(request: CheckModel, world: World) -> Plan[ToCheck]:
    """Score a version and the champion on the same holdout and judge it at the gates.

    Exit code 4 when one is closed, and when the artefact store does not hold the files that were registered.
    """
    world.tracking.version(request.model, request.version)
    holdout = holdout_path(world)
    warnings = check_warnings(world, request.model, request.version)
    champion = world.tracking.alias(request.model, CHAMPION)
    against = "" if champion in (None, request.version) else f" against champion version {champion}"
    effects = (
        plans.store(f"the result of {len(world.config.gates)} gates on {holdout.relative_to(world.root)}{against}"),
        plans.registry(f"{request.model} version {request.version}: tags unipipe.gates, unipipe.gates.against"),
    )
    title = f"Check {request.model} version {request.version} at the gates{against}"
    undo = "nothing to undo: a check only adds its result"
    return Plan(title, effects, undo, ToCheck(request.model, request.version), warnings)


def check_model(plan: Plan[ToCheck], world: World, progress: Progress) -> Done[Checked]:
    """Check a version."""
    with step(progress, "score the holdout", 1, 1):
        check = check_version(world, world.open_registry(), plan.decided.model, plan.decided.version)
    closed = sentence_of(check)
    checked = Checked(
        check.model, check.version, check.champion, check.passed, check.rows, check.holdout, check.results, closed
    )
    return Done(checked, detail="all gates passed" if check.passed else "; ".join(closed))


@frozen
class PromoteModel:
    """Which version becomes what, and why."""

    model: Annotated[str, OBJECT, "Registered model.", Names.MODEL]
    version: Annotated[int, OBJECT, "Version to promote.", Names.VERSION]
    to: Annotated[str, "Alias to move.", Names.ALIAS] = CHAMPION
    reason: Annotated[str, "Why; kept with the version and in the audit.", Short("r")] = ""


def plan_promotion(request: PromoteModel, world: World) -> Plan[AliasMove]:
    """Let an alias name a version whose gates are open; running targets that follow the alias switch to it at once.

    Exit code 4 when there is no such version, when it was rejected, when its gates are closed, or when they were checked
    against another champion, on another holdout or as other gates than today's; 5 when somebody moved the alias.
    """
    check_alias_name(request.to)
    _must_exist(world, request.model, request.version)
    refuse_rejected(world, request.model, request.version)
    if world.tracking.alias(request.model, request.to) == request.version:
        raise UsageError(f"{request.model}@{request.to} names version {request.version} already.")
    if request.to == CHAMPION:
        open_gates(world, request.model, request.version)
    return plan_move(world, request.model, request.to, request.version, How.PROMOTE, request.reason)


def _must_exist(world: World, model: str, version: int) -> None:
    try:
        world.tracking.version(model, version)
    except UsageError as error:
        # Whether a version may become champion is a check; one that does not exist may not.
        raise CheckSaidNo(error.message, hint=error.hint) from None


@frozen
class RollBackModel:
    """Which alias of which model."""

    model: Annotated[str, OBJECT, "Registered model.", Names.MODEL]
    alias: Annotated[str, "Alias to move.", Names.ALIAS] = CHAMPION
    forward: Annotated[bool, "Go forward again, after a rollback."] = False
    reason: Annotated[str, "Why; kept with the version and in the audit.", Short("r")] = ""


def plan_model_rollback(request: RollBackModel, world: World) -> Plan[AliasMove]:
    """Let an alias name the version before (or, with --forward, the one that was rolled back); its targets switch too."""
    check_alias_name(request.alias)
    return plan_way(world, request.model, request.alias, request.forward, request.reason)


def plan_way(world: World, model: str, alias: str, forward: bool, reason: str) -> Plan[AliasMove]:
    """Decide where one step back, or forward again, leads: to a version that still exists, that is not named now and
    that nobody rejected.

    Raises:
        UsageError: there is no step in that direction.
    """
    versions = world.tracking.versions(model)
    known = {version.version for version in versions}
    fit = {version.version for version in versions if rejection_of(version.tags) is None}
    others = fit - {world.tracking.alias(model, alias)}
    trail = trail_of(reversed(world.history.promotions(model, alias)))
    way = [version for version in (trail.forward if forward else trail.back) if version in others]
    if not way:
        said = "nothing was rolled back" if forward else "it has named no other version yet"
        rejected = [version for version in (trail.forward if forward else trail.back) if version in known - fit]
        if rejected:
            said = f"version {rejected[-1]} was rejected"
        raise UsageError(
            f"{model}@{alias} cannot go {'forward' if forward else 'back'}: {said}.",
            hint=f"unipipe models show {model}",
        )
    return plan_move(world, model, alias, way[-1], How.FORWARD if forward else How.BACK, reason)


LIST = Look("models list", ListModels, list_models, "unipipe models list")
SHOW = Look("models show", ShowModel, show_model, "unipipe models show fraud-detector")
CHECK = Change(
    "models check", CheckModel, plan_check, check_model, "unipipe models check fraud-detector 2", Danger.NONE
)
PROMOTE = Change(
    "models promote",
    PromoteModel,
    plan_promotion,
    move_alias,
    "unipipe models promote fraud-detector 2 --yes",
    Danger.CONFIRM,
    Key("p", "Promote"),
)
ROLL_BACK = Change(
    "models rollback",
    RollBackModel,
    plan_model_rollback,
    move_alias,
    "unipipe models rollback fraud-detector --yes",
)

__all__ = ["CHECK", "LIST", "PROMOTE", "ROLL_BACK", "SHOW", "Moved"]
