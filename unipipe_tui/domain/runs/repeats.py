"""Runs that repeat each other but for a seed: how far their metrics scatter."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from unipipe_tui.domain.aliases_and_tags import DATA_TAG
from unipipe_tui.domain.runs.directions import words_of
from unipipe_tui.domain.runs.tags import commit_of, is_dirty
from unipipe_tui.domain.tracking import Run
from unipipe_tui.domain.values import frozen

T_975 = (
    12.7062,
    4.3027,
    3.1824,
    2.7764,
    2.5706,
    2.4469,
    2.3646,
    2.3060,
    2.2622,
    2.2281,
    2.2010,
    2.1788,
    2.1604,
    2.1448,
    2.1314,
    2.1199,
    2.1098,
    2.1009,
    2.0930,
    2.0860,
    2.0796,
    2.0739,
    2.0687,
    2.0639,
    2.0595,
    2.0555,
    2.0518,
    2.0484,
    2.0452,
    2.0423,
    2.0395,
    2.0369,
    2.0345,
    2.0322,
    2.0301,
    2.0281,
    2.0262,
    2.0244,
    2.0227,
    2.0211,
    2.0195,
    2.0181,
    2.0167,
    2.0154,
    2.0141,
    2.0129,
    2.0117,
    2.0106,
    2.0096,
)
"""Student's t: 97.5 % of it lies below, for 1, 2, 3, ... degrees of freedom (NIST/SEMATECH e-Handbook of Statistical
Methods, table 1.3.6.7.2)."""

MOST_REPEATS = len(T_975) + 1
METHOD = "95 % interval of the mean: mean ± t(0.975, n - 1) × standard deviation / √n (Student's t)"

_SEEDS = frozenset({"seed", "seeds", "randomseed", "rngseed", "rng", "randomstate"})


@frozen
class Spread:
    """How far a figure scatters over repeats."""

    number: int
    mean: float
    deviation: float
    """Of the sample: divided by n - 1."""
    low: float
    """Where the 95 % interval of the mean begins."""
    high: float


def is_seed(param: str) -> bool:
    """Whether a param only chooses the random numbers: `seed`, `random_state`, `model.rng_seed`."""
    words = words_of(param)
    return bool(_SEEDS & {*words, *(one + two for one, two in pairwise(words))})


def code_of(run: Run) -> str | None:
    """The commit that holds the very code of a run; None when it is not known, or was changed since that commit."""
    return None if is_dirty(run) else commit_of(run)


def made_of(run: Run) -> tuple[object, ...]:
    """What must be equal in runs that repeat each other: code, data, and params but for seeds.

    Code that is not known is taken to be the same.
    """
    data = frozenset((dataset.name, dataset.digest, dataset.context) for dataset in run.datasets)
    params = frozenset((key, value) for key, value in run.params.items() if not is_seed(key))
    return code_of(run), data, run.tags.get(DATA_TAG), params


def says_what_it_was_made_of(run: Run) -> bool:
    """Whether a run names its code, data or params: two that name nothing are alike in nothing."""
    return bool(code_of(run) or run.datasets or run.tags.get(DATA_TAG) or run.params)


def spread_of(values: Sequence[float]) -> Spread:
    """Number, mean, standard deviation and the 95 % t-interval of the mean, of 2 to 50 finite values.

    Raises:
        ValueError: there are fewer or more values, or one is not finite.
    """
    if not 2 <= len(values) <= MOST_REPEATS or not all(map(math.isfinite, values)):
        raise ValueError(f"a spread needs 2 to {MOST_REPEATS} finite values")
    mean, deviation = statistics.fmean(values), statistics.stdev(values)
    half = T_975[len(values) - 2] * deviation / math.sqrt(len(values))
    return Spread(len(values), mean, deviation, mean - half, mean + half)
