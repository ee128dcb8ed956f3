"""Whether current rows still lie where those of the reference do: the reconstruction error of principal components.

Formula: rows are points (`encoding`). On every second row of the reference, the fewest principal components that keep
65 % of the variance are found; a row's error is the squared distance between it and its projection on them. The other
rows of the reference say what is usual. With s² the variance of a row's error and b² what the means of consecutive
chunks of the reference differ beyond that (at least 0), a window of m rows held against n has the variance s_m²/m +
s_n²/n + b² (1 + 1/K) for K chunks; the difference of the means by its root is held against Student's t with the
degrees of freedom of Welch and Satterthwaite. It is drift when the adjusted p-value is at most `significance` and the
error moved by at least `effect` standard deviations of a row's error.
Assumptions: what holds the columns together is about linear in their normal scores; the reference lies in the order
of time, or in none. Reference rows sorted by a value have chunks that differ, and little is then called drift.
Sources: Jackson and Mudholkar, "Control procedures for residuals associated with principal component analysis",
Technometrics 1979; NannyML, "Data reconstruction with PCA" (its 65 % and its chunks; thresholds there are three
deviations of the chunks).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.verdict.encoding import encoder_of
from unipipe_tui.monitoring.verdict.samples import Sample

KEPT = 0.65
MOST_CHUNKS = 10
FEWEST_IN_CHUNK = 20

Floats = NDArray[np.float64]


@frozen
class Reconstructed:
    """The error now and as it usually is."""

    value: float
    usual: float
    low: float
    high: float
    effect: float
    p_value: float
    components: int
    dimensions: int
    explained: float
    chunks: int


@frozen
class _Components:
    vectors: Floats
    """Shape (dimensions, components)."""
    explained: float


def reconstruct(reference: Sample, current: Sample) -> Reconstructed | None:
    """The errors of both; None where there are fewer than two dimensions to join."""
    encode = encoder_of(reference)
    then, now = encode(reference), encode(current)
    if then.shape[1] < 2 or len(then) < 4 * FEWEST_IN_CHUNK or len(now) < 2:
        return None
    found = _components(then[::2])
    if found is None:
        return None
    usual, moved = _errors(then[1::2], found), _errors(now, found)
    spread = float(usual.std(ddof=1))
    if not spread > 0:
        return None
    chunks = np.array_split(usual, max(2, min(MOST_CHUNKS, len(usual) // FEWEST_IN_CHUNK)))
    difference = float(moved.mean() - usual.mean())
    error, freedom = _error(usual, moved, chunks)
    reach = float(student.ppf(0.975, freedom)) * error
    return Reconstructed(
        value=float(moved.mean()),
        usual=float(usual.mean()),
        low=max(0.0, float(usual.mean()) - reach),
        high=float(usual.mean()) + reach,
        effect=difference / spread,
        p_value=float(2 * student.sf(abs(difference) / error, freedom)) if error else 1.0,
        components=found.vectors.shape[1],
        dimensions=then.shape[1],
        explained=found.explained,
        chunks=len(chunks),
    )


def _components(points: Floats) -> _Components | None:
    values, vectors = np.linalg.eigh(points.T @ points / len(points))
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    # What one-hot columns repeat has no variance of its own, and is no error to look for.
    shares = values / values.sum() if values.sum() > 0 else values
    real = int((shares > 1e-9).sum())
    kept = min(int(np.searchsorted(np.cumsum(shares), KEPT)) + 1, real - 1)
    return _Components(vectors[:, :kept], float(shares[:kept].sum())) if kept >= 1 else None


def _errors(points: Floats, components: _Components) -> Floats:
    left = points - (points @ components.vectors) @ components.vectors.T
    return np.asarray((left**2).sum(axis=1))


def _error(usual: Floats, moved: Floats, chunks: list[Floats]) -> tuple[float, float]:
    """The standard error of the difference of means, and its degrees of freedom."""
    within = float(np.mean([chunk.var(ddof=1) / len(chunk) for chunk in chunks]))
    between = max(0.0, float(np.var([chunk.mean() for chunk in chunks], ddof=1)) - within)
    parts = (
        (float(moved.var(ddof=1)) / len(moved), len(moved) - 1),
        (float(usual.var(ddof=1)) / len(usual), len(usual) - 1),
        (between * (1 + 1 / len(chunks)), len(chunks) - 1),
    )
    variance = math.fsum(part for part, _ in parts)
    weight = math.fsum(part**2 / freedom for part, freedom in parts)
    return math.sqrt(variance), variance**2 / weight if weight > 0 else 1.0
