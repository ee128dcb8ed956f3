"""The DVC pipeline: what will run and why, running it, and retraining on what was learnt in production."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done, Key, Look
from unipipe_tui.actions.pipeline.training import Order, Trained, train, training_effects, way_back
from unipipe_tui.actions.pipeline.view import sentences_of
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import ExitCode, UsageError
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.freshness import PipelineState
from unipipe_tui.domain.pipelines import Pipeline
from unipipe_tui.domain.plans import Effect, Plan
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.reach import DueStage, Reach, chosen_addresses, due_stages, missing_inputs, within_reach
from unipipe_tui.domain.values import frozen

FILES_BACK = "git checkout dvc.lock && dvc checkout"


@frozen
class PlanPipeline:
    """Which stages to explain."""

    stages: Annotated[tuple[str, ...], OBJECT, "Stages to explain; all when left out.", Names.STAGE] = ()


@frozen
class StagePlan:
    """Why a stage will run, or why it cannot."""

    stage: str
    state: str
    will_run: bool
    causes: tuple[str, ...]
    last_seconds: float | None
    """How long it took when it last ran; None when that is not known."""


@frozen
class PipelinePlan:
    """What the next run will do."""

    stages: tuple[StagePlan, ...]
    """Those that are not up to date, in running order; all that were asked for, when any were."""
    will_run: int
    up_to_date: int
    expected_seconds: float | None
    """From the last time that each ran; None when one of them never did."""
    problems: tuple[str, ...]


def plan_pipeline(request: PlanPipeline, world: World) -> PipelinePlan:
    """Say what the next run will execute, the exact cause for each stage, and how long each took the last time."""
    pipeline = world.pipeline.read()
    state = world.pipeline.state(pipeline)
    _must_exist(pipeline, request.stages)
    named = set(chosen_addresses(pipeline, request.stages))
    timings = {address: timing.seconds for address, timing in world.jobs.last_timings().items()}
    chosen = [s for s in state.states if s.stage.address in named or (not request.stages and s.causes)]
    stages = tuple(
        StagePlan(
            s.stage.address,
            s.freshness.value,
            s.will_run,
            tuple(cause.sentence for cause in s.causes),
            timings.get(s.stage.address),
        )
        for s in chosen
    )
    return PipelinePlan(
        stages,
        will_run=len(state.will_run),
        up_to_date=sum(not s.causes for s in state.states),
        expected_seconds=_expected(state, timings),
        problems=sentences_of(pipeline, state),
    )


def _expected(state: PipelineState, timings: dict[str, float]) -> float | None:
    addresses = [s.stage.address for s in state.will_run]
    if any(address not in timings for address in addresses):
        return None
    return round(sum(timings[address] for address in addresses), 1)


def _must_exist(pipeline: Pipeline, stages: tuple[str, ...]) -> None:
    known = pipeline.by_address.keys() | {stage.template for stage in pipeline.stages}
    unknown = [stage for stage in stages if stage not in known]
    if unknown:
        raise UsageError(
            f"There is no stage {unknown[0]!r}.",
            hint=f"There is: {', '.join(list(pipeline.by_address)[:12]) or 'none'}.",
        )


@frozen
class RunPipeline:
    """What to run."""

    stages: Annotated[
        tuple[str, ...],
        OBJECT,
        "Stages to bring up to date, with what they need; all when left out. "
        "The name of a foreach or matrix means all its stages.",
        Names.STAGE,
    ] = ()
    force: Annotated[bool, "Run them even when nothing changed."] = False
    only: Annotated[bool, "Run the named stages alone, not what they need."] = False
    downstream: Annotated[bool, "Run the named stages and all that need them, not what they need."] = False
    commit: Annotated[bool, "Commit dvc.lock and the reports when the run is done."] = False


def plan_run(request: RunPipeline, world: World) -> Plan[Order]:
    """Bring the pipeline up to date with `dvc repro`, register the model that it trained and check it at the gates.

    The version becomes champion when there is none, and challenger when it passes its gates against the champion.
    Exit code 4 when a gate is closed.
    """
    pipeline = world.pipeline.read()
    if not pipeline.stages:
        raise UsageError(
            "There is no pipeline here.", hint="A dvc.yaml describes one; `unipipe init --recipe` brings one."
        )
    reach = _reach_of(request)
    _must_exist(pipeline, request.stages)
    state = world.pipeline.state(pipeline)
    due = due_stages(pipeline, state, request.stages, reach, force=request.force)
    order = Order(
        request.stages, request.force, request.commit, "", reach, _trains(world, pipeline, request.stages, reach)
    )
    warnings = (
        *sentences_of(pipeline, state),
        *_missing_data(state),
        *_old_inputs(missing_inputs(pipeline, state, request.stages, reach)),
        *_uncommitted(pipeline, world),
    )
    reproduce, *rest = training_effects(world, order)
    return Plan(
        _title(request, reach, state, within_reach(pipeline, request.stages, reach), len(due)),
        (reproduce, *_stage_effects(due), *rest),
        undo=way_back(world, FILES_BACK) if order.registers else FILES_BACK,
        decided=order,
        warnings=warnings,
    )


def _trains(world: World, pipeline: Pipeline, named: tuple[str, ...], reach: Reach) -> bool:
    """Whether the run reaches the stage that writes which run trained the model, where one does."""
    model = world.config.model
    if model is None or model.run_file is None or not named:
        return True
    written = {output.path: stage.address for stage in pipeline.stages for output in stage.outputs}
    return model.run_file not in written or written[model.run_file] in within_reach(pipeline, named, reach)


def _reach_of(request: RunPipeline) -> Reach:
    if request.only and request.downstream:
        raise UsageError("--only and --downstream exclude each other.", hint="Give the one that you mean.")
    if (request.only or request.downstream) and not request.stages:
        flag = "--only" if request.only else "--downstream"
        raise UsageError(f"{flag} needs the name of a stage.", hint="unipipe pipeline show lists them.")
    return Reach.ONLY if request.only else Reach.DOWNSTREAM if request.downstream else Reach.NEEDED


_MEANT = {
    Reach.NEEDED: "{names} and what is needed for it",
    Reach.ONLY: "only {names}",
    Reach.DOWNSTREAM: "{names} and what needs it",
}


def _title(request: RunPipeline, reach: Reach, state: PipelineState, reached: Sequence[str], due: int) -> str:
    states = [state.of(address) for address in reached]
    able = [one for one in states if one.stage.command and not one.stage.frozen]
    if request.stages:
        what = _MEANT[reach].format(names=", ".join(request.stages))
        return f"Run {what}: {due} of {len(able)} stages will run"
    if request.force:
        return f"Run the pipeline: {due} of {len(able)} stages run again"
    return f"Run the pipeline: {sum(bool(one.causes) for one in able)} of {len(able)} stages are not up to date"


MOST_EXPLAINED = 30


def _stage_effects(due: Sequence[DueStage]) -> tuple[Effect, ...]:
    """A line for each stage that will run; of very many, the names of the last ones."""
    lines = [plans.stage(stage.sentence) for stage in due[:MOST_EXPLAINED]]
    if due[MOST_EXPLAINED:]:
        lines.append(plans.stage(", ".join(stage.address for stage in due[MOST_EXPLAINED:])))
    return tuple(lines)


def _old_inputs(stages: Sequence[str]) -> tuple[str, ...]:
    if not stages:
        return ()
    names = ", ".join(stages[:5]) + (f" and {len(stages) - 5} more" if len(stages) > 5 else "")
    verb = "is" if len(stages) == 1 else "are"
    return (f"{names} {verb} not up to date and will not run: what lies there now is read.",)


def _missing_data(state: PipelineState) -> tuple[str, ...]:
    waiting = [s.stage.address for s in state.states if s.way_back]
    if not waiting:
        return ()
    more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
    return (f"Known data of {waiting[0]}{more} is not here; `dvc pull` or `dvc checkout` brings it without a run.",)


def _uncommitted(pipeline: Pipeline, world: World) -> tuple[str, ...]:
    """Changed files that the stages are made of or read, and that no stage writes: those decide what is trained."""
    written = {output.path for stage in pipeline.stages if not stage.is_data for output in stage.outputs}
    read = {stage.file for stage in pipeline.stages}
    read |= {d.path for stage in pipeline.stages for d in stage.dependencies if not d.external}
    read |= {reference.file for stage in pipeline.stages for reference in stage.params}
    read -= written
    changed = [path for path in _changed_here(world) if not _lies_in(path, written)]
    # A folder that is new as a whole is listed with `/` at its end, in place of what it holds.
    count = sum(_lies_in(p, read) or (p.endswith("/") and any(one.startswith(p) for one in read)) for p in changed)
    said = "1 changed file is" if count == 1 else f"{count} changed files are"
    return (f"{said} not committed: the run's commit will not hold {'it' if count == 1 else 'them'}.",) * bool(count)


def _changed_here(world: World) -> tuple[str, ...]:
    """What Git says is changed, from the project's root; Git counts from the root of its work tree."""
    folders = (world.root, *world.root.parents)
    top = next((folder for folder in folders if (folder / ".git").exists()), world.root)
    inside = "" if top == world.root else f"{world.root.relative_to(top).as_posix()}/"
    tree = world.git.work_tree()
    return tuple(path.removeprefix(inside) for path in (tree.changed if tree else ()) if path.startswith(inside))


