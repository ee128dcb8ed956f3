"""Answers one request: which model scores it, and what is written before the answer goes out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from unipipe_tui.serving.gate import Limits
from unipipe_tui.serving.models import Outcome, ServedModel
from unipipe_tui.serving.prediction_log import AlreadyPredicted, Label, PredictionLog, new_prediction_ids
from unipipe_tui.serving.refusals import Refusing, refuse_with
from unipipe_tui.serving.repeats import Recalled, recall
from unipipe_tui.serving.switch import Switch
from unipipe_tui.serving.validation import Columns, Problem, check_ids, check_records
from unipipe_tui.serving.wire import (
    FeedbackAnswer,
    FeedbackRequest,
    KnownPrediction,
    Prediction,
    PredictionAnswer,
    PredictionRequest,
)

_log = logging.getLogger(__name__)


class Service:
    """Blocking, and safe to call from several threads: the event loop hands requests over and goes on."""

    def __init__(self, switch: Switch, log: PredictionLog, limits: Limits) -> None:
        self._switch = switch
        self._log = log
        self._limits = limits

    def predict(self, request: PredictionRequest, began: float) -> PredictionAnswer:
        """Check, score, write down, answer; `began` is the `time.perf_counter()` of the request's arrival.

        The model is taken once: a switch meanwhile changes nothing for this request. Raises Refusing.
        """
        served = self._switch.served
        if served is None:
            raise Refusing(503, f"No model is loaded: {self._switch.error or 'it is being loaded'}.")
        ids = self._ids_for(request)
        columns, problems = check_records(request.records, served.columns)
        if problems.total:
            raise refuse_with(problems)
        while True:
            try:
                return self._answer(served, ids, columns, began)
            except AlreadyPredicted:
                # Another request was faster with one of these ids: what it was answered is the answer now.
                continue
            except OSError as error:
                raise _not_written(error, "prediction") from error

    def _answer(self, served: ServedModel, ids: Sequence[str], columns: Columns, began: float) -> PredictionAnswer:
        """Score and write down what is new; a repeated record gets its recorded answer. Raises AlreadyPredicted."""
        repeated = recall(self._log, ids, columns)
        answers = {text: one.outcome for text, one in repeated.items()}
        new = [number for number, text in enumerate(ids) if text not in repeated]
        if new:
            new_ids = [ids[number] for number in new]
            new_columns = {name: [values[number] for number in new] for name, values in columns.items()}
            outcomes = _score(served, new_columns, len(new))
            self._log.record_predictions(served.bundle, new_ids, new_columns, outcomes, began)
            answers.update(zip(new_ids, outcomes, strict=True))
        return _told(served, ids, answers, repeated)

    def feedback(self, request: FeedbackRequest) -> FeedbackAnswer:
        """Record the labels that are new. Raises Refusing."""
        # True and 1 are one label; the log knows it as 1.
        labels: list[tuple[str, Label]] = [
            (given.prediction_id, int(given.label) if isinstance(given.label, bool) else given.label)
            for given in request.labels
        ]
        try:
            return FeedbackAnswer(**asdict(self._log.record_labels(labels)))
        except OSError as error:
            raise _not_written(error, "label") from error

    def close(self) -> None:
        """Nothing more will be asked: stop watching, and leave the log in order."""
        self._switch.stop()
        self._log.close()

    def _ids_for(self, request: PredictionRequest) -> list[str]:
        """The caller's ids, or new ones; refuses too many records and ids that do not fit."""
        records = len(request.records)
        if records > self._limits.records:
            raise Refusing(413, f"A request may hold {self._limits.records} records, not {records}.")
        if request.ids is None:
            return new_prediction_ids(records)
        if len(request.ids) != records:
            wrong = Problem(None, "ids", f"there are {len(request.ids)} ids for {records} records")
            raise Refusing(422, "Give one id for each record, or none.", [wrong])
        problems = check_ids(request.ids)
        if problems.total:
            raise Refusing(422, "Some prediction ids cannot be used.", problems.listed)
        return request.ids


def _score(served: ServedModel, columns: Columns, records: int) -> list[Outcome]:
    try:
        return served.score(columns, records)
    except Exception as error:  # a model is somebody's code: whatever it raises is its answer to this request
        _log.exception("model %s %d failed", served.bundle.model, served.bundle.version)
        raise Refusing(500, f"The model failed on these records: {type(error).__name__}: {error}") from error


def _told(
    served: ServedModel, ids: Sequence[str], answers: Mapping[str, Outcome], repeated: Mapping[str, Recalled]
) -> PredictionAnswer:
    return PredictionAnswer(
        model=served.bundle.model,
        version=served.bundle.version,
        predictions=[
            Prediction(prediction_id=text, score=answers[text].score, decision=answers[text].decision) for text in ids
        ],
        known=[
            KnownPrediction(prediction_id=text, model=one.model, version=one.version) for text, one in repeated.items()
        ],
    )


def _not_written(error: OSError, what: str) -> Refusing:
    _log.error("a %s was not written: %s", what, error)
    return Refusing(507, f"The {what} was not recorded, so it does not count: {error.strerror}. Make room and repeat.")
