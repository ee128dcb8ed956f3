"""One thing across several runs: where they differ, and whether a figure is better or worse than that of one of them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from unipipe_tui.domain.runs.directions import Direction, better, direction_of
from unipipe_tui.domain.runs.tags import COMMIT_TAGS, commit_of
from unipipe_tui.domain.tracking import Dataset, Run
from unipipe_tui.domain.values import frozen

Value = str | float | int | None


class Kind(StrEnum):
    """What a row is about."""

    ATTRIBUTE = "attribute"
    PARAM = "param"
    METRIC = "metric"
    DATA = "data"
    TAG = "tag"
    PACKAGE = "package"
    ARTIFACT = "artifact"


class Verdict(StrEnum):
    """A metric against that of the baseline."""

    BETTER = "better"
    WORSE = "worse"
    EQUAL = "equal"


@frozen
class ComparedRow:
    """One thing across the runs; all tuples are in the order of the runs."""

    kind: Kind
    name: str
    values: tuple[Value, ...]
    """None where a run has none; NaN and infinities are null in JSON."""
    same: bool
    """Whether it is the same in all, or in all of which it is known."""
    direction: Direction = Direction.UNKNOWN
    """Of a metric: which values are the better ones."""
    deltas: tuple[float | None, ...] = ()
    """Of a metric: value minus the baseline's; None where one of them is missing or no number."""
    verdicts: tuple[Verdict | None, ...] = ()
    """Of a metric: None for the baseline itself, and where the direction or a value is not known."""


@frozen
class Inventory:
    """What was compared item by item; only the differences are told."""

    items: int
    """How many items there are in all of the runs together."""
    differing: tuple[ComparedRow, ...]
    unknown: tuple[str, ...]
    """The ids of runs whose items are not known, since no such file of them is on this machine."""


def rows_across(runs: Sequence[Run], baseline: int, configured: Mapping[str, str]) -> list[ComparedRow]:
    """A row for each attribute, param, metric, data set and tag that one of the runs has, without MLflow's own tags."""
    return [
        *_kind_rows(Kind.ATTRIBUTE, [_attributes(run) for run in runs]),
        *_kind_rows(Kind.PARAM, [dict(run.params) for run in runs]),
        *_metric_rows(runs, baseline, configured),
        *_kind_rows(Kind.DATA, [_digests(run.datasets) for run in runs]),
        *_kind_rows(Kind.TAG, [_tags(run) for run in runs]),
    ]


def _attributes(run: Run) -> dict[str, Value]:
    facts: dict[str, Value] = {
        "experiment": run.experiment,
        "status": run.status.value,
        "user": run.user or None,
        "source": run.source,
        "commit": commit_of(run),
        "duration": run.seconds,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _tags(run: Run) -> dict[str, Value]:
    # The commit is among the attributes.
    return {key: value for key, value in run.tags.items() if not key.startswith("mlflow.") and key not in COMMIT_TAGS}


def _digests(datasets: Sequence[Dataset]) -> dict[str, Value]:
    found: dict[str, list[str]] = defaultdict(list)
    for dataset in datasets:
        found[f"{dataset.name} ({dataset.context})" if dataset.context else dataset.name].append(dataset.digest)
    return {name: ", ".join(sorted(digests)) for name, digests in found.items()}


def _kind_rows(kind: Kind, columns: Sequence[Mapping[str, Value]]) -> list[ComparedRow]:
    names = sorted({name for column in columns for name in column})
    rows = [(name, tuple(column.get(name) for column in columns)) for name in names]
    return [ComparedRow(kind, name, values, _same(values)) for name, values in rows]


def _metric_rows(runs: Sequence[Run], baseline: int, configured: Mapping[str, str]) -> list[ComparedRow]:
    columns: list[dict[str, float]] = [{metric.key: metric.value for metric in run.metrics} for run in runs]
    rows = []
    for name in sorted({name for column in columns for name in column}):
        values = tuple(column.get(name) for column in columns)
        direction = direction_of(name, configured)
        measure = values[baseline]
        deltas = tuple(_delta(value, measure) for value in values)
        verdicts = tuple(
            None if number == baseline else _verdict(value, measure, direction) for number, value in enumerate(values)
        )
        rows.append(ComparedRow(Kind.METRIC, name, values, _same(values), direction, deltas, verdicts))
    return rows


def _same(values: Iterable[Value]) -> bool:
    # NaN is not equal to itself, but two runs that both ended in NaN do not differ in that.
    return len({"NaN" if isinstance(value, float) and math.isnan(value) else repr(value) for value in values}) == 1


def _delta(value: float | None, measure: float | None) -> float | None:
    if value is None or measure is None:
        return None
    delta = value - measure
    return delta if math.isfinite(delta) else None


def _verdict(value: float | None, measure: float | None, direction: Direction) -> Verdict | None:
    if value is None or measure is None or direction is Direction.UNKNOWN:
        return None
    if value == measure:
        return Verdict.EQUAL
    judged = better(value, measure, direction)
    return None if judged is None else Verdict.BETTER if judged else Verdict.WORSE


def inventory(kind: Kind, runs: Sequence[Run], items_of: Callable[[Run], Mapping[str, Value] | None]) -> Inventory:
    """The items of each run against each other; `items_of` answers None where they are not known."""
    columns = [items_of(run) for run in runs]
    known = [column for column in columns if column is not None]
    names = sorted({name for column in known for name in column})
    differing = tuple(
        ComparedRow(kind, name, tuple(column.get(name) if column is not None else None for column in columns), False)
        for name in names
        if not _same(column.get(name) for column in known)
    )
    unknown = tuple(run.run_id for run, column in zip(runs, columns, strict=True) if column is None)
    return Inventory(len(names), differing, unknown)
