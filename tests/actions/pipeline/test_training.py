"""Training: what is recorded of the alias that a trained version is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.fakes import NOON, FakeTracking
from unipipe_tui.actions.pipeline.training import Order, train
from unipipe_tui.actions.world import World
from unipipe_tui.domain.aliases_and_tags import CHALLENGER, JOB_TAG
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.reach import Reach
from unipipe_tui.domain.reproduction import Reproduced
from unipipe_tui.domain.tracking import ModelVersion, RegisteredModel, Run, RunStatus
from unipipe_tui.wiring import world_at


class NothingToReproduce:
    """A pipeline that is up to date."""

    def repro(
        self,
        progress: object,
        stages: Sequence[str] = (),
        *,
        force: bool = False,
        reach: Reach = Reach.NEEDED,
        env: Mapping[str, str] | None = None,
        on_stage: object = None,
    ) -> Reproduced:
        return Reproduced(())


class Aliases:
    """A registry that takes aliases and tags."""

    def __init__(self) -> None:
        self.named: list[tuple[str, int]] = []

    def set_alias(self, model: str, alias: str, version: int) -> None:
        self.named.append((alias, version))

    def set_version_tag(self, model: str, version: int, key: str, value: str) -> None:
        return


def made(number: int, tags: Mapping[str, str]) -> ModelVersion:
    return ModelVersion("fraud", number, f"r{number}", "", "READY", None, (), tags, NOON)


def trained_again(
    project: Path, challenger: int, registry: Aliases, tags: Mapping[str, str] = MappingProxyType({})
) -> World:
    """A project without gates whose champion is version 1 and whose last run became version 2, with these tags."""
    (project / "unipipe.yaml").write_text("model: {name: fraud}\n")
    world = world_at(project)
    run = Run(
        "r2", "second", world.model.experiment or "", RunStatus.FINISHED, NOON, NOON, tags={JOB_TAG: world.job_id}
    )
    versions = tuple(
        ModelVersion("fraud", number, f"r{number}", "", "READY", None, (), tags if number == 2 else {}, NOON)
        for number in (1, 2, 3)
    )
    model = RegisteredModel("fraud", (("challenger", challenger), ("champion", 1)), 3)
    changed: World = dataclasses.replace(
        world,
        tracking=FakeTracking((run,), (model,), versions),
        dvc=NothingToReproduce(),  # type: ignore[arg-type]
        open_registry=lambda: registry,  # type: ignore[arg-type,return-value]
    )
    return changed


@pytest.mark.parametrize(("challenger", "recorded"), [(3, [(3, 2)]), (2, [])])
def test_a_challenger_is_recorded_only_when_the_alias_moves(
    project: Path, challenger: int, recorded: list[tuple[int, int]]
) -> None:
    registry = Aliases()
    world = trained_again(project, challenger, registry)
    trained, undo = train(world, Order((), force=False, commit=False, reason=""), Silent())
    assert (trained.version, trained.new, trained.alias) == (2, False, CHALLENGER)
    moves = world.history.promotions("fraud", CHALLENGER)
    assert [(move.previous, move.version) for move in moves] == recorded
    assert registry.named == [(CHALLENGER, 2) for _ in recorded]
    assert (undo.before, undo.after) == recorded[0] if undo else not recorded


def test_a_rejected_version_whose_run_is_found_again_is_named_nothing(project: Path) -> None:
    registry = Aliases()
    world = trained_again(project, 3, registry, {"unipipe.rejected": "bob"})
    trained, undo = train(world, Order((), force=False, commit=False, reason=""), Silent())
    assert (trained.version, trained.alias, undo) == (2, None, None)
    assert registry.named == []
