"""Params and metrics of many runs as columns, read from the index in one question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from unipipe_tui.actions.request import Short
from unipipe_tui.actions.runs.sync import OpenIndex
from unipipe_tui.actions.runs.table import column_name
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.runs.columns import Column, ColumnKind, column_of
from unipipe_tui.domain.runs.directions import Direction, direction_of
from unipipe_tui.domain.runs.query import AllOf, Comparison, Condition, Field, FieldKind, Operator, RunQuery
from unipipe_tui.domain.values import frozen

Where = Annotated[
    str, "Only runs that fit, in the query language: `metrics.auc > 0.8 and params.depth = '6'`.", Short("w")
]
Better = Annotated[
    Direction | None, "`higher` or `lower`: which values are the better ones, if the name does not tell."
]

NAME = Field(FieldKind.ATTRIBUTE, "run_name")


@frozen
class RunColumns:
    """Runs and some of what they have, column by column."""

    run_ids: tuple[str, ...]
    names: tuple[str, ...]
    columns: tuple[Column, ...]
    notices: tuple[str, ...]

    def chosen(self, places: Sequence[int]) -> RunColumns:
        """The same of some of the runs."""
        ids, names = (tuple(all_of[place] for place in places) for all_of in (self.run_ids, self.names))
        return RunColumns(ids, names, tuple(column.chosen(places) for column in self.columns), self.notices)


def read_columns(opened: OpenIndex, where: Condition | None, fields: Sequence[Field]) -> RunColumns:
    """These fields of all runs that fit, the newest first."""
    rows = opened.index.table(RunQuery(where, limit=None), (NAME, *fields))
    ids, names, *raw = zip(*rows, strict=True) if rows else [()] * (len(fields) + 2)
    columns = tuple(column_of(column_name(one), values) for one, values in zip(fields, raw, strict=True))
    return RunColumns(tuple(map(str, ids)), tuple(str(name or "") for name in names), columns, opened.notices)


def keys_of(opened: OpenIndex, where: Condition | None, kind: FieldKind) -> tuple[str, ...]:
    """The keys of the params, metrics or tags that runs which fit have, the commonest first."""
    known = opened.index.keys(RunQuery(where, limit=None))
    return tuple(one.key for one, _ in known if one.kind is kind)


def having(where: Condition | None, field: Field) -> Condition:
    """Those of the runs that have this field."""
    there = Comparison(field, Operator.IS_NOT_NULL)
    return there if where is None else AllOf((where, there))


def metric_field(text: str) -> Field:
    """The metric of this name, with or without `metrics.` before it."""
    return _logged_field(FieldKind.METRIC, text)


def param_field(text: str) -> Field:
    """The param of this name, with or without `params.` before it."""
    return _logged_field(FieldKind.PARAM, text)


def _logged_field(kind: FieldKind, text: str) -> Field:
    plain = text.removeprefix(f"{kind.value}.")
    return Field(kind, plain.strip("`") if plain.startswith("`") else plain)


def configured_directions(world: World) -> dict[str, str]:
    """The metrics that unipipe.yaml has gates on: a gate lets pass what is high enough."""
    gates = [gate.metric.value for gate in world.config.gates]
    return dict.fromkeys([*gates, world.config.monitoring.performance.metric.value], "higher")


def direction(metric: str, asked: Direction | None, world: World) -> Direction:
    """Which way the metric gets better.

    Raises:
        UsageError: neither the request nor unipipe.yaml nor the metric's name tells.
    """
    found = asked or direction_of(metric, configured_directions(world))
    if found is Direction.UNKNOWN:
        raise UsageError(f"Nobody knows which values of {metric!r} are the better ones.", hint="--better higher|lower")
    return found


def no_metric(metric: str, opened: OpenIndex, where: Condition | None) -> UsageError:
    """No run that fits has the metric; the hint names those that there are."""
    known = keys_of(opened, where, FieldKind.METRIC)
    hint = f"Metrics: {', '.join(known[:8])}." if known else "unipipe runs list"
    return UsageError(f"No run that fits has the metric {metric!r}.", hint=hint)


def finite_or_none(value: float | str | None) -> float | None:
    """A number that can be drawn and written as JSON."""
    return value if isinstance(value, float) and math.isfinite(value) else None


def short_name(column: Column) -> str:
    """What it was logged as: `depth` of `params.depth`."""
    return column.name.partition(".")[2] or column.name


def varying(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns that tell runs apart without naming each: not constant, and no text that nearly every run has to itself."""
    return tuple(column for column in columns if column.distinct > 1 and not names_runs(column))


def names_runs(column: Column) -> bool:
    """Whether it is a text that is another one in most runs: an id, a path."""
    there = sum(value is not None for value in column.values)
    return column.kind is ColumnKind.CATEGORY and there > 4 and len(column.categories) > there / 2
