"""Which MLflow run is meant by a name, whether something may be written on it, and how it is told in a plan."""

from __future__ import annotations

import shlex

from unipipe_tui.actions.runs.lost import refuse_if_lost
from unipipe_tui.actions.runs.sync import open_index
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import Refused, UsageError
from unipipe_tui.domain.ports.tools import Registry
from unipipe_tui.domain.runs.query import Comparison, Field, FieldKind, Life, Operator, RunQuery
from unipipe_tui.domain.runs.rows import DVC
from unipipe_tui.domain.runs.tags import RunMarks
from unipipe_tui.domain.tracking import Run

RUN_HELP = "Run id, the beginning of one, or a name that only one run has."
SHOWN_CHARACTERS = 60


def writable_run(world: World, name: str) -> Run:
    """The run of that name, when something can be written on it.

    Raises:
        UsageError: there is none or several, it is a commit or an experiment of DVC, or it or its experiment is deleted.
    """
    [run] = mlflow_runs(world, (name,))
    if run.experiment_deleted:
        raise gone_with_its_experiment(world, run)
    if run.deleted:
        raise UsageError(
            f"Run {named(run)} is deleted: MLflow changes nothing of it.", f"unipipe runs restore {run.run_id}"
        )
    return run


def mlflow_runs(world: World, names: tuple[str, ...]) -> tuple[Run, ...]:
    """The runs with these names, deleted ones too.

    Raises:
        UsageError: a name names none or several, or a commit or an experiment of DVC.
        Failed: their store is not there any more.
    """
    index = open_index(world).index
    runs = index.runs(names)
    for run in runs:
        if run.source == DVC:
            raise UsageError(
                f"{named(run)} is a commit or an experiment of DVC, no run of MLflow: nothing can be written on it.",
                "Git keeps what is said of it: its commit message, or `git notes`.",
            )
    refuse_if_lost(world, {state.name: state for state in index.sources()})
    return runs


def gone_with_its_experiment(world: World, run: Run) -> UsageError:
    """The error for a run that would stay hidden whatever became of it, since its experiment is deleted."""
    this = Comparison(Field(FieldKind.ATTRIBUTE, "run_id"), Operator.EQUAL, run.run_id)
    wanted = Field(FieldKind.ATTRIBUTE, "experiment_id")
    [(_, experiment_id)] = world.run_index.table(RunQuery(this, life=Life.ALL), (wanted,))
    store = f"MLFLOW_TRACKING_URI={shlex.quote(world.tracking_place.shown)}"
    return UsageError(
        f"Run {named(run)} is in the experiment {shown(run.experiment)}, which is deleted.",
        "Restore that; all its runs come back with it: "
        f"{store} mlflow experiments restore --experiment-id {experiment_id}",
    )


def marks_of(registry: Registry, run_id: str) -> RunMarks:
    """What MLflow says of a run now; raises Refused when it is gone."""
    try:
        return registry.run_marks(run_id)
    except UsageError:
        raise moved_since(run_id, "MLflow does not know it any more") from None


def marks_of_active(registry: Registry, run_id: str) -> RunMarks:
    """The same of a run that something is to be written on; raises Refused when it was deleted."""
    marks = marks_in_place(registry, run_id)
    if marks.deleted:
        raise moved_since(run_id, "it is deleted now")
    return marks


def marks_in_place(registry: Registry, run_id: str) -> RunMarks:
    """The same of a run that shall be seen; raises Refused when its experiment was deleted."""
    marks = marks_of(registry, run_id)
    if marks.experiment_deleted:
        raise moved_since(run_id, "its experiment is deleted now")
    return marks


def moved_since(run_id: str, how: str) -> Refused:
    """The error for a run that is not as the plan saw it."""
    return Refused(f"Somebody changed run {run_id[:8]} since the plan: {how}.", f"unipipe runs show {run_id[:8]}")


def named(run: Run) -> str:
    """A run as a plan tells it: the beginning of its id, and its name."""
    return f"{run.run_id[:8]} ({shown(run.name)})" if run.name else run.run_id[:8]


def shown(text: str | None) -> str:
    """A text of a run as a plan tells it, on one line."""
    if text is None:
        return "none"
    printable = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text[:SHOWN_CHARACTERS])
    return f"`{printable}`" + (
        f" and {len(text) - SHOWN_CHARACTERS:,} more characters" if len(text) > SHOWN_CHARACTERS else ""
    )
