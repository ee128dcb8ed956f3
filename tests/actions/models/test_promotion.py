"""Promotion and the way back: a gate check counts only for what it was made of, and a step leads to another version."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.fakes import NOON, FakeTracking
from unipipe_tui.actions.models.gates import file_md5, gates_of, open_gates
from unipipe_tui.actions.models.registry import PromoteModel, RollBackModel, plan_model_rollback, plan_promotion
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import CheckSaidNo, UsageError
from unipipe_tui.domain.records import GateCheck, GateResult, How, Promotion
from unipipe_tui.domain.tracking import ModelVersion, RegisteredModel
from unipipe_tui.wiring import world_at

FLOOR = "{metric: f1, at_least: 0.5}"
RIVAL = "{metric: recall, not_worse_than: champion, tolerance: 0.01}"
PASSED = (
    GateResult("f1", True, 0.6, ">= 0.5", "", 0.55),
    GateResult("recall", True, 0.8, ">= 0.7400 (champion 0.7500 - 0.01)", "", 0.75),
)


def configured(project: Path, gates: str = f"{FLOOR}, {RIVAL}", champion: int = 1, versions: int = 3) -> World:
    """A project with versions of a model, the gates and a holdout."""
    text = f"model: {{name: fraud}}\ndata: {{label: y, holdout: holdout.csv}}\ngates: [{gates}]\n"
    (project / "unipipe.yaml").write_text(text)
    if not (project / "holdout.csv").exists():
        (project / "holdout.csv").write_text("y,x\n1,2\n")
    aliases = (("champion", champion),)
    made = tuple(
        ModelVersion("fraud", number, None, "", "READY", None, (), {}, NOON) for number in range(1, versions + 1)
    )
    tracking = FakeTracking((), (RegisteredModel("fraud", aliases, versions),), made)
    return dataclasses.replace(world_at(project), tracking=tracking)


def checked(world: World, champion: int | None = 1, results: tuple[GateResult, ...] = PASSED) -> GateCheck:
    """Record a check of version 2 on the holdout as it is now."""
    asked = gates_of(world.config.gates)
    sentences = tuple(gate.sentence for gate in asked)
    check = GateCheck("fraud", 2, champion, file_md5(world.root / "holdout.csv"), 500, results, NOON, "j", sentences)
    world.history.add_gate_check(check)
    return check


def moved(world: World, *steps: tuple[int | None, int, How]) -> None:
    """Record moves of the champion, from the first version of each to the second."""
    for at, to, how in steps:
        world.history.add_promotion(Promotion("fraud", "champion", to, at, how, "ada", "", NOON, "j"))


def test_a_check_of_today_opens_the_gates(project: Path) -> None:
    world = configured(project)
    check = checked(world)
    assert open_gates(world, "fraud", 2) == check
    assert plan_promotion(PromoteModel("fraud", 2), world).decided.version == 2


def test_a_check_on_another_holdout_does_not_count(project: Path) -> None:
    world = configured(project)
    checked(world)
    (project / "holdout.csv").write_text("y,x\n0,2\n")
    with pytest.raises(CheckSaidNo, match="was checked on another holdout; check it again") as raised:
        plan_promotion(PromoteModel("fraud", 2), world)
    assert raised.value.hint == "Check it: unipipe models check fraud 2"


def test_a_check_counts_where_the_holdout_is_not_pulled(project: Path) -> None:
    world = configured(project)
    check = checked(world)
    (project / "holdout.csv").unlink()
    assert open_gates(world, "fraud", 2) == check


@pytest.mark.parametrize(
    "gates",
    [
        f"{FLOOR}, {RIVAL}, {{metric: precision, at_least: 0.5}}",
        f"{{metric: f1, at_least: 0.59}}, {RIVAL}",
        f"{FLOOR}, {{metric: recall, not_worse_than: champion}}",
        f"{RIVAL}, {{metric: f1, not_worse_than: champion}}",
        f"{FLOOR}, {{metric: f1, at_least: 0.9, by: x}}",
    ],
    ids=["a new gate", "another floor", "another tolerance", "a comparison in place of a floor", "a gate for slices"],
)
def test_a_check_at_other_gates_does_not_count(project: Path, gates: str) -> None:
    checked(configured(project))
    with pytest.raises(CheckSaidNo, match="was checked at other gates; check it again"):
        open_gates(configured(project, gates), "fraud", 2)


@pytest.mark.parametrize("gates", [FLOOR, RIVAL, f"{RIVAL}, {FLOOR}"])
def test_a_check_counts_when_it_answers_all_that_the_gates_ask(project: Path, gates: str) -> None:
    check = checked(configured(project))
    assert open_gates(configured(project, gates), "fraud", 2) == check


def test_a_step_back_never_leads_to_the_version_that_is_named_now(project: Path) -> None:
    world = configured(project, champion=2)
    # Another tool moved the alias from 3 to 2.
    moved(world, (None, 1, How.PROMOTE), (1, 2, How.PROMOTE), (2, 3, How.PROMOTE))
    assert plan_model_rollback(RollBackModel("fraud"), world).decided.version == 1


def test_a_step_back_skips_versions_that_exist_no_longer(project: Path) -> None:
    world = configured(project, champion=1, versions=2)
    moved(world, (None, 2, How.PROMOTE), (2, 7, How.PROMOTE), (7, 1, How.PROMOTE))
    assert plan_model_rollback(RollBackModel("fraud"), world).decided.version == 2


def test_there_is_no_way_back_when_only_the_version_named_now_is_left(project: Path) -> None:
    world = configured(project, champion=1)
    moved(world, (None, 1, How.PROMOTE), (1, 2, How.PROMOTE))
    with pytest.raises(UsageError, match="cannot go back"):
        plan_model_rollback(RollBackModel("fraud"), world)


def test_a_rollback_that_was_undone_can_be_made_again(project: Path) -> None:
    world = configured(project, champion=2)
    moved(world, (None, 1, How.PROMOTE), (1, 2, How.PROMOTE), (2, 1, How.BACK), (1, 2, How.UNDO))
    assert plan_model_rollback(RollBackModel("fraud"), world).decided.version == 1
