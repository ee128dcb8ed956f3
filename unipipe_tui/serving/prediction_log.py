"""Remembers every acknowledged prediction and its label: on disk before the answer goes out, ids in memory."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from uuid import UUID

from unipipe_tui.domain.bundles import Bundle
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.folding import Row, read_columns, read_predictions
from unipipe_tui.serving.models import Outcome
from unipipe_tui.serving.segments import ROWS_PER_SEGMENT, SegmentedLog
from unipipe_tui.serving.validation import Columns

PREDICTIONS = "predictions"
FEEDBACK = "feedback"
Label = int | float | str


class AlreadyPredicted(Exception):
    """Some ids name earlier predictions: a second answer under the same id could never be told from the first."""


@frozen
class Labelled:
    """What became of the labels of one request."""

    accepted: int = 0
    repeated: int = 0
    unknown: list[str] = field(default_factory=list)
    conflicting: list[str] = field(default_factory=list)


def utc_now() -> datetime:
    """The clock of a server in earnest."""
    return datetime.now(UTC)


class PredictionLog:
    """The log of one server process; safe to call from several threads."""

    def __init__(
        self, folder: Path, clock: Callable[[], datetime] = utc_now, rows_per_segment: int = ROWS_PER_SEGMENT
    ) -> None:
        """Make the folder if need be, and read back the ids and labels that it holds. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._clock = clock
        self._lock = Lock()
        self._predictions = SegmentedLog(folder, PREDICTIONS, clock, rows_per_segment)
        self._feedback = SegmentedLog(folder, FEEDBACK, clock, rows_per_segment)
        self._ids = {row[0] for row in read_columns(folder, PREDICTIONS, ("prediction_id",))}
        self._labels: dict[str, Label] = {}
        for prediction_id, label, _at in sorted(
            read_columns(folder, FEEDBACK, ("prediction_id", "label", "at")), key=lambda row: str(row[2])
        ):
            self._labels.setdefault(prediction_id, label)
        self._predictions.fold_leftovers()
        self._feedback.fold_leftovers()

    def record_predictions(
        self, bundle: Bundle, ids: Sequence[str], columns: Columns, outcomes: Sequence[Outcome], began: float
    ) -> None:
        """Append one row per outcome; when this returns, SIGKILL no longer loses them.

        `began` is the `time.perf_counter()` of the request's arrival. Raises AlreadyPredicted, or OSError when
        nothing was written.
        """
        at = self._clock().isoformat(timespec="microseconds")
        latency_ms = round((time.perf_counter() - began) * 1000, 3)
        inputs = [(f"input.{name}", values) for name, values in columns.items()]
        lines = []
        for number, (prediction_id, outcome) in enumerate(zip(ids, outcomes, strict=True)):
            row: dict[str, object] = {
                "prediction_id": prediction_id,
                "at": at,
                "model": bundle.model,
                "version": bundle.version,
                "score": outcome.score,
                "decision": outcome.decision,
                "latency_ms": latency_ms,
            }
            row.update((name, values[number]) for name, values in inputs)
            lines.append(_line(row))
        with self._lock:
            if not self._ids.isdisjoint(ids):
                raise AlreadyPredicted
            self._predictions.append(lines)
            self._ids.update(ids)

    def known_among(self, ids: Sequence[str]) -> frozenset[str]:
        """Those ids that name earlier predictions."""
        with self._lock:
            return frozenset(self._ids.intersection(ids))

    def read_back(self, ids: Collection[str]) -> dict[str, Row]:
        """The rows of earlier predictions, from the disk; those that cannot be read any more are left out."""
        rows: dict[str, Row] = {}
        for row in read_predictions(self._folder, ids):
            rows.setdefault(str(row["prediction_id"]), row)
        return rows

    def record_labels(self, labels: Sequence[tuple[str, Label]]) -> Labelled:
        """Append the labels that are new; the first label of a prediction wins. Raises OSError when not written."""
        at = self._clock().isoformat(timespec="microseconds")
        new: dict[str, Label] = {}
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
                rows = (
                    {"prediction_id": prediction_id, "label": label, "at": at} for prediction_id, label in new.items()
                )
                self._feedback.append([_line(row) for row in rows])
                self._labels.update(new)
        return Labelled(len(new), repeated, unknown, conflicting)

    def close(self) -> None:
        """Sync and close; waits for folding in hand."""
        with self._lock:
            self._predictions.close()
            self._feedback.close()


def new_prediction_ids(how_many: int) -> list[str]:
    """Ids like UUID version 7 (RFC 9562, with the clock's fraction in rand_a): sorted by time, unique by chance.

    The ids of one call are in strictly increasing order.
    """
    first = (time.time_ns() << 12) // 1_000_000
    return [_uuid7(first + number) for number in range(how_many)]


def _uuid7(tick: int) -> str:
    """`tick` counts 1/4096 of a millisecond since 1970."""
    milliseconds, fraction = tick >> 12, tick & 0xFFF
    randomness = int.from_bytes(os.urandom(8)) >> 2
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | randomness))


def _same(one: Label, other: Label) -> bool:
    """Equal, also when one came back as text from a segment whose labels were of several types."""
    return one == other or str(one) == str(other)


def _line(row: Mapping[str, object]) -> bytes:
    return json.dumps(row, default=as_text, separators=(",", ":")).encode() + b"\n"


def as_text(value: object) -> str:
    """Times as ISO 8601, bytes as hexadecimal digits."""
    return value.isoformat() if isinstance(value, datetime) else bytes(value).hex()  # type: ignore[call-overload]
