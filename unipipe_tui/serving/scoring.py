"""What answers for one version: a model in this process or another server. One Protocol, so that nobody asks which."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.validation import Column, Columns

DEFAULT_THRESHOLD = 0.5
PAIR = 2
OFF_ONE_AT_MOST = 1e-3
"""How far the probabilities of a row may be from one together: some are told with few digits."""
Decision = int | str | None
TraceHeaders = Mapping[str, str]
"""Those of the W3C Trace Context, as far as there are any: `traceparent`, `tracestate`."""


@frozen
class Facts:
    """Which version this is, and what it was made of."""

    model: str
    version: int
    digest: str
    threshold: float | None = None
    run_id: str | None = None
    commit: str | None = None
    data: str | None = None
    classes: tuple[Decision, ...] = ()
    """What the columns of its answer stand for, when those are the probabilities of several classes; empty: not known."""


@frozen
class Outcome:
    """What the model says about one record."""

    score: float | None
    """Probability of class 1, or the value a regressor predicts; None when the model names only a class."""
    decision: Decision
    """1 or 0 by the threshold, the class the model names, or None when nothing was decided."""


class Scorer(Protocol):
    """One version that can be asked; safe to call from several threads."""

    @property
    def facts(self) -> Facts:
        """Which version it is."""
        ...

    @property
    def columns(self) -> tuple[Column, ...]:
        """What it must be given."""
        ...

    @property
    def threads(self) -> int:
        """How many requests are worth asking it at the same time."""
        ...

    def mergeable(self, columns: Columns) -> object | None:
        """Requests with equal answers may be scored in one call without changing one another; None: not this one."""
        ...

    def predict(self, columns: Columns, records: int) -> Any:
        """Its own answer, one row per record. Raises Refusing, or whatever the model raises."""
        ...


@frozen
class Beside:
    """What a request says beside its records."""

    params: Mapping[str, object] | None = None
    """What is asked of the model, in protocols that know such a thing."""
    trace: TraceHeaders | None = None
    """For another server, so that its part in the answer is seen as one."""


@runtime_checkable
class TakesMore(Protocol):
    """A scorer that makes use of what is said beside the records."""

    def predict_with(self, columns: Columns, records: int, beside: Beside) -> Any:
        """As `predict`; what the model does not know is passed over. Raises Refusing for params that do not fit."""
        ...


@frozen
class Scored:
    """What came out for one request."""

    output: Any
    """The model's own answer: an array, a table or a list, one row per record."""
    outcomes: list[Outcome]
    classes: tuple[Decision, ...] = ()
    """What the columns of the output stand for, of three classes or more."""

    @property
    def probabilities(self) -> Mapping[str, Sequence[float]]:
        """That of each class by name, parallel to the outcomes; empty for what is no choice among several classes."""
        columns = read_rows(self.output).T.tolist() if self.classes else []
        return {str(name): column for name, column in zip(self.classes, columns, strict=True)}


def score(scorer: Scorer, columns: Columns, records: int, beside: Beside | None = None) -> Scored:
    """Ask and read the answer. Raises what `predict` raises, and Failed when its output is no answer per record."""
    if beside is not None and isinstance(scorer, TakesMore):
        output = scorer.predict_with(columns, records, beside)
    else:
        output = scorer.predict(columns, records)
    classes = classes_told(output) or scorer.facts.classes
    outcomes = read_output(output, scorer.facts.threshold, classes)
    if len(outcomes) != records:
        raise Failed(f"The model returned {len(outcomes)} rows for {records} records.", _OUTPUTS)
    return Scored(output, outcomes, classes if len(classes) > PAIR else ())


def classes_told(answer: Any) -> tuple[Decision, ...]:
    """What a table, or rows with names, call their columns; empty when these are no probabilities of several classes."""
    if hasattr(answer, "columns"):
        return tuple(as_decision(name) for name in answer.columns) if len(answer.columns) > PAIR else ()
    first = answer[0] if isinstance(answer, list) and answer else None
    return tuple(first) if isinstance(first, dict) and len(first) > PAIR else ()


def read_output(answer: Any, threshold: float | None, classes: Sequence[Decision] = ()) -> list[Outcome]:
    """Make one outcome of each row a model returned.

    Two columns are the probabilities of class 0 and 1: the decision is `score >= threshold` (0.5 when None).
    One column of floats is a score; it is decided on only when the bundle has a threshold, since without one it
    may be a plain regression. Three columns or more are the probabilities of `classes`: the decision is the likeliest one.
    Anything else in one column is the class itself. Raises Failed for other shapes.
    """
    rows = read_rows(answer)
    if rows.ndim == 2 and rows.shape[1] == 1:
        rows = rows[:, 0]
    if rows.ndim == 2 and rows.shape[1] == 2 and rows.dtype.kind == "f":
        limit = DEFAULT_THRESHOLD if threshold is None else threshold
        return [_decided(number, limit) for number in rows[:, 1].tolist()]
    if rows.ndim == 1 and rows.dtype.kind == "f":
        return [_decided(number, threshold) for number in rows.tolist()]
    if rows.ndim == 1:
        return [Outcome(None, as_decision(value)) for value in rows.tolist()]
    if _are_probabilities(rows, classes):
        # A row of numbers that are none has no likeliest class.
        known = np.isfinite(rows).all(axis=1).tolist()
        likeliest = rows.argmax(axis=1).tolist()
        return [Outcome(None, classes[at] if told else None) for at, told in zip(likeliest, known, strict=True)]
    raise Failed(f"The model returned {rows.dtype} of shape {rows.shape}, which is no answer per record.", _OUTPUTS)


def read_rows(answer: Any) -> Any:
    """What a model returned as an array; in lists, as other servers tell them, a missing number is NaN."""
    if not isinstance(answer, list):
        return np.asarray(answer)
    if answer and all(isinstance(row, dict) for row in answer):
        answer = [list(row.values()) for row in answer]
    rows = np.asarray(answer)
    if rows.dtype != object:
        return rows
    try:
        return rows.astype(float)
    except (TypeError, ValueError):
        return rows


def rows_of(output: Any, begin: int, end: int) -> Any:
    """A stretch of a model's own answer, in the form it has."""
    return output.iloc[begin:end] if hasattr(output, "iloc") else output[begin:end]


def joined(requests: Sequence[Columns]) -> Columns:
    """The records of several requests with the same columns, one after the other."""
    if len(requests) == 1:
        return requests[0]
    return {name: [value for columns in requests for value in columns[name]] for name in requests[0]}


_OUTPUTS = "A served model returns class probabilities, one score, or one class per record."


def _are_probabilities(rows: Any, classes: Sequence[Decision]) -> bool:
    """Several columns of numbers are an answer only when each row shares one out among known classes."""
    if rows.ndim != 2 or rows.dtype.kind != "f" or rows.shape[1] != len(classes):
        return False
    sums = rows.sum(axis=1)
    return bool(((np.abs(sums - 1) <= OFF_ONE_AT_MOST) | ~np.isfinite(sums)).all() and not (rows < 0).any())


def _decided(number: float, threshold: float | None) -> Outcome:
    if not math.isfinite(number):
        return Outcome(None, None)
    return Outcome(number, None if threshold is None else int(number >= threshold))


def as_decision(value: object) -> Decision:
    """A class as the log and the answer tell it: 1.0, as a column with gaps holds it, is the label 1."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, int) else str(value)
