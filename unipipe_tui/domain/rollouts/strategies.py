"""Strategies: by which steps a version takes a target over. Each is a list of traffics, so every target can follow it."""

from __future__ import annotations

import math
from enum import StrEnum

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.rollouts.traffic import ALL, CANARY, SHADOW, STABLE, A, B, Traffic, Variant, only
from unipipe_tui.domain.values import frozen


class StrategyKind(StrEnum):
    """How a version comes to a target."""

    ROLLING = "rolling"
    """It takes the place of the one before, at once."""
    BLUE_GREEN = "blue-green"
    """It is started and tried beside the one before, then everything goes to it; that one stays ready."""
    CANARY = "canary"
    """It gets a growing share of the answers."""
    SHADOW = "shadow"
    """It gets a copy of every request; its answers are only logged."""
    AB = "ab"
    """Both answer a fixed share until somebody decides."""


@frozen
class Strategy:
    """What was chosen for one release."""

    kind: StrategyKind = StrategyKind.ROLLING
    steps: tuple[float, ...] = (10.0, 25.0, 50.0)
    """Percent of the answers at each step of a canary; of an A/B test the first one is the share of `b`."""
    pause_seconds: float = 60.0
    """How long a step lasts at least, when it goes on by itself."""
    automatic: bool = True
    """Whether the analysis goes on by itself; else every step waits for `release advance`."""
    sticky: str | None = None
    """Input column whose value keeps a caller with one variant."""

    def __post_init__(self) -> None:
        """Refuse steps that lead nowhere."""
        rising = list(self.steps) == sorted(set(self.steps))
        if not self.steps or not rising or not all(0 < step < ALL for step in self.steps):
            raise UsageError("The steps of a canary rise between 0 and 100 %.", hint="--steps 10,25,50")
        if not 0 <= self.pause_seconds < math.inf:
            raise UsageError("A pause lasts some seconds, or none.", hint="--pause 60")


@frozen
class Step:
    """One stop on the way: the traffic there, and what ends it."""

    traffic: Traffic
    analysed: bool
    """Whether the variants are compared while it lasts."""
    by_hand: bool
    """Whether only a person goes on from here."""
    pause_seconds: float = 0.0
    """How long it lasts at least."""


def course_of(strategy: Strategy, stable: Variant | None, candidate: Variant) -> tuple[Step, ...]:
    """The steps from what answers now to the candidate alone; a target that is empty has nothing to compare with."""
    last = Step(only(_as(candidate, STABLE, ALL)), analysed=False, by_hand=False)
    if stable is None or strategy.kind is StrategyKind.ROLLING:
        return (last,)
    match strategy.kind:
        case StrategyKind.CANARY:
            return (*(_shared(strategy, stable, candidate, share) for share in strategy.steps), last)
        case StrategyKind.BLUE_GREEN:
            return _blue_green(strategy, stable, candidate)
        case StrategyKind.SHADOW:
            mirrored = Variant(SHADOW, candidate.model, candidate.version, candidate.digest, 0.0, mirrored=True)
            traffic = Traffic((_as(stable, STABLE, ALL), mirrored), strategy.sticky)
        case StrategyKind.AB:
            share = strategy.steps[0]
            traffic = Traffic((_as(stable, A, ALL - share), _as(candidate, B, share)), strategy.sticky)
    # Neither is a way to more traffic by itself: what was learned is for a person to judge.
    return (Step(traffic, analysed=True, by_hand=True, pause_seconds=strategy.pause_seconds), last)


def _shared(strategy: Strategy, stable: Variant, candidate: Variant, share: float) -> Step:
    # The canary comes first: whom it had at 10 % it keeps at 25 %, since shares are cut from one line.
    traffic = Traffic((_as(candidate, CANARY, share), _as(stable, STABLE, ALL - share)), strategy.sticky)
    return Step(traffic, analysed=True, by_hand=not strategy.automatic, pause_seconds=strategy.pause_seconds)


def _blue_green(strategy: Strategy, stable: Variant, candidate: Variant) -> tuple[Step, ...]:
    blue, green = _as(stable, "blue", ALL), _as(candidate, "green", 0.0)
    switched = (_as(candidate, STABLE, ALL), _as(stable, "previous", 0.0))
    return (
        Step(Traffic((blue, green)), analysed=False, by_hand=not strategy.automatic),
        Step(Traffic(switched), analysed=False, by_hand=False),
    )


def _as(variant: Variant, name: str, weight: float) -> Variant:
    return Variant(name, variant.model, variant.version, variant.digest, weight)


def read_steps(text: str) -> tuple[float, ...]:
    """The steps that somebody wrote: `10,25,50` or `10%, 25%, 50%`.

    Raises:
        UsageError: they are no numbers.
    """
    try:
        return tuple(float(part.strip().removesuffix("%")) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{text!r} are no steps in percent.", hint="--steps 10,25,50") from None
