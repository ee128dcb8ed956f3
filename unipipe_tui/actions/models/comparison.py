"""One version against another: what they were given, what came of it, the code between them, what they take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.runs.columns import configured_directions
from unipipe_tui.actions.runs.compared_rows import ComparedRow, rows_across
from unipipe_tui.actions.runs.comparison import CodeDifference, code_differences
from unipipe_tui.actions.world import World
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.model_signatures import SignatureColumn
from unipipe_tui.domain.records import GateCheck, GateResult
from unipipe_tui.domain.runs.tags import commit_of, is_dirty
from unipipe_tui.domain.tracking import ModelVersion, Run
from unipipe_tui.domain.values import frozen


@frozen
class CompareVersions:
    """Which two versions of which model."""

    model: Annotated[str, OBJECT, "Registered model.", Names.MODEL]
    first: Annotated[int, OBJECT, "Version that the other one is measured against.", Names.VERSION]
    second: Annotated[int, OBJECT, "Version to compare with it.", Names.VERSION]


@frozen
class VersionSide:
    """One of the two versions."""

    version: int
    aliases: tuple[str, ...]
    created: datetime | None
    run_id: str | None
    commit: str | None


@frozen
class GateChange:
    """One gate, as it was judged for both."""

    gate: str
    slice: str
    first: float | None
    second: float | None
    delta: float | None
    """The second minus the first."""
    first_passed: bool | None
    """None: it was not judged."""
    second_passed: bool | None


@frozen
class FeatureChange:
    """A column that only one of them takes, or that they take as different types."""

    name: str
    first: str | None
    """Its type; None: it takes no such column."""
    second: str | None


@frozen
class VersionComparison:
    """Two versions of a model, the second measured against the first."""

    model: str
    first: VersionSide
    second: VersionSide
    gates: tuple[GateChange, ...]
    rows: tuple[ComparedRow, ...]
    """Attributes, params, metrics, data and tags of their runs; empty when a run is gone."""
    code: CodeDifference | None
    """None when both were made at the same commit, or one of the commits is not known."""
    features: tuple[FeatureChange, ...]
    """Where the inputs differ."""
    features_in_both: int
    """How many inputs are the same."""
    problems: tuple[str, ...]


def compare_versions(request: CompareVersions, world: World) -> VersionComparison:
    """Set two versions of a model side by side: gates, params, metrics with deltas, data, the code between their commits, inputs.

    The second is measured against the first. What is told of metrics is told as by `runs compare`.
    """
    if request.first == request.second:
        raise UsageError("Comparing needs two different versions.", hint=f"unipipe models show {request.model}")
    pair = tuple(world.tracking.version(request.model, number) for number in (request.first, request.second))
    runs = [_run_of(version, world) for version in pair]
    known = [run for run in runs if run is not None]
    rows = rows_across(known, 0, configured_directions(world)) if len(known) == len(pair) else []
    code = code_differences(known, 0, world.git) if len(known) == len(pair) else ()
    inputs = [_inputs(version, world) for version in pair]
    features, alike = _features(*inputs)
    return VersionComparison(
        model=request.model,
        first=_side(pair[0], runs[0]),
        second=_side(pair[1], runs[1]),
        gates=_gates(pair, world),
        rows=tuple(rows),
        code=code[0] if code else None,
        features=features,
        features_in_both=alike,
        problems=(*_gaps(pair, runs), *_silent(pair, inputs)),
    )


def _run_of(version: ModelVersion, world: World) -> Run | None:
    found = world.tracking.runs(1, ids=(version.run_id,)).runs if version.run_id else ()
    return found[0] if found else None


def _side(version: ModelVersion, run: Run | None) -> VersionSide:
    commit = commit_of(run) if run else None
    return VersionSide(version.version, version.aliases, version.created, version.run_id, commit)


def _gates(pair: Sequence[ModelVersion], world: World) -> tuple[GateChange, ...]:
    before, after = (_judged(world.history.gate_checks(one.model, one.version)) for one in pair)
    return tuple(_gate_change(key, before.get(key), after.get(key)) for key in dict.fromkeys([*after, *before]))


GateKey = tuple[str, str]


def _judged(checks: Sequence[GateCheck]) -> Mapping[GateKey, GateResult]:
    """The newest check by gate and slice; a floor and a comparison of one metric are one gate, closed when one of them is."""
    found: dict[GateKey, GateResult] = {}
    for result in checks[0].results if checks else ():
        key = (result.gate, result.slice)
        if key not in found or not result.passed:
            found[key] = result
    return found


def _gate_change(key: GateKey, before: GateResult | None, after: GateResult | None) -> GateChange:
    first, second = before.value if before else None, after.value if after else None
    delta = second - first if first is not None and second is not None else None
    return GateChange(
        gate=key[0],
        slice=key[1],
        first=first,
        second=second,
        delta=delta if delta is not None and math.isfinite(delta) else None,
        first_passed=before.passed if before else None,
        second_passed=after.passed if after else None,
    )


def _inputs(version: ModelVersion, world: World) -> Mapping[str, SignatureColumn] | None:
    signature = world.tracking.signature(version)
    return {column.name: column for column in signature.inputs} if signature else None


def _features(
    before: Mapping[str, SignatureColumn] | None, after: Mapping[str, SignatureColumn] | None
) -> tuple[tuple[FeatureChange, ...], int]:
    if before is None or after is None:
        return (), 0
    names = list(dict.fromkeys([*before, *after]))
    changes = [FeatureChange(name, _type(before.get(name)), _type(after.get(name))) for name in names]
    differing = tuple(change for change in changes if change.first != change.second)
    return differing, len(names) - len(differing)


def _type(column: SignatureColumn | None) -> str | None:
    return None if column is None else column.type + ("" if column.required else ", may be missing")


def _gaps(pair: Sequence[ModelVersion], runs: Sequence[Run | None]) -> list[str]:
    said = [
        f"The run of version {version.version} is not here." for version, run in zip(pair, runs, strict=True) if not run
    ]
    for version, run in zip(pair, runs, strict=True):
        if run and commit_of(run) is None:
            said.append(f"The commit of version {version.version} is not known.")
        if run and is_dirty(run):
            said.append(f"The code of version {version.version} was changed since its commit.")
    return said


def _silent(pair: Sequence[ModelVersion], inputs: Sequence[object]) -> list[str]:
    return [
        f"What version {version.version} takes is not known: its files are not here, or name no signature."
        for version, found in zip(pair, inputs, strict=True)
        if found is None
    ]


COMPARE = Look("models compare", CompareVersions, compare_versions, "unipipe models compare fraud-detector 1 2")
