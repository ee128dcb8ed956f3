"""Stage train: fit the model, choose the threshold that keeps precision, log both to MLflow."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import tracking
from contract import Contract, load_contract
from numpy.typing import NDArray
from project import ROOT, stage_params, write_report
from scoring import DIGITS, metrics, one_thread, threshold_for_precision
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder


def main() -> None:
    """Read `data/train.parquet`; log one MLflow run; write `reports/run.json` and `reports/train.json`."""
    contract = load_contract(ROOT / "contract.yaml")
    params = stage_params("train")
    train = pd.read_parquet(ROOT / "data" / "train.parquet")
    inputs, labels = train[contract.inputs], train[contract.label].to_numpy()

    with one_thread():
        unseen = cross_validate(contract, params, inputs, labels)
        model = build_model(contract, params).fit(inputs, labels)
    threshold = round(threshold_for_precision(labels, unseen.scores, params["precision_target"]), DIGITS)
    found = metrics(labels, unseen.scores, threshold)

    with tracking.training_run() as run_id:
        tracking.log_params(params)
        tracking.log_training_data(train, contract.label)
        logged = tracking.log_model(run_id, model, inputs, threshold)
        tracking.log_curves(run_id, {"loss.train": unseen.train_loss, "loss.validation": unseen.validation_loss})
        tracking.log_metrics(logged, {f"validation.{name}": value for name, value in found.items()})

    write_report("run.json", asdict(logged))
    write_report("train.json", {"threshold": threshold, "loss": unseen.validation_loss[-1], "validation": found})
    print(
        f"train: run {logged.run_id}, threshold {threshold:.3f}, precision {found['precision']:.3f} in cross-validation"
    )


def build_model(contract: Contract, params: dict[str, Any]) -> Pipeline:
    """An unfitted pipeline from raw inputs to probabilities; it takes unknown categories and missing numbers."""
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), contract.categories), remainder="passthrough"
    )
    trees = HistGradientBoostingClassifier(**params["model"], early_stopping=False, random_state=params["seed"])
    return Pipeline([("encode", encode), ("trees", trees)])


@dataclass(frozen=True)
class Unseen:
    """What cross-validation says: each row's score by a model that never saw it, and the mean loss per iteration."""

    scores: NDArray[np.float64]
    train_loss: list[float]
    validation_loss: list[float]


def cross_validate(
    contract: Contract, params: dict[str, Any], inputs: pd.DataFrame, labels: NDArray[np.int64]
) -> Unseen:
    """Train `folds` models, each on all folds but one, and score the one."""
    scores = np.zeros(len(labels))
    train_loss, validation_loss = [], []
    for fit, rest in StratifiedKFold(params["folds"], shuffle=True, random_state=params["seed"]).split(inputs, labels):
        model = build_model(contract, params).fit(inputs.iloc[fit], labels[fit])
        scores[rest] = model.predict_proba(inputs.iloc[rest])[:, 1]
        train_loss.append(loss_per_iteration(model, inputs.iloc[fit], labels[fit]))
        validation_loss.append(loss_per_iteration(model, inputs.iloc[rest], labels[rest]))
    return Unseen(scores, _mean(train_loss), _mean(validation_loss))


def loss_per_iteration(model: Pipeline, inputs: pd.DataFrame, labels: NDArray[np.int64]) -> list[float]:
    """Log loss after each boosting iteration."""
    encoded = model["encode"].transform(inputs)
    steps = model["trees"].staged_predict_proba(encoded)
    return [float(-np.log(probabilities[np.arange(len(labels)), labels]).mean()) for probabilities in steps]


def _mean(losses_per_fold: list[list[float]]) -> list[float]:
    return [round(float(loss), DIGITS) for loss in np.mean(losses_per_fold, axis=0)]


if __name__ == "__main__":
    main()
