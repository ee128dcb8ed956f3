"""Runs that belong together: sweeps under one parent, and runs that did the same work twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import Names, Short
from unipipe_tui.actions.runs.columns import (
    NAME,
    Better,
    RunColumns,
    Where,
    direction,
    having,
    keys_of,
    metric_field,
    read_columns,
    short_name,
)
from unipipe_tui.actions.runs.sync import OpenIndex, open_index
from unipipe_tui.actions.world import World
from unipipe_tui.domain.outlines import is_finite
from unipipe_tui.domain.runs.columns import Cell
from unipipe_tui.domain.runs.directions import Direction
from unipipe_tui.domain.runs.query import Comparison, Field, FieldKind, Life, Operator, RunQuery
from unipipe_tui.domain.runs.query_text import parse_where
from unipipe_tui.domain.runs.tags import COMMIT_TAGS, PARENT_TAG
from unipipe_tui.domain.tracking import Run
from unipipe_tui.domain.values import frozen

PARENT = Field(FieldKind.TAG, PARENT_TAG)
STATUS = Field(FieldKind.ATTRIBUTE, "status")
COMMITS = tuple(Field(FieldKind.TAG, tag) for tag in COMMIT_TAGS)
DIGEST = Field(FieldKind.DATASET, "digest")


@frozen
class ListSweeps:
    """Which children count, and by what the best one is found."""

    where: Where = ""
    metric: Annotated[str | None, "Metric that the best child is found by.", Names.METRIC, Short("m")] = None
    better: Better = None
    limit: Annotated[int, "How many sweeps, the largest first.", Short("n")] = 50


@frozen
class StateCount:
    """How many children stand so."""

    status: str
    runs: int


@frozen
class VaryingParam:
    """A param that is not the same in all children."""

    param: str
    values: int
    """How many different ones there are."""


@frozen
class SweepBest:
    """The best child."""

    run_id: str
    name: str
    value: float


@frozen
class Sweep:
    """A parent run and what it started."""

    parent: str
    """Its run id."""
    name: str
    """Empty when the parent itself is gone."""
    parent_deleted: bool
    """Whether the parent itself is deleted; it can be restored."""
    children: int
    states: tuple[StateCount, ...]
    best: SweepBest | None
    """None when no metric was asked for, or no child has it."""
    varies: tuple[VaryingParam, ...]


@frozen
class Sweeps:
    """Sweeps, the largest first."""

    sweeps: tuple[Sweep, ...]
    total: int
    metric: str | None
    filtered: bool
    """Whether only some children were asked for."""
    notices: tuple[str, ...]


def list_sweeps(request: ListSweeps, world: World) -> Sweeps:
    """List sweeps: runs that were started under one parent run, which params they tried and which child is best."""
    children = having(parse_where(request.where), PARENT)
    metric = metric_field(request.metric) if request.metric else None
    better = direction(metric.key, request.better, world) if metric else Direction.UNKNOWN
    opened = open_index(world)
    params = [Field(FieldKind.PARAM, key) for key in keys_of(opened, children, FieldKind.PARAM)]
    found = read_columns(opened, children, (PARENT, STATUS, *params, *([metric] if metric else ())))
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, parent in enumerate(found.columns[0].values):
        places[str(parent)].append(place)
    largest = sorted(places, key=lambda parent: (-len(places[parent]), parent))[: max(request.limit, 0)]
    parents = _parents(largest, opened)
    sweeps = tuple(
        _sweep(parent, parents.get(parent), found.chosen(places[parent]), len(params), better) for parent in largest
    )
    filtered = bool(request.where.strip())
    return Sweeps(sweeps, len(places), metric.key if metric else None, filtered, found.notices)


def _sweep(parent: str, known: Run | None, children: RunColumns, params: int, better: Direction) -> Sweep:
    _, status, *others = children.columns
    states = Counter(str(value) for value in status.values)
    varies = [VaryingParam(short_name(one), one.distinct) for one in others[:params] if one.distinct > 1]
    return Sweep(
        parent=parent,
        name=known.name if known else "",
        parent_deleted=known is not None and known.deleted,
        children=len(children.run_ids),
        states=tuple(StateCount(state, runs) for state, runs in states.most_common()),
        best=None if better is Direction.UNKNOWN else _best(children, better),
        varies=tuple(sorted(varies, key=lambda one: one.param)),
    )


def _best(children: RunColumns, better: Direction) -> SweepBest | None:
    values = [
        (value, place)
        for place, value in enumerate(children.columns[-1].values)
        if isinstance(value, float) and is_finite(value)
    ]
    if not values:
        return None
    value, place = (max if better is Direction.HIGHER else min)(values)
    return SweepBest(children.run_ids[place], children.names[place], value)


def _parents(parents: Sequence[str], opened: OpenIndex) -> dict[str, Run]:
    ids = Field(FieldKind.ATTRIBUTE, "run_id")
    wanted = Comparison(ids, Operator.IN, tuple(parents))
    page = opened.index.search(RunQuery(wanted, limit=len(parents), life=Life.ALL)) if parents else None
    return {run.run_id: run for run in page.runs} if page else {}


@frozen
class ListDuplicates:
    """Which runs are looked at."""

    where: Where = ""
    limit: Annotated[int, "How many groups, the largest first.", Short("n")] = 50


@frozen
class Duplicates:
    """Runs that are the same in code, data and params, the newest first."""

    runs: tuple[str, ...]
    """Their ids."""
    names: tuple[str, ...]
    commit: str
    """Empty when none of them says at which commit it ran."""
    data: str
    """Digests of the data sets that were read; empty when none was logged."""
    params: dict[str, str]


@frozen
class DuplicateRuns:
    """Groups of runs that did the same work."""

    groups: tuple[Duplicates, ...]
    total: int
    """How many groups there are."""
    to_spare: int
    """How many runs would be left out if each group kept one."""
    looked_at: int
    unmarked: int
    """Runs that name neither commit nor data nor params: whether they are the same cannot be told, and they are left out."""
    notices: tuple[str, ...]


def list_duplicates(request: ListDuplicates, world: World) -> DuplicateRuns:
    """List runs that are the same in code (commit), data (digests of data sets) and params.

    A param for the seed counts like any other: runs that differ in it are repeats, not duplicates. Two runs at one
    commit may still differ in what was not committed.
    """
    where = parse_where(request.where)
    opened = open_index(world)
    params = keys_of(opened, where, FieldKind.PARAM)
    fields = (NAME, *COMMITS, DIGEST, *(Field(FieldKind.PARAM, key) for key in params))
    rows = opened.index.table(RunQuery(where, limit=None), fields)
    alike: defaultdict[tuple[Cell, ...], list[tuple[str, str]]] = defaultdict(list)
    for run_id, name, ours, mlflows, *work in rows:
        alike[(ours or mlflows, *work)].append((str(run_id), str(name or "")))
    unmarked = sum(len(runs) for work, runs in alike.items() if not any(work))
    twice = [(work, runs) for work, runs in alike.items() if len(runs) > 1 and any(work)]
    twice.sort(key=lambda one: (-len(one[1]), one[1]))
    groups = tuple(_group(work, runs, params) for work, runs in twice[: max(request.limit, 0)])
    spare = sum(len(runs) - 1 for _, runs in twice)
    return DuplicateRuns(groups, len(twice), spare, len(rows), unmarked, opened.notices)


def _group(work: tuple[Cell, ...], runs: Sequence[tuple[str, str]], params: Sequence[str]) -> Duplicates:
    commit, data, *values = work
    return Duplicates(
        runs=tuple(run_id for run_id, _ in runs),
        names=tuple(name for _, name in runs),
        commit=str(commit or ""),
        data=str(data or ""),
        params={name: str(value) for name, value in sorted(zip(params, values, strict=True)) if value is not None},
    )


SWEEPS = Look("runs sweeps", ListSweeps, list_sweeps, "unipipe runs sweeps --metric loss")
DUPLICATES = Look("runs duplicates", ListDuplicates, list_duplicates, "unipipe runs duplicates")
