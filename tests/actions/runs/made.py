"""Runs that are made by hand, and the world of a project whose index holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes import NOON
from unipipe_tui.actions.world import World
from unipipe_tui.domain.runs.rows import (
    ACTIVE,
    DatasetRow,
    ExperimentRow,
    MetricRow,
    ParamRow,
    RunBatch,
    RunRow,
    TagRow,
)
from unipipe_tui.store.runs.index import RunIndex
from unipipe_tui.store.runs.places import Memory
from unipipe_tui.wiring import world_at

BEGUN = int(NOON.timestamp() * 1000)
MINUTE = 60_000


@dataclass(frozen=True)
class Made:
    """A run; those that are given first began first, a minute after each other."""

    run_id: str
    name: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    data: Sequence[tuple[str, str, str]] = ()
    """Name, digest and context."""
    status: str = "FINISHED"
    experiment: str = "1"
    """Its id; the name of `1` is churn, that of `2` is fraud."""
    artifacts: str | None = None
    lifecycle: str = ACTIVE
    step: int = 0


def batch_of(*runs: Made) -> RunBatch:
    """The rows of these runs."""
    return RunBatch(
        cursor="",
        runs=[_row(run, number) for number, run in enumerate(runs)],
        params=[ParamRow(run.run_id, key, value) for run in runs for key, value in run.params.items()],
        metrics=[
            MetricRow(run.run_id, key, value, run.step, BEGUN) for run in runs for key, value in run.metrics.items()
        ],
        tags=[TagRow(run.run_id, key, value) for run in runs for key, value in run.tags.items()],
        datasets=[DatasetRow(run.run_id, name, digest, context) for run in runs for name, digest, context in run.data],
        experiments=[ExperimentRow("1", "churn"), ExperimentRow("2", "fraud")],
    )


def _row(run: Made, number: int) -> RunRow:
    started = BEGUN + number * MINUTE
    ended = started + 1500 if run.status == "FINISHED" else None
    name = run.name or f"run-{run.run_id}"
    return RunRow(run.run_id, name, run.experiment, run.status, run.lifecycle, "ada", started, ended, run.artifacts)


def world_with(project: Path, *runs: Made, **doors: Any) -> World:
    """The world of a project whose index holds these runs, a quarter of an hour after the first of them began."""
    index = RunIndex(Memory())
    index.take("mlflow", "sqlite:///mlflow.db", batch_of(*runs))
    later = NOON.replace(minute=15)
    given: dict[str, Any] = {
        "run_index": index,
        "index_is_kept": False,
        "run_sources": lambda: (),
        "distant_runs": lambda ids: (),
        "now": lambda: later,
        **doors,
    }
    return dataclasses.replace(world_at(project), **given)
