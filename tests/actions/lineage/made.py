"""A project where one version came all the way: data, commit, run, version, promotion, release, prediction."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.actions.runs.made import Made, world_with
from tests.fakes import NOON, FakeGit, FakeTarget, FakeTracking
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import COMMIT_TAG, DATA_TAG, JOB_TAG
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.records import How, Promotion, Release, ReversibleChange, Undo, UndoKind
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.domain.tracking import ModelVersion, RegisteredModel, Run, RunStatus

RUN = "c0ffee" + "0" * 26
COMMIT = "3f9a2c1" + "0" * 33
MD5 = "ab12" + "f" * 28
TRAINED, PROMOTED, UNDONE = "20260309-080000-aaaaaa", "20260309-090000-bbbbbb", "20260309-100000-cccccc"
TAGS = {COMMIT_TAG: COMMIT, DATA_TAG: MD5, JOB_TAG: TRAINED}


def with_lineage(project: Path) -> World:
    """The world of that project; version 1 was released first, version 2 after it."""
    run = Run(RUN, "calm-owl", "churn", RunStatus.FINISHED, NOON, NOON, {"depth": "6"}, (), TAGS)
    versions = tuple(
        ModelVersion("fraud", n, RUN if n == 2 else None, "models:/m-1", "READY", None, (), {}, NOON) for n in (1, 2)
    )
    model = RegisteredModel("fraud", (("champion", 2),), 2)
    live = FakeTarget.answering(Variant("stable", "fraud", 2, "cd" * 32))
    world = world_with(
        project,
        Made(RUN, "calm-owl", tags=TAGS),
        tracking=FakeTracking((run,), (model,), versions),
        git=FakeGit(COMMIT),
        target_of=lambda _: live,
    )
    for number, (name, action) in enumerate(((TRAINED, "retrain"), (PROMOTED, "models promote"), (UNDONE, "undo"))):
        at = NOON + timedelta(hours=number)
        job = Job(name, action, f"unipipe {action}", "ada", JobState.RUNNING, at, 1, 0.0)
        world.jobs.begin(job)
        world.jobs.end(replace(job, state=JobState.DONE, ended=at, message=f"{action} went well", exit_code=0))
    world.history.add_promotion(
        Promotion("fraud", "champion", 2, 1, How.PROMOTE, "ada", "better", NOON + timedelta(hours=1), PROMOTED)
    )
    for number, (version, job_id) in enumerate(((1, TRAINED), (2, PROMOTED))):
        at = NOON + timedelta(hours=number)
        world.history.add_release(Release("local", "fraud", version, "cd" * 32, COMMIT, MD5, RUN, "ada", at, job_id))
    world.history.add_change(ReversibleChange(PROMOTED, "unipipe models promote", Undo(UndoKind.ALIAS, "fraud"), NOON))
    world.history.mark_undone(PROMOTED, UNDONE)
    answered(world, 3)
    return world


def answered(world: World, count: int) -> None:
    """Predictions of version 2, a minute after each other, beginning with `p-000`."""
    folder = world.root / ".unipipe" / "predictions" / "local"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {
            "prediction_id": f"p-{number:03}",
            "at": (NOON + timedelta(hours=2, minutes=number)).isoformat(),
            "model": "fraud",
            "version": 2,
            "score": 0.25,
            "decision": 0,
            "latency_ms": 1.5,
            "input.amount": 12.5,
        }
        for number in range(count)
    ]
    (folder / "predictions-1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
