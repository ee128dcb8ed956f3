"""Charts of runs as image files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Change, Danger
from unipipe_tui.actions.drawing import ToDraw, draw, image_file, plan_of
from unipipe_tui.actions.output_file import FORCE_HELP
from unipipe_tui.actions.request import OBJECT, Names, Short
from unipipe_tui.actions.runs.columns import Better, Where
from unipipe_tui.actions.runs.history import ShowHistory, show_history
from unipipe_tui.actions.runs.scatter import ChartRuns, ParallelRuns, chart_runs, parallel_runs
from unipipe_tui.actions.world import World
from unipipe_tui.domain.charts import Chart
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.values import frozen


class DrawingKind(StrEnum):
    """What is drawn, named as the look that shows the same in the terminal."""

    HISTORY = "history"
    CHART = "chart"
    PARALLEL = "parallel"


@frozen
class DrawRuns:
    """What to draw, of which runs, and where to."""

    kind: Annotated[DrawingKind, OBJECT, "`history`, `chart` or `parallel`."]
    to: Annotated[Path, "File to write, .svg or .png."]
    what: Annotated[
        tuple[str, ...], OBJECT, "history and parallel: the metric; chart: what lies along, what goes up.", Names.COLUMN
    ] = ()
    run: Annotated[
        tuple[str, ...],
        "history: run id, its beginning, or its name; may be given several times.",
        Names.RUN,
        Short("r"),
    ] = ()
    params: Annotated[tuple[str, ...], "parallel: param of an axis; may be given several times.", Names.PARAM] = ()
    by: Annotated[str | None, "chart: what points are grouped by.", Names.COLUMN] = None
    where: Where = ""
    better: Better = None
    force: Annotated[bool, FORCE_HELP] = False


def plan_drawing(request: DrawRuns, world: World) -> Plan[ToDraw]:
    """Draw a chart of runs into an SVG or PNG file: what `runs history`, `runs chart` or `runs parallel` shows.

    The file appears when it is whole; one that is there already is kept unless --force is given.
    """
    to = image_file(request.to, force=request.force, example="chart.svg")
    return plan_of(_chart(request, world), to, request.kind.value)


def _chart(request: DrawRuns, world: World) -> Chart:
    """The chart, drawn from what the look of the same name found."""
    match request.kind:
        case DrawingKind.HISTORY:
            return _history(request, world)
        case DrawingKind.CHART:
            x, y = _exactly(request, 2, "unipipe runs draw chart params.depth metrics.loss --to chart.svg")
            return chart_runs(ChartRuns(x, y, request.where, request.by), world).chart
        case DrawingKind.PARALLEL:
            (metric,) = _exactly(request, 1, "unipipe runs draw parallel loss --to parallel.svg")
            return parallel_runs(ParallelRuns(metric, request.params, request.where, request.better), world).chart


def _history(request: DrawRuns, world: World) -> Chart:
    example = "unipipe runs draw history loss --run 3f9a2c --to loss.svg"
    (metric,) = _exactly(request, 1, example)
    if not request.run:
        raise UsageError("Of which run?", hint=example)
    first, *others = request.run
    return show_history(ShowHistory(first, (metric,), tuple(others)), world).metrics[0].chart


def _exactly(request: DrawRuns, number: int, example: str) -> tuple[str, ...]:
    if len(request.what) != number:
        told = "one metric" if number == 1 else "two things: what lies along and what goes up"
        raise UsageError(f"`runs draw {request.kind.value}` needs {told}.", hint=example)
    return request.what


DRAW = Change(
    "runs draw",
    DrawRuns,
    plan_drawing,
    draw,
    "unipipe runs draw chart params.depth metrics.loss --to chart.svg",
    danger=Danger.NONE,
)
