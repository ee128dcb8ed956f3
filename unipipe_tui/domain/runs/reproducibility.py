"""Whether a run that was made again came out the same: its metrics, and what else was different."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from unipipe_tui.domain.pipelines import OutputKind, Pipeline, Stage
from unipipe_tui.domain.runs.directions import words_of
from unipipe_tui.domain.values import frozen

CLOCKED = frozenset({"duration", "latency", "seconds", "elapsed", "runtime", "walltime", "throughput"})
"""Words of metrics that tell how fast a machine was."""


@frozen
class MetricAgain:
    """A metric of a run, and of the same run made again."""

    name: str
    before: float | None
    """None: it was not logged."""
    after: float | None
    difference: float | None
    """After minus before."""
    relative: float | None
    """The difference as a share of the value before; None where that is no number, or zero."""
    same: bool
    """Whether it lies within the tolerance."""
    judged: bool = True
    """False for times and figures of the machine: they are never the same twice."""


def compare_metrics(
    before: Mapping[str, float], after: Mapping[str, float], tolerance: float
) -> tuple[MetricAgain, ...]:
    """Every metric of either, by name. Two values are the same when they differ by no more than the tolerance.

    That counts absolutely or as a share of the larger one. NaN is the same as NaN.
    """
    names = sorted(before.keys() | after.keys())
    return tuple(_again(name, before.get(name), after.get(name), tolerance) for name in names)


def _again(name: str, before: float | None, after: float | None, tolerance: float) -> MetricAgain:
    judged = not _clocked(name)
    if before is None or after is None:
        return MetricAgain(name, before, after, None, None, same=False, judged=judged)
    same = math.isclose(before, after, rel_tol=tolerance, abs_tol=tolerance) or (
        math.isnan(before) and math.isnan(after)
    )
    difference = after - before if math.isfinite(before) and math.isfinite(after) else None
    relative = difference / abs(before) if difference is not None and before else None
    return MetricAgain(name, before, after, difference, relative, same, judged)


def _clocked(name: str) -> bool:
    words = words_of(name)
    return name.startswith("system/") or bool(CLOCKED & set(words)) or words[-1:] == ("time",)


@frozen
class ParamValue:
    """One value in a file of params."""

    file: str
    key: str
    """Dotted."""
    text: str
    """As MLflow logs it."""


@frozen
class ParamsWanted:
    """What a run's params ask of the files of params."""

    to_set: tuple[tuple[ParamValue, ParamValue], ...]
    """(As it stands there, as the run had it.)"""
    unknown: tuple[str, ...]
    """Params of the run that no file has, or several."""


def wanted_params(files: Sequence[ParamValue], run: Mapping[str, str]) -> ParamsWanted:
    """Which values of the files must change for a run to have its params.

    A run's param is the value with its whole dotted key, or the only one whose key ends with it: a stage often logs
    its own section alone.
    """
    to_set: list[tuple[ParamValue, ParamValue]] = []
    unknown: list[str] = []
    for key, text in sorted(run.items()):
        found = [value for value in files if value.key == key] or [
            value for value in files if value.key.endswith(f".{key}")
        ]
        if len(found) != 1:
            unknown.append(key)
        elif not same_text(found[0].text, text):
            to_set.append((found[0], ParamValue(found[0].file, found[0].key, text)))
    return ParamsWanted(tuple(to_set), tuple(unknown))


def same_text(first: str, second: str) -> bool:
    """Whether two logged values mean the same: `1` and `1.0` do, and so do `true` and `True`."""
    if first == second or {first, second} in ({"true", "True"}, {"false", "False"}, {"None", "null"}):
        return True
    try:
        return float(first) == float(second)
    except ValueError:
        return False


@frozen
class Adjusted:
    """Data or a param that the run had and its commit does not."""

    kind: str
    """`data` or `param`."""
    name: str
    at_commit: str
    in_run: str


@frozen
class DifferentThen:
    """Something that was not the same when the run was made again."""

    kind: str
    """`param`, `data set`, `package`, or `output`: one that a stage made of the very same inputs."""
    name: str
    then: str | None
    now: str | None


def measuring_stages(pipeline: Pipeline) -> tuple[str, ...]:
    """The stages that write metrics files; empty when none does, and all must run."""
    return tuple(stage.address for stage in pipeline.stages if _measures(stage))


def stages_of_run(pipeline: Pipeline, run_file: str | None) -> tuple[str, ...]:
    """The stages that must run for the metrics of an MLflow run to be there; empty: all.

    Where it is known which stage logs the run, that one and whatever measures behind it: what deploys is left out.
    """
    logging = [stage.address for stage in pipeline.stages if run_file in _paths(stage)] if run_file else []
    if not logging:
        return ()
    behind = {address for stage in logging for address in pipeline.downstream(stage)}
    measuring = [stage.address for stage in pipeline.stages if stage.address in behind and _measures(stage)]
    return tuple(dict.fromkeys([*logging, *measuring]))


def _paths(stage: Stage) -> set[str]:
    return {output.path for output in stage.outputs}


def _measures(stage: Stage) -> bool:
    return any(output.kind is OutputKind.METRIC for output in stage.outputs)


def unstable_outputs(before: Pipeline, after: Pipeline) -> tuple[str, ...]:
    """Outputs that came out different although the stage read the very same things: chance is at work in it.

    Only what the cache keeps counts: reports may name the run or the hour.
    """
    return tuple(
        output.path
        for stage in after.stages
        for output in stage.outputs
        if output.cached and _unstable(before.by_address.get(stage.address), stage, output.path)
    )


def _unstable(before: Stage | None, after: Stage, path: str) -> bool:
    if before is None or before.locked is None or after.locked is None:
        return False
    then, now = before.locked, after.locked
    read_the_same = (then.command, then.params, _values(then.dependencies)) == (
        now.command, now.params, _values(now.dependencies),
    )  # fmt: skip
    return read_the_same and _values(then.outputs).get(path) != _values(now.outputs).get(path)


def _values(marks: Mapping[str, object]) -> dict[str, object]:
    return {path: getattr(mark, "value", None) for path, mark in marks.items()}


def different_texts(then: Mapping[str, str], now: Mapping[str, str]) -> Iterable[tuple[str, str | None, str | None]]:
    """(Name, then, now) of whatever is not the same in both, by name."""
    for name in sorted(then.keys() | now.keys()):
        if name not in then or name not in now or not same_text(then[name], now[name]):
            yield name, then.get(name), now.get(name)
