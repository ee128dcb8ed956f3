"""Worlds for the terminal front end: real files and a real store; a fixed clock and fakes where a picture must not vary."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation
from textual.pilot import Pilot

from tests.at_once import at_once
from tests.fakes import NOON, FakeGit, FakeProcesses, FakeTarget, FakeTracking, staying
from unipipe_tui.actions.models.gates import gates_of
from unipipe_tui.actions.world import World
from unipipe_tui.domain.jobs import Job, JobState
from unipipe_tui.domain.records import Alert, AlertKind, GateCheck, GateResult
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.domain.tracking import ModelVersion, RegisteredModel, Run, RunStatus, TrackingKind, TrackingPlace
from unipipe_tui.tui.app import Unipipe
from unipipe_tui.wiring import build_world

CONFIG = """\
project: fraud-detection
model: {name: fraud-detector}
gates:
  - {metric: precision, at_least: 0.95}
  - {metric: pr_auc, not_worse_than: champion, tolerance: 0.01}
targets:
  local: {kind: local, port: 8765, follows: champion}
"""
PIPELINE = """\
stages:
  ingest: {cmd: python ingest.py, outs: [data/all.parquet]}
  validate: {cmd: python validate.py, deps: [data/all.parquet], outs: [data/valid.parquet]}
  features: {cmd: python features.py, deps: [data/valid.parquet], outs: [data/features.parquet]}
  train: {cmd: python train.py, deps: [data/features.parquet], outs: [model.bin]}
  evaluate: {cmd: python evaluate.py, deps: [model.bin], outs: [report.json]}
"""
MODEL = "fraud-detector"


@pytest.fixture(scope="session", autouse=True)
def styles_are_parsed_once() -> Iterator[None]:
    """What Textual made of a style sheet is kept for the next app: reading all of them is half of what opening one costs."""
    parsed: dict[tuple[object, ...], list[RuleSet]] = {}
    parse = Stylesheet._parse_rules

    def parse_once(
        sheet: Stylesheet,
        css: str,
        read_from: CSSLocation,
        is_default_rules: bool = False,
        tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        text = (css, read_from, is_default_rules, tie_breaker, scope)
        key = (*sheet._variables.items(), *text)
        if key not in parsed:
            parsed[key] = parse(sheet, *text)
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield


@pytest.fixture
def world(project: Path) -> World:
    """The real world of an almost empty project."""
    return build_world(project)


@pytest.fixture
def busy_world(project: Path) -> World:
    """A project in the middle of its life, the same to the last byte every time."""
    (project / "unipipe.yaml").write_text(CONFIG)
    (project / "dvc.yaml").write_text(PIPELINE)
    (project / ".dvc").mkdir()
    return busy(build_world(project))


def busy(real: World) -> World:
    """A world with a champion, a challenger, a live target, an alert and some jobs."""
    with at_once(real) as writable:
        recorded(writable)
    target = FakeTarget.answering(
        Variant("stable", MODEL, 2, "ab" * 32), at=NOON - timedelta(hours=26), pid=4711, earlier=10_432
    )
    run = Run("c0ffee" + "0" * 26, "valuable-owl-217", "fraud-detection", RunStatus.FINISHED, NOON, NOON)
    return staying(
        real,
        now=lambda: NOON,
        git=FakeGit(changes=("params.yaml", "src/train.py")),
        tracking_place=TrackingPlace(TrackingKind.SQLITE, "sqlite:///mlflow.db", None, "a test"),
        tracking=FakeTracking(
            (run,),
            (RegisteredModel(MODEL, (("challenger", 3), ("champion", 2)), 3),),
            tuple(version_of(number) for number in (3, 2, 1)),
        ),
        target_of=lambda name: target,
        processes=FakeProcesses(alive=frozenset({4711, 4712})),
    )


def version_of(number: int) -> ModelVersion:
    return ModelVersion(MODEL, number, None, "models:/m-1", "READY", None, (), {}, NOON)


def recorded(world: World) -> None:
    """Jobs, an alert and a gate check in the store."""
    for minutes, job in enumerate(JOBS):
        begun = replace(job, started=NOON - timedelta(minutes=40 - 9 * minutes))
        world.jobs.begin(begun)
        if job.state.ended:
            world.jobs.end(replace(begun, ended=begun.started + timedelta(seconds=4.2 + 61 * minutes)))
    where = "amount and region moved out of the reference: PSI 0.41 in amount, 0.38 in region"
    world.history.open_alert(Alert("a1", AlertKind.DRIFT, "local", where, NOON - timedelta(minutes=12), JOBS[2].id))
    results = (GateResult("precision", True, 0.97, ">= 0.95"), GateResult("pr_auc", True, 0.93, ">= 0.91"))
    asked = tuple(gate.sentence for gate in gates_of(world.config.gates))
    world.history.add_gate_check(GateCheck(MODEL, 3, 2, "ab" * 16, 9000, results, NOON, JOBS[3].id, asked))


def a_job(number: int, action: str, command: str, state: JobState, message: str, exit_code: int | None) -> Job:
    identity = f"20260309-1120{number:02}-00000{number}"
    return Job(identity, action, command, "ada", state, NOON, 4710 + number, 0.0, None, message, exit_code)


JOBS = (
    a_job(0, "pipeline run", "unipipe pipeline run --commit", JobState.DONE, "version 2, champion", 0),
    a_job(1, "serve start", "unipipe serve start local", JobState.DONE, "local serves version 2", 0),
    a_job(3, "drift check", "unipipe drift check", JobState.SAID_NO, "2 of 9 columns drifted", 4),
    a_job(2, "retrain", "unipipe retrain --reason='drift in region'", JobState.RUNNING, "", None),
)


async def expect_soon(pilot: Pilot[Any], true: Callable[[], object]) -> None:
    """What a test states in the end, when it takes a moment to come true; `until` is for the way there."""
    await until(pilot, true)


async def until(pilot: Pilot[Any], true: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until something is so; what is waited for happens in other threads and processes."""
    for _ in range(int(seconds / 0.05)):
        if true():
            await pilot.pause()
            return
        await asyncio.sleep(0.05)
    pytest.fail("\n".join(("it did not come true in time:", repr(pilot.app.screen), *lines(pilot.app))), pytrace=True)


def lines(app: App[Any]) -> list[str]:
    """The screen as text, line by line."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


async def looked(pilot: Pilot[Any], app: Unipipe) -> None:
    """Wait for the first picture."""
    await until(pilot, lambda: app.snapshot.picture or app.snapshot.problem)
    await pilot.pause()
