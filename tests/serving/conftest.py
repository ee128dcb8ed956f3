"""Real models, real bundles and the real server process, shared as widely as the tests allow."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import unipipe_tui
from unipipe_tui.domain.bundles import seal_bundle

from .servers import Sealed, Server, Start, command, free_port, wait_for_port, want


def _save_model(folder: Path, seed: int, flip: bool) -> None:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow.sklearn
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    random = np.random.default_rng(seed)
    rows = 120
    inputs = pd.DataFrame(
        {
            "amount": random.lognormal(3, 1, rows),
            "hour": random.integers(0, 24, rows),
            "night": random.random(rows) < 0.3,
            "region": random.choice(["north", "south"], rows),
        }
    )
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["region"]),
        (SimpleImputer(), ["amount", "hour"]),
        ("passthrough", ["night"]),
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=2000))
    model.fit(inputs, (inputs["amount"] > 20) != flip)
    schema = [
        ColSpec("double", "amount"),
        ColSpec("long", "hour"),
        ColSpec("boolean", "night"),
        ColSpec("string", "region"),
    ]
    optional = [ColSpec("string", "note", required=False), ColSpec("long", "items", required=False)]
    mlflow.sklearn.save_model(
        model,
        str(folder),
        signature=ModelSignature(inputs=Schema(schema + optional)),
        input_example=inputs.head(2),
        pyfunc_predict_fn="predict_proba",
        skops_trusted_types=["numpy.dtype"],
        # As the recipe's models: whoever builds images of both installs the same once.
        pip_requirements=[f"{name}=={version(name)}" for name in ("mlflow", "pandas", "scikit-learn", "skops")],
    )


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sealed, Sealed]:
    """Version 1, and version 2 which thinks the opposite."""
    root = tmp_path_factory.mktemp("bundles")
    made = []
    for number in (1, 2):
        folder = root / f"v{number}"
        folder.mkdir()
        _save_model(folder / "model", seed=number, flip=number == 2)
        made.append(Sealed(folder, seal_bundle(folder, model="fraud", version=number, run_id="r", threshold=0.5)))
    return made[0], made[1]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts servers, and ends those that still run."""
    started: list[subprocess.Popen[str]] = []

    def start_server(sealed: Sealed, *more: str, log: Path | None = None, env: dict[str, str] | None = None) -> Server:
        home = tmp_path_factory.mktemp("server")
        desired, log, port = home / "desired.json", log or home / "log", free_port()
        want(desired, sealed.folder, sealed.bundle.digest)
        process = subprocess.Popen(
            # What was answered is in the log then, so that tests can look at once.
            command(desired, log, port, "--log-mode", "strict", *more),
            cwd=home,
            env={**os.environ, "PYTHONPATH": str(Path(unipipe_tui.__file__).parents[1]), **(env or {})},
            stderr=(home / "stderr").open("w"),
            text=True,
        )
        started.append(process)
        server = Server(process, f"http://127.0.0.1:{port}", desired, log)
        wait_for_port(port)
        server.wait_until(lambda state: bool(state["ready"]), 40)
        return server

    yield start_server
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Sealed]]:
    """One bundle of each kind of model, by a word for it; as in the server, loading one adds nothing to it."""
    from .in_process import save_models

    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    yield save_models(tmp_path_factory.mktemp("models"))
    sys.dont_write_bytecode = before
