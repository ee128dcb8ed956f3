"""From data to a judged version: bring the pipeline up to date, register what it trained, check it at the gates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from unipipe_tui.actions.models.alias_moves import carry_out, plan_move
from unipipe_tui.actions.models.gates import check_version
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.aliases_and_tags import CHALLENGER, CHAMPION, COMMIT_TAG, DATA_TAG, JOB_TAG, rejection_of
from unipipe_tui.domain.errors import ExitCode, Failed, UnipipeError, UsageError
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.jobs import DETACHED_JOB, StageTiming
from unipipe_tui.domain.model_files import told
from unipipe_tui.domain.plans import Effect
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.reach import Reach
from unipipe_tui.domain.records import GateCheck, How, Undo
from unipipe_tui.domain.reproduction import Reproduced, StageRun
from unipipe_tui.domain.tracking import Run
from unipipe_tui.domain.values import frozen


@frozen
class Order:
    """What a training is asked for."""

    stages: tuple[str, ...]
    """Only these, as far as `reach` goes from them; empty: all."""
    force: bool
    commit: bool
    """Commit what the pipeline recorded."""
    reason: str
    reach: Reach = Reach.NEEDED
    registers: bool = True
    """Whether a stage is reached that trains the model: otherwise nothing is registered or judged."""


@frozen
class StageOutcome:
    """How one stage ended."""

    stage: str
    outcome: str
    seconds: float


@frozen
class Trained:
    """What came out of a training."""

    stages: tuple[StageOutcome, ...]
    seconds: float
    commit: str | None
    run_id: str | None = None
    """The MLflow run; None when no model is configured."""
    model: str | None = None
    version: int | None = None
    """The registered version; None when nothing was trained anew."""
    new: bool = False
    """Whether the version was registered by this job."""
    alias: str | None = None
    """`champion` when there was none, `challenger` when there was, None when the gates are closed."""
    gates: GateCheck | None = None

    @property
    def exit_code(self) -> ExitCode:
        """A closed gate is a no."""
        return ExitCode.CHECK_SAID_NO if self.gates and not self.gates.passed else ExitCode.DONE


def training_effects(world: World, order: Order) -> tuple[Effect, ...]:
    """What a training will do, as lines of its plan."""
    effects = [plans.run(*world.dvc.repro_command(order.stages, force=order.force, reach=order.reach))]
    model = world.config.model
    if model is not None and order.registers:
        champion = world.tracking.alias(model.name, CHAMPION)
        effects.append(plans.registry(f"register the trained model as a new version of {model.name}"))
        against = "" if champion is None else f", against champion version {champion}"
        effects.append(plans.store(f"check it at {len(world.config.gates)} gates on the holdout{against}"))
        alias = CHAMPION if champion is None else CHALLENGER
        effects.append(plans.registry(f"when they pass: {model.name}@{alias} names it"))
    if order.commit:
        _must_be_a_repository(world)
        paths = _recorded_paths(world)
        effects.append(plans.run("git", "add", "--", *paths))
        effects.append(plans.run("git", "commit", "--message", _subject(order), "--", *paths))
    effects.append(plans.store("stage timings, promotion, audit entry"))
    return tuple(effects)


def way_back(world: World, files: str) -> str:
    """How a training is taken back: the files by `files`, and the alias that its version was given."""
    return files if world.config.model is None else f"{files}; unipipe undo gives the alias back"


def _must_be_a_repository(world: World) -> None:
    if not world.git.is_repository():
        raise UsageError(
            "This is not a Git repository, so nothing can be committed.", hint="Run `git init`, or leave out --commit."
        )


def train(world: World, order: Order, progress: Progress) -> tuple[Trained, Undo | None]:
    """Run the pipeline and carry what it trained to the gates; answers also with how its alias goes back.

    Raises:
        Failed: a stage failed; nothing is registered, and the next run goes on from there.
    """
    with step(progress, "run the pipeline", 1, 4 if world.config.model and order.registers else 1):
        reproduced = _reproduce(world, order, progress)
    trained = Trained(
        stages=tuple(StageOutcome(s.address, s.outcome.value, round(s.seconds, 3)) for s in reproduced.stages),
        seconds=round(sum(stage.seconds for stage in reproduced.stages), 3),
        commit=_commit(world, order, progress) if order.commit else None,
    )
    if world.config.model is None or not order.registers:
        return trained, None
    trained = replace(trained, model=world.config.model.name)
    run = trained_run(world)
    if run is None:
        progress.emit(Noted("The pipeline trained no model that MLflow knows of; nothing is registered."))
        return trained, None
    return _carried_on(world, order, run, replace(trained, run_id=run.run_id), progress)


def trained_run(world: World) -> Run | None:
    """The MLflow run of the model that the pipeline's outputs hold now; None when there is none.

    Raises:
        Failed: the run file is there, but names no run that MLflow knows.
    """
    model = world.model
    if model.run_file is None:
        page = world.tracking.runs(50, model.experiment)
        return next((run for run in page.runs if run.tags.get(JOB_TAG) == world.job_id), None)
    path = world.root / model.run_file
    try:
        run_id = json.loads(path.read_text())["run_id"]
        return world.tracking.run(str(run_id))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise Failed(f"{model.run_file} names no run.", hint='Let training write {"run_id": "..."} there.') from None
    except UsageError as error:
        raise Failed(
            f"{model.run_file}: {error.message}", hint="Run the pipeline with --force to train anew."
        ) from None


def environment(world: World) -> Mapping[str, str]:
    """What the stages are told: where to track, and which job they belong to."""
    return {
        "MLFLOW_TRACKING_URI": world.tracking_place.uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "UNIPIPE_JOB": world.job_id,
        # A stage may call unipipe itself: that is a job of its own.
        DETACHED_JOB: "",
    }


def _reproduce(world: World, order: Order, progress: Progress) -> Reproduced:
    ended: list[tuple[StageTiming, str]] = []

    def note(stage: StageRun) -> None:
        ended.append((StageTiming(stage.address, stage.seconds, world.now(), world.job_id), stage.outcome.value))

    try:
        reproduced = world.dvc.repro(
            progress, order.stages, force=order.force, reach=order.reach, env=environment(world), on_stage=note
        )
    except BaseException:
        # How long the stages took that went well is known also when a later one failed; its failure is what counts.
        with suppress(UnipipeError):
            world.jobs.record_stages(tuple(ended))
        raise
    world.jobs.record_stages(tuple(ended))
    return reproduced


def _commit(world: World, order: Order, progress: Progress) -> str:
    there = [path for path in _recorded_paths(world) if (world.root / path).exists()]
    return world.git.commit(_subject(order), there, progress).id


def _subject(order: Order) -> str:
    return order.reason or "Record the pipeline's outputs"


def _recorded_paths(world: World) -> tuple[str, ...]:
    """What Git keeps of a run: the lock files, and the outputs that DVC leaves to Git."""
    pipeline = world.pipeline.read()
    locks = {Path(stage.file).with_name("dvc.lock").as_posix() for stage in pipeline.stages if not stage.is_data}
    reports = {o.path for s in pipeline.stages for o in s.outputs if not o.cached and not o.external}
    return tuple(sorted(locks | reports))


def _carried_on(
    world: World, order: Order, run: Run, trained: Trained, progress: Progress
) -> tuple[Trained, Undo | None]:
    """Register the run's model, check it at the gates and, when they are open, name it champion or challenger."""
    model = world.model.name
    with step(progress, "register the model", 2, 4):
        registry = world.open_registry()
        known = _version_of(world, model, run)
        version = known if known is not None else registry.register_run(model, run.run_id, _version_tags(world, run))
    trained = replace(trained, version=version, new=known is None)
    champion = world.tracking.alias(model, CHAMPION)
    if champion == version:
        return trained, None
    rejection = rejection_of(world.tracking.version(model, version).tags) if known is not None else None
    if rejection is not None:
        progress.emit(Noted(f"{model} version {version} was rejected by {rejection.by}: it is named nothing."))
        return trained, None
    contents = world.tracking.contents(world.tracking.version(model, version))
    if contents is not None and contents.runs_code:
        told_why = told(contents.runs_code)
        progress.emit(Noted(f"Loading {model} version {version} runs code that came with it: {told_why}."))
    with step(progress, "check it at the gates", 3, 4):
        check = check_version(world, registry, model, version) if world.config.gates else None
    trained = replace(trained, gates=check)
    if check is not None and not check.passed:
        return trained, None
    alias = CHAMPION if champion is None else CHALLENGER
    trained = replace(trained, alias=alias)
    if world.tracking.alias(model, alias) == version:
        return trained, None
    reason = "the first version" if champion is None else order.reason or "passed its gates"
    move = plan_move(world, model, alias, version, How.PROMOTE, reason).decided
    return trained, carry_out(move, registry, world, progress, after=3)


def _version_of(world: World, model: str, run: Run) -> int | None:
    if model not in {registered.name for registered in world.tracking.models()}:
        return None
    return next((v.version for v in world.tracking.versions(model) if v.run_id == run.run_id), None)


def _version_tags(world: World, run: Run) -> Mapping[str, str]:
    head = world.git.head()
    tags = {JOB_TAG: world.job_id}
    commit = run.tags.get(COMMIT_TAG) or (head.id if head else None)
    data = run.tags.get(DATA_TAG) or _raw_md5(world)
    return {**tags, **({COMMIT_TAG: commit} if commit else {}), **({DATA_TAG: data} if data else {})}


def _raw_md5(world: World) -> str | None:
    raw = world.config.data.raw
    return world.pipeline.snapshot(world.pipeline.read()).get(raw) if raw else None
