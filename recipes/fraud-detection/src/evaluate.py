"""Stage evaluate: score the holdout with the model of the last training run, overall and by region."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import tracking
from contract import load_contract
from numpy.typing import NDArray
from project import ROOT, write_report
from scoring import curve, metrics, one_thread

SLICE = "region"


def main() -> None:
    """Read `data/holdout.parquet` and `reports/run.json`; write `reports/metrics.json` and `reports/curve.csv`."""
    contract = load_contract(ROOT / "contract.yaml")
    model = tracking.LoggedModel(**json.loads((ROOT / "reports" / "run.json").read_text(encoding="utf-8")))
    holdout = pd.read_parquet(ROOT / "data" / "holdout.parquet")
    labels = holdout[contract.label].to_numpy()
    with one_thread():
        scores = tracking.load_probabilities(model, holdout[contract.inputs])

    overall = metrics(labels, scores, model.threshold)
    by_slice = metrics_by_slice(holdout[SLICE], labels, scores, model.threshold)
    tracking.log_metrics(model, flat(overall, by_slice))
    write_report("metrics.json", {**overall, f"by_{SLICE}": by_slice})
    curve(labels, scores).to_csv(ROOT / "reports" / "curve.csv", index=False)
    print(
        f"evaluate: precision {overall['precision']:.3f}, recall {overall['recall']:.3f} on {len(holdout):,} payments"
    )


def metrics_by_slice(
    slices: pd.Series, labels: NDArray[np.int64], scores: NDArray[np.float64], threshold: float
) -> dict[str, dict[str, float]]:
    """The metrics of each slice alone, by its name."""
    names = slices.to_numpy()
    return {str(name): metrics(labels[names == name], scores[names == name], threshold) for name in sorted(set(names))}


def flat(overall: dict[str, float], by_slice: dict[str, dict[str, float]]) -> dict[str, float]:
    """MLflow's keys: `holdout.precision` and `holdout.precision.<slice>`."""
    slices = {f"holdout.{metric}.{name}": value for name, found in by_slice.items() for metric, value in found.items()}
    return {**{f"holdout.{metric}": value for metric, value in overall.items()}, **slices}


if __name__ == "__main__":
    main()
