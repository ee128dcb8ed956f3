"""Runs: listing and showing them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.runs.naming import RUN_HELP
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.runs.table import column_name, columns_of, usual_columns
from unipipe_tui.actions.runs.versions import versions_of_run
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UnipipeError, UsageError
from unipipe_tui.domain.ports.store import RunIndex
from unipipe_tui.domain.runs.query import Comparison, Field, FieldKind, Life, Operator, RunQuery, fields_of
from unipipe_tui.domain.runs.query_text import parse_order, parse_where
from unipipe_tui.domain.runs.tags import NOTE_TAG, PARENT_TAG
from unipipe_tui.domain.table_text import Cell, csv_text
from unipipe_tui.domain.tracking import Dataset, Run, stale_running
from unipipe_tui.domain.values import frozen

MOST_CHILDREN = 50
"""How many children of a run are named."""

FARTHEST = 2**62
"""More than there can be; the index counts in 64 bits."""


@frozen
class ListRuns:
    """Which, and how much."""

    where: Annotated[
        str, "Only runs that fit: \"metrics.f1 > 0.8 and params.depth = '6'\", bare words, key:value.", Short("w")
    ] = ""
    order_by: Annotated[
        tuple[str, ...],
        "What decides the order: 'metrics.f1 DESC'. May be given again, for what is equal.",
        Names.COLUMN,
    ] = ()
    limit: Annotated[int, "How many.", Short("n")] = 20
    offset: Annotated[int, "How many to pass over first."] = 0
    columns: Annotated[
        tuple[str, ...], "What to show of them: metrics.f1,params.depth,start_time. May be given again.", Names.COLUMN
    ] = ()
    experiment: Annotated[tuple[str, ...], "Only runs of this experiment. May be given again.", Names.EXPERIMENT] = ()
    deleted: Annotated[bool, "Those that were deleted, instead of all others."] = False


@frozen
class DatasetLine:
    """A data set that a run read."""

    name: str
    digest: str
    context: str = ""
    """What it was read for: `training`."""


@frozen
class RunLine:
    """One run."""

    run_id: str
    name: str
    experiment: str
    status: str
    """In MLflow's words."""
    probably_dead: bool
    """Whether it claims to be running, but has given no sign of life for more than a day."""
    start_time: datetime | None
    end_time: datetime | None
    metrics: dict[str, float]
    """The last value of each; NaN and infinities are null in JSON."""
    params: dict[str, str]
    tags: dict[str, str]
    datasets: tuple[DatasetLine, ...]
    user: str
    source: str
    """Which tool keeps it: `mlflow` or `dvc`."""
    artifacts: str | None
    deleted: bool

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it has not ended, or when nobody noted that."""
        if self.start_time is None or self.end_time is None:
            return None
        return (self.end_time - self.start_time).total_seconds()


@frozen
class RunList:
    """Runs in the order that was asked for; the newest first without one."""

    runs: tuple[RunLine, ...]
    total: int
    """How many fit."""
    columns: tuple[str, ...]
    """What was asked to be shown of them; empty: what fits."""
    order_by: tuple[str, ...]
    """What decides their order; empty: the newest come first."""
    tracking: str
    """Where they are kept."""
    sources: tuple[str, ...]
    """The tools whose runs were searched: `mlflow`, `dvc`."""
    filtered: bool
    """Whether only some were asked for, so that there may be more than the total."""
    problems: tuple[str, ...]
    """What keeps the answer from being whole or new, and what was asked for that no run has."""


def list_runs(request: ListRuns, world: World) -> RunList:
    """List runs with their metrics, params and tags, filtered and ordered; the newest first.

    --where takes MLflow's own filter syntax, bare words and key:value. With --columns the text and the CSV have these
    columns, and the metrics, params and tags in JSON are those named. Values stand in a CSV as they are: import it as
    text when a spreadsheet would take one for a formula.
    """
    query = query_of(request.where, request.order_by, request.experiment, deleted=request.deleted)
    columns = columns_of(request.columns)
    if any(column == Field(FieldKind.ATTRIBUTE, "experiment_id") for column in columns):
        raise UsageError("A list shows experiments by name.", hint="Ask for `experiment`, or use runs export.")
    if request.limit < 0 or request.offset < 0:
        raise UsageError("--limit and --offset cannot be negative.")
    opened = open_index(world)
    page = opened.index.search(paged(query, request.limit, request.offset))
    lines = tuple(line_of(run, world) for run in page.runs)
    place = opened.kept_at or "no MLflow store"
    order = tuple(f"{order.field}{' DESC' if order.descending else ''}" for order in query.order_by)
    filtered = query.where is not None or bool(query.experiments)
    asked = (*(() if page.total else fields_of(query.where)), *(one.field for one in query.order_by), *columns)
    unknown = () if page.total else _unknown_experiments(query, opened.index)
    return RunList(
        runs=tuple(_only(line, columns) for line in lines),
        total=page.total,
        columns=tuple(map(str, columns)),
        order_by=order,
        tracking=place,
        sources=opened.filled_by,
        filtered=filtered,
        problems=(*opened.notices, *unknown, *_in_vain(asked, lines, opened.index)),
    )


def _unknown_experiments(query: RunQuery, index: RunIndex) -> Iterator[str]:
    for name in query.experiments:
        if not index.search(RunQuery(limit=1, life=Life.ALL, experiments=(name,))).total:
            yield f"No run is in an experiment {name!r}."


def _in_vain(fields: Iterable[Field], shown: Sequence[RunLine], index: RunIndex) -> Iterator[str]:
    """What was asked for although no run has it: often a slip of the pen."""
    for field in dict.fromkeys(fields):
        logged = field.kind in (FieldKind.METRIC, FieldKind.PARAM, FieldKind.TAG)
        if not logged or any(cell_of(line, field) is not None for line in shown):
            continue
        there = Comparison(field, Operator.IS_NOT_NULL)
        if not index.search(RunQuery(there, limit=1, life=Life.ALL)).total:
            yield f"No run has {field}."


def query_of(
    where: str, order_by: Sequence[str], experiments: Sequence[str] = (), *, deleted: bool = False
) -> RunQuery:
    """The question about all runs that fit, from what a person typed.

    Raises:
        UsageError: it is not in the language.
    """
    return RunQuery(
        where=parse_where(where),
        order_by=tuple(parse_order(text) for text in order_by),
        limit=None,
        life=Life.DELETED if deleted else Life.ACTIVE,
        experiments=tuple(experiments),
    )


def paged(query: RunQuery, limit: int, offset: int = 0) -> RunQuery:
    """The same question about one page."""
    page = (min(limit, FARTHEST), min(offset, FARTHEST))
    return RunQuery(query.where, query.order_by, *page, query.life, query.experiments)


def line_of(run: Run, world: World) -> RunLine:
    """A run as it is listed."""
    return RunLine(
        run_id=run.run_id,
        name=run.name,
        experiment=run.experiment,
        status=run.status.value,
        probably_dead=stale_running(run, world.now()),
        start_time=run.started,
        end_time=run.ended,
        metrics={metric.key: metric.value for metric in run.metrics},
        params=dict(run.params),
        tags=dict(run.tags),
        datasets=tuple(map(_dataset, run.datasets)),
        user=run.user,
        source=run.source,
        artifacts=run.artifact_uri,
        deleted=run.deleted,
    )


def cell_of(line: RunLine, column: Field) -> Cell:
    """What a run has in a column; None when it has nothing there."""
    if column.kind is FieldKind.METRIC:
        return line.metrics.get(column.key)
    if column.kind is FieldKind.PARAM:
        return line.params.get(column.key)
    if column.kind is FieldKind.TAG:
        return line.tags.get(column.key)
    if column.kind is FieldKind.DATASET:
        return "; ".join(filter(None, (getattr(one, column.key) for one in line.datasets))) or None
    return _attribute(line, column.key)


def csv_of(listed: RunList) -> str:
    """The list as CSV: the columns that were asked for, else the common attributes and all that was logged."""
    keys = {Field(kind, key) for line in listed.runs for kind, logged in _logged(line) for key in logged}
    columns = columns_of(listed.columns) if listed.columns else usual_columns(keys)
    rows = ([cell_of(line, column) for column in columns] for line in listed.runs)
    return csv_text([column_name(column) for column in columns], rows)


def _logged(line: RunLine) -> tuple[tuple[FieldKind, Sequence[str]], ...]:
    return (
        (FieldKind.METRIC, tuple(line.metrics)),
        (FieldKind.PARAM, tuple(line.params)),
        (FieldKind.TAG, tuple(line.tags)),
    )


def _attribute(line: RunLine, key: str) -> Cell:
    if key == "duration":
        return line.seconds
    if key == "lifecycle_stage":
        return Life.DELETED.value if line.deleted else Life.ACTIVE.value
    fields = {"run_name": "name", "user_id": "user", "artifact_uri": "artifacts"}
    value: Cell = getattr(line, fields.get(key, key))
    return value if value != "" else None


def _only(line: RunLine, columns: Sequence[Field]) -> RunLine:
    """The run with the logged values that were asked for; with all when no column was."""
    if not columns:
        return line
    kept = {
        kind.value: {
            column.key: logged[column.key] for column in columns if column.kind is kind and column.key in logged
        }
        for kind, logged in (
            (FieldKind.METRIC, line.metrics),
            (FieldKind.PARAM, line.params),
            (FieldKind.TAG, line.tags),
        )
    }
    return RunLine(**{**vars(line), **kept})


@frozen
class ShowRun:
    """Which run."""

    run: Annotated[str, OBJECT, RUN_HELP, Names.RUN]


@frozen
class RunName:
    """Another run, by what identifies it."""

    run_id: str
    name: str
    status: str


@frozen
class MetricLine:
    """The last value of a metric."""

    key: str
    value: float
    """NaN and infinities are null in JSON."""
    step: int
    """The step that it was logged at."""
    at: datetime | None


@frozen
class RunView:
    """One run."""

    run: RunLine
    note: str
    """The description that its author wrote."""
    metrics: tuple[MetricLine, ...]
    """Its metrics, with the step and the time of each."""
    versions: tuple[str, ...]
    """Registered versions made of it: `fraud-detector/3`."""
    parent: RunName | None
    """The run that began it, as a sweep does."""
    children: tuple[RunName, ...]
    """The newest runs that it began."""
    children_total: int
    problems: tuple[str, ...]


def show_run(request: ShowRun, world: World) -> RunView:
    """Show one run: params, metrics with their last step, tags, note, data sets, family, and versions registered from it."""
    opened = open_index(world)
    (run,) = opened.index.runs([request.run])
    versions, problem = _versions_of(run, world)
    children = opened.index.search(
        RunQuery(Comparison(Field(FieldKind.TAG, PARENT_TAG), Operator.EQUAL, run.run_id), limit=MOST_CHILDREN)
    )
    return RunView(
        run=line_of(run, world),
        note=run.tags.get(NOTE_TAG, ""),
        metrics=tuple(MetricLine(metric.key, metric.value, metric.step, metric.at) for metric in run.metrics),
        versions=versions,
        parent=_parent_of(run, opened.index),
        children=tuple(map(_named, children.runs)),
        children_total=children.total,
        problems=(*opened.notices, *problem),
    )


def _versions_of(run: Run, world: World) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The versions made of a run, and why they are not known."""
    try:
        return tuple(f"{version.model}/{version.version}" for version in versions_of_run(world, run)), ()
    except UnipipeError as error:
        return (), (f"Its registered versions are not known: {error.message}",)


def _parent_of(run: Run, index: RunIndex) -> RunName | None:
    parent = run.tags.get(PARENT_TAG)
    if not parent:
        return None
    try:
        return _named(index.runs([parent])[0])
    except UsageError:
        return RunName(parent, "", "not there any more")


def _named(run: Run) -> RunName:
    return RunName(run.run_id, run.name, run.status.value)


def _dataset(dataset: Dataset) -> DatasetLine:
    return DatasetLine(dataset.name, dataset.digest, dataset.context)


LIST = Look(
    "runs list",
    ListRuns,
    list_runs,
    "unipipe runs list --where 'metrics.f1 > 0.8' --order-by 'metrics.f1 DESC'",
    csv=csv_of,
)
SHOW = Look("runs show", ShowRun, show_run, "unipipe runs show 3f9a2c")
