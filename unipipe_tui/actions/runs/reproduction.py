"""Making a run again from what it was made of: its commit, its data, its params, in a work tree of its own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.runs.naming import RUN_HELP
from unipipe_tui.actions.runs.second_tree import SecondTree
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.runs.then_and_now import else_different, measured
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import ExitCode, Stopped, UnipipeError, UsageError
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.ports.tools import Commit
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.runs.reproducibility import (
    Adjusted,
    DifferentThen,
    MetricAgain,
    compare_metrics,
)
from unipipe_tui.domain.runs.rows import DVC
from unipipe_tui.domain.runs.tags import MLFLOW_COMMIT_TAG, commit_of, is_dirty
from unipipe_tui.domain.tracking import Run, RunStatus
from unipipe_tui.domain.values import frozen

PLACE = ".unipipe/reproductions"
STEPS = 4


@frozen
class ReproduceRun:
    """Which run, and how closely."""

    run: Annotated[str, OBJECT, RUN_HELP, Names.RUN]
    tolerance: Annotated[float, "By how much a metric may differ, absolutely or as a share of it: 0.01 is 1 %."] = 0.0
    keep: Annotated[bool, "Keep the work tree in which it was made again."] = False


@frozen
class ReproductionOrder:
    """What was decided: which run is made again at which commit."""

    run: Run
    commit: Commit
    tolerance: float
    keep: bool


@frozen
class RunReproduced:
    """A run that was made again, and how it came out."""

    run_id: str
    name: str
    commit: str
    reproducible: bool
    """Whether every metric came out within the tolerance; times and figures of the machine do not count."""
    tolerance: float
    compared: str
    """What was compared: `MLflow run`, or `metrics files` where the pipeline logged none."""
    metrics: tuple[MetricAgain, ...]
    adjusted: tuple[Adjusted, ...]
    """What was set before it ran, since the commit has something else."""
    unknown_params: tuple[str, ...]
    """Params of the run that stand in no file of params: they were left as the code has them."""
    differences: tuple[DifferentThen, ...]
    not_compared: tuple[str, ...]
    """What is not known of then or of now: `packages`, when a run logged no model or not on this machine."""
    stages: tuple[str, ...]
    """Those that ran."""
    seconds: float
    seconds_then: float | None
    """How long the run itself took."""
    worktree: str | None
    """Where it can be looked at; None when it was removed."""

    @property
    def exit_code(self) -> ExitCode:
        """A run that comes out otherwise is a no."""
        return ExitCode.DONE if self.reproducible else ExitCode.CHECK_SAID_NO


def plan_reproduction(request: ReproduceRun, world: World) -> Plan[ReproductionOrder]:
    """Make a run again and compare its metrics: its commit in a work tree of its own, its data, its params, the pipeline.

    Nothing of the project changes: not its work tree, its head, its dvc.lock, its cache, and no version is registered;
    what the stages log goes to an MLflow store in that work tree. Exit code 4 when a metric differs by more than the
    tolerance.
    """
    if not 0 <= request.tolerance < 1:
        raise UsageError("A tolerance is a number from 0 up to 1.", hint="--tolerance 0.01 is one percent.")
    [run] = open_index(world).index.runs((request.run,))
    if not run.metrics:
        raise UsageError(f"Run {run.run_id[:8]} logged no metric: there is nothing to compare.")
    commit = _commit_of(run, world)
    tree = f"{PLACE}/JOB"
    effects = [
        plans.run("git", "worktree", "add", "--detach", tree, commit.id),
        plans.write(f"{tree}: its data, linked out of the cache or pulled, and the params that the run had"),
        plans.run("dvc", "repro", "--force", "--no-commit"),
        plans.write(f"{tree}/mlflow.db: what the stages log"),
    ]
    if not request.keep:
        effects.append(plans.run("git", "worktree", "remove", "--force", tree))
    effects.append(plans.store("audit entry"))
    title = f"Make run {run.run_id[:8]} again at {commit.id[:7]}, {commit.subject!r}"
    order = ReproductionOrder(run, commit, request.tolerance, request.keep)
    return Plan(title, tuple(effects), "nothing to undo: the project stays as it is", order, _warnings(run, world))


def _commit_of(run: Run, world: World) -> Commit:
    named = commit_of(run) or (run.run_id if run.source == DVC else None)
    if named is None:
        raise UsageError(
            f"Run {run.run_id[:8]} does not say which commit it ran at.",
            hint=f"MLflow notes it in the tag {MLFLOW_COMMIT_TAG}, where training starts in a Git work tree.",
        )
    commit = world.git.commit_of(named)
    if commit is None:
        raise UsageError(
            f"The commit {named[:12]} of run {run.run_id[:8]} is not in this repository.", hint="git fetch --all"
        )
    return commit


def _warnings(run: Run, world: World) -> tuple[str, ...]:
    found = []
    if run.source != DVC and not (world.config.model and world.config.model.run_file):
        found.append("every stage runs, also one that deploys: `run_file` in unipipe.yaml would tell which one logs")
    if is_dirty(run):
        found.append("files were changed and not committed when it ran: the commit does not hold all that it was")
    if run.source != DVC and run.status is not RunStatus.FINISHED:
        found.append(f"the run ended as {run.status.value}: its metrics may not be its last ones")
    return tuple(found)


def reproduce_run(plan: Plan[ReproductionOrder], world: World, progress: Progress) -> Done[RunReproduced]:
    """Make a run again.

    The work tree is kept when a stage fails, to be looked at; whoever stops the work finds it removed.

    Raises:
        Failed: the data is gone, or a stage failed.
    """
    order = plan.decided
    folder = world.root / PLACE / world.job_id
    keep = order.keep
    try:
        answer = _made_again(order, world, folder, progress)
    except Stopped:
        raise
    except UnipipeError:
        keep = folder.is_dir()
        raise
    finally:
        _leave(world, folder, progress, keep=keep)
    count = sum(1 for metric in answer.metrics if metric.judged)
    off = sum(1 for metric in answer.metrics if metric.judged and not metric.same)
    detail = f"reproducible: {count} metrics" if answer.reproducible else f"not reproducible: {off} of {count} metrics"
    return Done(answer, detail=detail)


def _leave(world: World, folder: Path, progress: Progress, *, keep: bool) -> None:
    if keep:
        progress.emit(Noted(f"The work tree is kept. Remove it: git worktree remove --force {folder}"))
        return
    world.git.remove_worktree(folder)
    with suppress(OSError):
        # Another one may be at work beside it.
        folder.parent.rmdir()


def _made_again(order: ReproductionOrder, world: World, folder: Path, progress: Progress) -> RunReproduced:
    """Make the run again and compare."""
    begun = monotonic()
    with step(progress, f"check out {order.commit.id[:7]}", 1, STEPS):
        place = world.git.add_worktree(order.commit.id, folder, progress)
        tree = SecondTree(order.run, order.commit, world, world.elsewhere(place))
    with step(progress, "restore data and params", 2, STEPS):
        before = tree.prepare(progress)
    started = world.now()
    with step(progress, "run the pipeline", 3, STEPS):
        reproduced = tree.make(before.pipeline, progress)
    with step(progress, "compare the metrics", 4, STEPS):
        found = measured(tree, before, started)
        beside = else_different(tree, before, found.run)
    run, metrics = order.run, compare_metrics(found.then, found.now, order.tolerance)
    return RunReproduced(
        run_id=run.run_id,
        name=run.name,
        commit=order.commit.id,
        reproducible=all(metric.same for metric in metrics if metric.judged),
        tolerance=order.tolerance,
        compared=found.compared,
        metrics=metrics,
        adjusted=before.adjusted,
        unknown_params=before.unknown_params,
        differences=beside.differences,
        not_compared=beside.not_compared,
        stages=reproduced.ran,
        seconds=round(monotonic() - begun, 1),
        # A commit has a moment, not a duration.
        seconds_then=run.seconds if run.source != DVC else None,
        worktree=str(folder) if order.keep else None,
    )


REPRODUCE = Change(
    "runs reproduce", ReproduceRun, plan_reproduction, reproduce_run, "unipipe runs reproduce 3f9a2c", Danger.NONE
)
