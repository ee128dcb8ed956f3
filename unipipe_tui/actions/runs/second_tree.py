"""The second work tree in which a run is made again: its data, its params, its pipeline, and what that logs there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import DATA_TAG
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.events import Noted
from unipipe_tui.domain.jobs import DETACHED_JOB
from unipipe_tui.domain.pipelines import Pipeline
from unipipe_tui.domain.ports.tools import Commit
from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.reproduction import Reproduced
from unipipe_tui.domain.runs.reproducibility import Adjusted, measuring_stages, stages_of_run, wanted_params
from unipipe_tui.domain.runs.rows import DVC
from unipipe_tui.domain.tracking import Run, Tracking
from unipipe_tui.domain.values import frozen

LATEST_RUNS = 1000
"""How many runs of the reproduction's own store are looked at: a sweep may log many."""


@frozen
class Prepared:
    """How the second work tree stood before its pipeline ran."""

    pipeline: Pipeline
    figures: Mapping[str, float]
    adjusted: tuple[Adjusted, ...]
    unknown_params: tuple[str, ...]


@frozen
class SecondTree:
    """The commit of a run in a work tree of its own."""

    run: Run
    commit: Commit
    first: World
    """The project."""
    second: World
    """The same at that commit."""

    def prepare(self, progress: Progress) -> Prepared:
        """Bring the data and the params that the run had.

        Raises:
            Failed: there is no pipeline, or the data is gone.
        """
        second = self.second
        second.dvc.borrow(self.first.root)
        pipeline = second.pipeline.read()
        if not any(stage.command for stage in pipeline.stages):
            raise Failed(
                f"There is no DVC pipeline at {self.commit.id[:7]}, so nobody knows how to make the run again.",
                hint="Look at it: git show --stat " + self.commit.id[:7],
            )
        data = self._pinned(pipeline)
        wanted = wanted_params(second.pipeline.params(pipeline), self.run.params)
        second.dvc.set_params([value for _, value in wanted.to_set])
        second.dvc.restore([s.address for s in pipeline.stages if s.is_data or s.frozen], progress)
        params = tuple(Adjusted("param", f"{at.file}:{at.key}", at.text, to.text) for at, to in wanted.to_set)
        for change in (*data, *params):
            progress.emit(Noted(f"{change.name} is {change.in_run} as in the run; at the commit: {change.at_commit}"))
        return Prepared(pipeline, self.figures(), (*data, *params), wanted.unknown)

    def make(self, pipeline: Pipeline, progress: Progress) -> Reproduced:
        """Run the stages that measured what the run logged; what they log stays in this tree.

        Raises:
            Failed: a stage failed.
        """
        from_files = self.run.source == DVC
        stages = measuring_stages(pipeline) if from_files else stages_of_run(pipeline, self._run_file())
        env = {
            "MLFLOW_TRACKING_URI": self._store,
            "MLFLOW_REGISTRY_URI": self._store,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "UNIPIPE_JOB": self.first.job_id,
            # A stage may call unipipe itself: that is a job of its own.
            DETACHED_JOB: "",
        }
        return self.second.dvc.repro(progress, stages, force=True, commit=False, env=env)

    def run_again(self, started: datetime) -> Run | None:
        """The MLflow run that the pipeline logged since: the one of its run file, else the one that is most alike."""
        runs = self.tracking.runs(LATEST_RUNS).runs
        fresh = [run for run in runs if run.started is None or run.started >= started]
        named = _named_in(self.second.root / (self._run_file() or ""))
        wanted = {metric.key for metric in self.run.metrics}
        # The newest stand first, and of equals the first is taken.
        alike = max(fresh, key=lambda run: len(wanted & {metric.key for metric in run.metrics}), default=None)
        return next((run for run in fresh if run.run_id == named), alike)

    def figures(self) -> dict[str, float]:
        """The numbers in the metrics files, by key; with its file's name before it where two files have one."""
        told = self.second.pipeline.figures(self.second.pipeline.read())
        figures = [figure for figure in told if isinstance(figure.value, int | float)]
        keys = [figure.key for figure in figures]
        return {
            figure.key if keys.count(figure.key) == 1 else f"{figure.path}:{figure.key}": float(figure.value)
            for figure in figures
        }

    @property
    def tracking(self) -> Tracking:
        """What the stages logged."""
        return self.second.tracking.at(self._store)

    @property
    def _store(self) -> str:
        """The throw-away store, where a stage that names `mlflow.db` itself would make one too."""
        return f"sqlite:///{(self.second.root / 'mlflow.db').as_posix()}"

    def _pinned(self, pipeline: Pipeline) -> tuple[Adjusted, ...]:
        """The raw data that the run names, where its commit points at other data."""
        raw = self.second.config.data.raw or self.first.config.data.raw
        wanted = self.run.tags.get(DATA_TAG)
        recorded = self.second.pipeline.snapshot(pipeline).get(raw) if raw else None
        if raw is None or wanted is None or recorded is None or recorded == wanted:
            return ()
        pointer = next((s for s in pipeline.stages if s.is_data and any(o.path == raw for o in s.outputs)), None)
        if pointer is None:
            return ()
        self.second.dvc.pin(pointer.file, raw, wanted)
        return (Adjusted("data", raw, recorded, wanted),)

    def _run_file(self) -> str | None:
        models = (self.second.config.model, self.first.config.model)
        return next((model.run_file for model in models if model and model.run_file), None)


def _named_in(run_file: Path) -> str | None:
    try:
        return str(json.loads(run_file.read_text(encoding="utf-8"))["run_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
