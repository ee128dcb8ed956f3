"""NannyML's conventions (0.13): bins of the reference and one for the rest, thresholds learned from its chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.methods.counting import (
    NO_CURRENT,
    NO_REFERENCE,
    by_name,
    edges_of,
    in_bins,
    some,
    values_told,
)
from unipipe_tui.monitoring.methods.decisions import BeyondChunks, SignificantAt
from unipipe_tui.monitoring.methods.method import Measurement, Method, NotMeasured, Scale
from unipipe_tui.monitoring.rows import Column, Labels, Numbers

CHUNKS = 10
SIGMAS = 3
LONG_REFERENCE = 10_000
FINE_BINS = 10_000
SOURCE = "NannyML 0.13, `nannyml/drift/univariate/methods.py`, class `{name}` (Apache-2.0)"
BINS = (
    "Numbers: bins of equal width by Doane's rule over the reference alone (`numpy.histogram_bin_edges`), and one more "
    "for what lies outside. Other columns: one cell a value of the reference, and one more for all new values "
    "together."
)
DROPPED = "Missing values are dropped; infinite ones as well, but for those that fall into the bin for the rest."
ORDERED = "The threshold takes the reference in the order of its rows: if it is sorted, its chunks differ and nothing is drift."

Measure = Callable[[Column], float]
"""How far a part of the data is from the reference that was learned."""
Distance = Callable[[NDArray[Any], NDArray[Any]], float]


@frozen
class Learned:
    """A reference made ready, and what it is compared over."""

    measure: Measure
    bins: str = ""
    keeps_infinite: bool = False


# --- distances of shares ---------------------------------------------------------------------------------------------


def jensen_shannon(reference: Column, current: Column) -> Measurement:
    """The Jensen-Shannon distance of the shares, to base 2."""
    return _compared(learned_jensen_shannon(reference), reference, current)


def learned_jensen_shannon(reference: Column) -> Learned:
    """The same, with a reference made ready for many windows."""
    return _of_shares(reference, lambda p, q: float(jensenshannon(p, q, base=2)))


def hellinger(reference: Column, current: Column) -> Measurement:
    """The Hellinger distance of the shares."""
    return _compared(_of_shares(reference, _hellinger), reference, current)


def _hellinger(p: NDArray[Any], q: NDArray[Any]) -> float:
    return float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2)) / np.sqrt(2))


def _of_shares(reference: Column, distance: Distance) -> Learned:
    if isinstance(reference, Labels):
        return _of_names(reference, distance)
    known = some(reference.finite, NO_REFERENCE)
    edges = edges_of(known.astype(np.float64), "doane")
    shares = in_bins(known, edges) / len(known)

    def measure(part: Column) -> float:
        values = _present(part)
        return _with_the_rest(shares, in_bins(values[np.isfinite(values)], edges) / len(values), distance)

    return Learned(measure, f"{len(edges) - 1:,} bins of equal width over the reference (Doane) and one outside", True)


def _of_names(reference: Labels, distance: Distance) -> Learned:
    counts = reference.counts
    if not counts.sum():
        raise NotMeasured(NO_REFERENCE)
    place = {name: index for index, name in enumerate(reference.names)}
    shares = counts / counts.sum()

    def measure(part: Column) -> float:
        assert isinstance(part, Labels)
        known = np.zeros(len(shares), dtype=np.int64)
        for name, count in zip(part.names, part.counts.tolist(), strict=True):
            if name in place:
                known[place[name]] = count
        return _with_the_rest(shares, known / _rows(part), distance)

    return Learned(measure, f"{values_told(len(shares))} of the reference and one cell for all others")


def _with_the_rest(reference: NDArray[Any], current: NDArray[Any], distance: Distance) -> float:
    rest = 1 - np.sum(current)
    if rest > 0:
        reference, current = np.append(reference, 0), np.append(current, rest)
    return distance(reference, current)


# --- distances of values ---------------------------------------------------------------------------------------------


def wasserstein(reference: Column, current: Column) -> Measurement:
    """The Wasserstein distance in the unit of the column."""
    assert isinstance(reference, Numbers)
    known = some(reference.finite, NO_REFERENCE)
    if len(known) < LONG_REFERENCE:
        exact = Learned(lambda part: float(stats.wasserstein_distance(known, _finite(part))))
        return _compared(exact, reference, current)
    counted, edges = _fine_bins(known)
    shares = np.cumsum(counted / len(known))

    def measure(part: Column) -> float:
        values = _finite(part)
        below, above = values[values < edges[0]], values[values > edges[-1]]
        # The library counts the reference's own end among the rows outside, hence the one more.
        under, over = (len(below) + 1) / len(values), (len(above) + 1) / len(values)
        outside = 0.0
        if len(below):
            x, cumulated = _cumulated(np.append(below, edges[0]))
            outside += float(np.sum(cumulated[:-1] * np.diff(x)) * under)
        if len(above):
            x, cumulated = _cumulated(np.append(edges[-1], above))
            outside += float(np.sum((1 - cumulated)[:-1] * np.diff(x)) * over)
        inside = np.cumsum(in_bins(values, edges) / len(values)) + (under if len(below) else 0)
        return float(np.sum(np.abs(shares - inside) * (edges[1] - edges[0]))) + outside

    return _compared(Learned(measure, _fine_told()), reference, current)


def kolmogorov_smirnov(reference: Column, current: Column) -> Measurement:
    """The Kolmogorov-Smirnov statistic."""
    assert isinstance(reference, Numbers)
    known = some(reference.finite, NO_REFERENCE)
    if len(known) < LONG_REFERENCE:
        # Only the statistic is used, so the p-value may be the quick one.
        exact = Learned(lambda part: float(stats.ks_2samp(known, _present(part), method="asymp").statistic), "", True)
        return _compared(exact, reference, current, most=1.0)
    edges = np.linspace(np.min(known), np.max(known), FINE_BINS + 1)
    shares = np.cumsum(in_bins(known, edges) / len(known))

    def measure(part: Column) -> float:
        values = _present(part)
        inside = in_bins(values[np.isfinite(values)], edges) / len(values)
        return float(np.max(np.abs(shares - (np.sum(values < edges[0]) / len(values) + np.cumsum(inside)))))

    return _compared(Learned(measure, _fine_told(), True), reference, current, most=1.0)


def _fine_bins(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    try:
        return np.histogram(values, bins=FINE_BINS)
    except (ValueError, OverflowError) as error:
        raise NotMeasured(f"No bins can be made of the reference: {error}.") from error


def _fine_told() -> str:
    return f"{FINE_BINS:,} bins of equal width over the reference, which has {LONG_REFERENCE:,} rows or more"


def _cumulated(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    x, counts = np.unique(values, return_counts=True)
    return x, np.cumsum(counts) / len(values)


# --- categories ------------------------------------------------------------------------------------------------------


def chi2(reference: Column, current: Column) -> Measurement:
    """The chi-square statistic of two samples, with its p-value."""
    counts = by_name(reference, current)
    found = stats.chi2_contingency(np.stack([counts.reference, counts.current], axis=1))
    value, rows = float(found.statistic), reference.known + current.known
    effect = float(np.sqrt(value / rows))
    return Measurement.between(reference, current, value, p_value=float(found.pvalue), effect=effect, bins=counts.bins)


def l_infinity(reference: Column, current: Column) -> Measurement:
    """The largest difference of the shares of one value."""

    def measure(part: Column) -> float:
        counts = by_name(reference, part)
        differences = counts.reference / counts.reference.sum() - counts.current / counts.current.sum()
        return float(np.max(np.abs(differences)))

    told = by_name(reference, current).bins
    return _compared(Learned(measure, told), reference, current)


# --- comparing, and the threshold ------------------------------------------------------------------------------------


def _compared(learned: Learned, reference: Column, current: Column, most: float | None = None) -> Measurement:
    infinite = reference.infinite + (0 if learned.keeps_infinite else current.infinite)
    return Measurement(
        value=learned.measure(current),
        reference_values=reference.known,
        current_values=current.known + (current.infinite if learned.keeps_infinite else 0),
        limit=_limit(learned, reference, most),
        bins=learned.bins,
        left_out=infinite,
    )


def _limit(learned: Learned, reference: Column, most: float | None) -> float | None:
    """The mean of the chunks' values and three standard deviations (n in the denominator); None without chunks."""
    size = reference.rows // CHUNKS
    if not size:
        return None
    chunks = (reference.part(begin, begin + size) for begin in range(0, reference.rows, size))
    values = [learned.measure(chunk) for chunk in chunks if chunk.known]
    if not values:
        return None
    limit = float(np.mean(values) + SIGMAS * np.std(values))
    return limit if most is None else min(limit, most)