def _lies_in(path: str, places: set[str]) -> bool:
    return any(f"{path}/".startswith(f"{place.rstrip('/')}/") for place in places)


def run_pipeline(plan: Plan[Order], world: World, progress: Progress) -> Done[Trained]:
    """Run the pipeline."""
    trained, undo = train(world, plan.decided, progress)
    return Done(trained, undo, detail=_detail(trained))


@frozen
class Retrain:
    """Why, and on which target's labelled traffic."""

    reason: Annotated[str, "Why; kept with the version and in the audit.", Short("r")]
    target: Annotated[
        str | None, "Target whose labelled traffic is added to the data; the only one when left out.", Names.TARGET
    ] = None
    collect: Annotated[bool, "Add the labelled traffic to the training data."] = True
    commit: Annotated[bool, "Commit the new data's pointer, dvc.lock and the reports."] = True


@frozen
class RetrainOrder:
    """What was decided: which traffic goes where, and the training after it."""

    target: str
    reason: str
    raw: str | None
    """Folder that the labelled traffic is added to; None: nothing is added."""
    file: str
    training: Order


@frozen
class Retrained:
    """What was learnt from."""

    reason: str
    collected_rows: int
    data: str | None
    """md5 of the training data now."""
    trained: Trained

    @property
    def exit_code(self) -> ExitCode:
        """A closed gate is a no."""
        return self.trained.exit_code


