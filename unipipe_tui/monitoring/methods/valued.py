"""Our own methods over the values themselves: how far two samples are apart, less what chance makes of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from unipipe_tui.domain.drift_methods import DriftMethod
from unipipe_tui.monitoring.methods.counting import by_name, finite_of_both, has_more_values_than
from unipipe_tui.monitoring.methods.decisions import BeyondChance
from unipipe_tui.monitoring.methods.method import Measurement, Method, NotMeasured, Scale
from unipipe_tui.monitoring.rows import Column, Labels

MEAN_OF_KOLMOGOROV = math.sqrt(math.pi / 2) * math.log(2)
NO_BINS = "None: the values themselves are compared."
DROPPED = "Missing and infinite values are dropped."


def wasserstein(reference: Column, current: Column) -> Measurement:
    """The Wasserstein distance in the unit of the column, its effect in standard deviations of the reference."""
    then, now = finite_of_both(reference, current)
    value = float(stats.wasserstein_distance(then, now))
    spread = float(np.std(then))
    beyond = max(0.0, value - _chance(then, now))
    return _measured(
        reference,
        current,
        value,
        p_value=float(stats.ks_2samp(then, now, method="asymp").pvalue),
        # Of a constant every distance is infinitely many standard deviations: one of the values' own size has to do.
        effect=beyond / (spread or float(np.max(np.abs(then))) or 1.0),
    )


def _chance(then: NDArray[Any], now: NDArray[Any]) -> float:
    """The mean of the distance under no change: the integral of the mean of |B(F(x))|, B a Brownian bridge."""
    pooled = np.sort(np.concatenate([then, now]).astype(np.float64))
    share = np.arange(1, len(pooled)) / len(pooled)
    integral = float(np.sum(np.sqrt(share * (1 - share)) * np.diff(pooled)))
    return math.sqrt(2 / math.pi * (1 / len(then) + 1 / len(now))) * integral


def ks(reference: Column, current: Column) -> Measurement:
    """The Kolmogorov-Smirnov statistic and its p-value."""
    then, now = finite_of_both(reference, current)
    found = stats.ks_2samp(then, now)
    value = float(found.statistic)
    chance = MEAN_OF_KOLMOGOROV * math.sqrt(1 / len(then) + 1 / len(now))
    return _measured(reference, current, value, p_value=float(found.pvalue), effect=max(0.0, value - chance))


def z(reference: Column, current: Column) -> Measurement:
    """The z statistic of a difference: of shares where there are two values, of means otherwise."""
    shares = _two_values(reference, current)
    if shares is not None:
        value, effect, chance = _of_shares(*shares)
    else:
        then, now = finite_of_both(reference, current)
        value, effect, chance = _of_means(then.astype(np.float64), now.astype(np.float64))
    p_value = float(2 * stats.norm.sf(abs(value)))
    return _measured(reference, current, value, p_value=p_value, effect=max(0.0, effect - chance))


def _two_values(reference: Column, current: Column) -> tuple[int, int, int, int] | None:
    """How many rows hold the greater of two values, of how many, on either side; None for numbers of more values."""
    if isinstance(reference, Labels) and isinstance(current, Labels):
        counts = by_name(reference, current)
        if len(counts.reference) > 2:
            raise NotMeasured("A z-test compares numbers or two values; this column has more.")
        names = {
            name for side in (reference, current) for name, count in zip(side.names, side.counts, strict=True) if count
        }
        then, now = (_rows_with(side, max(names)) for side in (reference, current))
        return then, reference.known, now, current.known
    one, other = finite_of_both(reference, current)
    if has_more_values_than(2, one) or has_more_values_than(2, other):
        return None
    values = np.union1d(one, other)
    if len(values) > 2:
        return None
    return int(np.sum(one == values[-1])), len(one), int(np.sum(other == values[-1])), len(other)


def _rows_with(labels: Labels, name: str) -> int:
    return int(labels.counts[labels.names.index(name)]) if name in labels.names else 0


def _of_shares(then: int, n: int, now: int, m: int) -> tuple[float, float, float]:
    """The statistic with the pooled share; Cohen's h; the mean of h under no change."""
    pooled = (then + now) / (n + m)
    variance = pooled * (1 - pooled) * (1 / n + 1 / m)
    statistic = (now / m - then / n) / math.sqrt(variance) if variance else 0.0
    h = abs(2 * math.asin(math.sqrt(now / m)) - 2 * math.asin(math.sqrt(then / n)))
    return statistic, h, math.sqrt(2 / math.pi * (1 / n + 1 / m))


