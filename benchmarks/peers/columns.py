"""Pairs of columns that are hard to compare, the same on every machine: made by arithmetic, no random numbers.

Needs numpy only, so that the environment of every library can make them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Side = Any
"""An array of numbers, NaN where a row has none, or a list of texts, None where a row has none."""


def spread(rows: int, step: int = 7919, turns: int = 10_007) -> Any:
    """Numbers between 0 and 1 in a mixed order, each as good as random and none of them."""
    return ((np.arange(rows) * step) % turns + 0.5) / turns


def bell(rows: int, step: int = 7919) -> Any:
    """Numbers that lie like a normal distribution's, rounded to four digits."""
    share = spread(rows, step)
    # The logistic distribution, which needs no special function.
    return np.round(np.log(share / (1 - share)) * 0.5513, 4)


def skewed(rows: int, step: int = 7919) -> Any:
    """Positive numbers with a long tail, rounded to four digits."""
    return np.round(np.exp(2 * bell(rows, step)), 4)


def _with_gaps(values: Any, every: int) -> Any:
    values = np.array(values, dtype=float)
    values[::every] = np.nan
    return values


def _texts(rows: int, names: str, step: int = 7919) -> list[str | None]:
    places = (spread(rows, step) ** 2 * len(names)).astype(int)
    return [names[place] for place in places]


def _texts_with_gaps(rows: int, names: str, every: int) -> list[str | None]:
    return [None if row % every == 0 else name for row, name in enumerate(_texts(rows, names))]


def made_pairs() -> Mapping[str, tuple[Side, Side]]:
    """By name: a column of a reference and of current data."""
    return {
        "same": (bell(3_000), bell(3_000)),
        "shifted": (bell(3_000), np.round(bell(1_500, 4_801) + 0.3, 4)),
        "skewed": (skewed(3_000), skewed(1_500, 4_801)),
        "skewed and longer": (skewed(3_000), np.round(skewed(1_500, 4_801) * 1.5, 4)),
        "long reference": (bell(12_000), np.round(bell(2_000, 4_801) + 0.2, 4)),
        "long and beyond the range": (bell(12_000), np.round(bell(2_000, 4_801) * 2, 4)),
        "long integers": (np.floor(spread(12_000) * 500).astype(int), np.floor(spread(3_000, 4_801) * 450).astype(int)),
        "long constant": (np.full(12_000, 4.0), np.full(500, 4.0)),
        "constant that stays": (np.full(500, 7.0), np.full(300, 7.0)),
        "constant that moves": (np.full(500, 7.0), np.full(300, 8.0)),
        "ties": (np.round(bell(1_000) * 2) / 2, np.round(bell(600, 4_801) * 2) / 2),
        "20 integers": (np.arange(1_000) % 20, (np.arange(600) * 7) % 17),
        "21 integers": (np.arange(1_050) % 21, (np.arange(600) * 7) % 17),
        "21 integers, few now": (np.arange(1_050) % 21, np.arange(90) % 3),
        "zero or one": (np.arange(1_000) % 3 // 2, np.arange(600) % 5 // 4),
        "gaps": (_with_gaps(bell(2_000), 7), _with_gaps(bell(1_000, 4_801), 3)),
        "integers with gaps": (_with_gaps(np.arange(1_000) % 40, 9), _with_gaps(np.arange(500) % 37, 4)),
        "few rows": (bell(50), bell(12, 4_801)),
        "huge integers": (np.arange(1_000) * 1_000_003 + 10**15, np.arange(700) * 900_001 + 10**15),
        "tiny differences": (np.round(bell(1_000) * 1e-9, 13), np.round(bell(800, 4_801) * 1.2e-9, 13)),
        "texts": (_texts(2_000, "abcdef"), _texts(1_000, "abcdef", 4_801)),
        "a new text": (_texts(2_000, "abcde"), _texts(1_000, "abcdef")),
        "a text that is gone": (_texts(2_000, "abcdef"), _texts(1_000, "abcd")),
        "two texts": (_texts(1_000, "ny"), _texts(500, "nny")),
        "one text": (["a"] * 400, ["a"] * 200),
        "one text, another now": (["a"] * 400, ["b"] * 200),
        "texts with gaps": (_texts_with_gaps(2_000, "abcd", 6), _texts_with_gaps(900, "abcde", 4)),
        "a rare text": ([*_texts(30_000, "ab"), "c"], _texts(1_000, "ab")),
        "many texts": ([f"t{row % 300}" for row in range(3_000)], [f"t{row % 280}" for row in range(1_400)]),
        "few texts": (_texts(50, "abc"), _texts(8, "abc")),
    }