def plan_retrain(request: Retrain, world: World) -> Plan[RetrainOrder]:
    """Add the labelled traffic to the training data, run the pipeline, register the new version and check its gates.

    Predictions whose labels have arrived are written as one more Parquet file into the DVC-tracked folder `data.raw`.
    """
    if not request.reason.strip():
        raise UsageError("A retraining needs a reason.", hint="For example: unipipe retrain --reason 'drift in region'")
    target = world.target(request.target)
    raw = world.config.data.raw if request.collect else None
    training = Order((), False, request.commit, f"Retrain {world.model.name}: {request.reason}")
    file = f"{raw}/labelled-{_next_number(world, raw):04d}.parquet" if raw else ""
    effects = []
    if raw:
        known = world.predictions.totals(target)[1]
        effects.append(
            plans.write(f"{file}: labelled traffic of {target} that is not in the data yet (of {known} labels)")
        )
        effects.append(plans.run("dvc", "add", raw))
        if request.commit:
            paths = _pointer(world, raw)
            effects.append(plans.run("git", "add", "--", *paths))
            effects.append(plans.run("git", "commit", "--", *paths))
    order = RetrainOrder(target, request.reason, raw, file, training)
    files = f"git revert the commit of {raw}.dvc, dvc checkout" if raw else FILES_BACK
    return Plan(
        f"Retrain {world.model.name}: {request.reason}",
        (*effects, *training_effects(world, training)),
        way_back(world, files),
        order,
    )


