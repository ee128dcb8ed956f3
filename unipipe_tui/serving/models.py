"""Loads the model of a verified bundle, proves that it answers, and scores columns with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
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
from unipipe_tui.serving.scoring import Facts, score
from unipipe_tui.serving.validation import Column, Columns, Kind, check_records

Predict = Callable[[pd.DataFrame], Any]
SKLEARN = "mlflow.sklearn"
ROW_BY_ROW = frozenset({SKLEARN, "mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost"})
"""Flavors whose models answer for each record by itself; of a model of somebody's own nobody knows."""


@frozen
class ServedModel:
    """One loaded version; requests that began with it end with it."""

    facts: Facts
    columns: tuple[Column, ...]
    predict_frame: Predict
    row_by_row: bool
    threads: int = 1
    """Scoring holds the interpreter's lock most of the time: more threads would only make every request later."""

    def mergeable(self, columns: Columns) -> object | None:
        """The columns that are given, and which of them turn into objects because a truth value is missing."""
        if not self.row_by_row:
            return None
        kinds = [column for column in self.columns if column.kind is Kind.BOOLEAN and column.name in columns]
        return (*columns, *(column.name for column in kinds if None in columns[column.name]))

    def predict(self, columns: Columns, records: int) -> Any:
        """The model's own answer. Raises what the model raises."""
        return self.predict_frame(_frame(columns, self.columns, records))


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
    description = Model.load(path)
    columns = read_columns(description)
    predictor = mlflow.pyfunc.load_model(path)
    flavor = description.flavors.get(mlflow.pyfunc.FLAVOR_NAME, {})
    loader = str(flavor.get(mlflow.pyfunc.MAIN, ""))
    served = ServedModel(_facts(bundle), columns, predictor.predict, loader in ROW_BY_ROW)
    example = _read_example(folder / MODEL_FOLDER)
    if not example:
        return served
    given = _warm_up(served, example)
    direct = _direct(predictor, loader, str(flavor.get("predict_fn") or "predict"))
    if direct is None or not _agree(direct, predictor.predict, _frame(given, columns, len(example))):
        return served
    return ServedModel(served.facts, columns, direct, served.row_by_row)


def _facts(bundle: Bundle) -> Facts:
    return Facts(
        bundle.model, bundle.version, bundle.digest, bundle.threshold, bundle.run_id, bundle.commit, bundle.data
    )


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


def _warm_up(served: ServedModel, example: list[dict[str, object]]) -> Columns:
    """The first prediction is slow and may fail: spend it before any request depends on it."""
    columns, problems = check_records(example, served.columns)
    if problems.total:
        first = problems.listed[0]
        raise Failed(
            f"The model's input example does not fit its signature: {first.field} {first.reason}.",
            "Log the model with an example that fits.",
        )
    try:
        score(served, columns, len(example))
    except Failed:
        raise
    except Exception as error:  # whatever a model may raise, it is a reason not to serve it
        raise Failed(f"The model cannot score its own input example: {error}", "Log it again and try it.") from error
    return columns


def _direct(predictor: Any, loader: str, function: str) -> Predict | None:
    """The model's own function: columns that were checked need not be checked again by MLflow, which takes a millisecond."""
    if loader != SKLEARN:
        return None
    direct: Predict | None = getattr(predictor.get_raw_model(), function, None)
    return direct


def _agree(one: Predict, other: Predict, frame: pd.DataFrame) -> bool:
    """Whether both answer the same, to the bit and in the same form."""
    try:
        first, second = one(frame), other(frame)
    except Exception:  # what the direct way may raise is no fault of the model
        return False
    return type(first) is type(second) and np.array_equal(np.asarray(first), np.asarray(second))


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
    return pd.DataFrame(arrays, index=range(records), copy=False)


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
