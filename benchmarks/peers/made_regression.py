"""A small regression problem made from a seed, the same in every environment: what a model predicts, and what was true."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Part = tuple[Floats, Floats, Floats, Floats, Floats]
"""Size, age, region (0, 1, 2), prediction, truth: one entry a row each."""


def made_regression(rows: int, seed: int = 7) -> tuple[Part, Part]:
    """A reference and an analysis part.

    The error grows with age and differs by region; the second half of the analysis is older.
    """
    generator = np.random.default_rng(seed)
    return _part(generator, rows, np.zeros(rows)), _part(generator, rows, np.repeat((0.0, 4.0), (rows + 1) // 2)[:rows])


def _part(generator: np.random.Generator, rows: int, older: Floats) -> Part:
    size = generator.uniform(20, 200, rows)
    age = generator.gamma(2.0, 3.0, rows) + older
    region = generator.integers(0, 3, rows).astype(np.float64)
    predicted = 30 + 2 * size - 1.5 * age + 10 * region
    noise = generator.normal(0, 1, rows) * (2 + 0.8 * age + 5 * (region == 2))
    return size, age, region, predicted, np.maximum(1.0, predicted + noise)
