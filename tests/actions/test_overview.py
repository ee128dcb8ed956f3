"""The overview: a project at a glance, and a broken part that takes down no more than its own steps."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import FakeTarget, Unreachable
from tests.store.made import NOON, job
from unipipe_tui.actions.asking import ask_all
from unipipe_tui.actions.overview import Overview, Status, status
from unipipe_tui.actions.world import World
from unipipe_tui.domain.board import STEPS, StepState
from unipipe_tui.domain.jobs import JobState
from unipipe_tui.domain.ports.targets import LiveTarget
from unipipe_tui.domain.records import Alert, AlertKind, GateCheck, GateResult
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.wiring import world_at

MESSAGE = "the dragon ate it"


@pytest.fixture
def world(project: Path) -> World:
    (project / "unipipe.yaml").write_text("model: {name: fraud}\ngates: [{metric: f1, at_least: 0.5}]\n")
    (project / "dvc.yaml").write_text("stages:\n  train:\n    cmd: echo\n    deps: [README.md]\n")
    return world_at(project)


def states(overview: Overview) -> dict[str, StepState]:
    return {step.name: step.state for step in overview.steps}


def closed(message: str = MESSAGE) -> Any:
    return Unreachable(message)


@pytest.mark.parametrize(
    ("doors", "steps"),
    [
        ({"pipeline": closed()}, {"ingest", "validate", "transform", "features"}),
        ({"tracking": closed()}, {"experiment", "register", "package"}),
        ({"history": closed()}, {"train", "evaluate", "monitor", "retrain"}),
        ({"jobs": closed()}, {"train", "evaluate", "monitor", "retrain"}),
        ({"predictions": closed()}, {"monitor"}),
        (
            {"pipeline": closed(), "tracking": closed(), "store": closed(), "predictions": closed()},
            {*STEPS[:9], *STEPS[10:]},
        ),
    ],
    ids=["pipeline", "tracking", "history", "jobs", "predictions", "nearly all"],
)
def test_a_part_that_fails_takes_down_its_own_steps_and_says_why(
    world: World, doors: dict[str, Any], steps: set[str]
) -> None:
    overview = status(Status(), dataclasses.replace(world, **doors))
    assert {step.name for step in overview.steps if step.headline == MESSAGE} == steps
    assert all(step.next_action == "unipipe doctor" for step in overview.steps if step.headline == MESSAGE)
    assert overview.project.name == "project"


def test_a_target_that_is_away_or_slow_is_shown_with_its_reason_beside_the_others(world: World) -> None:
    far = "targets: {near: {kind: local}, away: {kind: docker}, slow: {kind: kubernetes}}\n"
    (world.root / "unipipe.yaml").write_text("model: {name: fraud}\n" + far)
    answers = threading.Event()

    class Slow(FakeTarget):
        def live(self) -> LiveTarget:
            answers.wait(20)
            return super().live()

    known = {"near": FakeTarget.answering(Variant("stable", "fraud", 1, "")), "away": closed(), "slow": Slow("slow")}
    asked = ask_all(dataclasses.replace(world_at(world.root), target_of=lambda name: known[name]), within_seconds=0.1)
    assert [one.status.answers for one in asked] == ["version 1", "", ""]
    assert [one.status.error for one in asked] == [None, MESSAGE, "slow has not answered in time."]

    answers.set()
    overview = status(Status(), dataclasses.replace(world_at(world.root), target_of=lambda name: known[name]))
    step = overview.steps[9]
    assert (step.state, step.headline, step.next_action) == (StepState.FAILED, f"away: {MESSAGE}", "unipipe doctor")
    assert [one.state.value for one in overview.live] == ["ready", "stopped", "stopped"]


def test_a_canary_is_told_with_the_share_of_each_version(world: World) -> None:
    both = FakeTarget.answering(
        Variant("canary", "fraud", 2, "cd" * 32, 10.0), Variant("stable", "fraud", 1, "ab" * 32, 90.0)
    )
    overview = status(Status(), dataclasses.replace(world, target_of=lambda name: both))
    assert overview.steps[9].headline == "local serves 1 90 % · 2 10 % on http://127.0.0.1:8765"
    assert (overview.live[0].version, overview.live[0].answers) == (1, "1 90 % · 2 10 %")


def test_a_project_that_has_nothing_yet_says_for_each_step_that_it_is_not_set_up(project: Path) -> None:
    overview = status(Status(), world_at(project))
    assert set(states(overview).values()) == {StepState.NOT_SET_UP}
    assert (overview.project.branch, overview.project.configured) == ("main", False)
    assert overview.jobs == overview.alerts == overview.live == ()


def test_looking_makes_no_store_and_changes_no_file(world: World) -> None:
    before = {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file()}
    status(Status(), world)
    after = {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file()}
    ours = world.root / ".unipipe"
    assert {path: data for path, data in after.items() if ours not in path.parents} == before
    assert not list(ours.glob("*.duckdb"))


def test_a_job_whose_process_is_gone_is_lost_and_the_training_failed(world: World) -> None:
    world.jobs.begin(dataclasses.replace(job("j"), pid=2**22 - 3))
    overview = status(Status(), world)
    assert [line.state for line in overview.jobs] == [JobState.LOST]
    assert states(overview)["train"] is StepState.FAILED


def test_only_the_newest_five_jobs_are_shown(world: World) -> None:
    for number in range(7):
        world.jobs.end(dataclasses.replace(job(f"j{number}", number), state=JobState.DONE, ended=NOON, exit_code=0))
    assert [line.id for line in status(Status(), world).jobs] == ["j6", "j5", "j4", "j3", "j2"]


def test_open_alerts_are_shown_and_ask_for_a_retraining(world: World) -> None:
    world.history.open_alert(Alert("a", AlertKind.DRIFT, "local", "amount drifted", NOON, "j"))
    overview = status(Status(), world)
    assert [alert.message for alert in overview.alerts] == ["amount drifted"]
    assert states(overview)["monitor"] is states(overview)["retrain"] is StepState.ATTENTION


def test_the_newest_gate_check_is_the_one_that_counts(world: World) -> None:
    for version, passed in ((1, True), (2, False)):
        result = GateResult("f1", passed, 0.6, ">= 0.5")
        at = NOON.replace(minute=version)
        world.history.add_gate_check(GateCheck("fraud", version, None, "md5", 9, (result,), at, "j"))
    evaluate = next(step for step in status(Status(), world).steps if step.name == "evaluate")
    assert (evaluate.state, evaluate.headline) == (StepState.ATTENTION, "version 2: 1 of 1 gates closed")


def test_a_store_that_was_set_aside_is_told(world: World) -> None:
    world.jobs.begin(job("lost"))
    (world.root / ".unipipe" / "unipipe.duckdb").write_bytes(b"ruined")
    broken = status(Status(), world_at(world.root))
    assert states(broken)["train"] is StepState.ATTENTION
    world_at(world.root).jobs.begin(job("new"))
    assert any("set aside" in notice for notice in status(Status(), world_at(world.root)).notices)
