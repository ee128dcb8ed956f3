"""Making a run again from what it was made of: its commit, its data, its params, in a work tree of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.request import OBJECT
from unipipe_tui.actions.runs.naming import RUN_HELP
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import ExitCode, Failed, Stopped, UnipipeError, UsageError
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.jobs import DETACHED_JOB
from unipipe_tui.domain.marks import DATA_TAG
from unipipe_tui.domain.pipelines import Pipeline
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.ports.tools import Commit
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.reproduction import Reproduced
from unipipe_tui.domain.runs.marks import MLFLOW_COMMIT_TAG, commit_of, is_dirty
from unipipe_tui.domain.runs.reproducibility import (
    Adjusted,
    DifferentThen,
    MetricAgain,
    compare_metrics,
    different_texts,
    measuring_stages,
    stages_of_run,
    unstable_outputs,
    wanted_params,
)
from unipipe_tui.domain.runs.rows import DVC
from unipipe_tui.domain.tracking import Run, RunStatus, Tracking
from unipipe_tui.domain.values import frozen

PLACE = ".unipipe/reproductions"
STEPS = 4
RUN = "MLflow run"
FILES = "metrics files"
LATEST_RUNS = 1000
"""How many runs of the reproduction's own store are looked at: a sweep may log many."""


@frozen
class ReproduceRun:
    """Which run, and how closely."""

    run: Annotated[str, OBJECT, RUN_HELP]
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
        answer = _Again(order, world, folder, progress).answer()
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


@frozen
class _Before:
    """How the second work tree stood before its pipeline ran."""

    pipeline: Pipeline
    figures: Mapping[str, float]
    adjusted: tuple[Adjusted, ...]
    unknown_params: tuple[str, ...]


@frozen
class _Logged:
    """What came out of the pipeline."""

    compared: str
    then: Mapping[str, float]
    now: Mapping[str, float]
    run: Run | None


@frozen
class _Compared:
    """What else was different, and what nobody knows."""

    differences: tuple[DifferentThen, ...]
    not_compared: tuple[str, ...]


