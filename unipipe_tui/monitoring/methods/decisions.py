"""When a measured difference is called drift: by how far, how surely, or how much a reference differs from itself."""

from __future__ import annotations

from typing import Protocol

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.words import figure, p_figure

FEWEST_FOR_US = 200
FEWEST_FOR_LIBRARIES = 30
SIGNIFICANCE = 0.01


@frozen
class Found:
    """The numbers that a decision rests on."""

    value: float
    p_value: float | None
    """Adjusted for the number of columns where the decision says so."""
    effect: float | None
    limit: float | None


class Decision(Protocol):
    """A rule that says when a measurement is drift."""

    @property
    def rule(self) -> str:
        """The rule as a sentence."""
        ...

    @property
    def fewest(self) -> int:
        """With fewer values on either side nothing is called drift."""
        ...

    @property
    def adjusts(self) -> bool:
        """Whether p-values are adjusted for the number of columns first."""
        ...

    def threshold(self, found: Found) -> float | None:
        """What the number that decides is held against."""
        ...

    def drifted(self, found: Found) -> bool:
        """Whether it is drift."""
        ...

    def verdict(self, found: Found) -> str:
        """How the numbers compare with the rule, in words."""
        ...


@frozen
class BeyondChance:
    """Ours: surely moved, and farther than chance explains."""

    effect: float
    significance: float = SIGNIFICANCE
    fewest: int = FEWEST_FOR_US
    adjusts: bool = True

    @property
    def rule(self) -> str:
        """The rule as a sentence."""
        return (
            "Drift when the p-value, adjusted for the number of columns (Benjamini–Hochberg), is at most "
            f"{self.significance:g} and the effect, which is what is left beyond chance, is at least {self.effect:g}."
        )

    def threshold(self, found: Found) -> float | None:
        """The least effect that matters."""
        return self.effect

    def drifted(self, found: Found) -> bool:
        """Both sure and large."""
        return (
            found.p_value is not None
            and found.effect is not None
            and found.p_value <= self.significance
            and found.effect >= self.effect
        )

    def verdict(self, found: Found) -> str:
        """The effect and the p-value."""
        p, effect = found.p_value or 0.0, found.effect or 0.0
        said = f"{p_figure(p)} adjusted for the columns, {figure(effect)} beyond chance"
        if self.drifted(found):
            return f"{said}: at least {self.effect:g}"
        return f"{said}: {'chance explains it' if p > self.significance else f'less than {self.effect:g}'}"


@frozen
class AtLeast:
    """The value reaches a number that is the same for every column."""

    value: float
    fewest: int = FEWEST_FOR_LIBRARIES
    adjusts: bool = False

    @property
    def rule(self) -> str:
        """The rule as a sentence."""
        return f"Drift when the value is at least {self.value:g}."

    def threshold(self, found: Found) -> float | None:
        """The number."""
        return self.value

    def drifted(self, found: Found) -> bool:
        """Large, whatever the number of rows."""
        return found.value >= self.value

    def verdict(self, found: Found) -> str:
        """Whether it was reached."""
        return f"at least {self.value:g}" if self.drifted(found) else f"less than {self.value:g}"


@frozen
class SignificantAt:
    """The p-value of this column alone is small."""

    level: float
    inclusive: bool = False
    """Whether a p-value equal to the level is small enough."""
    fewest: int = FEWEST_FOR_LIBRARIES
    adjusts: bool = False

    @property
    def rule(self) -> str:
        """The rule as a sentence."""
        asked = "at most" if self.inclusive else "below"
        return f"Drift when the p-value is {asked} {self.level:g}, not adjusted for the number of columns."

    def threshold(self, found: Found) -> float | None:
        """The level."""
        return self.level

    def drifted(self, found: Found) -> bool:
        """Sure, however small."""
        if found.p_value is None:
            return False
        return found.p_value <= self.level if self.inclusive else found.p_value < self.level

    def verdict(self, found: Found) -> str:
        """The p-value and its level."""
        relation = "at most" if self.inclusive else "below"
        known = p_figure(1.0 if found.p_value is None else found.p_value)
        return f"{known}: {'' if self.drifted(found) else 'not '}{relation} {self.level:g}"


@frozen
class BeyondChunks:
    """The value exceeds what parts of the reference have among themselves."""

    fewest: int = FEWEST_FOR_LIBRARIES
    adjusts: bool = False

    @property
    def rule(self) -> str:
        """The rule as a sentence."""
        return (
            "Drift when the value exceeds the mean plus three standard deviations of the values that ten chunks of the "
            "reference, in the order of its rows, have against the whole reference."
        )

    def threshold(self, found: Found) -> float | None:
        """What the chunks of the reference say."""
        return found.limit

    def drifted(self, found: Found) -> bool:
        """Farther than any chunk of the reference should be."""
        return found.limit is not None and found.value > found.limit

    def verdict(self, found: Found) -> str:
        """The value against that of the chunks."""
        if found.limit is None:
            return "the reference is too short for chunks, so there is no threshold"
        relation = "more than" if self.drifted(found) else "not more than"
        return f"{relation} {found.limit:.6g}, the mean + 3 σ over chunks of the reference"
