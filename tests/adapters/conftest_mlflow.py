"""Real MLflow stores for the tests: one database and one folder, made once per process and copied per test."""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Read by MLflow while it is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

import mlflow
import numpy
import pandas
import pytest
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

MODEL = "fraud-detector"
MARKUP = "[bold red]x[/] \x1b[31mred\x1b[0m \x07 'quoted\" %s"


@dataclass(frozen=True)
class Stored:
    """A store that MLflow made, and what was put into it."""

    path: Path
    uri: str
    finished: str
    """The run that logged everything, and the model that became version 1 of MODEL."""
    failed: str
    running: str
    deleted: str

    def client(self) -> MlflowClient:
        """MLflow's own client; opening it may change the store."""
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)
        return MlflowClient(self.uri, self.uri)

    def copied_to(self, folder: Path) -> Stored:
        """The same store at another place."""
        path = folder / self.path.name
        if self.path.is_dir():
            shutil.copytree(self.path, path)
            uri = path.as_uri()
        else:
            shutil.copyfile(self.path, path)
            uri = f"sqlite:///{path}"
        return Stored(path, uri, self.finished, self.failed, self.running, self.deleted)


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """A migrated database with runs and models; for copying, not for writing."""
    folder = tmp_path_factory.mktemp("mlflow-database")
    path = folder / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return _filled(path, f"sqlite:///{path}", (folder / "mlruns").as_uri())


@pytest.fixture(scope="session")
def made_folder(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """An `mlruns` folder with runs and models; for copying, not for writing."""
    path = tmp_path_factory.mktemp("mlflow-folder") / "mlruns"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        patch.chdir(path.parent)
        return _filled(path, path.as_uri(), None)


@pytest.fixture
def database(made_database: Stored, tmp_path: Path) -> Stored:
    """A database of one's own."""
    return made_database.copied_to(tmp_path)


@pytest.fixture
def folder(made_folder: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """An `mlruns` folder of one's own, which MLflow is allowed to open."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return made_folder.copied_to(tmp_path)


@pytest.fixture(params=["database", "folder"])
def store(request: pytest.FixtureRequest) -> Stored:
    """Each form of store in turn."""
    stored = request.getfixturevalue(request.param)
    assert isinstance(stored, Stored)
    return stored


@pytest.fixture(scope="session")
def empty_database(made_database: Stored, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without a run; for copying."""
    path = tmp_path_factory.mktemp("mlflow-empty") / "mlflow.db"
    shutil.copyfile(made_database.path, path)
    with sqlite3.connect(path) as connection:
        for table in ("runs", "params", "metrics", "latest_metrics", "tags", "inputs", "datasets", "model_versions"):
            connection.execute(f"DELETE FROM {table}")
    connection.close()
    return path


@pytest.fixture
def one_store_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow's global settings do not leak into the next test, nor its default artifacts into the working directory."""
    monkeypatch.chdir(tmp_path)
    yield
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri("")


def payments(rows: int = 40) -> pandas.DataFrame:
    """Small payments: two inputs and a region that no model reads."""
    generator = numpy.random.default_rng(7)
    return pandas.DataFrame(
        {
            "amount": generator.normal(100, 20, rows),
            "hour": generator.integers(0, 24, rows).astype("int64"),
            "region": generator.choice(["north", "south"], rows),
        }
    )


def log_model(name: str = "model", *, threshold: float | None = 0.35) -> LogisticRegression:
    """Fit a model on `payments` and log it into the active run with signature and probabilities."""
    inputs = payments()[["amount", "hour"]]
    model = LogisticRegression().fit(inputs, (inputs["amount"] > 100).astype(int))
    mlflow.sklearn.log_model(
        model,
        name=name,
        signature=infer_signature(inputs, model.predict_proba(inputs)),
        pyfunc_predict_fn="predict_proba",
        pip_requirements=["scikit-learn"],
        metadata=None if threshold is None else {"threshold": threshold},
    )
    return model


def _filled(path: Path, uri: str, artifacts: str | None) -> Stored:
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient(uri, uri)
    experiment = client.create_experiment("payments", artifact_location=artifacts and f"{artifacts}/payments")
    finished = _finished_run(client, experiment)
    failed = client.create_run(experiment, start_time=1_700_000_000_000, run_name="failed one").info.run_id
    client.set_terminated(failed, "FAILED", 1_700_000_060_000)
    running = client.create_run(experiment, start_time=1_710_000_000_000, run_name=MARKUP).info.run_id
    deleted = client.create_run(experiment, start_time=1_720_000_000_000).info.run_id
    client.delete_run(deleted)
    client.create_run("0", start_time=1_705_000_000_000, run_name="in default")
    gone = client.create_experiment("gone")
    client.create_run(gone, start_time=1_730_000_000_000)
    client.delete_experiment(gone)
    _register(client, finished)
    return Stored(path, uri, finished, failed, running, deleted)


def _finished_run(client: MlflowClient, experiment: str) -> str:
    with mlflow.start_run(experiment_id=experiment, run_name="first try") as run:
        mlflow.log_params({"depth": 4, "model/lr": "0.1", "note": MARKUP})
        mlflow.set_tags({"author": MARKUP, "empty": ""})
        run_id = str(run.info.run_id)
        for step, value in enumerate((0.5, 0.9, 0.7)):
            client.log_metric(run_id, "auc", value, timestamp=1_700_000_000_000 + step, step=step)
        client.log_metric(run_id, "late", 1.0, timestamp=1_700_000_000_000, step=9)
        client.log_metric(run_id, "late", 2.0, timestamp=1_700_000_009_000, step=1)
        client.log_metric(run_id, "broken", math.nan, timestamp=1_700_000_000_000, step=0)
        client.log_metric(run_id, "recall: at 0.95", -0.0, timestamp=1_700_000_000_000, step=0)
        data = mlflow.data.from_pandas(payments(), name="payments", digest="d41d8cd98f00b204")
        mlflow.log_input(data, context="training")
        log_model()
    return run_id


def _register(client: MlflowClient, run_id: str) -> None:
    [output] = client.get_run(run_id).outputs.model_outputs
    client.create_registered_model(MODEL, description="finds fraud")
    for number in (1, 2, 3):
        source = f"models:/{output.model_id}"
        client.create_model_version(MODEL, source, run_id, tags={"number": str(number), "note": MARKUP})
    client.set_registered_model_alias(MODEL, "champion", "1")
    client.set_registered_model_alias(MODEL, "previous", "1")
    client.set_registered_model_alias(MODEL, "challenger", "2")
    client.transition_model_version_stage(MODEL, "1", "Production")
    client.delete_model_version(MODEL, "3")
    client.create_registered_model("empty-model")
    mlflow.genai.register_prompt("a-prompt", "Say {{ word }}.")