def retrain(plan: Plan[RetrainOrder], world: World, progress: Progress) -> Done[Retrained]:
    """Collect, train, check."""
    order = plan.decided
    collected = _collect(order, world, progress) if order.raw else 0
    trained, undo = train(world, order.training, progress)
    md5 = world.pipeline.snapshot(world.pipeline.read()).get(order.raw) if order.raw else None
    result = Retrained(order.reason, collected, md5, trained)
    return Done(result, undo, detail=f"{_detail(trained)}; {collected:,} rows added")


def _collect(order: RetrainOrder, world: World, progress: Progress) -> int:
    assert order.raw is not None
    data = world.config.data
    raw = world.root / order.raw
    rows = world.predictions.export_labelled(
        order.target, world.root / order.file, data.id, data.label, tuple(sorted(raw.glob("*.parquet")))
    )
    if rows == 0:
        (world.root / order.file).unlink(missing_ok=True)
        if not _left_behind(order, world):
            return 0
        progress.emit(Noted(f"An earlier collection was interrupted: its rows in {order.raw} are recorded now."))
    world.dvc.add(order.raw, progress)
    if order.training.commit:
        paths = [path for path in _pointer(world, order.raw) if (world.root / path).exists()]
        rest = f"{rows} labelled predictions" if rows else "the labelled predictions of an interrupted collection"
        world.git.commit(f"Add {rest} to {order.raw}", paths, progress)
    return rows


def _left_behind(order: RetrainOrder, world: World) -> bool:
    """Whether collected rows lie in the data that were never recorded: a kill came before `dvc add`, or before Git."""
    assert order.raw is not None
    if not any((world.root / order.raw).glob("labelled-*.parquet")):
        return False
    state = world.pipeline.state(world.pipeline.read())
    owners = [s for s in state.states if s.stage.is_data and order.raw in {output.path for output in s.stage.outputs}]
    recorded = bool(owners) and not any(owner.causes for owner in owners)
    pending = order.training.commit and f"{order.raw}.dvc" in _changed_here(world)
    return pending or not recorded


def _pointer(world: World, raw: str) -> tuple[str, ...]:
    """What Git keeps of the raw data: DVC's pointer, and the file beside it that hides the data from Git."""
    pointer, ignored = f"{raw}.dvc", Path(raw).with_name(".gitignore").as_posix()
    there = (world.root / ignored).exists() or not (world.root / pointer).exists()
    return (pointer, ignored) if there else (pointer,)


def _next_number(world: World, raw: str | None) -> int:
    if raw is None:
        return 1
    numbers = [int(p.stem.rpartition("-")[2]) for p in (world.root / raw).glob("labelled-[0-9]*.parquet")]
    return max(numbers, default=0) + 1


def _detail(trained: Trained) -> str:
    if trained.version is None:
        return "nothing new to register"
    alias = f", {trained.alias}" if trained.alias else ""
    gates = "" if trained.gates is None else f", gates {'passed' if trained.gates.passed else 'closed'}"
    return f"version {trained.version}{alias}{gates}"


PLAN = Look("pipeline plan", PlanPipeline, plan_pipeline, "unipipe pipeline plan train")
RUN = Change("pipeline run", RunPipeline, plan_run, run_pipeline, "unipipe pipeline run --yes", Danger.CONFIRM)
RETRAIN = Change(
    "retrain",
    Retrain,
    plan_retrain,
    retrain,
    "unipipe retrain --reason 'drift in region' --yes",
    Danger.CONFIRM,
    Key("r", "Retrain"),
)
