"""A plan is text that changes its id with any of its lines."""

from __future__ import annotations

import dataclasses

import pytest

from unipipe_tui.domain import plans
from unipipe_tui.domain.plans import Plan

PLAN = Plan(
    title="Promote fraud 3",
    effects=(plans.run("dvc", "repro", "it's"), plans.registry("alias champion: 2 -> 3"), plans.store("audit entry")),
    undo="unipipe rollback",
    decided=3,
    warnings=("traffic is switched",),
    command=("unipipe", "models", "promote", "my model", "3"),
)


def test_the_lines_say_the_command_every_effect_every_warning_and_the_way_back() -> None:
    assert PLAN.lines == (
        "Promote fraud 3",
        "  $ unipipe models promote 'my model' 3",
        """  run       dvc repro 'it'"'"'s'""",
        "  registry  alias champion: 2 -> 3",
        "  store     audit entry",
        "  warning   traffic is switched",
        "  undo      unipipe rollback",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Promote fraud 4"},
        {"effects": PLAN.effects[:2]},
        {"undo": "nothing"},
        {"warnings": ()},
        {"command": ("unipipe",)},
    ],
)
def test_a_plan_with_another_line_has_another_id(change: dict[str, object]) -> None:
    assert dataclasses.replace(PLAN, **change).id != PLAN.id  # type: ignore[arg-type]


def test_the_same_plan_made_again_has_the_same_id_whatever_was_decided_on_the_way() -> None:
    assert dataclasses.replace(PLAN, decided=4).id == PLAN.id
    assert len(PLAN.id) == 12
    assert int(PLAN.id, 16) >= 0


def test_what_changes_a_protected_target_wants_the_targets_name_and_says_so() -> None:
    plan = dataclasses.replace(PLAN, effects=(plans.serve("switches", "local"), plans.serve("switches", "shop")))

    guarded = plan.guarded(["shop", "elsewhere"])

    assert (guarded.name_to_type, guarded.why_typed) == ("shop", "shop is protected")
    assert set(guarded.lines) - set(plan.lines) == {"  confirm   shop is protected: its name must be typed"}
    assert guarded.id != plan.id
    assert plan.guarded(["elsewhere"]) == plan
    assert plan.why_typed == ""


def test_what_wants_a_name_of_its_own_keeps_it_unless_a_target_is_protected_and_is_never_done_at_once() -> None:
    dangerous = dataclasses.replace(PLAN, effects=(plans.serve("", "shop"),), name_to_type="wipe", at_once=True)

    assert (dangerous.guarded([]).name_to_type, dangerous.guarded([]).why_typed) == ("wipe", "wipe is dangerous")
    assert dangerous.guarded(["shop"]).name_to_type == "shop"
    assert not dangerous.guarded([]).at_once
    assert dataclasses.replace(PLAN, at_once=True).guarded(["shop"]).at_once
