"""What a run measured then beside what its second making measured now, and what else was different."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from unipipe_tui.actions.runs.second_tree import Prepared, SecondTree
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.runs.reproducibility import DifferentThen, different_texts, unstable_outputs
from unipipe_tui.domain.runs.rows import DVC
from unipipe_tui.domain.tracking import Run, Tracking
from unipipe_tui.domain.values import frozen

RUN = "MLflow run"
FILES = "metrics files"


@frozen
class Measured:
    """The metrics of then and of now, and where they were found."""

    compared: str
    """`MLflow run` or `metrics files`."""
    then: Mapping[str, float]
    now: Mapping[str, float]
    run: Run | None
    """The run that was logged now."""


def measured(tree: SecondTree, before: Prepared, started: datetime) -> Measured:
    """Find the metrics that the pipeline, which ran since, left in the second tree, and those to hold them against.

    Raises:
        Failed: it left none.
    """
    original = tree.run
    again = tree.run_again(started) if original.source != DVC else None
    if again is not None:
        then, now = ({metric.key: metric.value for metric in run.metrics} for run in (original, again))
        return Measured(RUN, then, now, again)
    figures = tree.figures()
    own = {metric.key: metric.value for metric in original.metrics if metric.key in figures}
    if own:
        return Measured(FILES, own, {key: figures[key] for key in own}, None)
    if not figures and not before.figures:
        raise Failed("The pipeline left no metrics here: neither an MLflow run nor a metrics file.")
    return Measured(FILES, before.figures, figures, None)


@frozen
class ElseDifferent:
    """What beside the metrics was different, and what nobody knows."""

    differences: tuple[DifferentThen, ...]
    not_compared: tuple[str, ...]


def else_different(tree: SecondTree, before: Prepared, again: Run | None) -> ElseDifferent:
    """Compare outputs, and with the run that was logged now params, data sets and packages."""
    after = tree.second.pipeline.read()
    found = [DifferentThen("output", path, None, None) for path in unstable_outputs(before.pipeline, after)]
    if again is None:
        return ElseDifferent(tuple(found), ("params", "data sets", "packages"))
    original = tree.run
    packages = _packages(tree.first.tracking, original), _packages(tree.tracking, again)
    texts = {
        "param": (dict(original.params), dict(again.params)),
        "data set": ({d.name: d.digest for d in original.datasets}, {d.name: d.digest for d in again.datasets}),
        "package": packages if all(packages) else ({}, {}),
    }
    for kind, (then, now) in texts.items():
        found += [DifferentThen(kind, *told) for told in different_texts(then, now)]
    return ElseDifferent(tuple(found), () if all(packages) else ("packages",))


def _packages(tracking: Tracking, run: Run) -> Mapping[str, str]:
    """What the models of a run were logged with; empty where nobody knows."""
    [files] = tracking.files_of((run,))
    return files.packages or {} if files else {}
