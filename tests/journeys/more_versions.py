"""`more_versions.py` in a trained workspace of the recipe: registers a version as good as version 1, and one that fails.

The second (version 3 where there was only one) fails at every payment from a region that it was not trained on, where the
other two answer. Their numbers are printed.
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
        print(mlflow.register_model(logged.model_uri, "fraud-detector").version)