def _of_means(then: NDArray[np.float64], now: NDArray[np.float64]) -> tuple[float, float, float]:
    """The statistic with both variances; the difference in standard deviations of the reference; its mean under no change."""
    if min(len(then), len(now)) < 2:
        raise NotMeasured("A z-test of means needs two values on either side.")
    variances = float(np.var(then, ddof=1)), float(np.var(now, ddof=1))
    difference = float(np.mean(now) - np.mean(then))
    error = math.sqrt(variances[0] / len(then) + variances[1] / len(now))
    if not math.isfinite(difference + error) or not error:
        raise NotMeasured("The values are too small or too large to square.")
    spread = math.sqrt(variances[0] or variances[1])
    return difference / error, abs(difference) / spread, math.sqrt(2 / math.pi) * error / spread


def _measured(reference: Column, current: Column, value: float, p_value: float, effect: float) -> Measurement:
    if not math.isfinite(value):
        raise NotMeasured("The values are too large to compute with.")
    return Measurement.between(reference, current, value, p_value=p_value, effect=effect)


METHODS = (
    Method(
        name=DriftMethod.WASSERSTEIN,
        title="Wasserstein distance",
        scales=(Scale.NUMBERS,),
        formula="W = ∫ |F(x) − G(x)| dx",
        symbols="F, G: empirical distribution functions of reference and current data. In the unit of the column: how "
        "far a row has moved on average.",
        base="",
        bins=NO_BINS,
        assumptions=f"{DROPPED} Rows are independent, and the mean exists: one wild value moves it. The p-value is "
        "that of the Kolmogorov–Smirnov test of the same values.",
        decision=BeyondChance(0.2),
        source="Kantorovich, 1942; Vallender, 1974. Equal to `scipy.stats.wasserstein_distance`.",
        effect="(W − C) / σ, σ the standard deviation of the reference and C = √(2/π · (1/n + 1/m)) · ∫ √(F(1 − F)) "
        "dx, the mean of W under no change.",
        of_values=wasserstein,
    ),
    Method(
        name=DriftMethod.KS,
        title="Kolmogorov–Smirnov test",
        scales=(Scale.NUMBERS,),
        formula="D = max |F(x) − G(x)|",
        symbols="F, G: empirical distribution functions of reference and current data. The p-value is exact up to "
        "10,000 rows on either side and asymptotic beyond.",
        base="",
        bins=NO_BINS,
        assumptions=f"{DROPPED} Rows are independent and values continuous; ties make it cautious.",
        decision=BeyondChance(0.08),
        source="Smirnov, 1939. Equal to `scipy.stats.ks_2samp`.",
        effect="D − √(π/2) · ln 2 · √(1/n + 1/m), the mean of D under no change taken off.",
        of_values=ks,
    ),
    Method(
        name=DriftMethod.Z,
        title="z-test",
        scales=(Scale.NUMBERS, Scale.CATEGORIES),
        formula="z = (ȳ − x̄) / √(s²ₓ/n + s²ᵧ/m);  for two values z = (q − p) / √(r(1 − r)(1/n + 1/m))",
        symbols="x̄, ȳ, s²: means and variances (n − 1) of reference and current data. p, q: shares of the greater one "
        "of two values; r: its share of all rows.",
        base="",
        bins="None. Columns with two values are compared by their share, other numbers by their mean; other columns "
        "not at all.",
        assumptions=f"{DROPPED} Rows are independent and many, and the variance exists. A change that leaves the mean "
        "where it is goes unseen.",
        decision=BeyondChance(0.2),
        source="Welch, 1947, with the normal distribution; for shares the test of two proportions, equal to "
        "`statsmodels.stats.proportion.proportions_ztest`.",
        effect="|ȳ − x̄| in standard deviations of the reference, for shares Cohen's h, less its mean under no change.",
        of_values=z,
    ),
)
