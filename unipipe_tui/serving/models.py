"""Loads the model of a verified bundle, proves that it answers, and scores columns with it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.models import Model
from mlflow.types import ColSpec

from unipipe_tui.domain.bundles import MODEL_FOLDER, Bundle, verify_bundle
from unipipe_tui.domain.errors import Failed, Refused, UsageError
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.validation import Column, Columns, Kind, check_records

DEFAULT_THRESHOLD = 0.5
Decision = int | str | None


@frozen
class Outcome:
    """What the model says about one record."""

    score: float | None
    """Probability of class 1, or the value a regressor predicts; None when the model names only a class."""
    decision: Decision
    """1 or 0 by the threshold, the class the model names, or None when nothing was decided."""


@frozen
class ServedModel:
    """One loaded version; requests that began with it end with it."""

    bundle: Bundle
    columns: tuple[Column, ...]
    predictor: Any
    since: datetime

    def score(self, columns: Columns, records: int) -> list[Outcome]:
        """One outcome per record, in order. Raises what the model raises, and Failed when its output is no answer."""
        answer = self.predictor.predict(_frame(columns, self.columns, records))
        outcomes = read_output(answer, self.bundle.threshold)
        if len(outcomes) != records:
            raise Failed(f"The model returned {len(outcomes)} rows for {records} records.", _OUTPUTS)
        return outcomes


def load_served_model(folder: Path, digest: str) -> ServedModel:
    """Verify the bundle, load it and let it score its own input example.

    Raises Refused when the bundle is whole but not the wanted one, and a UnipipeError when it is damaged, has no
    column signature, or cannot answer. Nothing is unpickled before the digest agrees.
    """
    bundle = verify_bundle(folder)
    if bundle.digest != digest:
        raise Refused(
            f"The bundle in {folder} has digest {bundle.digest[:12]}…, wanted is {digest[:12]}….",
            "Ask for the digest that the bundle bears.",
        )
    path = str(folder / MODEL_FOLDER)
    columns = read_columns(Model.load(path))
    served = ServedModel(bundle, columns, mlflow.pyfunc.load_model(path), datetime.now(UTC))
    _warm_up(served, folder)
    return served


def read_columns(model: Model) -> tuple[Column, ...]:
    """The inputs that the signature names; raises UsageError when requests cannot be checked against it."""
    schema = model.get_input_schema()
    if schema is None or schema.is_tensor_spec() or not schema.has_input_names() or not schema.inputs:
        raise UsageError(
            "The model has no signature with named columns, so requests cannot be checked.",
            "Log it with signature=infer_signature(inputs, outputs) where inputs is a DataFrame.",
        )
    return tuple(_column(spec) for spec in schema.inputs)


def _column(spec: ColSpec) -> Column:
    name = getattr(spec.type, "name", "nested")
    if name not in {kind.value for kind in Kind}:
        raise UsageError(f"Input {spec.name!r} has type {spec.type}, which is not served.", "Use flat columns.")
    return Column(str(spec.name), Kind(name), bool(spec.required))


def _warm_up(served: ServedModel, folder: Path) -> None:
    """The first prediction is slow and may fail: spend it before any request depends on it."""
    example = _read_example(folder / MODEL_FOLDER)
    if not example:
        return
    columns, problems = check_records(example, served.columns)
    if problems.total:
        first = problems.listed[0]
        raise Failed(
            f"The model's input example does not fit its signature: {first.field} {first.reason}.",
            "Log the model with an example that fits.",
        )
    try:
        served.score(columns, len(example))
    except Failed:
        raise
    except Exception as error:  # whatever a model may raise, it is a reason not to serve it
        raise Failed(f"The model cannot score its own input example: {error}", "Log it again and try it.") from error


def _read_example(model: Path) -> list[dict[str, object]]:
    """The input example as records; empty when there is none in a form with column names."""
    path = model / "input_example.json"
    if not path.is_file():
        return []
    document = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(document, dict) and {"columns", "data"} <= document.keys():
        return [dict(zip(document["columns"], row, strict=True)) for row in document["data"]]
    return []


def _frame(columns: Columns, kinds: Sequence[Column], records: int) -> pd.DataFrame:
    """A DataFrame of the dtypes that the signature names, so that MLflow's own check has nothing to convert."""
    arrays = {column.name: _array(columns[column.name], column) for column in kinds if column.name in columns}
    return pd.DataFrame(arrays, index=range(records))


def _array(values: list[object], column: Column) -> Any:
    match column.kind:
        case Kind.FLOAT | Kind.DOUBLE:
            return np.array(values, dtype="float32" if column.kind is Kind.FLOAT else "float64")
        case Kind.INTEGER | Kind.LONG:
            return np.array(values, dtype="int32" if column.kind is Kind.INTEGER else "int64")
        case Kind.BOOLEAN if None not in values:
            return np.array(values, dtype=bool)
        case Kind.DATETIME:
            return np.array(values, dtype="datetime64[us]")
        case _:
            return np.array([*values, None], dtype=object)[:-1]


def read_output(answer: Any, threshold: float | None) -> list[Outcome]:
    """Make one outcome of each row a model returned.

    Two columns are the probabilities of class 0 and 1: the decision is `score >= threshold` (0.5 when None).
    One column of floats is a score; it is decided on only when the bundle has a threshold, since without one it
    may be a plain regression. Anything else in one column is the class itself. Raises Failed for other shapes.
    """
    rows = np.asarray(answer)
    if rows.ndim == 2 and rows.shape[1] == 1:
        rows = rows[:, 0]
    if rows.ndim == 2 and rows.shape[1] == 2 and rows.dtype.kind == "f":
        limit = DEFAULT_THRESHOLD if threshold is None else threshold
        return [_decided(score, limit) for score in rows[:, 1].tolist()]
    if rows.ndim == 1 and rows.dtype.kind == "f":
        return [_decided(score, threshold) for score in rows.tolist()]
    if rows.ndim == 1:
        return [Outcome(None, _class(value)) for value in rows.tolist()]
    raise Failed(f"The model returned {rows.dtype} of shape {rows.shape}, which is no answer per record.", _OUTPUTS)


_OUTPUTS = "A served model returns two class probabilities, one score, or one class per record."


def _decided(score: float, threshold: float | None) -> Outcome:
    if not math.isfinite(score):
        return Outcome(None, None)
    return Outcome(score, None if threshold is None else int(score >= threshold))


def _class(value: object) -> Decision:
    if value is None or isinstance(value, str):
        return value
    return int(value) if isinstance(value, int) else str(value)
