"""Remembers every acknowledged prediction and its label: rows in segments on the disk, ids in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from unipipe_tui.domain.rollouts.traffic import STABLE
from unipipe_tui.domain.serving import LogMode
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.folding import Row, as_json, read_columns, read_predictions
from unipipe_tui.serving.log_writer import Entry, LogWriter
from unipipe_tui.serving.metrics import Answerer
from unipipe_tui.serving.scoring import Decision, Outcome
from unipipe_tui.serving.segments import ROWS_PER_SEGMENT, SegmentedLog
from unipipe_tui.serving.validation import Columns

PREDICTIONS = "predictions"
MIRRORED = "shadow"
"""Predictions of shadows, under the ids of the answered ones. Segments of their own: no reader counts a request twice."""
FEEDBACK = "feedback"
MINUTES = "minutes"
"""What the server did in each minute, one row a variant."""
Label = int | float | str


class AlreadyPredicted(Exception):
    """Some ids name earlier predictions: a second answer under the same id could never be told from the first."""


@frozen
class Predicted:
    """Who gave a prediction, and what was decided; one object for all predictions that agree in it."""

    answerer: Answerer
    decision: Decision


@frozen
class NewLabel:
    """A label that was recorded, and the predictions that it tells of: the answered one, and its shadow's."""

    label: Label
    predictions: tuple[Predicted, ...]


@frozen
class Labelled:
    """What became of the labels of one request."""

    new: list[NewLabel] = field(default_factory=list)
    repeated: int = 0
    unknown: list[str] = field(default_factory=list)
    conflicting: list[str] = field(default_factory=list)


