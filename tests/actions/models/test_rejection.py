"""Rejecting a version: it is told where a teammate looks, nothing is promoted to it, and it can be taken back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.actions.models.made import carried_out, with_models
from tests.fakes import NOON, Listening
from unipipe_tui.actions.going_back import UNDO, UndoChange
from unipipe_tui.actions.models.registry import (
    PromoteModel,
    RollBackModel,
    ShowModel,
    plan_model_rollback,
    plan_promotion,
    show_model,
)
from unipipe_tui.actions.models.rejection import REJECT, Judged, RejectModel, plan_rejection, write_verdict
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import Rejection
from unipipe_tui.domain.errors import CheckSaidNo, Refused, UsageError
from unipipe_tui.domain.records import How, Promotion

WHY = RejectModel("fraud", 2, "recall fell in gulf")


def tags(world: World, version: int = 2) -> dict[str, str]:
    return dict(world.tracking.version("fraud", version).tags)


def test_a_rejection_says_in_the_registry_who_and_why(project: Path) -> None:
    world = with_models(project)

    judged = carried_out(world, REJECT, WHY)

    assert judged == Judged("fraud", 2, Rejection("ada", "recall fell in gulf"))
    assert tags(world) == {"unipipe.rejected": "ada", "unipipe.rejected.why": "recall fell in gulf"}
    assert show_model(ShowModel("fraud"), world).versions[1].rejection == judged.rejection


def test_nothing_is_promoted_to_a_rejected_version_under_whatever_alias(project: Path) -> None:
    world = with_models(project)
    carried_out(world, REJECT, WHY)

    for alias in ("champion", "challenger"):
        with pytest.raises(CheckSaidNo, match="rejected by ada: recall fell in gulf") as raised:
            plan_promotion(PromoteModel("fraud", 2, alias), world)
        assert raised.value.hint.endswith("unipipe models reject fraud 2 --undo")


def test_a_rejection_that_is_taken_back_leaves_no_trace_in_the_registry(project: Path) -> None:
    world = with_models(project)
    carried_out(world, REJECT, WHY)

    assert carried_out(world, REJECT, RejectModel("fraud", 2, undo=True)) == Judged("fraud", 2, None)
    assert tags(world) == {}
    assert plan_promotion(PromoteModel("fraud", 2, "challenger"), world).decided.version == 2


def test_undo_takes_a_rejection_back_and_the_undo_of_that_brings_it_back_as_it_was(project: Path) -> None:
    world = with_models(project)
    carried_out(world, REJECT, WHY)

    carried_out(dataclasses.replace(world, job_id="second", actor="bob"), UNDO, UndoChange())
    assert tags(world) == {}
    carried_out(dataclasses.replace(world, job_id="third", actor="bob"), UNDO, UndoChange("second"))
    assert tags(world) == {"unipipe.rejected": "ada", "unipipe.rejected.why": "recall fell in gulf"}


def test_undo_refuses_when_somebody_rejected_the_version_anew(project: Path) -> None:
    world = with_models(project)
    carried_out(world, REJECT, WHY)
    world.open_registry().set_version_tag("fraud", 2, "unipipe.rejected", "bob")

    with pytest.raises(Refused, match="meanwhile"):
        carried_out(dataclasses.replace(world, job_id="second"), UNDO, UndoChange())


def test_a_verdict_is_not_written_over_one_that_came_since_the_plan(project: Path) -> None:
    world = with_models(project)
    plan = plan_rejection(WHY, world)
    world.open_registry().set_version_tag("fraud", 2, "unipipe.rejected", "bob")

    with pytest.raises(Refused, match="fraud version 2"):
        write_verdict(plan, world, Listening())
    assert tags(world) == {"unipipe.rejected": "bob"}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (RejectModel("fraud", 2), "Say why"),
        (RejectModel("fraud", 2, "  "), "Say why"),
        (RejectModel("fraud", 2, undo=True), "is not rejected"),
        (RejectModel("fraud", 1, "bad"), "is the champion"),
        (RejectModel("fraud", 9, "bad"), "has no version 9"),
        (RejectModel("fraud", 3, "again"), "was rejected by bob already"),
    ],
)
def test_what_cannot_be_rejected_is_told(project: Path, request_: RejectModel, said: str) -> None:
    world = with_models(project, tags={3: {"unipipe.rejected": "bob"}})

    with pytest.raises(UsageError, match=said):
        plan_rejection(request_, world)


def test_the_plan_of_a_rejection_warns_of_aliases_that_the_version_keeps(project: Path) -> None:
    world = with_models(project)
    model = dataclasses.replace(world.tracking.models()[0], aliases=(("challenger", 2), ("champion", 1)))
    world = dataclasses.replace(world, tracking=type(world.tracking)((), (model,), world.tracking.versions("fraud")))

    assert plan_rejection(WHY, world).warnings == ("it stays challenger; promotions to it are refused",)


def test_rolling_back_never_leads_to_a_rejected_version(project: Path) -> None:
    world = with_models(project, champion=3, tags={2: {"unipipe.rejected": "bob", "unipipe.rejected.why": "bad"}})
    for before, after in ((None, 1), (1, 2), (2, 3)):
        move = Promotion("fraud", "champion", after, before, How.PROMOTE, "ada", "", NOON, "j")
        world.history.add_promotion(move)

    assert plan_model_rollback(RollBackModel("fraud"), world).decided.version == 1
    world.open_registry().set_version_tag("fraud", 1, "unipipe.rejected", "bob")
    with pytest.raises(UsageError, match="cannot go back: version 2 was rejected"):
        plan_model_rollback(RollBackModel("fraud"), world)
