"""Rows as points: numbers by their place in the reference, values by name, each column with the same weight.

A number becomes its normal score, the quantile of the normal distribution at its rank among the reference: skewed and
wild columns weigh no more than others, and what goes up together stays together. A value below or above all of the
reference has the score of the end. A text, or true and false, becomes one dimension for each value that at least one
of twenty rows of the reference holds, and one for all others, divided by the root of its share as in a factor
analysis of mixed data (Pagès, 2004); a missing value is one of them. Each column is then scaled to a total variance
of 1, its mean taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from unipipe_tui.monitoring.rows import Column, Labels
from unipipe_tui.monitoring.verdict.samples import Sample, numbers_of

RARE = 0.05
MOST_NAMED = 20
MISSING = ""
"""Beside the names, none of which is asked for by it: labels are told from a missing value by their code."""

Floats = NDArray[np.float64]
Encode = Callable[[Column], Floats]
"""A column as an array of the shape (rows, dimensions)."""


def encoder_of(reference: Sample) -> Callable[[Sample], Floats]:
    """What turns a sample into points, as the reference says; a column without any variance there is left out."""
    encoders: dict[str, Encode] = {}
    for name, column in reference.columns.items():
        encode = _scaled(_names(column) if isinstance(column, Labels) else _scores(numbers_of(column)), column)
        if encode is not None:
            encoders[name] = encode
    return lambda sample: _points(sample, encoders)


def _points(sample: Sample, encoders: Mapping[str, Encode]) -> Floats:
    if not encoders:
        return np.empty((sample.rows, 0))
    return np.hstack([encode(sample.columns[name]) for name, encode in encoders.items()])


def _scaled(encode: Encode, reference: Column) -> Encode | None:
    points = encode(reference)
    mean, variance = points.mean(axis=0), float(points.var(axis=0).sum())
    if not variance > 0:
        return None
    return lambda column: np.asarray((encode(column) - mean) / np.sqrt(variance))


def _scores(reference: Floats) -> Encode:
    """Normal scores by the mid-rank among the reference; a missing one lies in the middle, and is told beside it."""
    known = np.sort(reference[np.isfinite(reference)])
    gaps = bool(np.isnan(reference).any())

    def encode(column: Column) -> Floats:
        values = numbers_of(column)
        missing = np.isnan(values)
        if not len(known):
            return missing.astype(np.float64)[:, None]
        asked = np.where(missing, known[len(known) // 2], values)
        rank = (np.searchsorted(known, asked, "left") + np.searchsorted(known, asked, "right")) / 2
        score = norm.ppf((rank + 0.5) / (len(known) + 1))
        score[missing] = 0.0
        return np.column_stack([score, missing]) if gaps else score[:, None]

    return encode


def _names(reference: Labels) -> Encode:
    rows = max(1, reference.rows)
    missing = 1 - reference.known / rows
    shares = {name: count / rows for name, count in zip(reference.names, reference.counts.tolist(), strict=True)}
    common = sorted((name for name, share in shares.items() if share >= RARE), key=lambda name: (-shares[name], name))
    common = common[:MOST_NAMED]
    rest = max(RARE, 1 - missing - sum(shares[name] for name in common))
    weights = [*(shares[name] for name in common), rest, max(RARE, missing)]
    scale = 1 / np.sqrt(np.array(weights))

    def encode(column: Column) -> Floats:
        assert isinstance(column, Labels)
        known = {name: place for place, name in enumerate(common)}
        place = np.array([*(known.get(name, len(common)) for name in column.names), len(common) + 1])
        points = np.zeros((column.rows, len(scale)))
        at = place[column.codes]
        points[np.arange(column.rows), at] = scale[at]
        return points

    return encode
