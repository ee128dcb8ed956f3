"""Loads the model of a verified bundle, proves that it answers, and scores columns with it."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unipipe_tui.domain.bundles import MODEL_FOLDER, Bundle, verify_bundle
from unipipe_tui.domain.errors import Failed, Refused
from unipipe_tui.domain.model_files import model_files, told, what_runs_code
from unipipe_tui.domain.values import frozen
from unipipe_tui.serving.matrices import by_position, matrix, matrix_dtype
from unipipe_tui.serving.mlmodel import MlModel, read_mlmodel
from unipipe_tui.serving.refusals import Refusing
from unipipe_tui.serving.scoring import Beside, Decision, Facts, as_decision, score
from unipipe_tui.serving.validation import Column, Columns, Kind, check_records

Predict = Callable[[pd.DataFrame], Any]
PredictMatrix = Callable[[np.ndarray[Any, Any]], Any]
PredictWith = Callable[[pd.DataFrame, dict[str, object]], Any]
SKLEARN = "mlflow.sklearn"
ROW_BY_ROW = frozenset({SKLEARN, "mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost"})
"""Flavors whose models answer for each record by itself; of a model of somebody's own nobody knows."""
BARRED = "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"
"""Whoever sets this may want that MLflow refuses: it is asked then."""


@frozen
class Loaders:
    """How models come into this process. The libraries take seconds, and not every process has or needs both."""

    skops: Callable[[Path, Sequence[str]], Any]
    """A scikit-learn model that is only data: its file, and the types that it may hold."""
    mlflow: Callable[[Path], Any]
    """Any other: its folder."""


@frozen
class ServedModel:
    """One loaded version; requests that began with it end with it."""

    facts: Facts
    columns: tuple[Column, ...]
    predict_frame: Predict
    row_by_row: bool
    threads: int = 1
    """Scoring holds the interpreter's lock most of the time: more threads would only make every request later."""
    predict_frame_with: PredictWith | None = None
    """The same with params; None for a model whose signature names none."""
    example_output: Any | None = None
    """What it answered to its own input example; None without one."""
    predict_matrix: PredictMatrix | None = None
    """The same answer, sooner, where every column is given; None where only a table will do."""

    def mergeable(self, columns: Columns) -> object | None:
        """The columns that are given, and which of them turn into objects because a truth value is missing."""
        if not self.row_by_row:
            return None
        kinds = [column for column in self.columns if column.kind is Kind.BOOLEAN and column.name in columns]
        return (*columns, *(column.name for column in kinds if None in columns[column.name]))

    def predict(self, columns: Columns, records: int) -> Any:
        """The model's own answer. Raises what the model raises."""
        dtype = matrix_dtype(self.columns)
        if self.predict_matrix is not None and dtype is not None and len(columns) == len(self.columns):
            return self.predict_matrix(matrix(columns, self.columns, records, dtype))
        return self.predict_frame(_frame(columns, self.columns, records))

    def predict_with(self, columns: Columns, records: int, beside: Beside) -> Any:
        """As `predict`, with params; raises Refusing when they do not fit. A model without any passes them over."""
        if self.predict_frame_with is None or not beside.params:
            return self.predict(columns, records)
        try:
            return self.predict_frame_with(_frame(columns, self.columns, records), dict(beside.params))
        except Exception as error:
            # MLflow's own exception, told by its word for it, since the library need not be here.
            if getattr(error, "error_code", None) == "INVALID_PARAMETER_VALUE":
                raise Refusing(400, str(error)) from error
            raise


