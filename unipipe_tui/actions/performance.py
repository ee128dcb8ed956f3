"""Performance of a target: figures of its windows, estimates until labels are there, changes, causes and a forecast."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.config import LiveMetric
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.serving import JudgedRows, Value
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.quality.values import Clock, Cut, Quality, QualityReport, QualitySettings

MOST_ROWS = 50_000
WINDOWS = 20
YES = ("1", "1.0", "true", "True")


@frozen
class ShowPerformance:
    """Which target, how much of it, cut how, held against what."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    version: Annotated[int | None, "Version of the model; the one that answered last when left out.", Names.VERSION] = (
        None
    )
    figure: Annotated[LiveMetric | None, "Figure to watch; `monitoring.performance.metric` when left out."] = None
    at_least: Annotated[
        float | None, "What the figure must not fall below; as configured, for the configured figure, when left out."
    ] = None
    rows: Annotated[int, "How many of the latest predictions to look at."] = MOST_ROWS
    window_rows: Annotated[int | None, "Rows of a window; so many that there are about 20 when left out."] = None
    by: Annotated[Cut, "Windows of equally many rows, or of a day (UTC)."] = Cut.ROWS
    clock: Annotated[Clock, "Whether a row belongs to when it was predicted, or to when its label came."] = (
        Clock.PREDICTION
    )
    reference: Annotated[
        Path | None, "Labelled rows to hold it against: a file with the columns score, decision and the label."
    ] = None


@frozen
class PerformanceView:
    """How good a version's decisions are."""

    target: str
    version: int | None
    rows: int
    """How many predictions were looked at."""
    labels: int
    """How many of them have their label."""
    report: QualityReport


def show_performance(request: ShowPerformance, world: World) -> PerformanceView:
    """Show how good a target's decisions are, window by window, with intervals; estimated where labels are still to come.

    Estimates (CBPE) and what is usual come from a labelled reference: a file, or else the oldest 40 % of the labelled traffic.
    Detectors look for a change of the error, a forecast says when the figure will be too low if it surely falls, and a loss is
    told by the slices it came from.
    """
    if request.rows < 1 or (request.window_rows is not None and request.window_rows < 1):
        raise UsageError("--rows and --window-rows must be 1 or more.")
    target = world.target(request.target)
    version = request.version or world.predictions.window(target, 1).version
    traffic = world.predictions.judged(target, request.rows, version)
    if not traffic.at:
        of_version = "" if version is None else f" by version {version}"
        raise UsageError(f"{target} has answered no prediction{of_version}.", hint=f"unipipe traffic show {target}")
    wanted = world.config.monitoring.performance
    figure = request.figure or wanted.metric
    settings = QualitySettings(
        metric=Quality(figure.value),
        limit=wanted.at_least if request.at_least is None and figure is wanted.metric else request.at_least,
        minimum_labels=wanted.minimum_labels,
        window_rows=request.window_rows or max(wanted.minimum_labels, math.ceil(len(traffic.at) / WINDOWS), 1),
        cut=request.by,
        clock=request.clock,
    )
    given = None if request.reference is None else _given(request.reference, world)
    report = world.report_quality(traffic, given, settings, str(request.reference or ""))
    labels = sum(1 for label in traffic.labels if label is not None)
    return PerformanceView(target, version, len(traffic.at), labels, report)


def _given(path: Path, world: World) -> JudgedRows:
    there = world.tables.columns(path)
    label = next((name for name in (world.config.data.label, "label") if name in there), None)
    missing = [name for name in ("score", "decision") if name not in there]
    if label is None or missing:
        lacks = ", ".join([*missing, *(["the label"] if label is None else [])])
        raise UsageError(f"{path} has no column for: {lacks}.", hint=f"It has: {', '.join(there)}.")
    records = world.tables.records(path)
    inputs = [name for name in there if name not in {"score", "decision", label, world.config.data.id}]
    return JudgedRows(
        at=(world.now(),) * len(records),
        scores=tuple(_number(record["score"]) for record in records),
        decisions=tuple(str(record["decision"]) in YES for record in records),
        labels=tuple(None if record[label] is None else str(record[label]) in YES for record in records),
        label_at=(None,) * len(records),
        inputs={name: tuple(record[name] for record in records) for name in inputs},
    )


def _number(value: Value) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


SHOW = Look("performance show", ShowPerformance, show_performance, "unipipe performance show")
