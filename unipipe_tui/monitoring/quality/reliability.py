"""Calibration: whether rows of score 0.8 are positive in eight of ten cases."""

from __future__ import annotations

import math

import numpy as np

from unipipe_tui.monitoring.performance import wilson_interval
from unipipe_tui.monitoring.quality.figures import Bools, Floats
from unipipe_tui.monitoring.quality.results import Calibration, ReliabilityBin

BINS = 10
SURE = 0.01
FACTOR = 2.0
"""How many times as large as chance makes it an error is, before it is called one."""


def calibration_of(scores: Floats, labels: Bools) -> Calibration | None:
    """Hold scores against labels in bins of equal width from 0 to 1; empty bins are left out.

    None when there is no row, or a score is no probability. The expected calibration error is that of Naeini, Cooper and
    Hauskrecht (2015), the parts of the Brier score those of Murphy (1973), the test Spiegelhalter's (1986).
    """
    there = np.isfinite(scores)
    scores, true = scores[there], np.asarray(labels[there], dtype=np.float64)
    if not len(scores) or scores.min() < 0.0 or scores.max() > 1.0:
        return None
    place = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    rows = np.bincount(place, minlength=BINS)
    full = rows > 0
    counts = rows[full].astype(np.float64)
    said = np.bincount(place, scores, BINS)[full] / counts
    came = np.bincount(place, true, BINS)[full] / counts
    noise = np.sqrt(np.bincount(place, scores * (1 - scores), BINS)[full]) / counts
    weight, base = counts / len(scores), float(true.mean())
    brier = float(np.mean((scores - true) ** 2))
    unreliability = float(weight @ (said - came) ** 2)
    resolution = float(weight @ (came - base) ** 2)
    uncertainty = base * (1 - base)
    error, by_chance = float(weight @ np.abs(said - came)), math.sqrt(2 / math.pi) * float(weight @ noise)
    p_value = _spiegelhalter(scores, true)
    return Calibration(
        rows=len(scores),
        bins=tuple(
            ReliabilityBin(at / BINS, (at + 1) / BINS, int(n), float(s), wilson_interval(round(c * n), int(n)))
            for at, n, s, c in zip(np.flatnonzero(full).tolist(), rows[full], said, came, strict=True)
        ),
        error=error,
        error_by_chance=by_chance,
        brier=brier,
        unreliability=unreliability,
        resolution=resolution,
        uncertainty=uncertainty,
        within=brier - (unreliability - resolution + uncertainty),
        p_value=p_value,
        surely_off=p_value is not None and p_value < SURE and error > FACTOR * by_chance,
    )


def _spiegelhalter(scores: Floats, true: Floats) -> float | None:
    spread = float(np.sum((1 - 2 * scores) ** 2 * scores * (1 - scores)))
    if spread <= 0.0:
        return None
    z = float(np.sum((true - scores) * (1 - 2 * scores))) / math.sqrt(spread)
    return math.erfc(abs(z) / math.sqrt(2))
