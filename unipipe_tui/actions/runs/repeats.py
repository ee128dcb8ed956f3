"""How far runs scatter that were made of the same code, data and params, but for a seed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence

from unipipe_tui.domain.runs.repeats import METHOD, code_of, is_seed, made_of, says_what_it_was_made_of, spread_of
from unipipe_tui.domain.tracking import Run, RunStatus
from unipipe_tui.domain.values import frozen


@frozen
class MetricSpread:
    """How far a metric scatters over repeats."""

    metric: str
    number: int
    """How many of the runs have it."""
    mean: float
    deviation: float
    """Of the sample."""
    low: float
    """Where the 95 % interval of the mean begins."""
    high: float


@frozen
class Repeats:
    """Finished runs with the same code, data and params, but for seeds."""

    runs: tuple[str, ...]
    commit: str | None
    """None when their code is not known, which is then taken to be the same."""
    seeds: tuple[str, ...]
    """The params in which they may differ."""
    metrics: tuple[MetricSpread, ...]
    method: str


def repeats_among(runs: Sequence[Run], wanted: Callable[[str], bool]) -> tuple[Repeats, ...]:
    """Each group of repeats, with the scatter of every wanted metric that two or more of them have."""
    alike: dict[object, dict[str, Run]] = defaultdict(dict)
    for run in runs:
        if run.status is RunStatus.FINISHED and says_what_it_was_made_of(run):
            alike[made_of(run)][run.run_id] = run
    groups = (_scatter(list(group.values()), wanted) for group in alike.values() if len(group) > 1)
    return tuple(repeats for repeats in groups if repeats.metrics)


def _scatter(runs: Sequence[Run], wanted: Callable[[str], bool]) -> Repeats:
    seeds = sorted({key for run in runs for key in run.params if is_seed(key)})
    values: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        for metric in run.metrics:
            if math.isfinite(metric.value) and wanted(metric.key):
                values[metric.key].append(metric.value)
    spreads = [(key, spread_of(found)) for key, found in sorted(values.items()) if len(found) > 1]
    metrics = tuple(MetricSpread(key, one.number, one.mean, one.deviation, one.low, one.high) for key, one in spreads)
    return Repeats(tuple(run.run_id for run in runs), code_of(runs[0]), tuple(seeds), metrics, METHOD)
