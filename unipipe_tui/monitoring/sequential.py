"""Intervals for shares that hold at every moment at once, so that one may look after each request and stop when one likes.

An ordinary 95 % interval is wrong in 5 % of single looks; whoever looks again and again sooner or later meets a wrong one.
A confidence sequence is wrong in at most `alpha` of whole courses, looks and reasons to stop whatever they are.

The method is one formula. For counts of yes and no, the likelihood under a mixture of all shares divided by that under
the true share is a positive martingale that begins at 1, so it ever reaches 1 / alpha in at most a share `alpha` of
courses (Ville, 1939). All shares for which it stays below are the confidence sequence (Robbins, "Statistical methods related
to the law of the iterated logarithm", 1970; beta-binomial mixture in Howard, Ramdas, McAuliffe and Sekhon,
"Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49, 2021).

Two variants have a product of two such martingales, which is one again, in whatever order requests come to either. Its pairs of
shares form a convex set; the least and the greatest difference in that set bound the true difference. This is the mixture form of
universal inference (Wasserman, Ramdas and Balakrishnan, PNAS 117, 2020). It is sure that a candidate is worse after fewer
requests than two intervals that spend half of `alpha` each: about a tenth fewer when a tenth of the traffic is the candidate's,
a third fewer when half is. The e-processes of Turner, Ly and Gruenwald ("Generic E-variables for exact sequential
k-sample tests that allow for optional stopping", arXiv:2106.02693) pay nothing for the unknown level of both, but depend on the
order of blocks: two readers of the same counters would see different answers, and one who was interrupted would have to begin
again. Here the counts alone decide.

What is assumed: requests fail independently of each other, and each variant with one probability while it is counted. Times that
are bad for both variants alike are harmless as long as their shares of the traffic stay what they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.values import frozen

LOG_BETA_HALF = math.log(math.pi)  # the logarithm of B(1/2, 1/2)
HALVINGS = 48


@frozen
class Counted:
    """How often something happened in so many trials."""

    yes: int
    trials: int

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        if not 0 <= self.yes <= self.trials:
            raise Failed(
                f"{self.yes} of {self.trials} is no count.", hint="Counters only grow, and yes is a part of all."
            )

    @property
    def share(self) -> float | None:
        """The part that happened; None without trials."""
        return self.yes / self.trials if self.trials else None

    @property
    def turned(self) -> Counted:
        """How often it did not happen."""
        return Counted(self.trials - self.yes, self.trials)


@frozen
class Interval:
    """From where to where, both included."""

    low: float
    high: float


def share_interval(counted: Counted, alpha: float) -> Interval:
    """The true share, from 0 to 1; it leaves the interval at any time with probability `alpha` at most.

    The mixture is Jeffreys' Beta(1/2, 1/2), whose price, about half the logarithm of the trials, is least where shares
    are near 0. Without trials the interval is 0 to 1. Raises `Failed` for an `alpha` that is not between 0 and 1.
    """
    return Interval(_least_sum((counted,), alpha), 1.0 - _least_sum((counted.turned,), alpha))


def difference_interval(candidate: Counted, stable: Counted, alpha: float) -> Interval:
    """The share of the candidate less that of the stable variant, from -1 to 1; left at any time with probability
    `alpha` at most.

    {p - q : log m(candidate) + log m(stable) - log L(p) - log L(q) < log(1 / alpha)}, with the likelihood L of the counts
    and their mixture m over Beta(1/2, 1/2). Swapping the two turns its sign. -1 to 1 when both are empty; raises
    `Failed` for an `alpha` that is not between 0 and 1.
    """
    low = _least_sum((candidate, stable.turned), alpha) - 1.0
    return Interval(low, 1.0 - _least_sum((stable, candidate.turned), alpha))


def greatest_distance_interval(candidate: Sequence[int], stable: Sequence[int], alpha: float) -> Interval:
    """The greatest distance, from 0 to 1, of two distribution functions at the limits of a histogram (Kolmogorov-Smirnov).

    Both sequences hold how many values were at most each limit, and last how many there were in all. With the distance at m
    limits in m intervals of `alpha` / m each, all hold together (Bonferroni): the distance is at least the farthest of
    their near ends and at most the farthest of their far ends. For the few limits of a histogram that is narrower than
    a band over all real numbers, made for each sample (Howard and Ramdas, "Sequential estimation of quantiles with
    applications to A/B testing and best-arm identification", Bernoulli 28, 2022), since the errors of the two samples add up as
    their squares do, and it is narrow where few values lie. Raises `Failed` for different numbers of limits.
    """
    if len(candidate) != len(stable):
        raise Failed("Two histograms with different limits cannot be compared.", hint="Both must count the same score.")
    apart = [Interval(0.0, 0.0)]
    for ours, theirs in zip(candidate[:-1], stable[:-1], strict=True):
        level = alpha / (len(candidate) - 1)
        near = difference_interval(Counted(ours, candidate[-1]), Counted(theirs, stable[-1]), level)
        apart.append(Interval(max(near.low, -near.high, 0.0), max(-near.low, near.high)))
    return Interval(max(each.low for each in apart), max(each.high for each in apart))


def _least_sum(arms: Sequence[Counted], alpha: float) -> float:
    """The least sum of shares, one for each arm, that the counts of all leave possible.

    The logarithm of the likelihood may fall by log(1 / alpha) and the price of the mixtures. On the border of that convex set,
    where the sum is least, its slope is the same for all arms (Lagrange): one slope is looked for by halving.
    """
    if not 0.0 < alpha < 1.0:
        raise Failed(f"{alpha!r} is no probability of error.", hint="It lies between 0 and 1, as 0.05.")
    budget = -math.log(alpha) + sum(_price(arm) for arm in arms)
    # A slope of 1e-9 is the top of the likelihood, one of 1e300 its far end; the search is in their logarithms.
    flat, steep = math.log(1e-9), math.log(1e300)
    for _ in range(HALVINGS):
        middle = (flat + steep) / 2
        if sum(_fall(arm, math.exp(middle)) for arm in arms) < budget:
            flat = middle
        else:
            steep = middle
    return sum(_share_at(arm, math.exp(steep))[0] for arm in arms)


def _price(arm: Counted) -> float:
    """By how much the mixture's logarithm stays below that of the best share: what not knowing the share costs."""
    yes, no = arm.yes, arm.trials - arm.yes
    mixture = math.lgamma(yes + 0.5) + math.lgamma(no + 0.5) - math.lgamma(arm.trials + 1.0) - LOG_BETA_HALF
    best = (yes * math.log(yes / arm.trials) if yes else 0.0) + (no * math.log(no / arm.trials) if no else 0.0)
    return best - mixture


def _share_at(arm: Counted, slope: float) -> tuple[float, float]:
    """The share p at which the likelihood's logarithm rises with this slope, and 1 - p, neither by subtraction.

    It solves yes / p - no / (1 - p) = slope, and is 1 where no such p is left.
    """
    yes, no = arm.yes, arm.trials - arm.yes
    behind = slope - arm.trials
    root = math.hypot(behind, 2.0 * math.sqrt(slope) * math.sqrt(no))
    share = 2.0 * yes / (slope + arm.trials + root)
    rest = (behind + root) / (2.0 * slope) if behind >= 0 else 2.0 * no / (root - behind)
    return share, rest


def _fall(arm: Counted, slope: float) -> float:
    """By how much the likelihood's logarithm falls from its top to the share with this slope."""
    share, rest = _share_at(arm, slope)
    yes, no = arm.yes, arm.trials - arm.yes
    fallen = yes * math.log(yes / (arm.trials * share)) if yes else 0.0
    return fallen + (no * math.log(no / (arm.trials * rest)) if no else 0.0)
