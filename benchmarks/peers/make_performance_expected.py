"""What NannyML says of its own data sets, written down: the figures that the estimates of performance are held against.

Run with the Python of an environment that has NannyML 0.13 (and statsmodels, which it needs and does not name):

    python -m venv ENV && ENV/bin/pip install nannyml==0.13.1 statsmodels pyarrow
    ENV/bin/python benchmarks/peers/make_performance_expected.py [--inputs FOLDER]

It writes to tests/monitoring/expected/: `nannyml_performance.json` with the figures, and two Parquet files with scores (in
hundredths, as the sets have them), decisions and labels alone, without the columns the models saw. With --inputs it also writes
the whole sets to a folder, for `benchmarks/performance_peers.py`; those are not committed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import nannyml
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from made_regression import made_regression

EXPECTED = Path(__file__).parents[2] / "tests" / "monitoring" / "expected"
BINARY = ["roc_auc", "average_precision", "f1", "precision", "recall", "specificity", "accuracy"]
MULTICLASS = ["roc_auc", "f1", "precision", "recall", "specificity", "accuracy"]
REGRESSION = ["mae", "mape", "mse", "rmse", "msle", "rmsle"]
CHUNK_ROWS = 5000
MULTICLASS_ROWS = 20000
MULTICLASS_CHUNK_ROWS = 2000
REGRESSION_CHUNK_ROWS = 6000
MADE_ROWS = 6000
MADE_CHUNK_ROWS = 600


def main() -> None:
    """Ask NannyML, and write its answers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=Path)
    inputs: Path | None = parser.parse_args().inputs
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    # NannyML reshapes columns of texts, which the texts of pandas 3 do not allow.
    pd.set_option("future.infer_string", False)
    EXPECTED.mkdir(parents=True, exist_ok=True)
    answers = {
        "made_by": "benchmarks/peers/make_performance_expected.py",
        "nannyml": nannyml.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "car_loan": _car_loan(inputs),
        "credit_cards": _credit_cards(),
        "car_price": _car_price(inputs),
        "made_regression": _made_regression(),
    }
    text = json.dumps(answers) + "\n"
    (EXPECTED / "nannyml_performance.json").write_text(text)


def _car_loan(inputs: Path | None) -> dict[str, Any]:
    reference, analysis, truth = nannyml.load_synthetic_car_loan_dataset()
    analysis = analysis.merge(truth, on="id")
    estimator = nannyml.CBPE(
        problem_type="classification_binary",
        y_pred_proba="y_pred_proba",
        y_pred="y_pred",
        y_true="repaid",
        metrics=BINARY,
        chunk_size=CHUNK_ROWS,
    )
    estimator.fit(reference)
    found = _answer(estimator.estimate(analysis), BINARY, CHUNK_ROWS)
    small = pd.concat(_small(part, ["y_pred_proba"], "y_pred", "repaid") for part in (reference, analysis))
    small.to_parquet(EXPECTED / "car_loan_scores.parquet", index=False, compression="zstd")
    if inputs is not None:
        inputs.mkdir(parents=True, exist_ok=True)
    return {**found, "reference_rows": len(reference), "analysis_rows": len(analysis)}


def _credit_cards() -> dict[str, Any]:
    """The multiclass set; its first rows only, so that the committed file stays small."""
    reference, analysis, truth = nannyml.load_synthetic_multiclass_classification_dataset()
    analysis = analysis.merge(truth, on="id").head(MULTICLASS_ROWS)
    # The model fails only in the second half of the set; the rows of both halves are taken.
    classes = {
        name.removeprefix("y_pred_proba_"): name
        for name in sorted(reference.columns)
        if name.startswith("y_pred_proba_")
    }
    _, all_analysis, all_truth = nannyml.load_synthetic_multiclass_classification_dataset()
    last = all_analysis.merge(all_truth, on="id").tail(MULTICLASS_ROWS // 2)
    analysis = pd.concat([analysis.head(MULTICLASS_ROWS // 2), last], ignore_index=True)
    reference = reference.head(MULTICLASS_ROWS)
    estimator = nannyml.CBPE(
        problem_type="classification_multiclass",
        y_pred_proba=classes,
        y_pred="y_pred",
        y_true="y_true",
        metrics=MULTICLASS,
        chunk_size=MULTICLASS_CHUNK_ROWS,
    )
    estimator.fit(reference)
    found = _answer(estimator.estimate(analysis), MULTICLASS, MULTICLASS_CHUNK_ROWS)
    names = list(classes)
    for part in (reference, analysis):
        part["y_pred"] = part["y_pred"].map(names.index)
        part["y_true"] = part["y_true"].map(names.index)
    small = pd.concat(_small(part, list(classes.values()), "y_pred", "y_true") for part in (reference, analysis))
    small.to_parquet(EXPECTED / "credit_card_scores.parquet", index=False, compression="zstd")
    return {**found, "classes": names, "reference_rows": len(reference), "analysis_rows": len(analysis)}


def _car_price(inputs: Path | None) -> dict[str, Any]:
    reference, analysis, truth = nannyml.load_synthetic_car_price_dataset()
    analysis = analysis.merge(truth, on="id")
    features = ["car_age", "km_driven", "price_new", "accident_count", "door_count", "fuel", "transmission"]
    if inputs is not None:
        for name, part in (("reference", reference), ("analysis", analysis)):
            part[[*features, "y_pred", "y_true"]].to_parquet(inputs / f"car_price_{name}.parquet", index=False)
    found = _regression(reference, analysis, features, REGRESSION_CHUNK_ROWS)
    return {**found, "features": features, "reference_rows": len(reference), "analysis_rows": len(analysis)}


def _made_regression() -> dict[str, Any]:
    columns = ["size", "age", "region", "y_pred", "y_true"]
    frames = []
    for part in made_regression(MADE_ROWS):
        frame = pd.DataFrame(dict(zip(columns, part, strict=True)))
        frame["region"] = frame["region"].map({0: "north", 1: "south", 2: "west"})
        frames.append(frame)
    found = _regression(frames[0], frames[1], columns[:3], MADE_CHUNK_ROWS)
    return {**found, "rows": MADE_ROWS}


def _regression(reference: pd.DataFrame, analysis: pd.DataFrame, features: list[str], rows: int) -> dict[str, Any]:
    estimator = nannyml.DLE(
        feature_column_names=features, y_pred="y_pred", y_true="y_true", metrics=REGRESSION, chunk_size=rows
    )
    estimator.fit(reference)
    return _answer(estimator.estimate(analysis), REGRESSION, rows)


def _small(part: pd.DataFrame, scores: list[str], decision: str, label: str) -> pd.DataFrame:
    hundredths = {f"score_{number}": (part[name] * 100).round().astype("uint8") for number, name in enumerate(scores)}
    return pd.DataFrame(
        {**hundredths, "decision": part[decision].astype("uint8"), "label": part[label].astype("uint8")}
    )


def _answer(result: Any, metrics: list[str], rows: int) -> dict[str, Any]:
    figures = {}
    for period in ("reference", "analysis"):
        table = result.filter(period=period).to_df()
        figures[period] = {
            metric: {
                part: [None if pd.isna(value) else _plain(value) for value in table[(metric, part)]]
                for part in ("value", "realized", "sampling_error", "lower_threshold", "upper_threshold", "alert")
            }
            for metric in metrics
        }
    return {"chunk_rows": rows, **figures}


def _plain(value: Any) -> float | bool:
    return bool(value) if isinstance(value, bool | np.bool_) else float(f"{float(value):.9g}")


if __name__ == "__main__":
    main()
