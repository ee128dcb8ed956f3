"""What there is to ask about runs: the experiments that they are in, and the metrics, params and tags that they have."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import Names
from unipipe_tui.actions.runs.columns import Where, configured_directions
from unipipe_tui.actions.runs.listing import query_of
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.world import World
from unipipe_tui.domain.runs.directions import Direction, direction_of
from unipipe_tui.domain.runs.query import FieldKind
from unipipe_tui.domain.values import frozen

DELETED_HELP = "Those that were deleted, instead of all others."


@frozen
class ListExperiments:
    """Of which runs."""

    where: Where = ""
    deleted: Annotated[bool, DELETED_HELP] = False


@frozen
class ExperimentLine:
    """One experiment."""

    name: str
    source: str
    """Which tool keeps it: `mlflow` or `dvc`."""
    runs: int
    """How many of its runs fit."""
    newest: datetime | None
    """When the newest of them began."""


@frozen
class ExperimentList:
    """Experiments, the one with the newest run first."""

    experiments: tuple[ExperimentLine, ...]
    runs: int
    """How many runs fit in all."""
    problems: tuple[str, ...]


def list_experiments(request: ListExperiments, world: World) -> ExperimentList:
    """List the experiments that runs are in, with how many runs each has; the one with the newest run first."""
    opened = open_index(world)
    found = opened.index.experiments(query_of(request.where, (), deleted=request.deleted))
    lines = tuple(ExperimentLine(one.name, one.source, one.runs, one.newest) for one in found)
    return ExperimentList(lines, sum(line.runs for line in lines), opened.notices)


@frozen
class ListColumns:
    """Of which runs."""

    where: Where = ""
    experiment: Annotated[tuple[str, ...], "Only runs of this experiment. May be given again.", Names.EXPERIMENT] = ()
    deleted: Annotated[bool, DELETED_HELP] = False


@frozen
class ColumnLine:
    """A metric, param or tag."""

    column: str
    """As it is written in a query and after --columns: `metrics.loss`."""
    kind: FieldKind
    key: str
    """As it was logged."""
    runs: int
    """How many of the runs have it."""
    better: Direction | None
    """Of a metric: which values are the better ones, as far as unipipe.yaml or its name tells; else None."""


@frozen
class ColumnList:
    """Metrics, then params, then tags; of each the commonest first."""

    columns: tuple[ColumnLine, ...]
    problems: tuple[str, ...]


def list_columns(request: ListColumns, world: World) -> ColumnList:
    """List the metrics, params and tags that runs have: what can stand in --columns, --where and --order-by."""
    opened = open_index(world)
    known = opened.index.keys(query_of(request.where, (), request.experiment, deleted=request.deleted))
    configured = configured_directions(world)
    lines = tuple(
        ColumnLine(
            str(field),
            field.kind,
            field.key,
            runs,
            direction_of(field.key, configured) if field.kind is FieldKind.METRIC else None,
        )
        for field, runs in known
    )
    return ColumnList(lines, opened.notices)


EXPERIMENTS = Look("runs experiments", ListExperiments, list_experiments, "unipipe runs experiments")
COLUMNS = Look("runs columns", ListColumns, list_columns, "unipipe runs columns --where 'status = FINISHED'")