@frozen
class _Again:
    """One reproduction, on its way."""

    order: ReproductionOrder
    world: World
    folder: Path
    progress: Progress

    def answer(self) -> RunReproduced:
        """Make the run again and compare."""
        begun = monotonic()
        with step(self.progress, f"check out {self.order.commit.id[:7]}", 1, STEPS):
            tree = self.world.git.add_worktree(self.order.commit.id, self.folder, self.progress)
            second = self.world.elsewhere(tree)
        with step(self.progress, "restore data and params", 2, STEPS):
            before = self._restored(second)
        started = self.world.now()
        with step(self.progress, "run the pipeline", 3, STEPS):
            reproduced = self._run(second, before.pipeline)
        with step(self.progress, "compare the metrics", 4, STEPS):
            logged = self._logged(second, before, started)
            compared = self._compared(second, before, logged.run)
        return self._judged(before, logged, reproduced, compared, monotonic() - begun)

    def _restored(self, second: World) -> _Before:
        second.dvc.borrow(self.world.root)
        pipeline = second.pipeline.read()
        if not any(stage.command for stage in pipeline.stages):
            raise Failed(
                f"There is no DVC pipeline at {self.order.commit.id[:7]}, so nobody knows how to make the run again.",
                hint="Look at it: git show --stat " + self.order.commit.id[:7],
            )
        data = self._pinned(second, pipeline)
        wanted = wanted_params(second.pipeline.params(pipeline), self.order.run.params)
        second.dvc.set_params([value for _, value in wanted.to_set])
        second.dvc.restore([s.address for s in pipeline.stages if s.is_data or s.frozen], self.progress)
        params = tuple(Adjusted("param", f"{at.file}:{at.key}", at.text, to.text) for at, to in wanted.to_set)
        for change in (*data, *params):
            self.progress.emit(
                Noted(f"{change.name} is {change.in_run} as in the run; at the commit: {change.at_commit}")
            )
        return _Before(pipeline, _figures(second), (*data, *params), wanted.unknown)

    def _pinned(self, second: World, pipeline: Pipeline) -> tuple[Adjusted, ...]:
        """The raw data that the run names, where its commit points at other data."""
        raw = second.config.data.raw or self.world.config.data.raw
        wanted = self.order.run.tags.get(DATA_TAG)
        recorded = second.pipeline.snapshot(pipeline).get(raw) if raw else None
        if raw is None or wanted is None or recorded is None or recorded == wanted:
            return ()
        pointer = next((s for s in pipeline.stages if s.is_data and any(o.path == raw for o in s.outputs)), None)
        if pointer is None:
            return ()
        second.dvc.pin(pointer.file, raw, wanted)
        return (Adjusted("data", raw, recorded, wanted),)

    def _run(self, second: World, pipeline: Pipeline) -> Reproduced:
        from_files = self.order.run.source == DVC
        stages = measuring_stages(pipeline) if from_files else stages_of_run(pipeline, self._run_file(second))
        store = _store(second)
        env = {
            "MLFLOW_TRACKING_URI": store,
            "MLFLOW_REGISTRY_URI": store,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "UNIPIPE_JOB": self.world.job_id,
            # A stage may call unipipe itself: that is a job of its own.
            DETACHED_JOB: "",
        }
        return second.dvc.repro(self.progress, stages, force=True, commit=False, env=env)

    def _run_file(self, second: World) -> str | None:
        models = (second.config.model, self.world.config.model)
        return next((model.run_file for model in models if model and model.run_file), None)

    def _logged(self, second: World, before: _Before, started: datetime) -> _Logged:
        original = self.order.run
        again = self._run_again(second, started) if original.source != DVC else None
        if again is not None:
            then, now = ({metric.key: metric.value for metric in run.metrics} for run in (original, again))
            return _Logged(RUN, then, now, again)
        figures = _figures(second)
        own = {metric.key: metric.value for metric in original.metrics if metric.key in figures}
        if own:
            return _Logged(FILES, own, {key: figures[key] for key in own}, None)
        if not figures and not before.figures:
            raise Failed("The pipeline left no metrics here: neither an MLflow run nor a metrics file.")
        return _Logged(FILES, before.figures, figures, None)

    def _run_again(self, second: World, started: datetime) -> Run | None:
        """The MLflow run that the pipeline logged now: the one of its run file, else the one that is most alike."""
        runs = second.tracking.at(_store(second)).runs(LATEST_RUNS).runs
        fresh = [run for run in runs if run.started is None or run.started >= started]
        named = _named_in(second.root / (self._run_file(second) or ""))
        wanted = {metric.key for metric in self.order.run.metrics}
        # The newest stand first, and of equals the first is taken.
        alike = max(fresh, key=lambda run: len(wanted & {metric.key for metric in run.metrics}), default=None)
        return next((run for run in fresh if run.run_id == named), alike)

    def _compared(self, second: World, before: _Before, again: Run | None) -> _Compared:
        after = second.pipeline.read()
        found = [DifferentThen("output", path, None, None) for path in unstable_outputs(before.pipeline, after)]
        if again is None:
            return _Compared(tuple(found), ("params", "data sets", "packages"))
        original = self.order.run
        packages = _packages(self.world.tracking, original), _packages(second.tracking.at(_store(second)), again)
        texts = {
            "param": (dict(original.params), dict(again.params)),
            "data set": ({d.name: d.digest for d in original.datasets}, {d.name: d.digest for d in again.datasets}),
            "package": packages if all(packages) else ({}, {}),
        }
        for kind, (then, now) in texts.items():
            found += [DifferentThen(kind, *told) for told in different_texts(then, now)]
        return _Compared(tuple(found), () if all(packages) else ("packages",))

    def _judged(
        self,
        before: _Before,
        logged: _Logged,
        reproduced: Reproduced,
        compared: _Compared,
        seconds: float,
    ) -> RunReproduced:
        run = self.order.run
        metrics = compare_metrics(logged.then, logged.now, self.order.tolerance)
        # A commit has a moment, not a duration.
        took = run.seconds if run.source != DVC else None
        return RunReproduced(
            run_id=run.run_id,
            name=run.name,
            commit=self.order.commit.id,
            reproducible=all(metric.same for metric in metrics if metric.judged),
            tolerance=self.order.tolerance,
            compared=logged.compared,
            metrics=metrics,
            adjusted=before.adjusted,
            unknown_params=before.unknown_params,
            differences=compared.differences,
            not_compared=compared.not_compared,
            stages=reproduced.ran,
            seconds=round(seconds, 1),
            seconds_then=took,
            worktree=str(self.folder) if self.order.keep else None,
        )


def _packages(tracking: Tracking, run: Run) -> Mapping[str, str]:
    """What the models of a run were logged with; empty where nobody knows."""
    [files] = tracking.files_of((run,))
    return files.packages or {} if files else {}


def _store(second: World) -> str:
    """The throw-away store, where a stage that names `mlflow.db` itself would make one too."""
    return f"sqlite:///{(second.root / 'mlflow.db').as_posix()}"


def _figures(second: World) -> dict[str, float]:
    """The numbers in the metrics files, by key; with its file's name before it where two files have one."""
    figures = [f for f in second.pipeline.figures(second.pipeline.read()) if isinstance(f.value, int | float)]
    keys = [figure.key for figure in figures]
    return {
        figure.key if keys.count(figure.key) == 1 else f"{figure.path}:{figure.key}": float(figure.value)
        for figure in figures
    }


def _named_in(run_file: Path) -> str | None:
    try:
        return str(json.loads(run_file.read_text(encoding="utf-8"))["run_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


REPRODUCE = Change(
    "runs reproduce", ReproduceRun, plan_reproduction, reproduce_run, "unipipe runs reproduce 3f9a2c", Danger.NONE
)
