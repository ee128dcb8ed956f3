"""Checking a version at the gates: champion and candidate are scored on the same holdout and compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from unipipe_tui.actions.vouching import must_be_safe_to_score
from unipipe_tui.actions.world import World
from unipipe_tui.config import GateConfig, GateMetric
from unipipe_tui.domain.aliases_and_tags import CHAMPION, GATES_AGAINST_TAG, GATES_TAG
from unipipe_tui.domain.errors import CheckSaidNo, UsageError
from unipipe_tui.domain.gates import Figures, Gate, judge
from unipipe_tui.domain.ports.tools import Registry
from unipipe_tui.domain.records import GateCheck
from unipipe_tui.domain.tracking import Scored
from unipipe_tui.monitoring.performance import Metrics, evaluate

DEFAULT_THRESHOLD = 0.5


def check_version(world: World, registry: Registry, model: str, version: int) -> GateCheck:
    """Score a version, and the champion when it is another one, on the holdout; judge; record; tag the version.

    Raises:
        UsageError: no gates or no holdout are configured, or the file is missing.
        CheckSaidNo: files of one of them are not those that were registered, or would run a stranger's code.
    """
    holdout = holdout_path(world)
    champion = world.tracking.alias(model, CHAMPION)
    rival = champion if champion != version else None
    gates = gates_of(world.config.gates)
    slices = tuple(dict.fromkeys(gate.by for gate in gates if gate.by))
    candidate = _figures(world, registry, model, version, holdout, slices)
    other = _figures(world, registry, model, rival, holdout, slices) if rival is not None else None
    check = GateCheck(
        model=model,
        version=version,
        champion=rival,
        holdout=file_md5(holdout),
        rows=candidate[""][""].rows,
        results=judge(gates, candidate, other),
        at=world.now(),
        job=world.job_id,
        gates=tuple(gate.sentence for gate in gates),
    )
    world.history.add_gate_check(check)
    registry.set_version_tag(model, version, GATES_TAG, "passed" if check.passed else "failed")
    registry.set_version_tag(model, version, GATES_AGAINST_TAG, str(rival or "none"))
    return check


def open_gates(world: World, model: str, version: int) -> GateCheck | None:
    """The recorded check that lets this version through, None when no gates are configured.

    Raises:
        CheckSaidNo: the version was never checked, did not pass, or its check no longer counts: it was compared with
            another champion, scored on another holdout, or judged by other gates than today's.
    """
    if not world.config.gates:
        return None
    again = f"Check it: unipipe models check {model} {version}"
    checks = world.history.gate_checks(model, version)
    if not checks:
        raise CheckSaidNo(f"{model} version {version} was never checked at the gates.", hint=again)
    newest = checks[0]
    if not newest.passed:
        closed = "; ".join(sentence_of(newest))
        raise CheckSaidNo(f"{model} version {version} does not pass its gates: {closed}.", hint=again)
    champion = world.tracking.alias(model, CHAMPION)
    if newest.champion != champion and champion != version:
        against = "no champion" if newest.champion is None else f"version {newest.champion}"
        raise CheckSaidNo(
            f"{model} version {version} was compared with {against}; the champion is version {champion} now.",
            hint=again,
        )
    if _holdout_changed(world, newest):
        raise CheckSaidNo(f"{model} version {version} was checked on another holdout; check it again.", hint=again)
    if not {gate.sentence for gate in gates_of(world.config.gates)} <= set(newest.gates):
        raise CheckSaidNo(f"{model} version {version} was checked at other gates; check it again.", hint=again)
    return newest


def _holdout_changed(world: World, check: GateCheck) -> bool:
    configured = world.config.data.holdout
    path = None if configured is None else world.root / configured
    # A holdout that is not pulled here cannot be compared; the check still counts.
    return path is not None and path.is_file() and file_md5(path) != check.holdout


def sentence_of(check: GateCheck) -> tuple[str, ...]:
    """What is wrong, one part for each closed gate."""
    parts = []
    for result in check.results:
        if not result.passed:
            where = f" for {result.slice}" if result.slice else ""
            value = "nothing" if result.value is None else f"{result.value:.4f}"
            parts.append(f"{result.gate}{where} is {value}, wanted {result.wanted}")
    return tuple(parts)


def gates_of(configured: Sequence[GateConfig]) -> tuple[Gate, ...]:
    """The gates that the configuration asks for."""
    return tuple(
        Gate(
            metric=config.metric.value,
            at_least=config.at_least,
            beats_champion_within=config.tolerance if config.not_worse_than else None,
            by=config.by,
            minimum_rows=config.minimum_rows,
        )
        for config in configured
    )


def holdout_path(world: World) -> Path:
    """The file that gates are judged on.

    Raises:
        UsageError: none is configured, or it is not there.
    """
    if not world.config.gates:
        raise UsageError(
            "No gates are configured.", hint="Name some in unipipe.yaml:  gates: [{metric: precision, at_least: 0.95}]"
        )
    if world.config.data.holdout is None:
        raise UsageError(
            "No holdout is configured.", hint="Name it in unipipe.yaml:  data: {holdout: data/holdout.parquet}"
        )
    path = world.root / world.config.data.holdout
    if not path.is_file():
        raise UsageError(
            f"The holdout {world.config.data.holdout} is missing.", hint="Make it: unipipe pipeline run, or dvc pull"
        )
    return path


def file_md5(path: Path) -> str:
    """The file's md5, as DVC names content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _figures(
    world: World, registry: Registry, model: str, version: int, holdout: Path, slices: tuple[str, ...]
) -> Mapping[str, Mapping[str, Figures]]:
    label = world.config.data.label
    must_be_safe_to_score(world, registry, model, version)
    scored = registry.score(model, version, holdout, (label, *slices))
    threshold = registry.threshold(model, version)
    decisions = [score >= (DEFAULT_THRESHOLD if threshold is None else threshold) for score in scored.scores]
    labels = [bool(value) for value in scored.columns[label]]
    whole = evaluate(scored.scores, decisions, labels)
    figures: dict[str, Mapping[str, Figures]] = {"": {"": _of(whole.overall)}}
    for column in slices:
        figures[column] = _sliced(scored, decisions, labels, column)
    return figures


def _sliced(scored: Scored, decisions: list[bool], labels: list[bool], column: str) -> dict[str, Figures]:
    names = [str(value) for value in scored.columns[column]]
    return {name: _of(metrics) for name, metrics in evaluate(scored.scores, decisions, labels, names).by_slice}


def _of(metrics: Metrics) -> Figures:
    values = {
        GateMetric.PRECISION.value: metrics.precision.value,
        GateMetric.RECALL.value: metrics.recall.value,
        GateMetric.F1.value: metrics.f1.value,
        GateMetric.ACCURACY.value: metrics.accuracy.value,
        GateMetric.PR_AUC.value: metrics.pr_auc,
        GateMetric.ROC_AUC.value: metrics.roc_auc,
    }
    return Figures(metrics.confusion.labels, values)
