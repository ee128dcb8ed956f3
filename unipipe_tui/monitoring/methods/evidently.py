"""Evidently's conventions (0.7): bins over both sets together, a floor for empty cells, one threshold for all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.monitoring.methods.counting import (
    Counts,
    by_name,
    by_value,
    edges_of,
    finite_of_both,
    has_more_values_than,
    in_bins,
)
from unipipe_tui.monitoring.methods.decisions import AtLeast, SignificantAt
from unipipe_tui.monitoring.methods.method import Measurement, Method, Scale
from unipipe_tui.monitoring.rows import Column, Labels

FEW_VALUES = 20
RARE = 1e-4
LEAST_SPREAD = 0.001
SOURCE = "Evidently 0.7, `evidently/legacy/calculations/stattests/{module}.py` (Apache-2.0)"
BINS = (
    f"Numbers with more than {FEW_VALUES} different values in the reference: bins of equal width by Sturges' rule over "
    "reference and current data together (`numpy.histogram_bin_edges`). All other columns: one cell a value."
)
DROPPED = "Missing and infinite values are dropped on both sides."


def psi(reference: Column, current: Column) -> Measurement:
    """The population stability index of the shares, an empty cell read as a small share."""
    counts, then, now = _shares(reference, current)
    p, q = _floored(then), _floored(now)
    return Measurement.between(reference, current, float(np.sum((p - q) * np.log(p / q))), bins=counts.bins)


def jensen_shannon(reference: Column, current: Column) -> Measurement:
    """The Jensen-Shannon distance of the shares, with the natural logarithm."""
    counts, then, now = _shares(reference, current)
    return Measurement.between(reference, current, float(jensenshannon(then, now)), bins=counts.bins)


def wasserstein(reference: Column, current: Column) -> Measurement:
    """The Wasserstein distance in standard deviations of the reference."""
    then, now = finite_of_both(reference, current)
    norm = max(float(np.std(then)), LEAST_SPREAD)
    return Measurement.between(reference, current, float(stats.wasserstein_distance(then, now) / norm))


def ks(reference: Column, current: Column) -> Measurement:
    """The p-value of the Kolmogorov-Smirnov test."""
    found = stats.ks_2samp(*finite_of_both(reference, current))
    p = float(found.pvalue)
    return Measurement.between(reference, current, p, p_value=p, effect=float(found.statistic))


def chisquare(reference: Column, current: Column) -> Measurement:
    """The p-value of a chi-square test of the current counts against the shares of the reference, taken as exact."""
    counts = by_name(reference, current)
    expected = counts.reference * (counts.current.sum() / counts.reference.sum())
    with np.errstate(all="ignore"):
        found = stats.chisquare(counts.current, expected)
    p = float(found.pvalue)
    effect = float(np.sqrt(found.statistic / counts.current.sum()))
    known = effect if np.isfinite(effect) else None
    return Measurement.between(reference, current, p, p_value=p, effect=known, bins=counts.bins)


def _shares(reference: Column, current: Column) -> tuple[Counts, NDArray[Any], NDArray[Any]]:
    """The cells, and the shares of the rows with a value that lie in them."""
    if isinstance(reference, Labels):
        counts = by_name(reference, current)
        return counts, counts.reference / counts.reference.sum(), counts.current / counts.current.sum()
    then, now = finite_of_both(reference, current)
    counts = _in_bins(then, now) if has_more_values_than(FEW_VALUES, then) else by_value(then, now)
    return counts, counts.reference / len(then), counts.current / len(now)


def _in_bins(reference: NDArray[Any], current: NDArray[Any]) -> Counts:
    edges = edges_of(np.concatenate([reference, current]), "sturges")
    told = f"{len(edges) - 1:,} bins of equal width over both sets (Sturges)"
    return Counts(in_bins(reference, edges), in_bins(current, edges), told)


def _floored(shares: NDArray[Any]) -> NDArray[Any]:
    least = shares[shares != 0].min()
    return np.where(shares == 0, least / 10**6 if least <= RARE else RARE, shares)


METHODS = (
    Method(
        name=DriftMethod.EVIDENTLY_PSI,
        title="Population stability index, as Evidently counts it",
        scales=(Scale.NUMBERS, Scale.CATEGORIES),
        formula="PSI = Σ (pᵢ − qᵢ) · ln(pᵢ / qᵢ)",
        symbols="pᵢ, qᵢ: share of the reference and of the current data in cell i. A share of zero is read as 0.0001, "
        "or, when the least share that is not zero is at most 0.0001, as a millionth of it.",
        base="e",
        bins=BINS,
        assumptions=f"{DROPPED} Bins of equal width follow outliers, so that most rows of a skewed column share a "
        "cell; an empty cell weighs as much as the floor makes it. The threshold knows nothing of the number of rows.",
        decision=AtLeast(0.1),
        source=SOURCE.format(module="psi"),
        of_values=psi,
    ),
    Method(
        name=DriftMethod.EVIDENTLY_WASSERSTEIN,
        title="Wasserstein distance in standard deviations, as Evidently computes it",
        scales=(Scale.NUMBERS,),
        formula="W = ∫ |F(x) − G(x)| dx / max(σ, 0.001)",
        symbols="F, G: empirical distribution functions of reference and current data. σ: standard deviation of the "
        "reference (n in the denominator).",
        base="",
        bins="None: the values themselves are compared (`scipy.stats.wasserstein_distance`).",
        assumptions=f"{DROPPED} The mean and the standard deviation exist: one wild value moves both. The threshold "
        "knows nothing of the number of rows; samples of a few hundred rows reach it by chance.",
        decision=AtLeast(0.1),
        source=SOURCE.format(module="wasserstein_distance_norm"),
        of_values=wasserstein,
    ),
    Method(
        name=DriftMethod.EVIDENTLY_JENSEN_SHANNON,
        title="Jensen–Shannon distance, as Evidently computes it",
        scales=(Scale.NUMBERS, Scale.CATEGORIES),
        formula="JS = √( ½ Σ pᵢ ln(pᵢ / mᵢ) + ½ Σ qᵢ ln(qᵢ / mᵢ) ),  mᵢ = (pᵢ + qᵢ) / 2",
        symbols="pᵢ, qᵢ: share of the reference and of the current data in cell i; a term with a share of zero is "
        "zero. The largest possible value is √ln 2 ≈ 0.833.",
        base="e",
        bins=BINS,
        assumptions=f"{DROPPED} The threshold knows nothing of the number of rows.",
        decision=AtLeast(0.1),
        source=SOURCE.format(module="jensenshannon"),
        of_values=jensen_shannon,
    ),
    Method(
        name=DriftMethod.EVIDENTLY_KS,
        title="Kolmogorov–Smirnov test, as Evidently uses it",
        scales=(Scale.NUMBERS,),
        formula="D = max |F(x) − G(x)|;  the value is P(D′ ≥ D) under no change",
        symbols="F, G: empirical distribution functions. The p-value is exact up to 10,000 rows on either side, "
        "asymptotic beyond (`scipy.stats.ks_2samp`).",
        base="",
        bins="None: the values themselves are compared.",
        assumptions=f"{DROPPED} Rows are independent and values continuous; ties make it cautious. With many rows it "
        "finds differences too small to matter.",
        decision=SignificantAt(0.05, inclusive=True),
        source=SOURCE.format(module="ks_stattest"),
        effect="The statistic D.",
        of_values=ks,
    ),
    Method(
        name=DriftMethod.EVIDENTLY_CHISQUARE,
        title="Chi-square test against the reference, as Evidently uses it",
        scales=(Scale.CATEGORIES,),
        formula="χ² = Σ (mᵢ − n·pᵢ)² / (n·pᵢ);  the value is P(χ²(k − 1) ≥ χ²)",
        symbols="mᵢ: current rows with value i; pᵢ: share of the reference with it; n: current rows; k: number of "
        "values.",
        base="",
        bins="One cell a value.",
        assumptions=f"{DROPPED} The shares of the reference are taken as exact, as if it had infinitely many rows, so "
        "that a reference as small as the current data makes false alarms. Every value is expected a few times. A "
        "value that the reference never saw makes the p-value 0.",
        decision=SignificantAt(0.05),
        source=SOURCE.format(module="chisquare_stattest"),
        effect="√(χ² / n), Cohen's w; none when a value is new.",
        of_values=chisquare,
    ),
)
