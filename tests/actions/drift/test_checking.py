"""A drift check judges the version that serves now, moves alerts only for what it knows, and leaves no window behind."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from tests.actions.made_answers import answer_row, log_of, write_rows
from tests.fakes import NOON, FakeTarget
from unipipe_tui.actions.drift.checking import CheckDrift, DriftChecked, check, plan_drift_check
from unipipe_tui.actions.world import World
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.records import Alert, AlertKind
from unipipe_tui.domain.rollouts.traffic import Variant
from unipipe_tui.domain.serving import ServerState
from unipipe_tui.monitoring.performance import PerformanceState
from unipipe_tui.wiring import world_at

CONFIG = """
model: {name: fraud}
data: {id: id, label: y, reference: reference.csv}
monitoring: {window_rows: 1000, performance: {metric: accuracy, at_least: 0.9, minimum_labels: 40}}
"""


@pytest.fixture
def world(project: Path) -> World:
    """A project with a reference of a hundred rows."""
    (project / "unipipe.yaml").write_text(CONFIG)
    rows = "".join(f"r{number},{number % 10},0\n" for number in range(100))
    (project / "reference.csv").write_text("id,amount,y\n" + rows)
    return world_at(project)


def serving(world: World, version: int, state: ServerState = ServerState.READY) -> World:
    """The world with a server of this version."""
    target = FakeTarget.answering(Variant("stable", "fraud", version, "ab" * 32))
    return dataclasses.replace(world, target_of=lambda _: target if state is ServerState.READY else FakeTarget())


def answered(world: World, version: int, right: int, wrong: int, unlabelled: int = 0) -> None:
    """Log predictions of a version, later than those before, and their labels."""
    folder, begin = log_of(world)
    numbers = range(right + wrong + unlabelled)
    predictions = [answer_row(begin + number, {"amount": number % 10}, version) for number in numbers]
    labels = [
        {"prediction_id": told["prediction_id"], "label": 1 if number < right else 0, "at": told["at"]}
        for number, told in enumerate(predictions[: right + wrong])
    ]
    for kind, rows in (("predictions", predictions), ("feedback", labels)):
        write_rows(folder / f"{kind}-{begin}.jsonl", rows)


def checked(world: World) -> DriftChecked:
    return check(plan_drift_check(CheckDrift(), world), world, Silent()).result


def alarm(world: World) -> None:
    """Open an alert about performance."""
    world.history.open_alert(Alert("a", AlertKind.PERFORMANCE, "local", "version 1: bad", NOON, "j"))


def test_the_version_that_serves_now_is_judged_by_its_own_labels_only(world: World) -> None:
    answered(world, 1, right=0, wrong=200)
    answered(world, 2, right=50, wrong=0)
    found = checked(serving(world, 2))
    assert found.performance is not None
    assert (found.version, found.performance.labels, found.performance.value) == (2, 50, 1.0)
    assert found.performance.state is PerformanceState.OK
    assert found.performance.sentence.startswith("version 2: accuracy 1.000")
    assert found.alerts == ()
    assert world.history.drift_checks("local")[0].version == 2


def test_a_version_with_too_few_labels_is_not_judged_and_opens_no_alert_for_the_errors_of_the_one_before(
    world: World,
) -> None:
    answered(world, 1, right=0, wrong=200)
    answered(world, 2, right=3, wrong=0, unlabelled=100)
    found = checked(serving(world, 2))
    assert found.performance is not None
    assert found.performance.state is PerformanceState.TOO_FEW_LABELS
    assert found.performance.sentence == "version 2: too few labels to judge accuracy: 3 of at least 40."
    assert found.alerts == ()


def test_a_version_that_serves_but_has_not_answered_yet_has_too_few_labels(world: World) -> None:
    answered(world, 1, right=200, wrong=0)
    found = checked(serving(world, 2))
    assert found.performance is not None
    assert (found.performance.labels, found.performance.state) == (0, PerformanceState.TOO_FEW_LABELS)


def test_an_alert_stays_open_until_the_new_version_has_proved_itself(world: World) -> None:
    answered(world, 1, right=0, wrong=200)
    assert len(checked(serving(world, 1)).alerts) == 1
    answered(world, 2, right=10, wrong=0)
    assert checked(serving(world, 2)).alerts[0].startswith("version 1: accuracy 0.000")
    answered(world, 2, right=90, wrong=0)
    assert checked(serving(world, 2)).alerts == ()


def test_a_figure_that_may_or_may_not_be_below_neither_closes_nor_opens_an_alert(world: World) -> None:
    answered(world, 1, right=44, wrong=6)
    found = checked(serving(world, 1))
    assert found.performance is not None
    assert (found.performance.state, found.performance.surely) == (PerformanceState.BELOW, False)
    assert found.alerts == ()
    alarm(world)
    assert checked(serving(world, 1)).alerts == ("version 1: bad",)


def test_while_nothing_serves_the_version_that_answered_last_is_judged(world: World) -> None:
    answered(world, 2, right=0, wrong=100)
    answered(world, 1, right=60, wrong=0)
    found = checked(serving(world, 2, ServerState.STOPPED))
    assert found.performance is not None
    assert (found.version, found.performance.labels) == (1, 60)


def test_inputs_are_compared_whatever_version_answered(world: World) -> None:
    answered(world, 1, right=60, wrong=0)
    answered(world, 2, right=40, wrong=0)
    assert checked(serving(world, 2)).current_rows == 100


def test_the_plan_names_the_version_whose_decisions_are_judged(world: World) -> None:
    answered(world, 1, right=60, wrong=0)
    plan = plan_drift_check(CheckDrift(), serving(world, 7))
    assert any("performance of version 7 (60 labels in all)" in effect.text for effect in plan.effects)


def test_a_window_is_gone_when_it_was_compared_and_so_are_those_that_killed_checks_left(world: World) -> None:
    answered(world, 1, right=60, wrong=0)
    windows = world.root / ".unipipe" / "windows"
    windows.mkdir(parents=True)
    young, old, torn = windows / "local-1.parquet", windows / "local-2.parquet", windows / "local-3.parquet.partial"
    for path in (young, old, torn):
        path.touch()
    for path in (old, torn):
        os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    checked(serving(world, 1))
    assert list(windows.iterdir()) == [young]


def test_a_check_of_two_files_says_what_is_recorded_and_what_is_not(world: World) -> None:
    alarm(world)
    plan = plan_drift_check(CheckDrift(current=world.root / "reference.csv"), world)
    (effect,) = plan.effects
    assert effect.text == "the job and its audit entry; no check is recorded, no alert opened or closed"
    found = check(plan, world, Silent()).result
    assert (found.target, found.version, found.performance) == (None, None, None)
    assert world.history.drift_checks() == ()
    assert len(world.history.alerts()) == 1
