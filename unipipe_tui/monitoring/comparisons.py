"""How far two sets of counts are apart, and how surely: the formulas behind every drift verdict, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence

from unipipe_tui.domain.values import frozen

SMALLEST_EXPECTED = 5.0


@frozen
class TwoSampleTest:
    """A chi-square test of "both samples come from one distribution"; `p_value` is 1 where nothing can be compared."""

    statistic: float
    degrees_of_freedom: int
    p_value: float


def shares(counts: Sequence[int]) -> tuple[float, ...]:
    """Each count as a share of all, zeros when there are none."""
    total = sum(counts)
    return tuple(count / total if total else 0.0 for count in counts)


def population_stability_index(reference: Sequence[int], current: Sequence[int]) -> float:
    """The population stability index of two counts of the same cells: sum of (q - p) ln(q / p), natural logarithm.

    Never negative, 0 for equal shares, the symmetrised Kullback-Leibler divergence (Jeffreys, 1946; known as PSI from
    Lewis, *An Introduction to Credit Scoring*, 1994). A cell empty on one side only is read there as half a row,
    but never as more than the other side's share, so that an empty cell of a small sample adds nothing by itself.
    """
    return sum(psi_parts(reference, current), 0.0)


def psi_parts(reference: Sequence[int], current: Sequence[int]) -> tuple[float, ...]:
    """What each cell adds to the population stability index; never negative."""
    pairs = zip(_floored(reference, current), _floored(current, reference), strict=True)
    return tuple((q - p) * math.log(q / p) if p > 0.0 and q > 0.0 else 0.0 for p, q in pairs)


def expected_psi(reference: Sequence[int], current: Sequence[int]) -> float:
    """The PSI that chance alone gives two samples of one distribution: (B - 1)(1/n + 1/m) for B cells that are in use.

    PSI / (1/n + 1/m) is asymptotically chi-square with B - 1 degrees of freedom (Yurdakul, *Statistical Properties of
    Population Stability Index*, 2018). 0 when a sample is empty.
    """
    n, m = sum(reference), sum(current)
    used = sum(1 for p, q in zip(reference, current, strict=True) if p or q)
    return (used - 1) * (1 / n + 1 / m) if n and m else 0.0


def jensen_shannon_distance(reference: Sequence[int], current: Sequence[int]) -> float:
    """The square root of the Jensen-Shannon divergence to base 2: 0 for equal shares, 1 for no value in common.

    A metric (Endres and Schindelin, 2003) that needs no care about empty cells (Lin, 1991). 0 when a sample is empty.
    """
    if not sum(reference) or not sum(current):
        return 0.0
    divergence = 0.0
    for p, q in zip(shares(reference), shares(current), strict=True):
        middle = (p + q) / 2
        divergence += sum(share / 2 * math.log2(share / middle) for share in (p, q) if share > 0.0)
    return math.sqrt(min(1.0, max(0.0, divergence)))


def two_sample_test(reference: Sequence[int], current: Sequence[int]) -> TwoSampleTest:
    """Pearson's chi-square test of homogeneity on a table of two rows (no continuity correction).

    Neighbouring cells are pooled until each is expected to hold at least five rows in either sample (Cochran, 1954);
    without that, rare values would raise false alarms.
    """
    n, m = sum(reference), sum(current)
    cells = pooled(reference, current)
    if len(cells) < 2 or not n or not m:
        return TwoSampleTest(0.0, 0, 1.0)
    # Equal to the sum of (observed - expected)^2 / expected over the table of two rows (Numerical Recipes, 14.3).
    statistic = math.fsum((math.sqrt(m / n) * p - math.sqrt(n / m) * q) ** 2 / (p + q) for p, q in cells)
    return TwoSampleTest(statistic, len(cells) - 1, chi_square_survival(statistic, len(cells) - 1))


def exact_share_test(reference: tuple[int, int], current: tuple[int, int]) -> float:
    """Fisher's exact test, two-sided, of "both samples hold the same share": each given as rows that have it and the others.

    The probability, all margins given, of the tables that are no more probable than this one (Fisher, 1934).
    """
    n, m = sum(reference), sum(current)
    hits = reference[0] + current[0]
    if not n or not m:
        return 1.0

    def log_choose(of: int, some: int) -> float:
        return math.lgamma(of + 1) - math.lgamma(some + 1) - math.lgamma(of - some + 1)

    def log_probability(seen: int) -> float:
        return log_choose(n, hits - seen) + log_choose(m, seen) - log_choose(n + m, hits)

    own = log_probability(current[0]) + 1e-7
    possible = map(log_probability, range(max(0, hits - n), min(hits, m) + 1))
    return min(1.0, math.fsum(math.exp(each) for each in possible if each <= own))


def named_cells_test(reference: Sequence[int], current: Sequence[int]) -> float:
    """The p-value of "both samples come from one distribution" for cells that have no neighbours: values by name.

    Cells large enough are tested together by chi-square. A cell expected to hold fewer than five rows of the smaller sample
    would vanish there in its neighbour; each is tested by itself and exactly, and the smallest p-value counts as often as
    there were tests (Bonferroni).
    """
    n, m = sum(reference), sum(current)
    together = two_sample_test(reference, current)
    smaller = min(n, m) / (n + m) if n and m else 0.0
    rare = [(p, q) for p, q in zip(reference, current, strict=True) if 0 < (p + q) * smaller < SMALLEST_EXPECTED]
    if not rare:
        return together.p_value
    alone = len(rare) * min(exact_share_test((p, n - p), (q, m - q)) for p, q in rare)
    return min(1.0, 2 * min(together.p_value, alone) if together.degrees_of_freedom else alone)


def pooled(reference: Sequence[int], current: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The cells as (reference, current) pairs, merged with their neighbours until each is large enough to test."""
    n, m = sum(reference), sum(current)
    smaller = min(n, m) / (n + m) if n + m else 0.0
    cells: list[tuple[int, int]] = []
    p = q = 0
    for more_p, more_q in zip(reference, current, strict=True):
        p, q = p + more_p, q + more_q
        if (p + q) * smaller >= SMALLEST_EXPECTED:
            cells.append((p, q))
            p = q = 0
    if cells and (p or q):
        cells[-1] = (cells[-1][0] + p, cells[-1][1] + q)
    return tuple(cells)


