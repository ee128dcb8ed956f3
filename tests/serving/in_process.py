"""The whole application in this process over models of several kinds, for tests that ask it thousands of things."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import mlflow.sklearn
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from starlette.testclient import TestClient

from unipipe_tui.domain.bundles import seal_bundle
from unipipe_tui.serving.__main__ import load_bundle
from unipipe_tui.serving.app import build_app
from unipipe_tui.serving.desired import WantedVariant
from unipipe_tui.serving.gate import Limits
from unipipe_tui.serving.metrics import Answerer, Metrics
from unipipe_tui.serving.mirror import Mirror
from unipipe_tui.serving.prediction_log import PredictionLog
from unipipe_tui.serving.scoring import Scorer
from unipipe_tui.serving.service import record_of_shadow
from unipipe_tui.serving.switch import Switch

from .servers import Sealed, share_out, wish

PYFUNC = """
import mlflow.pyfunc
import pandas as pd

class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        given = model_input
        return {body}

mlflow.models.set_model(Model())
"""


def save_models(root: Path) -> dict[str, Sealed]:
    """One bundle of each kind, by a word for it."""
    numbers = [ColSpec("double", "x"), ColSpec("long", "n")]
    frame = pd.DataFrame({"x": [0.5, 1.5, 2.5, 3.5, 4.5, 0.1], "n": [1, 2, 3, 4, 5, 6]})
    classes = [0, 0, 1, 1, 1, 0]
    return {
        "classifier": _sklearn(root / "classifier", LogisticRegression().fit(frame, classes), numbers, frame),
        "words": _sklearn(
            root / "words", LogisticRegression().fit(frame, ["fine" if one else "fraud" for one in classes]), numbers
        ),
        "regressor": _sklearn(
            root / "regressor",
            LinearRegression().fit(frame.astype({"x": "float32"}), frame["x"] * 3),
            [ColSpec("float", "x"), ColSpec("integer", "n")],
        ),
        "probabilities": _sklearn(
            root / "probabilities", LogisticRegression().fit(frame, classes), numbers, frame, "predict_proba"
        ),
        "kinds": _sklearn(
            root / "kinds",
            LogisticRegression().fit(frame, ["eel", "eel", "cat", "dog", "dog", "eel"]),
            numbers,
            frame,
            "predict_proba",
        ),
        "grades": _sklearn(
            root / "grades",
            LogisticRegression().fit(frame, [1.0, 1.0, 2.0, 3.0, 3.0, 1.0]),
            numbers,
            frame,
            "predict_proba",
        ),
        "strings": _pyfunc(
            root / "strings",
            '[f"{a}|{b}" for a, b in zip(given["a"], given["b"] if "b" in given else ["-"] * len(given))]',
            [ColSpec("string", "a"), ColSpec("string", "b", required=False)],
        ),
        "one": _pyfunc(root / "one", 'given["x"].fillna(-1).to_numpy() * 2', [ColSpec("double", "x")]),
        "truths": _pyfunc(
            root / "truths",
            '(given["yes"].astype(int) + 2 * given["n"]).to_frame("sum")',
            [ColSpec("boolean", "yes"), ColSpec("integer", "n")],
        ),
        "times": _pyfunc(
            root / "times",
            'given["at"].astype("int64").rename("nanoseconds")',
            [ColSpec("datetime", "at"), ColSpec("long", "n", required=False)],
        ),
        "bytes": _pyfunc(root / "bytes", '[len(one) for one in given["raw"]]', [ColSpec("binary", "raw")]),
        "columns": _pyfunc(
            root / "columns",
            '[",".join(f"{name}:{given[name].isna().sum()}" for name in given)] * len(given)',
            [
                ColSpec("double", "x"),
                ColSpec("long", "n", required=False),
                ColSpec("double", "z", required=False),
                ColSpec("string", "s", required=False),
            ],
        ),
        "params": _pyfunc(
            root / "params",
            '(given["x"] * params["factor"]).to_numpy() + len(params["word"])',
            [ColSpec("double", "x")],
            ParamSchema([ParamSpec("factor", "double", 10.0), ParamSpec("word", "string", "")]),
        ),
        "numbers": _pyfunc(
            root / "numbers", '(given["u"] + given["v"]).to_numpy()', [ColSpec("double", "u"), ColSpec("float", "v")]
        ),
        "failing": _pyfunc(root / "failing", "1 / 0", [ColSpec("double", "x")]),
    }


def _sklearn(
    folder: Path,
    model: BaseEstimator,
    inputs: list[ColSpec],
    example: pd.DataFrame | None = None,
    function: str = "predict",
) -> Sealed:
    folder.mkdir(parents=True)
    mlflow.sklearn.save_model(
        model,
        str(folder / "model"),
        signature=ModelSignature(inputs=Schema(inputs)),
        input_example=example,
        pyfunc_predict_fn=function,
        skops_trusted_types=["numpy.dtype"],
        pip_requirements=["mlflow"],
    )
    return _seal(folder)


def _pyfunc(folder: Path, body: str, inputs: list[ColSpec], params: ParamSchema | None = None) -> Sealed:
    folder.mkdir(parents=True)
    code = folder.parent / f"{folder.name}.py"
    code.write_text(PYFUNC.format(body=body))
    mlflow.pyfunc.save_model(
        str(folder / "model"),
        python_model=str(code),
        signature=ModelSignature(inputs=Schema(inputs), params=params),
        pip_requirements=["mlflow"],
    )
    return _seal(folder)


def _seal(folder: Path) -> Sealed:
    return Sealed(folder, seal_bundle(folder, model=folder.name, version=1, run_id="r"))


@contextmanager
def served(home: Path, *variants: dict[str, object], limits: Limits | None = None) -> Iterator[TestClient]:
    """A client of an application that shares requests out so."""
    home.mkdir(parents=True, exist_ok=True)
    share_out(home / "desired.json", *variants)
    log, metrics = PredictionLog(home / "log"), Metrics()

    def open_scorer(wanted: WantedVariant) -> Scorer:
        assert wanted.bundle is not None
        return load_bundle(wanted.bundle, wanted.digest, allow_pickle=True)

    def open_mirror(answerer: Answerer, scorer: Scorer) -> Mirror:
        return Mirror(answerer, scorer, metrics, record_of_shadow(log, metrics))

    switch = Switch(home / "desired.json", open_scorer, open_mirror, metrics.prepare)
    app = build_app(switch, log, metrics, None, limits)
    with TestClient(app, raise_server_exceptions=False) as client:
        if variants:
            # With its exceptions: one that came here would be told as no more than a status.
            _wait(TestClient(app))
        yield client


@contextmanager
def served_alone(home: Path, sealed: Sealed, **more: Any) -> Iterator[TestClient]:
    """A client of an application with one model."""
    with served(home, wish(sealed.folder, sealed.bundle.digest), **more) as client:
        yield client


def _wait(client: TestClient) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        state = client.get("/readyz").json()
        if state["ready"]:
            return
        assert not state["error"] or "does not exist" in state["error"], state["error"]
        time.sleep(0.02)
    raise AssertionError("not ready within 30 s")


def printed(rows: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
