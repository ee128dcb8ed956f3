"""Our own methods over counts: a distance of two profiles' cells less what chance makes of it, and a chi-square test."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.monitoring.cells import Cells
from unipipe_tui.monitoring.comparisons import (
    expected_psi,
    jensen_shannon_distance,
    population_stability_index,
    shares,
    two_sample_test,
)
from unipipe_tui.monitoring.methods.counting import NO_CURRENT, NO_REFERENCE
from unipipe_tui.monitoring.methods.decisions import BeyondChance
from unipipe_tui.monitoring.methods.method import Measurement, Method, NotMeasured, OfCells, Scale

BINS = (
    "Numbers: 20 bins of equal mass in the reference, between two for what lies below its smallest and above its "
    "largest value. Whole numbers with at most 20 different values, booleans and texts: one cell a value, new ones "
    "included."
)
CHANCE = (
    "Rows are independent. What chance gives two samples of these sizes is taken off the value, so that small windows "
    "raise no more alarms than large ones; the p-value is that of a chi-square test of the same cells, those that "
    "expect fewer than five rows merged with their neighbours."
)
HALF_A_ROW = "An empty cell of the {side} is read as half a row, but never as more than the other side's share."

Parts = Callable[[Cells], tuple[float, float]]
"""The value, and the effect: what is left of it beyond chance."""


def _psi(cells: Cells) -> tuple[float, float]:
    value = population_stability_index(cells.reference, cells.current)
    return value, max(0.0, value - expected_psi(cells.reference, cells.current))


def _jensen_shannon(cells: Cells) -> tuple[float, float]:
    value = jensen_shannon_distance(cells.reference, cells.current)
    # To second order all these divergences are the same sum of (p - q)² / p, in other units: PSI is 8 ln 2 of this one.
    chance = expected_psi(cells.reference, cells.current) / (8 * math.log(2))
    return value, math.sqrt(max(0.0, value**2 - chance))


def _kl(cells: Cells) -> tuple[float, float]:
    then, now = _shares(cells)
    floor = np.minimum(0.5 / sum(cells.current), then)
    value = float(stats.entropy(then, np.where(now == 0, floor, now)))
    return value, max(0.0, value - expected_psi(cells.reference, cells.current) / 2)


def _hellinger(cells: Cells) -> tuple[float, float]:
    then, now = _shares(cells)
    value = float(np.sqrt(np.sum((np.sqrt(then) - np.sqrt(now)) ** 2) / 2))
    chance = expected_psi(cells.reference, cells.current) / 8
    return value, math.sqrt(max(0.0, value**2 - chance))


def _total_variation(cells: Cells) -> tuple[float, float]:
    then, now = _shares(cells)
    n, m = sum(cells.reference), sum(cells.current)
    pooled = (then * n + now * m) / (n + m)
    # The mean of |x| for a normal x of standard deviation s is s · √(2/π).
    chance = np.sum(np.sqrt(2 / np.pi * pooled * (1 - pooled) * (1 / n + 1 / m))) / 2
    value = float(np.sum(np.abs(then - now)) / 2)
    return value, max(0.0, value - float(chance))


def _chi2(cells: Cells) -> tuple[float, float]:
    found = two_sample_test(cells.reference, cells.current)
    per_row = 1 / sum(cells.reference) + 1 / sum(cells.current)
    return found.statistic, max(0.0, (found.statistic - found.degrees_of_freedom) * per_row)


def _shares(cells: Cells) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array(shares(cells.reference)), np.array(shares(cells.current))


def of_cells(parts: Parts) -> OfCells:
    """The measure with this value and effect, and the p-value of the chi-square test of the same cells."""

    def measure(cells: Cells) -> Measurement:
        n, m = sum(cells.reference), sum(cells.current)
        if not n or not m:
            raise NotMeasured(NO_CURRENT if n else NO_REFERENCE)
        value, effect = parts(cells)
        p_value = two_sample_test(cells.reference, cells.current).p_value
        return Measurement(value, n, m, p_value=p_value, effect=effect)

    return measure


BOTH = (Scale.NUMBERS, Scale.CATEGORIES)
METHODS = (
    Method(
        name=DriftMethod.PSI,
        title="Population stability index",
        scales=BOTH,
        formula="PSI = Σ (qᵢ − pᵢ) · ln(qᵢ / pᵢ)",
        symbols="pᵢ, qᵢ: share of the reference and of the current data in cell i. "
        + HALF_A_ROW.format(side="one side"),
        base="e",
        bins=BINS,
        assumptions=CHANCE,
        decision=BeyondChance(0.05),
        source="Jeffreys 1946; as PSI: Lewis, *An Introduction to Credit Scoring*, 1994; what chance makes of it: "
        "Yurdakul, *Statistical Properties of Population Stability Index*, 2018.",
        effect="PSI − (B − 1)(1/n + 1/m) for B cells in use, n and m rows; 0.05 is about a quarter of a standard "
        "deviation of the mean.",
        of_cells=of_cells(_psi),
    ),
    Method(
        name=DriftMethod.JENSEN_SHANNON,
        title="Jensen–Shannon distance",
        scales=BOTH,
        formula="JS = √( ½ Σ pᵢ log₂(pᵢ / mᵢ) + ½ Σ qᵢ log₂(qᵢ / mᵢ) ),  mᵢ = (pᵢ + qᵢ) / 2",
        symbols="pᵢ, qᵢ: share of the reference and of the current data in cell i; a term with a share of zero is "
        "zero. 0 for equal shares, 1 for no value in common.",
        base="2",
        bins=BINS,
        assumptions=CHANCE,
        decision=BeyondChance(0.1),
        source="Lin, *Divergence measures based on the Shannon entropy*, 1991; a metric: Endres and Schindelin, 2003. "
        "Equal to `scipy.spatial.distance.jensenshannon` of the shares with `base=2`.",
        effect="√(JS² − (B − 1)(1/n + 1/m) / (8 ln 2)) for B cells in use, n and m rows.",
        of_cells=of_cells(_jensen_shannon),
    ),
    Method(
        name=DriftMethod.KL,
        title="Kullback–Leibler divergence",
        scales=BOTH,
        formula="KL = Σ pᵢ · ln(pᵢ / qᵢ)",
        symbols="pᵢ, qᵢ: share of the reference and of the current data in cell i. "
        + HALF_A_ROW.format(side="current data")
        + " The shares are made to add up to one again.",
        base="e",
        bins=BINS,
        assumptions=f"{CHANCE} It knows a direction: values that the reference never saw do not count by themselves.",
        decision=BeyondChance(0.025),
        source="Kullback and Leibler, *On Information and Sufficiency*, 1951. Equal to `scipy.stats.entropy` of the "
        "shares.",
        effect="KL − ½ (B − 1)(1/n + 1/m) for B cells in use, n and m rows.",
        of_cells=of_cells(_kl),
    ),
    Method(
        name=DriftMethod.HELLINGER,
        title="Hellinger distance",
        scales=BOTH,
        formula="H = √( ½ Σ (√pᵢ − √qᵢ)² )",
        symbols="pᵢ, qᵢ: share of the reference and of the current data in cell i. 0 for equal shares, 1 for no value "
        "in common.",
        base="",
        bins=BINS,
        assumptions=CHANCE,
        decision=BeyondChance(0.08),
        source="Hellinger, 1909.",
        effect="√(H² − (B − 1)(1/n + 1/m) / 8) for B cells in use, n and m rows.",
        of_cells=of_cells(_hellinger),
    ),
    Method(
        name=DriftMethod.TOTAL_VARIATION,
        title="Total variation distance",
        scales=BOTH,
        formula="TV = ½ Σ |pᵢ − qᵢ|",
        symbols="pᵢ, qᵢ: share of the reference and of the current data in cell i. The share of rows that would have "
        "to move to make both alike.",
        base="",
        bins=BINS,
        assumptions=CHANCE,
        decision=BeyondChance(0.08),
        source="Levin and Peres, *Markov Chains and Mixing Times*, 2017, chapter 4.",
        effect="TV − ½ Σ √( (2/π) rᵢ (1 − rᵢ)(1/n + 1/m) ), rᵢ the share of all rows in cell i: the mean of TV under "
        "no change.",
        of_cells=of_cells(_total_variation),
    ),
    Method(
        name=DriftMethod.CHI2,
        title="Chi-square test of two samples",
        scales=BOTH,
        formula="χ² = Σ (observed − expected)² / expected,  over a table of two columns and a row a cell",
        symbols="expected: the row's share of all rows times the rows of its column. No continuity correction. Cells "
        "that expect fewer than five rows are merged with their neighbours.",
        base="",
        bins=BINS,
        assumptions="Rows are independent. Rare values are merged, because they would raise false alarms (Cochran, "
        "1954).",
        decision=BeyondChance(0.05),
        source="Pearson, 1900. Equal to `scipy.stats.chi2_contingency` with `correction=False` where no cell is small.",
        effect="(χ² − degrees of freedom)(1/n + 1/m), which does not grow with the rows and is to second order a PSI "
        "beyond chance.",
        of_cells=of_cells(_chi2),
    ),
)