def _present(column: Column) -> NDArray[Any]:
    assert isinstance(column, Numbers)
    return some(column.present, NO_CURRENT)


def _finite(column: Column) -> NDArray[Any]:
    assert isinstance(column, Numbers)
    return some(column.finite, NO_CURRENT)


def _rows(labels: Labels) -> int:
    if not labels.known:
        raise NotMeasured(NO_CURRENT)
    return labels.known


LONG = (
    f"None for a reference of less than {LONG_REFERENCE:,} rows: the values themselves are compared. Otherwise "
    f"{FINE_BINS:,} bins of equal width over the reference."
)

METHODS = (
    Method(
        name=DriftMethod.NANNYML_JENSEN_SHANNON,
        title="Jensen–Shannon distance, as NannyML computes it",
        scales=(Scale.NUMBERS, Scale.CATEGORIES),
        formula="JS = √( ½ Σ pᵢ log₂(pᵢ / mᵢ) + ½ Σ qᵢ log₂(qᵢ / mᵢ) ),  mᵢ = (pᵢ + qᵢ) / 2",
        symbols="pᵢ, qᵢ: share of the reference and of the current data in cell i; a term with a share of zero is "
        "zero. 1 when no value is in common.",
        base="2",
        bins=BINS,
        assumptions=f"{DROPPED} {ORDERED} Chunks are a tenth of the reference: a smaller window has more noise than "
        "they, and alarms.",
        decision=BeyondChunks(),
        source=SOURCE.format(name="ContinuousJensenShannonDistance"),
        of_values=jensen_shannon,
    ),
    Method(
        name=DriftMethod.NANNYML_HELLINGER,
        title="Hellinger distance, as NannyML computes it",
        scales=(Scale.NUMBERS, Scale.CATEGORIES),
        formula="H = √( Σ (√pᵢ − √qᵢ)² ) / √2",
        symbols="pᵢ, qᵢ: share of the reference and of the current data in cell i. 1 when no value is in common.",
        base="",
        bins=BINS,
        assumptions=f"{DROPPED} {ORDERED} Chunks are a tenth of the reference: a smaller window has more noise than "
        "they, and alarms.",
        decision=BeyondChunks(),
        source=SOURCE.format(name="ContinuousHellingerDistance"),
        of_values=hellinger,
    ),
    Method(
        name=DriftMethod.NANNYML_WASSERSTEIN,
        title="Wasserstein distance, as NannyML computes it",
        scales=(Scale.NUMBERS,),
        formula="W = ∫ |F(x) − G(x)| dx",
        symbols="F, G: empirical distribution functions of reference and current data. In the unit of the column, so "
        "that columns cannot be compared with one another.",
        base="",
        bins=LONG,
        assumptions=f"{DROPPED} {ORDERED} The mean exists: one wild value moves it.",
        decision=BeyondChunks(),
        source=SOURCE.format(name="WassersteinDistance"),
        of_values=wasserstein,
    ),
    Method(
        name=DriftMethod.NANNYML_KOLMOGOROV_SMIRNOV,
        title="Kolmogorov–Smirnov statistic, as NannyML computes it",
        scales=(Scale.NUMBERS,),
        formula="D = max |F(x) − G(x)|",
        symbols="F, G: empirical distribution functions of reference and current data.",
        base="",
        bins=LONG,
        assumptions=f"{DROPPED} {ORDERED} No p-value is used: the threshold is that of the chunks, at most 1.",
        decision=BeyondChunks(),
        source=SOURCE.format(name="KolmogorovSmirnovStatistic"),
        of_values=kolmogorov_smirnov,
    ),
    Method(
        name=DriftMethod.NANNYML_CHI2,
        title="Chi-square test of two samples, as NannyML uses it",
        scales=(Scale.CATEGORIES,),
        formula="χ² = Σ (observed − expected)² / expected,  over a table of two columns and a row a value",
        symbols="expected: the row's share of all rows times the rows of its column. With two values each difference "
        "is made smaller by a half (Yates), as `scipy.stats.chi2_contingency` does.",
        base="",
        bins="One cell a value of either set.",
        assumptions="Missing values are dropped. Rows are independent, and every value is expected a few times: no "
        "cells are pooled. With many rows it finds differences too small to matter.",
        decision=SignificantAt(0.05),
        source=SOURCE.format(name="Chi2Statistic"),
        effect="√(χ² / all rows), Cramér's V of a table with two columns.",
        of_values=chi2,
    ),
    Method(
        name=DriftMethod.NANNYML_L_INFINITY,
        title="L-infinity distance, as NannyML computes it",
        scales=(Scale.CATEGORIES,),
        formula="L∞ = max |pᵢ − qᵢ|",
        symbols="pᵢ, qᵢ: share of the reference and of the current data with value i.",
        base="",
        bins="One cell a value of either set.",
        assumptions=f"Missing values are dropped. {ORDERED} Changes that are spread over many values stay small.",
        decision=BeyondChunks(),
        source=SOURCE.format(name="LInfinityDistance"),
        of_values=l_infinity,
    ),
)
