"""Traffic: which versions answer on a target, with which share each. What is wanted and what there is, in the same words."""

from __future__ import annotations

import math
from collections.abc import Iterable

from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.values import frozen

STABLE = "stable"
"""The variant that answers when nothing is being tried."""
CANARY = "canary"
SHADOW = "shadow"
A, B = "a", "b"
ALL = 100.0


@frozen
class Variant:
    """One version among those that a target holds at the same time."""

    name: str
    """`stable`, `canary`, `shadow`, `a`, `b`: what stands in answers, logs and metrics."""
    model: str
    version: int
    digest: str
    """sha256 of its bundle."""
    weight: float = ALL
    """Percent of the answers, from 0 to 100; 0 is ready but not asked."""
    mirrored: bool = False
    """Whether it gets a copy of every request, and its answers are only logged."""


@frozen
class Traffic:
    """All variants of a target. The weights of those that answer make 100."""

    variants: tuple[Variant, ...]
    sticky: str | None = None
    """Input column whose value keeps a caller with one variant; None: every request is shared out anew."""

    def __post_init__(self) -> None:
        """Refuse shares that are none, and names that are not told apart."""
        answering = [variant.weight for variant in self.variants if not variant.mirrored]
        names = [variant.name for variant in self.variants]
        if len(set(names)) != len(names):
            raise UsageError(f"Two variants have one name: {', '.join(names)}.")
        if any(not 0 <= weight <= ALL for weight in answering) or not math.isclose(sum(answering), ALL, abs_tol=1e-6):
            told = " + ".join(f"{weight:g}" for weight in answering)
            raise UsageError(f"The weights must make 100 %, not {told or 'nothing'}.")

    def named(self, name: str) -> Variant | None:
        """The variant with this name."""
        return next((variant for variant in self.variants if variant.name == name), None)

    @property
    def main(self) -> Variant:
        """The one that answers most; the first of equals."""
        return max((v for v in self.variants if not v.mirrored), key=lambda variant: variant.weight)

    @property
    def told(self) -> str:
        """`version 3 90 % · version 4 10 % (canary)`."""
        return " · ".join(_told(variant) for variant in self.variants)

    @property
    def shares(self) -> str:
        """`3 90 % · 4 10 %`, the greatest share first."""
        ordered = sorted(self.variants, key=lambda one: (one.mirrored, -one.weight))
        return " · ".join(f"{one.version} {_share(one)}" for one in ordered)


def only(variant: Variant) -> Traffic:
    """Everything to one variant."""
    return Traffic((variant,))


def nearest_replicas(weight: float, replicas: int) -> tuple[int, int]:
    """How many of the replicas come nearest to a share in percent: (of the canary, in all).

    A weight between 0 and 100 gets at least one replica and leaves one. One replica more than usual is allowed when that comes
    nearer: 10 % of 3 is 1 of 4.
    """
    if weight <= 0 or weight >= ALL:
        return (0 if weight <= 0 else replicas), replicas
    return min(_shares(replicas), key=lambda share: (abs(ALL * share[0] / share[1] - weight), share[1]))


def possible_weights(replicas: int) -> tuple[float, ...]:
    """The shares, in percent, that so many replicas, or one more, can give to some of them."""
    return tuple(sorted({ALL * number / total for number, total in _shares(replicas)}))


def _shares(replicas: int) -> list[tuple[int, int]]:
    return [(number, total) for total in (replicas, replicas + 1) for number in range(1, total)]


def _told(variant: Variant) -> str:
    role = "" if variant.name == STABLE else f" ({variant.name})"
    return f"version {variant.version} {_share(variant)}{role}"


def _share(variant: Variant) -> str:
    return "mirrored" if variant.mirrored else f"{variant.weight:.4g} %"


def versions_in(variants: Iterable[Variant]) -> tuple[int, ...]:
    """Each version once, in order."""
    return tuple(dict.fromkeys(variant.version for variant in variants))