def chi_square_survival(statistic: float, degrees_of_freedom: int) -> float:
    """The probability that a chi-square variable exceeds `statistic`.

    A finite sum of positive terms for whole degrees of freedom, hence exact to rounding
    (Abramowitz and Stegun, 26.4.4 for odd and 26.4.5 for even degrees).
    """
    half = statistic / 2
    if half <= 0.0 or degrees_of_freedom < 1:
        return 1.0
    odd = degrees_of_freedom % 2
    powers = [index + odd / 2 for index in range(degrees_of_freedom // 2)]
    tail = [math.exp(power * math.log(half) - half - math.lgamma(power + 1)) for power in powers]
    return min(1.0, math.fsum([*tail, math.erfc(math.sqrt(half)) if odd else 0.0]))


def beyond_p_value(reference: int, current: int, beyond: int) -> float:
    """How probable it is that so many current values (or more) exceed the largest of the reference, were both alike.

    All orders of n + m values that come from one distribution are equally likely, so it is the share of orders in which
    the `beyond` largest are all current ones: C(n + m - k, n) / C(n + m, n). Whatever the distribution is; equal values
    make it less probable (Wilks, *Mathematical Statistics*, 1962; the exceedances of Gumbel and von Schelling, 1950).
    """
    if beyond < 1:
        return 1.0
    n, m = reference, current
    log_share = (
        math.lgamma(n + m - beyond + 1) - math.lgamma(m - beyond + 1) - math.lgamma(n + m + 1) + math.lgamma(m + 1)
    )
    return min(1.0, math.exp(log_share))


def adjusted_p_values(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values adjusted for being many: rejecting those <= a keeps the false discovery rate at a.

    The step-up procedure of Benjamini and Hochberg (1995).
    """
    count = len(p_values)
    adjusted = [1.0] * count
    smallest = 1.0
    descending = sorted(range(count), key=lambda index: -p_values[index])
    for rank, index in zip(range(count, 0, -1), descending, strict=True):
        smallest = min(smallest, p_values[index] * count / rank)
        adjusted[index] = smallest
    return tuple(adjusted)


def _floored(counts: Sequence[int], others: Sequence[int]) -> list[float]:
    half_a_row = 0.5 / (sum(counts) or 1)
    pairs = zip(shares(counts), shares(others), strict=True)
    return [share if share > 0.0 else min(half_a_row, other) for share, other in pairs]
