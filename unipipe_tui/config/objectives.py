"""What `unipipe.yaml` says of objectives (SLOs): which share of events must be good, and what pays for the others."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from unipipe_tui.config.demands import demand
from unipipe_tui.domain.moments import seconds_of
from unipipe_tui.domain.objectives import Arriving, ObjectiveKind, QualityShare
from unipipe_tui.domain.values import frozen

SHORTEST_DAYS, LONGEST_DAYS = 3, 90
DAY_SECONDS = 86_400
NEEDS: Mapping[ObjectiveKind, tuple[str, ...]] = {
    ObjectiveKind.AVAILABILITY: (),
    ObjectiveKind.LATENCY: ("below",),
    ObjectiveKind.QUALITY: ("metric",),
    ObjectiveKind.FRESHNESS: ("of", "within"),
    ObjectiveKind.UPTIME: (),
}
"""The keys that a kind must have; no other kind takes them."""


@frozen
class ObjectiveConfig:
    """One objective: a share of events that must be good."""

    kind: ObjectiveKind
    """`availability`: requests answered without 5xx; `latency`: those answered fast enough; `quality`: decisions that turned out
    right; `freshness`: minutes with news that are young enough; `uptime`: minutes with a server."""
    goal: str
    """Share that must be good, as `99.9 %` or `0.999`."""
    over: str = "28d"
    """The time that it must hold for, and the error budget lasts for: 3d to 90d."""
    below: str | None = None
    """Of latency: how long a good answer may take, as `100ms` or `2s`."""
    metric: QualityShare | None = None
    """Of quality: which decisions count."""
    of: Arriving | None = None
    """Of freshness: what must have come."""
    within: str | None = None
    """Of freshness: how old the newest may be, as `1h` or `3d`."""
    targets: tuple[str, ...] = ()
    """Only these targets; all when left out."""
    budget: str | None = None
    """Objectives that name the same one share an error budget: what one spends, all have less of. Its own when left out."""
    weight: float = 1.0
    """In a shared budget: how heavy one bad event of this objective is."""
    minimum_events: int = 100
    """With fewer events in the last 3 days nothing is called fine."""
    minimum_bad: int = 5
    """Fewer bad events than this in the long window of an alert are no alert, whatever share they are."""

    def __post_init__(self) -> None:
        """Refuse what could not be counted, or leaves no budget."""
        needed = NEEDS[self.kind]
        for name in ("below", "metric", "of", "within"):
            given = getattr(self, name) is not None
            demand(given or name not in needed, f"an objective of kind {self.kind.value} needs `{name}`")
            demand(not given or name in needed, f"an objective of kind {self.kind.value} takes no `{name}`")
        share_of(self.goal)
        days = seconds_of(self.over) / DAY_SECONDS
        demand(SHORTEST_DAYS <= days <= LONGEST_DAYS, f"`over` must be {SHORTEST_DAYS}d to {LONGEST_DAYS}d")
        if self.below is not None:
            milliseconds_of(self.below)
        if self.within is not None:
            demand(seconds_of(self.within) >= 60, "`within` must be a minute or more")
        demand(self.weight > 0, "`weight` must be above 0")
        demand(self.weight == 1 or self.budget is not None, "`weight` goes with `budget`")
        demand(self.minimum_events >= 1, "`minimum_events` must be 1 or more")
        demand(self.minimum_bad >= 1, "`minimum_bad` must be 1 or more")
        named = self.budget is None or re.fullmatch(_NAME, self.budget)
        demand(bool(named), "`budget` must be a name of letters, digits, - and _")

    @property
    def share(self) -> float:
        """The goal, from 0 to 1."""
        return share_of(self.goal)

    @property
    def over_seconds(self) -> int:
        """How long the budget lasts."""
        return seconds_of(self.over)

    @property
    def below_ms(self) -> float | None:
        """How long a good answer may take."""
        return None if self.below is None else milliseconds_of(self.below)

    def is_for(self, target: str) -> bool:
        """Whether it counts for a target."""
        return not self.targets or target in self.targets


def share_of(text: str) -> float:
    """The share that is meant by `99.9 %`, `99.9%` or `0.999`.

    Raises:
        ValueError: it is none, or leaves nothing that may be bad.
    """
    found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*(%?)", text.strip())
    if found is None:
        raise ValueError(f"`goal` is `{text}`; a share is written 99.9 % or 0.999")
    # The decimal text, so that 99.9 % and 0.999 are the same number.
    number = float(f"{found[1]}e-2") if found[2] else float(found[1])
    if not found[2] and number > 1:
        raise ValueError(f"`goal` is `{text}`; is {text} % meant? A share is written 99.9 % or 0.999")
    if not 0 < number < 1:
        raise ValueError(f"`goal` is `{text}`; it must be above 0 and below 100 %, which would leave no error budget")
    return number


def milliseconds_of(text: str) -> float:
    """The milliseconds of `100ms`, `2s` or `0.5 s`.

    Raises:
        ValueError: it is no such time, or nothing.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s)", text.strip())
    if found is None or not float(found[1]):
        raise ValueError(f"`below` is `{text}`; a time is written 100ms or 2s")
    return float(found[1]) * (1 if found[2] == "ms" else 1000)


def check_objectives(objectives: Mapping[str, ObjectiveConfig], targets: Collection[str]) -> None:
    """Refuse objectives that do not fit one another or the targets.

    Raises:
        ValueError: it says which.
    """
    budgets: dict[str, tuple[str, ObjectiveConfig]] = {}
    for name, one in objectives.items():
        unknown = next((target for target in one.targets if target not in targets), None)
        known = ", ".join(targets)
        demand(unknown is None, f"`slos.{name}.targets` names {unknown}, which is no target; those are {known}")
        if one.budget is None:
            continue
        demand(one.budget not in objectives, f"`slos.{name}.budget` is {one.budget}, which is the name of an objective")
        first_name, first = budgets.setdefault(one.budget, (name, one))
        for key in ("over", "targets"):
            same = getattr(first, key) == getattr(one, key)
            demand(same, f"slos.{first_name} and slos.{name} share a budget, so they must have the same `{key}`")


_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
