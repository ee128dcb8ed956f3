"""A project with a registered model, its runs and a registry that writes where the project reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from tests.fakes import NOON, FakeGit, FakeRegistry, FakeTarget, FakeTracking, Listening
from unipipe_tui.actions.action import Change
from unipipe_tui.actions.perform import make_plan
from unipipe_tui.actions.world import World
from unipipe_tui.domain.model_signatures import Signature, SignatureColumn
from unipipe_tui.domain.records import GateCheck, GateResult, ReversibleChange
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.domain.tracking import Dataset, Metric, ModelVersion, RegisteredModel, Run, RunStatus
from unipipe_tui.wiring import world_at

CONFIG = """\
model: {name: fraud}
gates:
  - {metric: recall, at_least: 0.7}
  - {metric: precision, at_least: 0.5}
targets:
  local: {kind: local, port: 8765, follows: champion}
"""
AMOUNT, HOUR = SignatureColumn("amount", "double"), SignatureColumn("hour", "long")
SCORE = SignatureColumn("", "float64[-1]")


def metrics(**values: float) -> tuple[Metric, ...]:
    return tuple(Metric(name.replace("__", "."), value, 0, NOON) for name, value in sorted(values.items()))


def a_run(number: int, commit: str, depth: str, data: str, **values: float) -> Run:
    return Run(
        f"r{number}" + "0" * 30,
        f"run-{number}",
        "fraud",
        RunStatus.FINISHED,
        NOON,
        NOON,
        {"depth": depth, "seed": "7"},
        metrics(**values),
        {"git.commit": commit, "mlflow.note.content": "Found *better* features."}
        if number == 2
        else {"git.commit": commit},
        (Dataset("raw", data),),
        user="ada",
    )


def with_models(project: Path, champion: int = 1, tags: Mapping[int, dict[str, str]] | None = None) -> World:
    """Three versions; the third has no run. The target serves version 1."""
    (project / "unipipe.yaml").write_text(CONFIG)
    git = FakeGit()
    first = git.commits[0].id
    git.changes = ("train.py",)
    second = git.commit("Train deeper", ["train.py"], Listening()).id
    runs = (
        a_run(
            1, first, "3", "aa" * 16, holdout__recall=0.8, holdout__recall__gulf=0.7, holdout__precision=0.6, loss=0.2
        ),
        a_run(
            2, second, "5", "bb" * 16, holdout__recall=0.9, holdout__recall__gulf=0.6, holdout__precision=0.6, loss=0.1
        ),
    )
    written = {number: dict((tags or {}).get(number, {})) for number in (1, 2, 3)}
    versions = tuple(
        ModelVersion("fraud", n, f"r{n}" + "0" * 30 if n < 3 else None, "", "READY", None, (), written[n], NOON)
        for n in (3, 2, 1)
    )
    signatures = {
        1: Signature((AMOUNT,), (SCORE,)),
        2: Signature((AMOUNT, HOUR), (SCORE,), {"amount": 2.5, "hour": 3}),
    }
    registry = FakeRegistry(version_tags={("fraud", number): found for number, found in written.items()})
    model = RegisteredModel("fraud", (("champion", champion),), 3, "Finds payments to look at.")
    target = FakeTarget.answering(Variant("stable", "fraud", 1, "ab" * 32))
    return dataclasses.replace(
        world_at(project),
        actor="ada",
        now=lambda: NOON,
        git=git,
        tracking=FakeTracking(runs, (model,), versions, signatures),
        open_registry=lambda: registry,
        target_of=lambda name: target,
    )


def check_of(version: int, recall: float, **slices: float) -> GateCheck:
    results = [GateResult("recall", recall >= 0.7, recall, ">= 0.7")]
    results += [GateResult("recall", value >= 0.65, value, ">= 0.65", name) for name, value in slices.items()]
    return GateCheck("fraud", version, 1 if version > 1 else None, "cd" * 16, 500, tuple(results), NOON, "j")


def carried_out(world: World, change: Change, request: object) -> object:  # type: ignore[type-arg]
    """Plan and apply a change as the front ends do; what it answers with. The way back is recorded."""
    plan = make_plan(change, request, world)
    done = change.apply(plan, world, Listening())
    if done.undo:
        world.history.add_change(ReversibleChange(world.job_id, change.name, done.undo, NOON))
    return done.result
