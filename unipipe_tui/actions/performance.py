"""Performance of a target: figures of its windows, estimates until labels are there, changes, causes and a forecast."""

from __future__ import annotations

import math
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from unipipe_tui.actions.action import Look
from unipipe_tui.actions.release.collecting import damage_of
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain.answers import AnswerKind, kind_of
from unipipe_tui.domain.errors import UsageError
from unipipe_tui.domain.serving import AnsweredRows, Value
from unipipe_tui.domain.values import frozen
from unipipe_tui.monitoring.quality.results import Clock, Cut, Loss, Quality, QualityReport, QualitySettings

MOST_ROWS = 50_000
PROBABILITY = "probability."
"""Before the name of a class, in a file as in the log."""
WINDOWS = 20
MOST_WINDOWS = 2_000
"""Each is measured and estimated: a thousand take some ten seconds."""


class AskedFigure(StrEnum):
    """What can be watched: of decisions and classes the first four, of numbers the last two."""

    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    ACCURACY = "accuracy"
    MAE = "mae"
    RMSE = "rmse"


LOSSES = (AskedFigure.MAE, AskedFigure.RMSE)


@frozen
class ShowPerformance:
    """Which target, how much of it, cut how, held against what."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    version: Annotated[int | None, "Version of the model; the one that answered last when left out.", Names.VERSION] = (
        None
    )
    figure: Annotated[
        AskedFigure | None,
        "Figure to watch; `monitoring.performance.metric` when left out, or `loss` of a model that answers numbers.",
    ] = None
    at_least: Annotated[
        float | None, "What the figure must not fall below; as configured, for the configured figure, when left out."
    ] = None
    at_most: Annotated[float | None, "What a loss must not rise above; as configured when left out."] = None
    rows: Annotated[
        int,
        "How many predictions to look at: the latest, as far as labels came at least half of them with their labels.",
    ] = MOST_ROWS
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
    """Show how good a target's answers are, window by window, with intervals; estimated where labels are still to come.

    Whether a model says yes or no, names one of several classes, or answers numbers is told by its log. Of classes
    accuracy, means over the classes and each class's recall are measured, and estimated where the log holds the probability of
    every class; of numbers MAE and RMSE.
    Estimates (CBPE of decisions, DLE of numbers) and what is usual come from a labelled reference: a file, or else the
    oldest 40 % of the labelled traffic. Detectors look for a change of the error, a forecast says when the figure will miss
    what is asked of it if it surely goes there, and a drop is told by the slices it came from.
    """
    if request.rows < 1 or (request.window_rows is not None and request.window_rows < 1):
        raise UsageError("--rows and --window-rows must be 1 or more.")
    target = world.target(request.target)
    version = request.version or world.predictions.window(target, 1).version
    traffic = world.predictions.answered(target, request.rows, version)
    if not traffic.at:
        of_version = "" if version is None else f" by version {version}"
        raise UsageError(f"{target} has answered no prediction{of_version}.", hint=f"unipipe traffic show {target}")
    settings = settings_of(request, traffic, world)
    if settings.cut is Cut.ROWS and len(traffic.at) > settings.window_rows * MOST_WINDOWS:
        raise UsageError(
            f"These are more than {MOST_WINDOWS:,} windows.", hint="Give more --window-rows, or fewer --rows."
        )
    given = None if request.reference is None else _given(request.reference, world)
    report = world.report_quality(traffic, given, settings, str(request.reference or ""))
    damage = damage_of(world, target)
    if damage:
        report = replace(report, notices=(*report.notices, f"{damage}."))
    labels = sum(1 for label in traffic.labels if label is not None)
    return PerformanceView(target, version, len(traffic.at), labels, report)


def settings_of(request: ShowPerformance, traffic: AnsweredRows, world: World) -> QualitySettings:
    """What to look at in these rows: what was asked for, or else what is configured for such answers."""
    wanted = world.config.monitoring.performance
    metric, limit = _watched(request, kind_of(traffic), world)
    return QualitySettings(
        metric=metric,
        limit=limit,
        minimum_labels=wanted.minimum_labels,
        window_rows=request.window_rows or max(wanted.minimum_labels, math.ceil(len(traffic.at) / WINDOWS), 1),
        cut=request.by,
        clock=request.clock,
    )


def _watched(request: ShowPerformance, kind: AnswerKind, world: World) -> tuple[Quality | Loss, float | None]:
    wanted, asked = world.config.monitoring.performance, request.figure
    _refuse_limits_of_others(request, kind)
    if kind is AnswerKind.NUMBERS:
        if asked is not None and asked not in LOSSES:
            raise UsageError(
                f"{asked.value} is no figure of a model that answers numbers.", hint="--figure mae, or rmse"
            )
        loss = wanted.loss.value if asked is None else asked.value
        own = wanted.at_most if loss == wanted.loss.value else None
        return Loss(loss), own if request.at_most is None else request.at_most
    if asked in LOSSES:
        raise UsageError(
            f"{asked.value} is a figure of models that answer numbers.", hint="--figure accuracy, or another"
        )
    figure = wanted.metric.value if asked is None else asked.value
    own = wanted.at_least if figure == wanted.metric.value else None
    return Quality(figure), own if request.at_least is None else request.at_least


def _refuse_limits_of_others(request: ShowPerformance, kind: AnswerKind) -> None:
    if kind is AnswerKind.NUMBERS:
        if request.at_least is not None:
            raise UsageError("A loss has no --at-least.", hint="--at-most says what it must not rise above.")
        if request.at_most is not None and not 0 <= request.at_most < math.inf:
            raise UsageError("--at-most must be a number from 0.")
        return
    if request.at_most is not None:
        raise UsageError("Only a loss has --at-most.", hint="--at-least says what the figure must not fall below.")
    if request.at_least is not None and not 0 <= request.at_least <= 1:
        raise UsageError("--at-least must be a number from 0 to 1.")


def _given(path: Path, world: World) -> AnsweredRows:
    there = world.tables.columns(path)
    label = next((name for name in (world.config.data.label, "label") if name in there), None)
    answered = bool({"score", "decision"} & set(there))
    if label is None or not answered:
        lacks = [*([] if answered else ["score, decision"]), *([] if label else ["the label"])]
        raise UsageError(f"{path} has no column for: {', '.join(lacks)}.", hint=f"It has: {', '.join(there)}.")
    records = world.tables.records(path)
    classes = [name for name in there if name.startswith(PROBABILITY)]
    inputs = [name for name in there if name not in {"score", "decision", label, world.config.data.id, *classes}]
    return AnsweredRows(
        at=(world.now(),) * len(records),
        scores=tuple(_number(record.get("score")) for record in records),
        decisions=tuple(_text(record.get("decision")) for record in records),
        labels=tuple(_text(record[label]) for record in records),
        label_at=(None,) * len(records),
        inputs={name: tuple(record[name] for record in records) for name in inputs},
        probabilities={
            name.removeprefix(PROBABILITY): tuple(_number(record[name]) for record in records) for name in classes
        },
    )


def _text(value: Value) -> str | None:
    """As the log writes it: whole numbers without a point, though a column with gaps holds them as 2.0."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def _number(value: Value) -> float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


SHOW = Look("performance show", ShowPerformance, show_performance, "unipipe performance show")