def load_served_model(folder: Path, digest: str, loaders: Loaders, *, allow_pickle: bool = False) -> ServedModel:
    """Verify the bundle, load it and let it score its own input example.

    Raises Refused when the bundle is whole but not the wanted one, or runs code when it is loaded and that is not
    allowed, and a UnipipeError when it is damaged, has no column signature, or cannot answer. Nothing is unpickled
    before the digest agrees.
    """
    bundle = verify_bundle(folder)
    if bundle.digest != digest:
        raise Refused(
            f"The bundle in {folder} has digest {bundle.digest[:12]}…, wanted is {digest[:12]}….",
            "Ask for the digest that the bundle bears.",
        )
    path = folder / MODEL_FOLDER
    described = read_mlmodel(path)
    reasons = what_runs_code(described.flavors, model_files(path))
    if reasons and not allow_pickle:
        raise Refused(
            f"Loading {bundle.model} version {bundle.version} runs code that came with it: {told(reasons)}.",
            "Allow it in unipipe.yaml (model: {allow_pickle: true}), then stop the server and start it again.",
        )
    columns = described.columns()
    with_params: PredictWith | None = None
    if described.loader == SKLEARN and not reasons and BARRED not in os.environ:
        predict, direct = _without_mlflow(path, described, loaders), None
    else:
        predictor = loaders.mlflow(path)
        predict, direct = predictor.predict, _direct(predictor, described)
        with_params = predictor.predict if described.signature.get("params") else None
    facts = replace(_facts(bundle), classes=_classes_of(direct or predict, described))
    served = ServedModel(facts, columns, predict, described.loader in ROW_BY_ROW, predict_frame_with=with_params)
    example = _read_example(path)
    if not example:
        return served
    given, output = _warm_up(served, example)
    served = replace(served, example_output=output)
    if direct is not None and _agree(direct, predict, _frame(given, columns, len(example))):
        served = replace(served, predict_frame=direct)
    if described.loader != SKLEARN:
        return served
    return _with_matrices(served, given, len(example))


def _with_matrices(served: ServedModel, example: Columns, records: int) -> ServedModel:
    """The same model asked without tables, where that answers its example equally."""
    asked = served.predict_frame
    dtype = matrix_dtype(served.columns)
    placed = by_position(getattr(asked, "__self__", None), served.columns)
    if placed is None or dtype is None or len(example) < len(served.columns):
        return served
    sooner: PredictMatrix = getattr(placed, asked.__name__)
    table = _frame(example, served.columns, records)
    given = matrix(example, served.columns, records, dtype)
    if not _agree(lambda _: sooner(given), asked, table):
        return served
    return replace(served, predict_matrix=sooner)


def _facts(bundle: Bundle) -> Facts:
    return Facts(
        bundle.model, bundle.version, bundle.digest, bundle.threshold, bundle.run_id, bundle.commit, bundle.data
    )


def _classes_of(asked: Predict, described: MlModel) -> tuple[Decision, ...]:
    """What the columns of scikit-learn's probabilities stand for."""
    if described.loader != SKLEARN or described.function != "predict_proba":
        return ()
    classes = getattr(getattr(asked, "__self__", None), "classes_", ())
    return tuple(as_decision(one) for one in np.asarray(classes).ravel().tolist())


def _without_mlflow(path: Path, described: MlModel, loaders: Loaders) -> Predict:
    """What MLflow would do after seconds of imports: load the file, and ask the same function of the same model."""
    trusted = described.flavors["sklearn"].get("skops_trusted_types") or ()
    predict: Predict = getattr(loaders.skops(path / described.file, trusted), described.function)
    return predict


def _warm_up(served: ServedModel, example: list[dict[str, object]]) -> tuple[Columns, Any]:
    """The first prediction is slow and may fail: spend it before any request depends on it."""
    columns, problems = check_records(example, served.columns)
    if problems.total:
        first = problems.listed[0]
        raise Failed(
            f"The model's input example does not fit its signature: {first.field} {first.reason}.",
            "Log the model with an example that fits.",
        )
    try:
        return columns, score(served, columns, len(example)).output
    except Failed:
        raise
    except Exception as error:  # whatever a model may raise, it is a reason not to serve it
        raise Failed(f"The model cannot score its own input example: {error}", "Log it again and try it.") from error


def _direct(predictor: Any, described: MlModel) -> Predict | None:
    """The model's own function: columns that were checked need not be checked again by MLflow, which takes a millisecond."""
    if described.loader != SKLEARN:
        return None
    direct: Predict | None = getattr(predictor.get_raw_model(), described.function, None)
    return direct


def _agree(one: Predict, other: Predict, frame: pd.DataFrame) -> bool:
    """Whether both answer the same, to the bit and in the same form, and the first without a warning."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            first = one(frame)
        second = other(frame)
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
