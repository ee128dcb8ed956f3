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
