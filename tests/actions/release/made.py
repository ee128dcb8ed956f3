"""A project whose versions have bundles, with a target in memory and a clock that moves only when somebody waits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tests.actions.models.made import with_models
from tests.fakes import NOON, FakeTarget
from unipipe_tui.actions.world import World
from unipipe_tui.domain.bundles import MODEL_FOLDER, seal_bundle
from unipipe_tui.domain.rollouts.analysis import Histogram, Measures

VERSIONS = (1, 2, 3)


@dataclass
class Clock:
    """Time that passes only while somebody waits."""

    now: datetime = NOON
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    """What happens at each wait, one after the other."""

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        if self.meanwhile:
            self.meanwhile.pop(0)()


@dataclass
class CountingTarget(FakeTarget):
    """A target whose counts a test says."""

    counts: dict[str, Measures] = field(default_factory=dict)

    def measures(self) -> tuple[Measures, ...]:
        if self.given is None:
            return ()
        known = self.counts
        return tuple(known.get(one.name, Measures(one.name, one.version)) for one in self.given.traffic.variants)

    def saw(self, name: str, requests: int, errors: int = 0) -> None:
        """A variant has answered so many requests by now."""
        assert self.given is not None
        variant = self.given.traffic.named(name)
        assert variant is not None
        quick = Histogram((0.1, 1.0), (requests, requests, requests))
        self.counts[name] = Measures(name, variant.version, requests, errors, quick)


def with_target(
    project: Path, config: str = "", targets: Mapping[str, FakeTarget] | None = None
) -> tuple[World, CountingTarget, Clock]:
    """The world of three versions with bundles, of which nothing answers yet on the target `local`."""
    world = with_models(project)
    if config:
        (project / "unipipe.yaml").write_text(config)
        world = dataclasses.replace(world, config=world.elsewhere(project).config)
    for version in VERSIONS:
        folder = world.bundles.place("fraud", version)
        (folder / MODEL_FOLDER).mkdir(parents=True)
        (folder / MODEL_FOLDER / "MLmodel").write_text(f"version: {version}\n")
        seal_bundle(
            folder, model="fraud", version=version, run_id=f"r{version}", commit=f"{version}" * 40, data="d" * 32
        )
    target, clock = CountingTarget(), Clock()
    known: dict[str, FakeTarget] = {"local": target, **(targets or {})}
    return dataclasses.replace(world, target_of=lambda name: known[name], now=clock), target, clock
