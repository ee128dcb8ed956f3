"""Which params matter for a metric."""

from __future__ import annotations

from typing import Annotated

from unipipe_tui.actions.action import Change, Danger, Done
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.runs.columns import (
    Where,
    having,
    keys_of,
    metric_field,
    names_runs,
    no_metric,
    read_columns,
    short_name,
    varying,
)
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.charts import Axis, Bar, BarChart
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.outlines import is_finite
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.runs.columns import Column
from unipipe_tui.domain.runs.importance import FEWEST_RUNS, MOST_RUNS, Study
from unipipe_tui.domain.runs.query import Field, FieldKind
from unipipe_tui.domain.runs.query_text import parse_where
from unipipe_tui.domain.values import frozen

METHOD = (
    "permutation importance in random forests on the metric's ranks: by how much R² falls, on runs that the forest did not "
    "see (5 folds), when the param's values are shuffled among them"
)
WEAK_R2 = 0.2
"""Below it the params explain so little that their order says next to nothing."""


@frozen
class WeighParams:
    """For which metric, over which runs."""

    metric: Annotated[str, OBJECT, "Metric that the params are judged by.", Names.METRIC]
    where: Where = ""


@frozen
class Weighed:
    """One param; what R² falls by without it, and the standard deviation over the shuffles."""

    param: str
    weight: float
    spread: float
    values: int
    """How many different values it has."""


@frozen
class LeftOut:
    """A param that was not looked at, and why."""

    param: str
    why: str


@frozen
class ParamsWeighed:
    """Params, the one that matters most first."""

    metric: str
    params: tuple[Weighed, ...]
    r2: float
    """Of the out-of-bag predictions of a forest on all these runs: 1 explains the order of runs fully, 0 not at all."""
    runs: int
    of_runs: int
    """How many there were before a sample was taken."""
    left_out: tuple[LeftOut, ...]
    method: str
    trees: int
    shuffles: int
    seed: int
    remarks: tuple[str, ...]

    @property
    def chart(self) -> BarChart:
        """A bar for each param."""
        bars = tuple(Bar(one.param, one.weight, one.spread) for one in self.params)
        return BarChart(f"which params matter for {self.metric}", Axis("fall of R²"), bars)


@frozen
class _Decided:
    """What the forest will be given."""

    study: Study
    left_out: tuple[LeftOut, ...]
    notices: tuple[str, ...]


def plan_weighing(request: WeighParams, world: World) -> Plan[_Decided]:
    """Find out which params matter for a metric, over all runs that have both.

    Random forests learn to tell the order of runs by the metric from their params. The weight of a param is by how
    much R², on runs that a forest did not see (5 folds), falls when the param's values are shuffled among these runs, 5
    times a fold; a param of texts has a column for each of its 20 commonest values. The seed is fixed: the same runs
    give the same answer. It takes seconds and runs as a job. Two params that always change together share their weight, and
    nothing here tells cause from coincidence. Refused with fewer than 20 runs.
    """
    metric, where = metric_field(request.metric), parse_where(request.where)
    there, opened = having(where, metric), open_index(world)
    params = [Field(FieldKind.PARAM, key) for key in keys_of(opened, there, FieldKind.PARAM)]
    found = read_columns(opened, there, (*params, metric))
    judged = [n for n, v in enumerate(found.columns[-1].values) if isinstance(v, float) and is_finite(v)]
    if not judged:
        raise no_metric(metric.key, opened, where)
    if len(judged) < FEWEST_RUNS:
        raise UsageError(
            f"{len(judged)} runs have {metric.key!r}; with fewer than {FEWEST_RUNS} chance looks like a pattern.",
            hint="Make more runs, or ask for more of them with --where.",
        )
    *columns, target = found.chosen(judged).columns
    telling = varying(columns)
    if not telling:
        raise UsageError("No param varies over these runs.", hint="unipipe runs best shows params.")
    left_out = tuple(LeftOut(short_name(one), _reason(one)) for one in columns if one not in telling)
    named = tuple(Column(short_name(one), one.kind, one.values) for one in telling)
    study = Study(metric.key, tuple(float(value or 0.0) for value in target.values), named)
    return Plan(
        title=f"Weigh {len(named)} params of {len(judged):,} runs for {metric.key}",
        effects=(plans.store("the answer, with the job"),),
        undo="nothing to undo: nothing else is changed",
        decided=_Decided(study, left_out, found.notices),
        warnings=found.notices,
    )


def weigh_params(plan: Plan[_Decided], world: World, progress: Progress) -> Done[ParamsWeighed]:
    """Grow the forests."""
    study = plan.decided.study
    with step(progress, f"weigh {len(study.params)} params", 1, 1):
        found = world.open_importance().weigh(study, progress)
    distinct = {column.name: column.distinct for column in study.params}
    weighed = tuple(Weighed(one.param, one.weight, one.spread, distinct[one.param]) for one in found.params)
    answer = ParamsWeighed(
        metric=study.metric,
        params=weighed,
        r2=found.r2,
        runs=found.runs,
        of_runs=len(study.target),
        left_out=plan.decided.left_out,
        method=METHOD,
        trees=found.trees,
        shuffles=found.shuffles,
        seed=found.seed,
        remarks=(*plan.decided.notices, *_remarks(found.r2, len(study.target))),
    )
    heaviest = f"{weighed[0].param} ({weighed[0].weight:.3f})" if weighed else "none"
    return Done(answer, detail=f"{study.metric}: {heaviest}, R2 {found.r2:.2f}")


def _remarks(r2: float, runs: int) -> list[str]:
    weak = f"Out-of-bag R² is {r2:.2f}: the params explain little of the metric, so their order says little."
    sampled = f"A sample of {MOST_RUNS:,} of {runs:,} runs was looked at."
    return [*([weak] if r2 < WEAK_R2 else []), *([sampled] if runs > MOST_RUNS else [])]


def _reason(column: Column) -> str:
    if names_runs(column):
        return f"{len(column.categories)} different texts: it names runs rather than tells them apart"
    return "the same in all runs"


PARAMS = Change(
    "runs params", WeighParams, plan_weighing, weigh_params, "unipipe runs params holdout.pr_auc", danger=Danger.NONE
)
