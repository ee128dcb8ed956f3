"""What goes to MLflow and what comes back; the only module that knows it."""

from __future__ import annotations

import os
import re
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # MLflow reads it while it is imported

import mlflow
import numpy as np
import pandas as pd
import yaml
from mlflow.entities import Metric
from mlflow.models import infer_signature
from numpy.typing import NDArray
from project import ROOT
from sklearn.pipeline import Pipeline

EXPERIMENT = "fraud-detection"
REQUIREMENTS = ("mlflow", "pandas", "scikit-learn", "skops")
# skops refuses what it does not know; these are the trees of the gradient boosting.
TRUSTED_TYPES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
# What the pipeline itself writes before the model is trained; DVC names each output in a .gitignore.
WRITTEN_BY_PIPELINE = ("dvc.lock", "reports")
FORBIDDEN_IN_KEYS = re.compile(r"[^\w./ -]", re.ASCII)


@dataclass(frozen=True)
class LoggedModel:
    """A model in MLflow, as `reports/run.json` names it."""

    run_id: str
    model_uri: str
    threshold: float


@contextmanager
def training_run() -> Iterator[str]:
    """Open a run of the project's experiment, tagged with the commit, the data and the job; yields its id.

    The tag `git.dirty` is `true` when tracked files were changed and not committed: the commit does not hold them.
    """
    mlflow.set_experiment(experiment_id=_experiment_id())
    tags = {
        "git.commit": _commit(),
        "git.dirty": "true" if uncommitted() else None,
        "data.raw.md5": raw_md5(),
        "unipipe.job": os.environ.get("UNIPIPE_JOB"),
    }
    with mlflow.start_run(tags={key: tag for key, tag in tags.items() if tag}) as run:
        yield run.info.run_id


def log_params(params: dict[str, Any]) -> None:
    """Log a nested section of `params.yaml` with dotted names, as DVC shows it."""
    mlflow.log_params({str(key): value for key, value in pd.json_normalize(params).astype(object).iloc[0].items()})


def log_training_data(train: pd.DataFrame, label: str) -> None:
    """Name the data the run was trained on; its digest is the md5 under which DVC keeps `data/raw`."""
    source = str(ROOT / "data" / "raw")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wonders whether a path is a path, and whether a label may be missing
        dataset = mlflow.data.from_pandas(train, source=source, targets=label, name="data/raw", digest=raw_md5())
        mlflow.log_input(dataset, context="training")


def log_curves(run_id: str, curves: dict[str, list[float]]) -> None:
    """Log metrics that have one value per step, all at once."""
    now = time.time_ns() // 1_000_000
    points = [Metric(key, value, now, step) for key, values in curves.items() for step, value in enumerate(values, 1)]
    client = mlflow.MlflowClient()
    for start in range(0, len(points), 1000):  # MLflow takes no more in one call
        client.log_batch(run_id, metrics=points[start : start + 1000])


def log_model(run_id: str, model: Pipeline, train_inputs: pd.DataFrame, threshold: float) -> LoggedModel:
    """Log the model; loaded as a pyfunc it answers with probabilities, one column per class."""
    example = train_inputs.dropna().head(3).reset_index(drop=True)
    info = mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(train_inputs, model.predict_proba(example)),
        input_example=example,
        pyfunc_predict_fn="predict_proba",
        serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_SKOPS,
        skops_trusted_types=list(TRUSTED_TYPES),
        pip_requirements=[_pinned(package) for package in REQUIREMENTS],
        metadata={"threshold": threshold, "positive": 1},
    )
    return LoggedModel(run_id, f"models:/{info.model_id}", threshold)


def load_probabilities(model: LoggedModel, inputs: pd.DataFrame) -> NDArray[np.float64]:
    """The probability of fraud for each row, from the model as anybody else would load it."""
    _connect()
    probabilities: NDArray[np.float64] = mlflow.pyfunc.load_model(model.model_uri).predict(inputs)[:, 1]
    return probabilities


def log_metrics(model: LoggedModel, metrics: dict[str, float]) -> None:
    """Add metrics to the model's run; characters that MLflow forbids in a key become `_`."""
    _connect()
    allowed = {FORBIDDEN_IN_KEYS.sub("_", key): value for key, value in metrics.items()}
    mlflow.log_metrics(allowed, run_id=model.run_id, model_id=model.model_uri.removeprefix("models:/"))


def raw_md5() -> str | None:
    """The md5 of `data/raw` as DVC recorded it (36 characters, `.dir` at the end); None when DVC does not track it."""
    pointer = ROOT / "data" / "raw.dvc"
    if not pointer.exists():
        return None
    md5: str | None = yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"][0].get("md5")
    return md5


def uncommitted(project: Path = ROOT) -> bool:
    """Whether tracked files of the project differ from its commit, other than those that the pipeline writes."""
    others = [f":(exclude){name}" for name in WRITTEN_BY_PIPELINE]
    look = ["--no-optional-locks", "status", "--porcelain", "--untracked-files=no"]
    return bool(_git(*look, "--", ".", *others, ":(exclude,glob)**/.gitignore", folder=project))


def _connect() -> str:
    """Use the tracking server of the environment, else a file of this project; returns its address."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{ROOT / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    return uri


def _experiment_id() -> str:
    """The id of the project's experiment, made on first use; beside a local database its files stay in the project."""
    uri = _connect()
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is not None:
        return str(experiment.experiment_id)
    location = (ROOT / "mlartifacts").as_uri() if uri.startswith("sqlite:") else None
    return str(client.create_experiment(EXPERIMENT, artifact_location=location))


def _commit() -> str | None:
    """The commit of the code, when the project is in Git and has one."""
    return _git("rev-parse", "HEAD", folder=ROOT)


def _git(*words: str, folder: Path) -> str | None:
    """What Git answers; None when it is not installed or refuses."""
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _pinned(package: str) -> str:
    return f"{package}=={version(package)}"
