"""`more_versions.py` in a trained workspace of the recipe: registers version 2, as good as version 1, and version 3, which fails.

Version 3 fails at every payment from a region that it was not trained on, where the other two answer.
"""

from __future__ import annotations

import sys

sys.path.insert(0, "src")

import mlflow
import pandas as pd
import tracking
from contract import load_contract
from project import ROOT

KNOWN = "models:/fraud-detector/1"

if __name__ == "__main__":
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    model, told = mlflow.sklearn.load_model(KNOWN), mlflow.models.get_model_info(KNOWN)
    inputs = pd.read_parquet(ROOT / "data" / "train.parquet")[load_contract(ROOT / "contract.yaml").inputs]
    for unknown in ("ignore", "error"):
        model["encode"].named_transformers_["onehotencoder"].handle_unknown = unknown
        with tracking.training_run() as run_id:
            logged = tracking.log_model(run_id, model, inputs, told.metadata["threshold"])
        mlflow.register_model(logged.model_uri, "fraud-detector")
