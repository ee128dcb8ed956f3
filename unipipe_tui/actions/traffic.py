"""Traffic: asking a target for predictions, telling it what turned out to be true, and what it answered over time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from unipipe_tui.actions.action import Change, Danger, Done, Look
from unipipe_tui.actions.asking import ask
from unipipe_tui.actions.measured_stretches import measured_series
from unipipe_tui.actions.request import OBJECT, Names
from unipipe_tui.actions.world import World
from unipipe_tui.domain import plans
from unipipe_tui.domain.errors import ExitCode, UsageError
from unipipe_tui.domain.plans import Plan
from unipipe_tui.domain.progress import Progress, step
from unipipe_tui.domain.serving import Predicted, Prediction, Record, ScoreCell, TrafficWindow, Value
from unipipe_tui.domain.timelines import Series
from unipipe_tui.domain.values import frozen


@frozen
class Predict:
    """What to score, and where."""

    file: Annotated[Path | None, OBJECT, "Parquet, CSV or JSON-lines file with one record a row."] = None
    record: Annotated[str | None, "One record as a JSON object, instead of a file."] = None
    target: Annotated[str | None, "Target; the only one when left out.", Names.TARGET] = None
    id_column: Annotated[str | None, "Column that becomes the prediction id; `data.id` when the file has it."] = None


@frozen
class PredictOrder:
    """What was decided."""

    target: str
    file: Path | None
    record: Record | None
    id_column: str | None


@frozen
class Predictions:
    """What the target answered."""

    target: str
    model: str
    versions: tuple[int, ...]
    rows: int
    positive: int
    """How many were decided yes."""
    known: int
    """How many were answered before under the same id, with the same inputs: their recorded answers are given again."""
    predictions: tuple[Prediction, ...]


def plan_predict(request: Predict, world: World) -> Plan[PredictOrder]:
    """Send records to a target over HTTP and print its predictions; each is logged with its id, version, time and inputs.

    A record that is sent again under the same id keeps its answer; another one under a known id is refused.
    """
    target = world.target(request.target)
    if (request.file is None) == (request.record is None):
        raise UsageError("Give either a file or --record.", hint="unipipe predict payments.parquet")
    url = _place(world, target)
    record = _record(request.record)
    if request.file is None:
        subject, id_column = "1 record", None
    else:
        columns = world.tables.columns(request.file)
        id_column = request.id_column or (world.config.data.id if world.config.data.id in columns else None)
        if id_column is not None and id_column not in columns:
            raise UsageError(f"{request.file} has no column {id_column!r}.", hint=f"It has: {', '.join(columns)}.")
        subject = f"{world.tables.rows(request.file)} records of {request.file}"
    effects = (plans.serve(f"POST {url}/predict: {subject}; every prediction is logged"),)
    order = PredictOrder(target, request.file, record, id_column)
    return Plan(f"Predict {subject} on {target}", effects, "nothing to undo: predictions are only logged", order)


def predict(plan: Plan[PredictOrder], world: World, progress: Progress) -> Done[Predictions]:
    """Predict."""
    order = plan.decided
    records, ids = _records(order, world)
    with step(progress, f"predict {len(records)} records", 1, 1):
        predicted: Predicted = world.target_of(order.target).predict(records, ids)
    positive = sum(p.decision in (1, "1", "true") for p in predicted.predictions)
    known = len(predicted.known)
    answer = Predictions(
        order.target, predicted.model, predicted.versions, len(records), positive, known, predicted.predictions
    )
    before = f"; {known} of them were answered before" if known else ""
    versions = ", ".join(map(str, predicted.versions))
    return Done(
        answer, detail=f"{len(records):,} prediction{'' if len(records) == 1 else 's'} by version {versions}{before}"
    )


def _place(world: World, target: str) -> str:
    """Where it is asked, as a plan shows it. What cannot tell how it is may answer all the same."""
    return ask(world, target).status.url or target


def _record(text: str | None) -> Record | None:
    if text is None:
        return None
    try:
        record: Any = json.loads(text)
    except ValueError as error:
        raise UsageError(
            f"--record is not JSON: {error}.", hint="""For example: --record '{"amount": 12.5}'"""
        ) from None
    if not isinstance(record, dict):
        raise UsageError("--record must be one JSON object.", hint="""For example: --record '{"amount": 12.5}'""")
    return record


def _records(order: PredictOrder, world: World) -> tuple[tuple[Record, ...], tuple[str, ...] | None]:
    if order.file is None:
        return ((order.record or {}),), None
    records = world.tables.records(order.file)
    if order.id_column is None:
        return records, None
    ids = tuple(str(record[order.id_column]) for record in records)
    return tuple({k: v for k, v in record.items() if k != order.id_column} for record in records), ids


@frozen
class Feedback:
    """What turned out to be true, of which predictions."""

    file: Annotated[Path | None, OBJECT, "CSV, Parquet or JSON-lines file: prediction id and label."] = None
    prediction: Annotated[str | None, "One prediction id, instead of a file."] = None
    label: Annotated[str | None, "The label of that prediction."] = None
    target: Annotated[str | None, "Target; the only one when left out.", Names.TARGET] = None


@frozen
class FeedbackOrder:
    """What was decided."""

    target: str
    labels: tuple[tuple[str, Value], ...]


@frozen
class FeedbackSent:
    """What became of the labels."""

    target: str
    accepted: int
    repeated: int
    unknown: int
    unknown_ids: tuple[str, ...]
    """The first twenty of those that the target never gave."""
    conflicting_ids: tuple[str, ...]
    """Labelled differently before: the first label stands."""

    @property
    def exit_code(self) -> ExitCode:
        """Unknown ids are a failure: those labels are recorded nowhere."""
        return ExitCode.FAILED if self.unknown else ExitCode.DONE


def plan_feedback(request: Feedback, world: World) -> Plan[FeedbackOrder]:
    """Tell a target the labels of its predictions, by prediction id; late and repeated ones are accepted once.

    Exit code 1 when an id is unknown; the other labels are recorded all the same.
    """
    target = world.target(request.target)
    labels = _labels(request, world)
    url = _place(world, target)
    effects = (plans.serve(f"POST {url}/feedback: {len(labels)} labels"),)
    title = f"Tell {target} {len(labels)} labels"
    return Plan(
        title, effects, "nothing to undo: the first label of a prediction stands", FeedbackOrder(target, labels)
    )


def send_feedback(plan: Plan[FeedbackOrder], world: World, progress: Progress) -> Done[FeedbackSent]:
    """Send labels."""
    order = plan.decided
    with step(progress, f"send {len(order.labels)} labels", 1, 1):
        taken = world.target_of(order.target).feedback(order.labels)
    sent = FeedbackSent(
        order.target, taken.accepted, taken.repeated, len(taken.unknown), taken.unknown[:20], taken.conflicting[:20]
    )
    return Done(sent, detail=_taken(len(order.labels), sent))


def _taken(labels: int, sent: FeedbackSent) -> str:
    """`3,500 labels, all new`: how many were sent, how many of them are recorded now, and which have no prediction."""
    new = "all new" if sent.accepted == labels else f"{sent.accepted:,} new"
    unknown = f", {sent.unknown:,} of them for unknown predictions" if sent.unknown else ""
    return f"{labels:,} label{'' if labels == 1 else 's'}, {new}{unknown}"


def _labels(request: Feedback, world: World) -> tuple[tuple[str, Value], ...]:
    if request.file is None:
        if request.prediction is None or request.label is None:
            raise UsageError("Give a file, or --prediction and --label.", hint="unipipe feedback labels.csv")
        return ((request.prediction, _number_or_text(request.label)),)
    columns = world.tables.columns(request.file)
    id_column = next((c for c in ("prediction_id", world.config.data.id) if c in columns), None)
    label_column = next((c for c in (world.config.data.label, "label") if c in columns), None)
    if id_column is None or label_column is None:
        wanted = f"prediction_id or {world.config.data.id}, and {world.config.data.label} or label"
        raise UsageError(f"{request.file} lacks a column.", hint=f"Wanted: {wanted}. It has: {', '.join(columns)}.")
    records = world.tables.records(request.file, (id_column, label_column))
    return tuple((str(r[id_column]), r[label_column]) for r in records if r[label_column] is not None)


def _number_or_text(text: str) -> Value:
    return int(text) if text.lstrip("-").isdigit() else text


STRETCHES = 60
SCORE_CELLS = 10
ONLY_ANSWERS = "The log keeps what was answered: how many requests were refused or failed is not in it."


@frozen
class ShowTraffic:
    """Which target, how much."""

    target: Annotated[str | None, OBJECT, "Target; the only one when left out.", Names.TARGET] = None
    rows: Annotated[int | None, "How many of the latest predictions; `monitoring.window_rows` when left out."] = None


@frozen
class TrafficView:
    """What a target answered: the latest window, how its scores lie, and all the traffic in stretches."""

    target: str
    predictions: int
    labels: int
    window: TrafficWindow
    scores: tuple[ScoreCell, ...]
    """Of the window and of as many predictions before it; none when the model gives no scores."""
    stretches: tuple[TrafficWindow, ...]
    """Of about equally many predictions each, oldest first; each is of one version."""
    notices: tuple[str, ...]
    measured: Series | None = None
    """The figure that is asked of the target, in those stretches that have labels enough."""


def show_traffic(request: ShowTraffic, world: World) -> TrafficView:
    """Show what a target answered: how much, how fast (p50, p95), how often yes, how the scores lie.

    Where labels have come, the watched figure of decisions is told as well, stretch by stretch.
    """
    target = world.target(request.target)
    rows = request.rows if request.rows is not None else world.config.monitoring.window_rows
    if rows < 1:
        raise UsageError("--rows must be 1 or more.")
    predictions, labels = world.predictions.totals(target)
    stretches = world.predictions.stretches(target, STRETCHES)
    return TrafficView(
        target=target,
        predictions=predictions,
        labels=labels,
        window=world.predictions.window(target, rows),
        scores=world.predictions.scores(target, rows, SCORE_CELLS),
        stretches=stretches,
        notices=(ONLY_ANSWERS,),
        measured=measured_series(target, stretches, world),
    )


PREDICT = Change("predict", Predict, plan_predict, predict, "unipipe predict payments.parquet", Danger.NONE)
FEEDBACK = Change("feedback", Feedback, plan_feedback, send_feedback, "unipipe feedback labels.csv", Danger.NONE)
SHOW = Look("traffic show", ShowTraffic, show_traffic, "unipipe traffic show")