@frozen
class Prediction:
    """What is written down of one request."""

    answerer: Answerer
    ids: Sequence[str]
    columns: Columns
    outcomes: Sequence[Outcome]
    seconds: float
    """From the request's arrival to the score."""
    probabilities: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Of each class, by name, of a model that chooses among several and says how likely each is."""


def utc_now() -> datetime:
    """The clock of a server in earnest."""
    return datetime.now(UTC)


class PredictionLog:
    """The log of one server process; safe to call from several threads."""

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], datetime] = utc_now,
        rows_per_segment: int = ROWS_PER_SEGMENT,
        mode: LogMode = LogMode.BEHIND,
    ) -> None:
        """Make the folder if need be, and read back the ids and labels that it holds. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        self.mode = mode
        self._folder = folder
        self._clock = clock
        self._lock = Lock()
        self._same: dict[tuple[str, int, str, Decision], Predicted] = {}
        self._ids = self._read_back_ids(PREDICTIONS)
        self._mirrored = self._read_back_ids(MIRRORED)
        self._labels: dict[str, Label] = {}
        for prediction_id, label, _at in sorted(
            read_columns(folder, FEEDBACK, ("prediction_id", "label", "at")), key=lambda row: str(row[2])
        ):
            self._labels.setdefault(prediction_id, label)
        segments = {
            kind: SegmentedLog(folder, kind, clock, rows_per_segment)
            for kind in (PREDICTIONS, MIRRORED, FEEDBACK, MINUTES)
        }
        for one in segments.values():
            one.fold_leftovers()
        self._writer = LogWriter(segments, mode is LogMode.STRICT)

    @property
    def rows_waiting(self) -> int:
        """Rows that were taken and are not written yet."""
        return self._writer.rows_waiting

    @property
    def most_rows_waiting(self) -> int:
        """How many may wait before no more are taken."""
        return self._writer.most_rows

    def take_most_waited(self) -> int:
        """The most rows that waited since this was asked last."""
        return self._writer.take_most_waited()

    @property
    def failing(self) -> OSError | None:
        """Why nothing can be written at the moment; None: it can."""
        return self._writer.failing

    def record(self, prediction: Prediction) -> Future[None] | None:
        """Take one row per outcome; the answer, in strict mode only, tells when they are on the disk.

        Raises AlreadyPredicted, LogFull, or OSError while nothing can be written; then nothing was taken.
        """
        marks = self._marks(prediction)
        written: Future[None] | None = Future() if self._writer.strict else None
        with self._lock:
            if not self._ids.keys().isdisjoint(marks):
                raise AlreadyPredicted
            self._put(PREDICTIONS, prediction, written)
            self._ids.update(marks)
        if written is not None:
            written.add_done_callback(lambda done: self._forget_unless_written(done, prediction.ids))
        return written

    def record_mirrored(self, prediction: Prediction) -> None:
        """Take a shadow's rows, under the ids of what was answered. Raises LogFull or OSError."""
        self._put(MIRRORED, prediction, None)
        with self._lock:
            self._mirrored.update(self._marks(prediction))

    def known_among(self, ids: Sequence[str]) -> frozenset[str]:
        """Those ids that name earlier predictions."""
        with self._lock:
            return frozenset(self._ids.keys() & set(ids))

    def read_back(self, ids: Collection[str]) -> dict[str, Row]:
        """The rows of earlier predictions, from the disk; those that cannot be read any more are left out.

        Raises OSError when some of them are not written yet and cannot be.
        """
        self._writer.flush()
        rows: dict[str, Row] = {}
        for row in read_predictions(self._folder, ids):
            rows.setdefault(str(row["prediction_id"]), row)
        return rows

    def record_labels(self, labels: Sequence[tuple[str, Label]]) -> Labelled:
        """Write the labels that are new; the first label of a prediction wins. Raises OSError when not written."""
        at = self._clock().isoformat(timespec="microseconds")
        new: dict[str, Label] = {}
        written: Future[None] = Future()
        repeated, unknown, conflicting = 0, [], []
        with self._lock:
            for prediction_id, label in labels:
                earlier = self._labels.get(prediction_id, new.get(prediction_id))
                if prediction_id not in self._ids:
                    unknown.append(prediction_id)
                elif earlier is None:
                    new[prediction_id] = label
                elif _same(earlier, label):
                    repeated += 1
                else:
                    conflicting.append(prediction_id)
            if new:
                rows = [_line({"prediction_id": text, "label": label, "at": at}) for text, label in new.items()]
                self._writer.put(Entry(FEEDBACK, rows, written))
                self._labels.update(new)
        if new:
            self._await_labels(written, new)
        told = [NewLabel(label, self._predictions_of(text)) for text, label in new.items()]
        return Labelled(told, repeated, unknown, conflicting)

    def record_minutes(self, lines: Sequence[bytes]) -> Future[None]:
        """Take what a minute was like; the answer tells when it is written. Raises LogFull or OSError."""
        written: Future[None] = Future()
        self._writer.put(Entry(MINUTES, lines, written))
        return written

    def close(self) -> None:
        """Write what waits, sync and close; waits for folding in hand."""
        self._writer.close()

    def _await_labels(self, written: Future[None], new: Collection[str]) -> None:
        # Not under the lock: the writer's thread may need it to finish what comes before.
        try:
            written.result()
        except OSError:
            with self._lock:
                for text in new:
                    self._labels.pop(text, None)
            raise

    def _put(self, kind: str, prediction: Prediction, written: Future[None] | None) -> None:
        at = self._clock()
        self._writer.put(Entry(kind, _lines(prediction, at), written))

    def _marks(self, prediction: Prediction) -> dict[str, Predicted]:
        told = zip(prediction.ids, prediction.outcomes, strict=True)
        return {text: self._mark(prediction.answerer, one.decision) for text, one in told}

    def _mark(self, answerer: Answerer, decision: Decision) -> Predicted:
        # Not the values themselves as keys: for each request, their hashes would cost more than all else here.
        key = (answerer.model, answerer.version, answerer.variant, decision)
        found = self._same.get(key)
        return found or self._same.setdefault(key, Predicted(answerer, decision))

    def _read_back_ids(self, kind: str) -> dict[str, Predicted]:
        found: dict[str, Predicted] = {}
        names = ("prediction_id", "model", "version", "variant", "decision")
        for prediction_id, model, version, variant, decision in read_columns(self._folder, kind, names):
            found[prediction_id] = self._mark(Answerer(model, version, variant or STABLE), decision)
        return found

    def _predictions_of(self, prediction_id: str) -> tuple[Predicted, ...]:
        found = (self._ids.get(prediction_id), self._mirrored.get(prediction_id))
        return tuple(one for one in found if one is not None)

    def _forget_unless_written(self, done: Future[None], ids: Sequence[str]) -> None:
        if done.exception() is not None:
            with self._lock:
                for text in ids:
                    self._ids.pop(text, None)


def _same(one: Label, other: Label) -> bool:
    """Equal, also when one came back as text from a segment whose labels were of several types."""
    return one == other or str(one) == str(other)


def _lines(prediction: Prediction, at: datetime) -> list[bytes]:
    latency_ms = round(prediction.seconds * 1000, 3)
    told: list[tuple[str, Sequence[object]]] = [
        *((f"probability.{name}", values) for name, values in prediction.probabilities.items()),
        *((f"input.{name}", values) for name, values in prediction.columns.items()),
    ]
    lines = []
    for number, (prediction_id, outcome) in enumerate(zip(prediction.ids, prediction.outcomes, strict=True)):
        row: dict[str, object] = {
            "prediction_id": prediction_id,
            "at": at,
            "model": prediction.answerer.model,
            "version": prediction.answerer.version,
            "variant": prediction.answerer.variant,
            "score": outcome.score,
            "decision": outcome.decision,
            "latency_ms": latency_ms,
        }
        row.update((name, values[number]) for name, values in told)
        lines.append(_line(row))
    return lines


def _line(row: Mapping[str, object]) -> bytes:
    return as_json(row) + b"\n"
