"""Which slice lost how much: a drop of a figure as a sum over the slices of each column.

Formula: a figure that is a share, R = sum of hits / sum of trials, is the mean of the slices' shares r_s, weighted by
w_s, their share of the trials. With ' for now, the loss R - R' is exactly the sum over the slices of
    worse       w'_s (r_s - r'_s)          the slice itself got worse, and
    more_of_it  (w'_s - w_s) (R - r_s)     there is more of what was worse than the rest.
A slice that the reference lacks is held against the whole of it. Trials are all rows for accuracy, rows decided yes
for precision, positive rows for recall, negative ones for specificity, and 2 TP + FP + FN for F1, whose hits are 2
TP.
Slices are told in the order of what they lost beyond their share of the whole loss, L_s - w'_s (R - R'): one that is nearly
all trials lost nearly all of it, and explains nothing.
Whether a slice got worse beyond chance: Fisher's exact test (one-sided), adjusted for all slices of all columns
(Benjamini and Hochberg, 1995).
Assumption: columns are looked at one by one. Two that go together (a region and its currency) both get the whole of a
common loss.
Source: the decomposition of rates of Kitagawa, "Components of a difference between two rates", JASA 1955, weighted by
the present.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.comparisons import adjusted_p_values
from unipipe_tui.monitoring.performance import Confusion, Estimate, Metric, wilson_interval
from unipipe_tui.monitoring.quality.figures import Bools, Floats
from unipipe_tui.monitoring.quality.measured import confusion_of_arrays
from unipipe_tui.monitoring.quality.results import DropAttribution, Quality, SliceLoss

FEWEST_TRIALS = 5
"""A slice with fewer of them now is not tested: hardly anything could be significant."""
SIGNIFICANCE = 0.05
MOST_VALUES = 50
REST = "(other values)"
MISSING = "(missing)"
PARTS = 4
AREAS = {Quality.ROC_AUC, Quality.PR_AUC}

Column = Sequence[float | str | bool | None]
Names = NDArray[Any]
"""Texts."""


@frozen
class LabelledPart:
    """Labelled decisions with the inputs they were made on; all are parallel, one entry a row."""

    decisions: Bools
    labels: Bools
    inputs: Mapping[str, Column]


@frozen
class _Counted:
    hits: float
    trials: float
    met: Confusion


def attribute_drop(
    metric: Quality, reference: LabelledPart, current: LabelledPart, most: int | None = None
) -> DropAttribution | None:
    """Where the difference of a figure between two labelled parts came from; None when either has nothing to count.

    Slices are the values of each column that both parts have; numbers are cut at the quartiles of the reference. With
    `most` only so many slices are told, those that lost most beyond their share; the p-values are adjusted for all. Raises
    `Failed` for an area under a curve, which is no mean over slices.
    """
    if metric in AREAS:
        raise Failed(f"{metric.value} cannot be attributed to slices.", "Precision, recall, f1 and accuracy can.")
    whole_then, whole_now = _counted(metric, reference, slice(None)), _counted(metric, current, slice(None))
    if not whole_then.trials or not whole_now.trials:
        return None
    lost = whole_then.hits / whole_then.trials - whole_now.hits / whole_now.trials
    losses = []
    for name in sorted(set(reference.inputs) & set(current.inputs)):
        then_names, now_names = _slices(reference.inputs[name], current.inputs[name])
        values = sorted(set(then_names.tolist()) | set(now_names.tolist()))
        for value in values if len(values) > 1 else ():
            then = _counted(metric, reference, then_names == value)
            now = _counted(metric, current, now_names == value)
            losses.append(_loss(metric, name, value, (whole_then, whole_now), (then, now), lost))
    tested = [place for place, one in enumerate(losses) if one[1] is not None]
    adjusted = dict(zip(tested, adjusted_p_values([losses[place][1] or 0.0 for place in tested]), strict=True))
    told = sorted(
        (_judged(one, adjusted.get(place, 1.0)) for place, (one, _) in enumerate(losses)),
        key=lambda one: -one.beyond_its_share,
    )
    return DropAttribution(
        metric=metric,
        reference=_estimate(metric, whole_then),
        current=_estimate(metric, whole_now),
        lost=lost,
        slices=tuple(told[:most]),
        tested=len(tested),
    )


def _counted(metric: Quality, part: LabelledPart, rows: Bools | slice) -> _Counted:
    met = confusion_of_arrays(part.decisions[rows], part.labels[rows])
    match metric:
        case Quality.PRECISION:
            return _Counted(met.true_positive, met.true_positive + met.false_positive, met)
        case Quality.RECALL:
            return _Counted(met.true_positive, met.positives, met)
        case Quality.SPECIFICITY:
            return _Counted(met.true_negative, met.true_negative + met.false_positive, met)
        case Quality.F1:
            return _Counted(2 * met.true_positive, 2 * met.true_positive + met.false_positive + met.false_negative, met)
        case _:
            return _Counted(met.true_positive + met.true_negative, met.labels, met)


def _loss(
    metric: Quality,
    column: str,
    value: str,
    wholes: tuple[_Counted, _Counted],
    parts: tuple[_Counted, _Counted],
    lost: float,
) -> tuple[SliceLoss, float | None]:
    (whole_then, whole_now), (then, now) = wholes, parts
    overall = whole_then.hits / whole_then.trials
    share_then, share_now = then.trials / whole_then.trials, now.trials / whole_now.trials
    rate_then = then.hits / then.trials if then.trials else overall
    rate_now = now.hits / now.trials if now.trials else rate_then
    worse, more = share_now * (rate_then - rate_now), (share_now - share_then) * (overall - rate_then)
    held_against = then if then.trials else whole_then
    p_value = _worse_by_chance(metric, held_against, now) if now.trials >= FEWEST_TRIALS else None
    return (
        SliceLoss(
            column=column,
            value=value,
            reference=_estimate(metric, then),
            current=_estimate(metric, now),
            reference_share=share_then,
            current_share=share_now,
            lost=worse + more,
            worse=worse,
            more_of_it=more,
            share_of_loss=(worse + more) / lost if lost > 0 else None,
            beyond_its_share=worse + more - share_now * lost,
            p_value=1.0,
            significant=False,
        ),
        p_value,
    )


def _judged(loss: SliceLoss, p_value: float) -> SliceLoss:
    return replace(loss, p_value=p_value, significant=p_value < SIGNIFICANCE and loss.lost > 0)


def _worse_by_chance(metric: Quality, then: _Counted, now: _Counted) -> float:
    (hits_then, trials_then), (hits_now, trials_now) = _share_of(metric, then), _share_of(metric, now)
    table = [[hits_now, trials_now - hits_now], [hits_then, trials_then - hits_then]]
    return float(fisher_exact(table, alternative="less").pvalue)


def _share_of(metric: Quality, counted: _Counted) -> tuple[int, int]:
    """Hits and trials of a plain share; of F1 those of TP / (TP + FP + FN), of which it is a rising function."""
    if metric is Quality.F1:
        met = counted.met
        return met.true_positive, met.true_positive + met.false_positive + met.false_negative
    return int(counted.hits), int(counted.trials)


def _estimate(metric: Quality, counted: _Counted) -> Estimate:
    if metric is Quality.F1:
        return counted.met.estimate(Metric.F1)
    return wilson_interval(int(counted.hits), int(counted.trials))


def _slices(then: Column, now: Column) -> tuple[Names, Names]:
    """The name of each row's slice, in both parts."""
    if any(isinstance(one, str) for one in (*then, *now)):
        return _named(then, now)
    numbers_then, numbers_now = _numbers(then), _numbers(now)
    known = numbers_then[np.isfinite(numbers_then)]
    if len(np.unique(known)) <= PARTS:
        return _named(then, now)
    edges = np.unique(np.quantile(known, [part / PARTS for part in range(1, PARTS)], method="higher"))
    if edges[0] == known.min():
        # More than a quarter are the least: they are a slice, all else begins above them.
        edges = np.unique([known[known > edges[0]].min(), *edges[1:]])
    names = np.array(
        [
            f"< {edges[0]:.6g}",
            *(f"{a:.6g} to {b:.6g}" for a, b in pairwise(edges)),
            f"≥ {edges[-1]:.6g}",
            MISSING,
        ]
    )
    return _cut(numbers_then, edges, names), _cut(numbers_now, edges, names)


def _named(then: Column, now: Column) -> tuple[Names, Names]:
    texts_then, texts_now = (np.array([_name(one) for one in part], dtype=object) for part in (then, now))
    values, counts = np.unique(np.concatenate([texts_then, texts_now]).astype(str), return_counts=True)
    common = set(values[np.argsort(-counts, kind="stable")][:MOST_VALUES].tolist())
    kept = [
        np.array([one if one in common else REST for one in part], dtype=object) for part in (texts_then, texts_now)
    ]
    return kept[0], kept[1]


def _name(value: float | str | bool | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _numbers(column: Column) -> Floats:
    return np.array([math.nan if one is None else float(one) for one in column], dtype=np.float64)


def _cut(numbers: Floats, edges: Floats, names: NDArray[np.str_]) -> Names:
    place = np.where(np.isnan(numbers), len(names) - 1, np.searchsorted(edges, numbers, side="right"))
    return np.asarray(names[place])
