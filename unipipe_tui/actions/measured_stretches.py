"""How good decisions were, stretch of the log by stretch, as the labels that have come show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unipipe_tui.actions.answer_kinds import says_yes_or_no
from unipipe_tui.actions.world import World
from unipipe_tui.domain.serving import TrafficWindow
from unipipe_tui.domain.timelines import Better, Series, TimePoint
from unipipe_tui.monitoring.performance import Confusion, Metric, PerformanceState, judge_performance


def measured_series(target: str, stretches: Sequence[TrafficWindow], world: World) -> Series:
    """The figure that is asked of a target, of those stretches that have labels enough; of decisions only."""
    wanted = world.config.monitoring.performance
    labelled = any(one.labelled for one in stretches)
    points = tuple(_points(stretches, world)) if labelled and says_yes_or_no(world, target, None) else ()
    return Series(wanted.metric.value, "", Better.HIGHER, wanted.at_least, points)


def _points(stretches: Sequence[TrafficWindow], world: World) -> Iterator[TimePoint]:
    wanted = world.config.monitoring.performance
    for window in stretches:
        met = Confusion(window.true_positive, window.false_positive, window.false_negative, window.true_negative)
        verdict = judge_performance(met, Metric(wanted.metric.value), wanted.at_least, wanted.minimum_labels)
        if window.last is None or verdict.value is None or verdict.state is PerformanceState.TOO_FEW_LABELS:
            continue
        note = f"{verdict.labels:,} labels of version {window.version}"
        below = verdict.state is PerformanceState.BELOW
        yield TimePoint(window.last, verdict.value, note, below, verdict.low, verdict.high)
