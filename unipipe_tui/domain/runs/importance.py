"""Which params matter for a metric: what is asked, and what is answered."""

from __future__ import annotations

from typing import Protocol

from unipipe_tui.domain.progress import Progress
from unipipe_tui.domain.runs.columns import Column
from unipipe_tui.domain.values import frozen

FEWEST_RUNS = 20
"""With fewer runs a forest finds patterns in anything."""
MOST_RUNS = 2_000
"""Of more runs a sample is taken: forests over all of them would take minutes."""
MOST_CATEGORIES = 20
"""Rarer values of a param count as one."""


@frozen
class Study:
    """Params and a metric of the same runs."""

    metric: str
    target: tuple[float, ...]
    """The metric of each run; finite."""
    params: tuple[Column, ...]


@frozen
class ParamWeight:
    """How much one param matters."""

    param: str
    weight: float
    """By how much R² falls, on runs that the forest has not seen, when this param's values are shuffled among them."""
    spread: float
    """Standard deviation over the shuffles."""


@frozen
class Weights:
    """What was found."""

    params: tuple[ParamWeight, ...]
    """The heaviest first."""
    r2: float
    """Of the out-of-bag predictions: 1 explains everything, 0 or less nothing."""
    runs: int
    """How many runs were looked at."""
    trees: int
    shuffles: int
    """How often each param was shuffled, over all folds."""
    seed: int


class ImportanceMeter(Protocol):
    """Finds out which params matter."""

    def weigh(self, study: Study, progress: Progress) -> Weights:
        """The weight of each param; takes seconds."""
        ...
